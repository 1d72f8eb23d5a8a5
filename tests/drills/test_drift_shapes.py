"""Drifts: nothing before the day moves, units stay whole, and what is said to change changes by as
much.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from drills.drift_shapes import SHAPES, DriftShape

BY_NAME = {shape.name: shape for shape in SHAPES}


@pytest.fixture(scope="module")
def panel(make_panel):
    return make_panel(series=40, days=200, seed=8, nasty=False)


def drifted(panel, name: str, size: float):
    since = panel.last_day - timedelta(days=55)
    return since, BY_NAME[name].apply(panel, since, size, np.random.default_rng(2))


def units(panel, since) -> float:
    return float(panel.sales.filter(pl.col("ds") >= since)["y"].sum())


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_nothing_before_the_day_moves_and_units_stay_whole(panel, shape: DriftShape):
    since, after = drifted(panel, shape.name, shape.sizes[-1])
    before = pl.col("ds") < since
    columns = ["unique_id", "ds", "y", "known_at"]
    assert (
        after.sales.filter(before)
        .select(columns)
        .sort("unique_id", "ds")
        .equals(panel.sales.filter(before).select(columns).sort("unique_id", "ds"))
    )
    y = after.sales["y"].drop_nulls().to_numpy()
    assert (y >= 0).all()
    assert (y == np.round(y)).all() or shape.name == "unit_change"
    assert (
        after.prices.filter(pl.col("to_ds") < since).height
        >= panel.prices.filter(pl.col("to_ds") < since).height
    )


@pytest.mark.parametrize(
    ("name", "factor"),
    [("nothing", 1.0), ("level_shift", 1.2), ("level_drop", 0.8), ("mix_change", 1.0)],
)
def test_demand_changes_by_the_factor_it_says(panel, name, factor):
    since, after = drifted(panel, name, 0.2)
    assert units(after, since) / units(panel, since) == pytest.approx(factor, abs=0.06)


def test_prices_rise_and_demand_falls(panel):
    since, after = drifted(panel, "price_shock", 0.2)
    late = pl.col("from_ds") >= since
    means = [float(one.prices.filter(late)["price"].mean()) for one in (after, panel)]
    assert means[0] / means[1] == pytest.approx(1.2, abs=0.02)
    assert units(after, since) / units(panel, since) == pytest.approx(1.2**-1.5, abs=0.06)


def test_new_series_have_no_past_and_take_over_what_the_old_ones_sold(panel):
    since, after = drifted(panel, "assortment_churn", 0.4)
    new = after.series.filter(pl.col("unique_id").str.starts_with("NEW_"))
    assert new.height == 16
    assert (
        after.sales.join(new.select("unique_id"), on="unique_id", how="semi")["ds"].min() >= since
    )
    assert units(after, since) == units(panel, since)


def test_the_feed_says_how_long_a_shelf_was_empty(panel):
    since, after = drifted(panel, "stockout_wave", 0.4)
    assert after.sales.filter(pl.col("ds") >= since)["stockout_share"].fill_null(
        0
    ).mean() == pytest.approx(0.28, abs=0.03)
    assert units(after, since) < 0.85 * units(panel, since)
