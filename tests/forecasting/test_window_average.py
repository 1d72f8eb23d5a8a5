"""The simpler models: what same weekdays sold on average, alone and with groups' totals."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from contract.params import GroupParams
from features.dense_panel import vocabulary_of
from features.hierarchy import group_index, sum_by
from forecasting.group_totals import expected_totals, sums_of_groups
from forecasting.window_average import WEEKS, WindowAverage

HORIZON = 14
WHOLE = GroupParams(
    columns=["store_id", "dept_id"], shape_strength=1, level_strength=1, ridge=1.0, pull=1.0
)


def test_it_is_the_mean_of_the_last_same_weekdays(unfitted, weekly_panel):
    rows = WindowAverage(unfitted().feature_recipe).forecast(
        weekly_panel, weekly_panel.last_day, HORIZON
    )
    series, day = rows["unique_id"][0], weekly_panel.last_day + timedelta(days=9)
    same = [day - timedelta(days=7 * k) for k in range(2, 2 + WEEKS)]
    by_hand = weekly_panel.sales.filter(pl.col("unique_id") == series, pl.col("ds").is_in(same))[
        "y"
    ].mean()
    assert rows.filter(unique_id=series, ds=day)["y_hat"].item() == pytest.approx(by_hand)


def test_every_series_and_day_has_its_row_and_the_never_sold_none(unfitted, nasty_panel):
    rows = (
        WindowAverage(unfitted().feature_recipe)
        .fit(nasty_panel)
        .forecast(nasty_panel, nasty_panel.last_day, HORIZON)
    )
    assert rows.height == nasty_panel.series.height * HORIZON
    assert rows["h"].unique().sort().to_list() == list(range(1, HORIZON + 1))


def test_with_groups_its_sums_are_those_the_groups_expect(unfitted, weekly_panel):
    recipe = unfitted().feature_recipe
    rows = WindowAverage(recipe, WHOLE).forecast(weekly_panel, weekly_panel.last_day, HORIZON)
    dense = recipe.dense_panel(weekly_panel, HORIZON, vocabulary_of(weekly_panel))
    sums = sums_of_groups(dense, WHOLE.columns, HORIZON)
    expected = expected_totals(dense.groups, sums, WHOLE, HORIZON)
    group_ix = group_index(dense.series, WHOLE.columns)
    table = rows.sort("unique_id", "h")["y_hat"].to_numpy().reshape(-1, HORIZON)
    assert sum_by(table, group_ix, len(expected))[0] == pytest.approx(expected)


def test_a_late_feed_is_forecast_from_the_last_known_day(unfitted, weekly_panel):
    origin = weekly_panel.last_day
    late = weekly_panel.up_to(origin - timedelta(days=2))
    rows = WindowAverage(unfitted().feature_recipe).forecast(late, origin, HORIZON)
    assert rows["y_hat"].null_count() == 0
    assert rows["ds"].min() == origin + timedelta(days=1)


def test_days_after_the_origin_change_nothing(unfitted, weekly_panel):
    origin = weekly_panel.last_day - timedelta(days=20)
    whole, cut = weekly_panel, weekly_panel.up_to(origin)
    tables = [
        WindowAverage(unfitted().feature_recipe, WHOLE).forecast(p, origin, HORIZON)["y_hat"]
        for p in (whole, cut)
    ]
    assert np.array_equal(*[table.to_numpy() for table in tables])
