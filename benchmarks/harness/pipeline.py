"""The pipeline's own calls with everything that params decide, the rules of demand above all."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from contract.demand import demand_rules
from contract.levels import Level
from contract.panel import Panel
from contract.params import Params
from features.reach import plan_reach
from forecasting import actuals
from forecasting.backtest import BacktestPlan, backtest
from forecasting.champion import Champion
from forecasting.forecaster import Forecaster
from forecasting.intervals import Calibration
from forecasting.paired import Losses, losses_of
from forecasting.publication import (
    level_sums,
    levels_of_sums,
    publish_forecasts,
    serving_of,
)
from forecasting.scoring import score_backtest
from forecasting.series_window import history_before
from forecasting.window import Window, window_after

Calibrations = dict[str, Calibration]
Sides = dict[str, Forecaster]


def window_of(
    params: Params, panel: Panel, cutoff: date, horizon: int, levels: list[Level] | None = None
) -> Window:
    """What was sold in the days after a cutoff, on every level."""
    chosen = levels or params.source.hierarchy
    return window_after(panel, cutoff, horizon, chosen, demand_rules(params))


def history_of(params: Params, panel: Panel, cutoff: date) -> np.ndarray:
    """(series, days) units sold up to a cutoff, 0 before launch and where unknown."""
    return history_before(panel, cutoff, demand_rules(params))


def with_actuals(params: Params, tables: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """The forecast rows whose day is known in a panel, with y and error."""
    return actuals.with_actuals(tables, panel, demand_rules(params))


def backtested(
    params: Params, panel: Panel, sides: Sides, cutoffs: list[date], horizon: int, refit_every: int
) -> pl.DataFrame:
    """Forecasts of every side at every cutoff, with today's knowledge of the days before it."""
    rules = demand_rules(params)
    reach = plan_reach(panel, horizon)
    plan = BacktestPlan(cutoffs, horizon, refit_every, None, params.inference, rules, reach)
    return backtest(panel, sides, plan)


def backtest_scores(
    params: Params, panel: Panel, forecasts: pl.DataFrame, models: list[str]
) -> tuple[pl.DataFrame, Calibrations]:
    """Scores of a backtest, and the calibration of each model."""
    levels, bins = params.source.hierarchy, params.evaluate.calibration_bins
    return score_backtest(panel, forecasts, models, levels, bins, demand_rules(params))


def backtest_losses(
    params: Params, panel: Panel, forecasts: pl.DataFrame, models: list[str]
) -> list[Losses]:
    """Each model's losses on a backtest."""
    return losses_of(panel, forecasts, models, params.source.hierarchy, demand_rules(params))


def published(
    params: Params, panel: Panel, origin: date, model: Forecaster | None, calibrations: Calibrations
) -> pl.DataFrame:
    """The table production would publish of what a panel knows; without a model the baseline's."""
    serving = serving_of(params, Champion(model, None, calibrations))
    return publish_forecasts(serving, panel, origin, params.train.horizon, str(origin))


def published_levels(
    rows: pl.DataFrame, panel: Panel, levels: list[Level], calibration: Calibration
) -> pl.DataFrame:
    """FORECAST_LEVELS of FORECASTS of all series."""
    sums = level_sums(rows, panel.series, levels)
    return levels_of_sums(sums, rows["run_id"][0], rows["origin"][0], calibration)
