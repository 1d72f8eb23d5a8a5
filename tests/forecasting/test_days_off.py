"""What is published of a store that keeps days of its own: mean and quantiles of the day, open or
not; and how the backtest scores it.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.levels import SERIES_LEVEL, levels_of
from contract.panel import Panel, panel_of
from contract.params import InferenceParams
from features.dense_panel import FeatureRecipe
from forecasting.actuals import with_actuals
from forecasting.backtest import BacktestPlan, backtest
from forecasting.champion import Champion
from forecasting.columns import OPEN_SHARE
from forecasting.explain import explain, with_open_share
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration, Ratios, quantiles_of_days
from forecasting.pairs import pairs_of
from forecasting.publication import Serving, publish_forecasts
from forecasting.scoring import score_backtest
from forecasting.seasonal_naive import SeasonalNaive
from forecasting.window import window_after

MONDAY = date(2024, 1, 1)
RULES = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)
LEVELS = levels_of(((),))
WEEKS = 24
LAST = MONDAY + timedelta(days=7 * WEEKS - 1)
UNITS = 8.0
# a ninth of the distribution at each of 0.2, 0.4, ... 1.8 times the mean
STEPS = Calibration({"series": [Ratios([UNITS], [[0.2 * k for k in range(1, 10)]], [0.0] * 9)]})


@pytest.fixture
def panel(sales_of) -> Panel:
    """Three stores of eight units a day; `a` opens on every other Tuesday."""
    always = [UNITS] * 7 * WEEKS
    off = {1 + 14 * k for k in range(WEEKS // 2)}
    units = {"a": [None if k in off else y for k, y in enumerate(always)], "b": always, "c": always}
    return panel_of(
        sales_of(units, MONDAY), pl.DataFrame({"unique_id": list(units), "store_id": list(units)})
    )


def _quantiles(y_hat: float, share: float) -> np.ndarray:
    cell = np.array([y_hat]), np.array([1]), np.array([np.nan]), np.array([share])
    return quantiles_of_days(STEPS, SERIES_LEVEL, *cell)[0]


def test_quantiles_of_a_day_that_opens_with_a_half_are_zero_up_to_the_median():
    """Above it they are those of an open day: its median is the day's 75% quantile."""
    day, opened = _quantiles(UNITS / 2, 0.5), _quantiles(UNITS, 1.0)
    assert day[:4].tolist() == [0] * 4
    assert day[4] == pytest.approx(0, abs=1e-9)
    assert day[5] == pytest.approx(opened[4])
    assert day[7] < opened[7]


def test_quantiles_of_a_day_that_always_opens_are_the_learned_ones():
    assert _quantiles(UNITS, 1.0) == pytest.approx(0.2 * np.arange(1, 10) * UNITS)


def test_a_store_that_never_opens_on_the_day_sells_nothing():
    assert not _quantiles(0.0, 0.0).any()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.62, 0.9, 0.999])
def test_they_never_cross(share):
    assert (np.diff(_quantiles(UNITS * share, share)) >= 0).all()


def test_the_published_mean_is_of_the_day_open_or_not(panel, inference_params: InferenceParams):
    naive = SeasonalNaive(7, RULES)
    champion = Champion(None, None, {naive.name: STEPS})
    rows = publish_forecasts(
        Serving(champion, naive, inference_params, RULES), panel, LAST, 14, "run"
    )
    tuesdays = rows.filter(pl.col("ds").dt.weekday() == 2)
    assert tuesdays.filter(unique_id="a")["y_hat"].to_list() == [UNITS / 2] * 2
    assert tuesdays.filter(unique_id="a")["q250"].to_list() == [0.0] * 2
    assert rows.join(tuesdays.filter(unique_id="a"), on=["unique_id", "ds"], how="anti")[
        "y_hat"
    ].to_list() == [UNITS] * (3 * 14 - 2)


def _backtest(panel: Panel, inference_params: InferenceParams, weeks: int = 4) -> pl.DataFrame:
    cutoff = LAST - timedelta(days=7 * weeks)
    plan = BacktestPlan([cutoff], 7 * weeks, 1, None, inference_params, RULES, {})
    naive = SeasonalNaive(7, RULES)
    return backtest(panel, {naive.name: naive}, plan)


def test_a_backtest_scores_days_off_as_the_zeros_they_were(panel, inference_params):
    """Two of the four Tuesdays: half of the units are too much on two, too little on two."""
    rows = _backtest(panel, inference_params)
    scores, _ = score_backtest(panel, rows, ["seasonal_naive"], LEVELS, 4, RULES)
    found = scores.filter(level="series", slice="all").select("metric", "value")
    by_metric = dict(found.iter_rows())
    assert by_metric["bias"] == pytest.approx(0.0)
    assert by_metric["wape"] == pytest.approx(4 * UNITS / 2 / (UNITS * (3 * 28 - 2)))


def test_what_is_learned_of_the_spread_is_that_of_open_days(panel, inference_params):
    """The forecast of an open day is exact, so every ratio is one, and no day off is a pair."""
    rows = _backtest(panel, inference_params)
    window = window_after(panel, rows["cutoff"][0], 28, LEVELS, RULES)
    share = window.matrix(rows, OPEN_SHARE)
    pairs = pairs_of(window, window.matrix(rows, "seasonal_naive"), share)
    y_hat, y = pairs.of_open_days()
    assert np.isnan(y).sum() == 2
    assert y_hat[~np.isnan(y)] == pytest.approx(y[~np.isnan(y)])


def test_a_backtest_without_such_stores_has_no_column_for_them(make_panel, inference_params):
    panel = make_panel(series=4, days=120)
    cutoff = panel.last_day - timedelta(days=14)
    plan = BacktestPlan([cutoff], 14, 1, None, inference_params, RULES, {})
    rows = backtest(panel, {"seasonal_naive": SeasonalNaive(7, RULES)}, plan)
    assert OPEN_SHARE not in rows.columns


def test_a_published_forecast_meets_a_day_off_as_a_zero(panel):
    """The monitor counts as the backtest does. Week 23 is open, week 24 begins a pair again."""
    first = LAST - timedelta(days=27)
    forecasts = pl.DataFrame(
        {"unique_id": "a", "ds": pl.date_range(first, LAST, eager=True), "h": 1, "y_hat": UNITS}
    ).with_columns(origin=first - timedelta(days=1))
    met = with_actuals(forecasts, panel, RULES)
    assert met.filter(pl.col("y") == 0)["ds"].dt.weekday().to_list() == [2, 2]
    assert met.height == 28


def test_the_explanation_ends_at_the_published_number(panel, feature_params, train_params):
    recipe = FeatureRecipe(feature_params.model_copy(update={"hierarchy": []}), RULES)
    model = GlobalLightGBM(train_params, recipe).fit(panel)
    tuesday = LAST + timedelta(days=2)
    explained = explain(model, panel, LAST, 14, "a", tuesday)
    rows = model.forecast(panel, LAST, 14)
    made = rows.filter(unique_id="a", ds=tuesday)["y_hat"].item()
    assert explained.open_share == 0.5
    assert explained.y_hat == pytest.approx(made / 2)
    assert explained.steps[-1][0] == "its store opened on 50% of such weekdays"


def test_an_explanation_without_a_forecast_stays_without_one():
    steps = [("a plan it learned from is unknown: no forecast", None)]
    assert with_open_share(steps, 0.5) == steps
    always = [("its level", 4.0)]
    assert with_open_share(always, 1.0) == always
