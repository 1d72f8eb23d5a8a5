"""Who is tried in a backtest: baseline, candidate, simple averages, the simulator's oracle."""

from __future__ import annotations

import polars as pl

from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.forecaster import BASELINE, Forecaster
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.oracle import Oracle
from forecasting.seasonal_naive import baseline_of
from forecasting.window_average import GROUPED_AVERAGE, WINDOW_AVERAGE, WindowAverage

CANDIDATE = GlobalLightGBM.name


def contenders(params: Params, panel: Panel, truth: pl.DataFrame | None) -> dict[str, Forecaster]:
    """Unfitted forecasters by name.

    `truth`: the simulator's expected demand; None for any other source.
    """
    recipe = feature_recipe_of(params, panel)
    forecasters: dict[str, Forecaster] = {
        BASELINE: baseline_of(params),
        CANDIDATE: GlobalLightGBM(params.train, recipe),
        WINDOW_AVERAGE: WindowAverage(recipe),
    }
    if params.train.groups.columns is not None:
        forecasters[GROUPED_AVERAGE] = WindowAverage(recipe, params.train.groups)
    if truth is not None:
        forecasters["oracle"] = Oracle(truth)
    return forecasters
