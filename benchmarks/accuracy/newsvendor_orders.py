"""Orders of a day ahead as production would place them: a mean forecast, and the quantiles that the
days before taught around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.accuracy.newsvendor_bound import SERVICES, poisson_orders
from benchmarks.harness.pipeline import Sides, backtested, window_of
from contract.levels import SERIES_LEVEL, levels_of
from contract.panel import Panel
from contract.params import Params, TrainParams
from contract.params_file import lay_over
from contract.quantiles import quantiles_at
from features.dense_panel import feature_recipe_of
from forecasting.contenders import CANDIDATE
from forecasting.forecaster import BASELINE
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration
from forecasting.pairs import calibrate, of_groups, pairs_of
from forecasting.seasonal_naive import baseline_of
from forecasting.window import Window

AROUND = "Poisson around ours"


@dataclass(frozen=True)
class Study:
    """Days at the panel's end: ordered for, those before them that quantiles are learned from, and
    how many lie between two fits. `recipes`: what is laid over `train`, by name.
    """

    test_days: int
    learning_days: int
    refit_days: int
    recipes: Mapping[str, Mapping[str, Any]]


def forecast_orders(panel: Panel, params: Params, study: Study) -> dict[str, np.ndarray]:
    """(services, series, test_days) orders of each recipe and of the naive, and of a Poisson around
    the recipe that ships.
    """
    last = panel.last_day - timedelta(days=1)
    back = range(study.test_days + study.learning_days - 1, -1, -1)
    cutoffs = [last - timedelta(days=k) for k in back]
    sides = sides_of(panel, params, study)
    backtest = backtested(params, panel, sides, cutoffs, 1, study.refit_days)
    windows = [window_of(params, panel, cutoff, 1, levels_of(())) for cutoff in cutoffs]
    forecasts = [of for _, of in backtest.group_by("cutoff", maintain_order=True)]
    orders = {}
    for name in (*study.recipes, BASELINE):
        means = [w.matrix(of, name) for w, of in zip(windows, forecasts, strict=True)]
        learned = learned_orders(windows, means, params, study)
        orders[name] = np.concatenate(list(learned), axis=2)
        if name == CANDIDATE:
            orders[AROUND] = poisson_orders(np.hstack(means[-study.test_days :]))
    return orders


def sides_of(panel: Panel, params: Params, study: Study) -> Sides:
    """The baseline and the global booster by each recipe."""
    features = feature_recipe_of(params, panel)
    made: Sides = {BASELINE: baseline_of(params)}
    for name, changes in study.recipes.items():
        train = TrainParams.model_validate(lay_over(params.train.model_dump(), dict(changes)))
        made[name] = GlobalLightGBM(train, features, name)
    return made


def learned_orders(
    windows: list[Window], means: list[np.ndarray], params: Params, study: Study
) -> Iterator[np.ndarray]:
    """(services, series, 1) orders of each test day, around (series, 1) means of each day.

    Learned where it is fitted: from the days before, all of them closed.
    """
    pairs = [pairs_of(window, mean) for window, mean in zip(windows, means, strict=True)]
    fits = [*range(study.learning_days, len(pairs), study.refit_days), len(pairs)]
    for first, end in pairwise(fits):
        closed = pairs[first - study.learning_days : first]
        calibration = calibrate(closed, params.evaluate.calibration_bins)
        for k in range(first, end):
            yield _orders(calibration, windows[k], means[k])


def _orders(calibration: Calibration, window: Window, mean: np.ndarray) -> np.ndarray:
    level, h = window.levels[-1], np.ones(len(mean), dtype=int)
    own = of_groups(window, level)
    kept = calibration.quantiles(SERIES_LEVEL, level.sums(mean).ravel(), h, own)[level.group_ix]
    at = [quantiles_at(kept, np.full(len(kept), service)) for service in SERVICES]
    return np.array(at)[:, :, None]
