"""Losses of sibling models: what the gate is tried on.

Fits are made once and kept, under a name of the params and the panel they were made of: another
world or recipe is fitted anew. Of other code they stay; delete KEPT to fit them anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.cutoffs import last_cutoffs
from benchmarks.harness.params import params_for
from benchmarks.harness.pipeline import backtest_losses
from benchmarks.harness.results import ROOT
from benchmarks.harness.worlds import fitted, recent, simulated
from contract.hashes import params_hash, text_hash
from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.columns import forecasters_in
from forecasting.forecaster import Forecaster
from forecasting.paired import Losses
from forecasting.seasonal_naive import baseline_of
from forecasting.window_average import WindowAverage
from runtime.paths import Paths
from storage.panel_files import freeze, read_frozen

KEPT = ROOT / "data" / "replays" / "gate"
SEEDS, CUTOFFS, HORIZON = range(1, 9), 6, 28
OTHERS = {"30 rounds": {"rounds": 30}, "15 rounds": {"rounds": 15}}
M5_MODELS = ["global_lightgbm", "window_average", "seasonal_naive"]
SCALED = {"x0.95": 0.95, "x1.07": 1.07}  # of the first seed's forecasts
ByModel = dict[str, Losses]


def sibling_losses(params: Params) -> tuple[ByModel, ByModel]:
    """With a fit a cutoff, worse recipes and two simple models beside them; with one fit for all
    cutoffs.
    """
    panel = simulated(params, 500, 960, 7)
    made_of = _made_of(params, panel)
    fits = _kept(f"siblings_{made_of}", lambda: _fit_losses(params, panel, one_fit=False))
    return fits, _kept(f"one_fit_{made_of}", lambda: _fit_losses(params, panel, one_fit=True))


def m5_losses(data: Path) -> ByModel:
    """Of the models in a stored M5 backtest."""
    params, paths = params_for("m5"), Paths(data)
    backtest = pl.read_parquet(paths.backtest / "forecasts.parquet")
    losses = backtest_losses(params, read_frozen(paths.panel), backtest, M5_MODELS)
    return dict(zip(M5_MODELS, losses, strict=True))


def _made_of(params: Params, panel: Panel) -> str:
    """A short name for what decides a fit and its losses."""
    with tempfile.TemporaryDirectory(prefix="gate-") as scratch:
        panel_hash = freeze(panel, Path(scratch)).hash
    sections = params.source, params.ingest, params.features, params.train
    return text_hash(params_hash(*sections), panel_hash)


def _kept(name: str, make: Callable[[], ByModel]) -> ByModel:
    """Losses kept once made: fitting takes minutes, judging seconds."""
    path = KEPT / f"{name}.npz"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        parts = {
            f"{model}|{part}": rows
            for model, of in make().items()
            for part, rows in vars(of).items()
        }
        np.savez(path, **parts)
    arrays = dict(np.load(path))
    models = dict.fromkeys(key.partition("|")[0] for key in arrays)
    return {name: Losses(arrays[f"{name}|by_level"], arrays[f"{name}|without"]) for name in models}


def _fit_losses(params: Params, panel: Panel, one_fit: bool) -> ByModel:
    """Of every model, from its forecasts at every cutoff."""
    models: dict[str, Forecaster] = {}
    parts = []
    for cutoff in last_cutoffs(panel, HORIZON, 4 if one_fit else CUTOFFS):
        if not one_fit:
            models = _siblings(params, panel, cutoff) | _others(params, panel, cutoff)
        models = models or _siblings(params, panel, cutoff)
        known = recent(panel, cutoff)
        made = {name: model.forecast(known, cutoff, HORIZON) for name, model in models.items()}
        parts.append(_side_by_side(cutoff, made))
    backtest = pl.concat(parts)
    names = forecasters_in(backtest)
    losses = backtest_losses(params, panel, backtest, names)
    return dict(zip(names, losses, strict=True))


def _side_by_side(cutoff: date, made: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One cutoff's forecasts, a column a model; the first seed's scaled ones beside."""
    key = ["unique_id", "ds", "h"]
    grid = next(iter(made.values())).select(pl.lit(cutoff).alias("cutoff"), *key)
    for name, forecast in made.items():
        column = forecast.select(*key, pl.col("y_hat").fill_null(0.0).alias(name))
        grid = grid.join(column, on=key, how="left", validate="1:1")
    first = pl.col(f"seed {SEEDS[0]}")
    return grid.with_columns(**{name: first * factor for name, factor in SCALED.items()})


def _siblings(params: Params, panel: Panel, cutoff: date) -> dict[str, Forecaster]:
    return {f"seed {seed}": fitted(params, panel, cutoff, seed=seed) for seed in SEEDS}


def _others(params: Params, panel: Panel, cutoff: date) -> dict[str, Forecaster]:
    known = recent(panel, cutoff)
    worse = {name: fitted(params, panel, cutoff, **change) for name, change in OTHERS.items()}
    return worse | {
        "window_average": WindowAverage(feature_recipe_of(params, panel)).fit(known),
        "seasonal_naive": baseline_of(params).fit(known),
    }
