"""Losses of sibling models by cutoff and block: what the gate is tried on. Fits are made once and
kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.params import params_for
from benchmarks.harness.pipeline import backtest_losses, window_of
from benchmarks.harness.results import ROOT
from benchmarks.harness.worlds import fitted, recent, simulated
from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.forecaster import Forecaster
from forecasting.paired import blocks_of, series_losses
from forecasting.seasonal_naive import baseline_of
from forecasting.window_average import WindowAverage
from runtime.paths import Paths
from storage.panel_files import read_frozen

KEPT = ROOT / "data" / "replays" / "gate"
SEEDS, CUTOFFS, STEP_DAYS, HORIZON = range(1, 9), 6, 28, 28
OTHERS = {"30 rounds": {"rounds": 30}, "15 rounds": {"rounds": 15}}
M5_MODELS = ["global_lightgbm", "window_average", "seasonal_naive"]
Losses = dict[str, np.ndarray]


def sibling_losses(params: Params) -> tuple[Losses, Losses]:
    """With a fit a cutoff, worse recipes and two simple models beside them; with one fit for all
    cutoffs.
    """
    fits = _kept("siblings", lambda: _fit_losses(params, one_fit=False))
    return fits, _kept("one_fit", lambda: _fit_losses(params, one_fit=True))


def m5_losses(data: Path) -> Losses:
    """Of the models in a stored M5 backtest."""
    params, paths = params_for("m5"), Paths(data)
    backtest = pl.read_parquet(paths.backtest / "forecasts.parquet")
    losses = backtest_losses(params, read_frozen(paths.panel), backtest, M5_MODELS)
    return dict(zip(M5_MODELS, losses, strict=True))


def _kept(name: str, make: Callable[[], Losses]) -> Losses:
    """Losses kept once made: fitting takes minutes, judging seconds."""
    path = KEPT / f"{name}.npz"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        np.savez(path, **make())
    return dict(np.load(path))


def _fit_losses(params: Params, one_fit: bool) -> Losses:
    """(cutoffs, blocks) losses of every model."""
    panel = simulated(params, 500, 960, 7)
    blocks = blocks_of(panel.series)
    losses: dict[str, list[np.ndarray]] = {}
    models: dict[str, Forecaster] = {}
    for cutoff in _cutoffs(panel, 4 if one_fit else CUTOFFS):
        if not one_fit:
            models = _siblings(params, panel, cutoff) | _others(params, panel, cutoff)
        models = models or _siblings(params, panel, cutoff)
        window = window_of(params, panel, cutoff, HORIZON, params.source.hierarchy[-1:])
        known = recent(panel, cutoff)
        for name, model in models.items():
            y_hat = np.nan_to_num(window.matrix(model.forecast(known, cutoff, HORIZON)))
            losses.setdefault(name, []).append(series_losses(window, y_hat, blocks))
    return {name: np.array(by_cutoff) for name, by_cutoff in losses.items()}


def _cutoffs(panel: Panel, count: int) -> list[date]:
    last = panel.last_day - timedelta(days=HORIZON)
    return [last - timedelta(days=STEP_DAYS * k) for k in reversed(range(count))]


def _siblings(params: Params, panel: Panel, cutoff: date) -> dict[str, Forecaster]:
    return {f"seed {seed}": fitted(params, panel, cutoff, seed=seed) for seed in SEEDS}


def _others(params: Params, panel: Panel, cutoff: date) -> dict[str, Forecaster]:
    known = recent(panel, cutoff)
    worse = {name: fitted(params, panel, cutoff, **change) for name, change in OTHERS.items()}
    return worse | {
        "window_average": WindowAverage(feature_recipe_of(params, panel)).fit(known),
        "seasonal_naive": baseline_of(params).fit(known),
    }
