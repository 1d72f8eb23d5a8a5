"""Whether quantiles keep their word before and after calibration: by level, week ahead, velocity and lifecycle, from a backtest.

run     python -m benchmarks.calibration [--simulator DATA_FOLDER] [--m5 DATA_FOLDER]     (data folders after `make repro`)
writes  benchmarks/results/calibration.json, docs/calibration.md, docs/calibration.svg

Before: a Poisson around the mean forecast, what one takes without a backtest; a group is a sum of independent series. After: the
quantiles `evaluate.py` learns, at each cutoff from the windows that had closed by then; the first cutoff has none and is left out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from benchmarks.calibration_page import write_page
from benchmarks.measured import RESULTS, keep
from benchmarks.worlds import params_for
from contract.levels import SERIES_LEVEL, TOTAL
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import INTERVALS, QUANTILES
from features.hierarchy import sum_by
from forecasting.pit import pit_scores
from forecasting.scoring import Pairs, calibrate, level_quantiles, pairs_of
from forecasting.slices import slices_of
from forecasting.window import LevelWindow, Window, window_after
from runtime.paths import Paths
from storage.panel_files import read_frozen

MODEL = "global_lightgbm"
Quantiles = dict[str, np.ndarray]


def main() -> None:
    """Score each backtest part by part, keep, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind in ("simulator", "m5"):
        parser.add_argument(f"--{kind}", type=Path, help="data folder of a finished run")
    arguments = parser.parse_args()
    path = RESULTS / "calibration.json"
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for kind, data in vars(arguments).items():
        if data is not None:
            made[kind] = told_of(params_for(kind), Paths(data))
    keep("calibration", made)
    write_page(made)


def told_of(params: Params, places: Paths) -> dict[str, Any]:
    """The parts of one data set's backtest, mean over cutoffs."""
    backtest = pl.read_parquet(places.backtest / "forecasts.parquet")
    rows = pl.DataFrame(list(scored_parts(read_frozen(places.panel), backtest, params)))
    keys, scores = ["kind", "level", "part", "side"], pl.col("^(coverage|below)_.*|pit_gap$")
    means = rows.group_by(keys, maintain_order=True).agg(pl.col("cells").sum(), scores.mean().round(4))
    return {"cutoffs": rows["cutoff"].unique().sort().to_list(), "parts": means.to_dicts()}


def scored_parts(panel: Panel, backtest: pl.DataFrame, params: Params) -> Iterator[dict[str, Any]]:
    """One row per cutoff, level, part and side."""
    horizon, told = int(backtest["h"].max()), list[tuple[date, Pairs]]()
    for (cutoff,), forecasts in backtest.sort("cutoff").group_by("cutoff", maintain_order=True):
        rules = params.ingest.absent_means_zero, params.features.max_stockout_share
        window = window_after(panel, cutoff, horizon, params.source.hierarchy, *rules)
        y_hat = window.matrix(forecasts, MODEL)
        closed = [pairs for earlier, pairs in told if earlier + timedelta(days=horizon) <= cutoff]
        told.append((cutoff, pairs_of(window, y_hat)))
        if not closed:
            continue
        calibration = calibrate(closed, params.evaluate.calibration_bins)
        for level in window.levels:
            sums = sum_by(y_hat, level.group_ix, len(level.group_key))[0]
            sides = {"before": poisson(sums), "after": level_quantiles(calibration, level.level, sums)}
            for kind, part, mask in parts_of(window, level):
                for side, quantiles in sides.items():
                    row = {"cutoff": str(cutoff), "kind": kind, "level": level.level, "part": part, "side": side}
                    yield row | conduct(level.y, quantiles, mask & level.is_known)


def poisson(means: np.ndarray) -> Quantiles:
    """The nine quantiles of Poissons with these means."""
    return {name: stats.poisson.ppf(tau, means) for name, tau in QUANTILES.items()}


def parts_of(window: Window, level: LevelWindow) -> Iterator[tuple[str, str, np.ndarray]]:
    """(kind, part, (groups, horizon) mask): the level as a whole; weeks of the top and of the series; classes of series."""
    yield "level", level.level, np.ones(level.y.shape, dtype=bool)
    if level.level not in (TOTAL, SERIES_LEVEL):
        return
    history = window.history if level.level == SERIES_LEVEL else window.history.sum(axis=0, keepdims=True)
    for name, by_series in slices_of(history, level.y.shape[1]).items():
        kind, part = name.split("_", 1)
        if kind == "week" or level.level == SERIES_LEVEL:
            mask = np.zeros(level.y.shape, dtype=bool)
            mask[level.group_ix if level.level == SERIES_LEVEL else 0] = by_series
            yield kind, part, mask


def conduct(y: np.ndarray, quantiles: Quantiles, mask: np.ndarray) -> dict[str, float]:
    """How many cells, the coverage of the central intervals, the share below each quantile and the largest PIT gap."""
    covered = {
        f"coverage_{round(nominal * 100)}": float(((quantiles[low] <= y) & (y <= quantiles[high]))[mask].mean())
        for nominal, (low, high) in INTERVALS.items()
        if mask.any()
    }
    return {"cells": int(mask.sum())} | covered | pit_scores(y, quantiles, mask)


if __name__ == "__main__":
    main()
