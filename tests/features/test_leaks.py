"""Nothing after the origin gets in: a property of the whole frame, and canaries for the check."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import LeakingFeature
from contract.panel import Panel, panel_of
from features.dense_panel import DensePanel
from features.feature import Feature, refuse_leaks

DAYS, HS = 420, [1, 2, 7, 8, 14, 28]


def another_future(panel: Panel, origin_ix: int, seed: int) -> Panel:
    """The panel with every sale and past-only fact after the origin changed.

    Other units, lost rows, other opening.
    """
    rng = np.random.default_rng(seed)
    origin = panel.first_day + timedelta(days=origin_ix)
    late = panel.sales["ds"] > origin
    sales = panel.sales.with_columns(
        y=pl.when(late)
        .then(pl.Series(rng.integers(0, 60, panel.sales.height).astype(float)))
        .otherwise("y"),
        is_open=pl.when(late)
        .then(pl.Series(rng.random(panel.sales.height) > 0.2))
        .otherwise("is_open"),
    ).filter(~late | pl.Series(rng.random(panel.sales.height) > 0.3))
    past_only = (panel.covariates["name"] == "customers") & (panel.covariates["ds"] > origin)
    noise = pl.Series(rng.random(panel.covariates.height) * 1000)
    covariates = panel.covariates.with_columns(
        value=pl.when(past_only).then(noise).otherwise("value")
    )
    return panel_of(sales, panel.series, panel.calendar, panel.prices, covariates)


def moved(before: pl.DataFrame, after: pl.DataFrame) -> set[str]:
    """The columns in which two frames of the same rows differ anywhere, exactly."""
    return {
        name for name in before.columns if not before[name].equals(after[name], null_equal=True)
    }


@pytest.fixture(scope="module")
def panel(make_panel) -> Panel:
    """A nasty panel of more than a year."""
    return make_panel(series=6, days=DAYS, seed=8)


@pytest.fixture(scope="module")
def moved_by_the_future(panel, dense_of, frame_at):
    """`moved_by_the_future(origin_ix, seed, add=[])`: features that another future moves."""
    with_truth = dense_of(panel)

    def features_moved(origin_ix: int, seed: int, add: list[Feature] | None = None) -> set[str]:
        def at_origin(dense: DensePanel) -> pl.DataFrame:
            return frame_at(replace(dense, features=[*dense.features, *(add or [])]), origin_ix, HS)

        return moved(
            at_origin(with_truth), at_origin(dense_of(another_future(panel, origin_ix, seed)))
        )

    return features_moved


@settings(max_examples=30)
@given(origin_ix=st.integers(5, DAYS - 2), seed=st.integers(0, 10_000))
def test_changing_what_was_sold_after_the_origin_moves_no_feature(
    moved_by_the_future, origin_ix, seed
):
    assert moved_by_the_future(origin_ix, seed) == set()


@given(origin_ix=st.integers(5, DAYS - 1))
def test_a_row_is_the_same_seen_at_its_origin_and_seen_years_later(
    panel, dense_of, frame_at, origin_ix
):
    """Serving has only the cut panel; training has all of it: a difference is a leak or a skew."""
    cut = panel.up_to(panel.first_day + timedelta(days=origin_ix))
    serving, training = (
        frame_at(dense_of(cut), origin_ix, HS),
        frame_at(dense_of(panel), origin_ix, HS),
    )
    assert moved(serving, training) == set()


@given(origin_ix=st.integers(5, DAYS - 1), horizon=st.integers(28, 60))
def test_a_longer_horizon_changes_no_row(panel, dense_of, frame_at, origin_ix, horizon):
    cut = panel.up_to(panel.first_day + timedelta(days=origin_ix))
    assert (
        moved(
            frame_at(dense_of(cut), origin_ix, HS),
            frame_at(dense_of(cut, horizon=horizon), origin_ix, HS),
        )
        == set()
    )


class TestCanary:
    """Features built to cheat. If one of these gets through, the tests above prove nothing."""

    def test_a_cheat_that_states_where_it_reads_is_refused_when_declared(self):
        cheat = Feature("lags_cheat", "lags", "series", "target", pl.col("y"))
        with pytest.raises(LeakingFeature, match="'lags_cheat' reads \\['y'\\] on the target day"):
            refuse_leaks([cheat], horizon=28)

    @pytest.mark.parametrize(
        "cheat",
        [
            Feature("lags_cheat", "lags", "series", "origin", pl.col("y").shift(-3)),
            Feature("lags_cheat", "lags", "series", "target", pl.col("y")),
            Feature(
                "windows_cheat",
                "windows",
                "series",
                "origin",
                pl.col("y").shift(-14).rolling_mean(28, min_samples=1),
            ),
            Feature("year_cheat", "year", "series", "year", pl.col("y"), ahead=364),
            Feature(
                "hierarchy_cheat", "hierarchy", "store_id", "origin", pl.col("total").shift(-1)
            ),
            Feature("covariates_cheat", "covariates", "series", "target", pl.col("past_customers")),
            Feature(
                "lifecycle_cheat",
                "lifecycle",
                "series",
                "origin",
                pl.col("launch_ix") - pl.col("day_ix"),
            ),
        ],
        ids=[
            "negative shift",
            "target",
            "centred window",
            "too far ahead",
            "group",
            "past-only",
            "launch",
        ],
    )
    def test_a_cheat_smuggled_past_the_gate_is_caught_by_the_property(
        self, moved_by_the_future, cheat
    ):
        origins = (40, 120, 200, 390) if cheat.name != "lifecycle_cheat" else range(10, 380, 30)
        caught = set().union(
            *(moved_by_the_future(origin_ix, 1, add=[cheat]) for origin_ix in origins)
        )
        assert caught == {cheat.name}

    def test_an_honest_feature_added_the_same_way_is_not_caught(self, moved_by_the_future):
        honest = Feature("lags_honest", "lags", "series", "origin", pl.col("y").shift(3))
        assert moved_by_the_future(200, 1, add=[honest]) == set()

    def test_the_other_future_is_really_another(self, panel):
        changed = another_future(panel, 200, 1).sales
        origin = panel.first_day + timedelta(days=200)
        assert changed.filter(pl.col("ds") <= origin).equals(
            panel.sales.filter(pl.col("ds") <= origin)
        )
        assert not changed.filter(pl.col("ds") > origin).equals(
            panel.sales.filter(pl.col("ds") > origin)
        )
