"""A forecast reads a tail: last days and `before` give the features the whole panel gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from contract.days import YEAR
from features.declared import look_back_days

HS = [1, 8, 28]
ANY_SHARE = 0.25


@pytest.fixture(scope="module")
def panel(make_panel):
    """Twenty months, so that a year and the longest window leave some out."""
    return make_panel(series=9, days=620, seed=21)


def _row_of(dense_of, frame_at, panel):
    dense = dense_of(panel)
    return frame_at(dense, dense.last_known, HS)


@given(spare=st.integers(0, 150))
def test_the_days_a_forecast_reads_give_every_feature_as_all_days_do(
    panel, dense_of, frame_at, feature_params, spare
):
    tail = panel.since(
        panel.last_day - timedelta(days=YEAR + look_back_days(feature_params) + spare), ANY_SHARE
    )
    whole = _row_of(dense_of, frame_at, panel)
    assert_frame_equal(
        whole, _row_of(dense_of, frame_at, tail), check_exact=False, rel_tol=1e-6, abs_tol=1e-6
    )


def test_fewer_days_than_that_do_not(panel, dense_of, frame_at):
    whole, short = (
        _row_of(dense_of, frame_at, p)
        for p in (panel, panel.since(panel.last_day - timedelta(days=200), ANY_SHARE))
    )
    changed = [name for name in whole.columns if not whole[name].equals(short[name])]
    assert [name for name in changed if name.startswith("year_")]


def test_a_series_that_sold_long_ago_alone_is_known_to_have_sold(panel, dense_of, frame_at):
    """Without `before` it would be one that never sold."""
    until = panel.first_day + timedelta(days=90)
    sleeper = panel.sales.filter(pl.col("ds") <= until, pl.col("y") > 0)["unique_id"][0]
    awake = (pl.col("unique_id") != sleeper) | (pl.col("ds") <= until)
    quiet = replace(panel, sales=panel.sales.filter(awake))
    row = _row_of(
        dense_of, frame_at, quiet.since(panel.last_day - timedelta(days=500), ANY_SHARE)
    ).filter(unique_id=sleeper)
    assert row["lifecycle_days_since_sale"].min() > 500
    assert row["lifecycle_age"].min() > row["lifecycle_days_since_sale"].max()
