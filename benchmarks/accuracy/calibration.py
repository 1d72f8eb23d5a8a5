"""Whether quantiles keep their word before and after calibration: by level, week ahead, velocity
and lifecycle, from a backtest.

Before: a Poisson around the mean forecast, what one takes without a backtest; a group is a sum of
independent series. After: the quantiles `evaluate.py` learns, at each cutoff from the windows that
had closed by then; the first cutoff has none and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy import stats

from benchmarks.harness.params import params_for
from benchmarks.harness.pipeline import window_of
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.levels import SERIES_LEVEL, TOTAL
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import INTERVALS, QUANTILES
from features.hierarchy import sum_by
from forecasting.pairs import Pairs, calibrate, of_groups, pairs_of
from forecasting.pit import pit_scores
from forecasting.scoring import level_quantiles
from forecasting.slices import slices_of
from forecasting.window import LevelWindow, Window

MODEL = "global_lightgbm"
SHOWN_LEVELS = {
    "total": "total",
    "store_id": "store",
    "store_id*dept_id": "store-department",
    "item_id": "item",
    "series": "series",
}
Quantiles = dict[str, np.ndarray]


def measure(context: Context) -> Result:
    """The parts of the source's backtest, mean over cutoffs, beside those of other sources."""
    backtest = pl.read_parquet(context.paths.backtest / "forecasts.parquet")
    params = params_for(context.source)
    rows = pl.DataFrame(list(scored_parts(context.panel, backtest, params)))
    keys, scores = ["kind", "level", "part", "side"], pl.col("^(coverage|below)_.*|pit_gap$")
    by_part = rows.group_by(keys, maintain_order=True)
    means = by_part.agg(pl.col("cells").sum(), scores.mean().round(4)).to_dicts()
    cutoffs = rows["cutoff"].unique().sort().to_list()
    return context.before() | {context.source: {"cutoffs": cutoffs, "parts": means}}


def table(result: Result) -> str:
    """The share of outcomes below each quantile, by level, after calibration; of M5 where it is
    there.
    """
    parts = result.get("m5", next(iter(result.values())))["parts"]
    after = {p["level"]: p for p in parts if p["kind"] == "level" and p["side"] == "after"}
    rows = [
        [words, *(f"{100 * after[level][f'below_{name}']:.1f}" for name in QUANTILES)]
        for level, words in SHOWN_LEVELS.items()
        if level in after
    ]
    head = ["level", *(f"{100 * probability:g}%" for probability in QUANTILES.values())]
    return markdown_table(head, rows)


def scored_parts(panel: Panel, backtest: pl.DataFrame, params: Params) -> Iterator[Result]:
    """One row per cutoff, level, part and side."""
    horizon, earlier = int(backtest["h"].max()), list[tuple[date, Pairs]]()
    for (cutoff,), forecasts in backtest.sort("cutoff").group_by("cutoff", maintain_order=True):
        window = window_of(params, panel, cutoff, horizon)
        y_hat = window.matrix(forecasts, MODEL)
        closed = [pairs for day, pairs in earlier if day + timedelta(days=horizon) <= cutoff]
        earlier.append((cutoff, pairs_of(window, y_hat)))
        if not closed:
            continue
        calibration = calibrate(closed, params.evaluate.calibration_bins)
        for level in window.levels:
            sums = sum_by(y_hat, level.group_ix, len(level.group_key))[0]
            after = level_quantiles(calibration, level.level, sums, of_groups(window, level))
            for row in _rows_of(window, level, {"before": poisson(sums), "after": after}):
                yield {"cutoff": str(cutoff), **row}


def poisson(means: np.ndarray) -> Quantiles:
    """The nine quantiles of Poissons with these means."""
    return {name: stats.poisson.ppf(tau, means) for name, tau in QUANTILES.items()}


def parts_of(window: Window, level: LevelWindow) -> Iterator[tuple[str, str, np.ndarray]]:
    """(kind, part, (groups, horizon) mask): the level as a whole; weeks of the top and of the
    series; classes of series.
    """
    yield "level", level.level, np.ones(level.y.shape, dtype=bool)
    if level.level not in (TOTAL, SERIES_LEVEL):
        return
    is_series = level.level == SERIES_LEVEL
    history = window.history if is_series else window.history.sum(axis=0, keepdims=True)
    for name, by_series in slices_of(history, level.y.shape[1]).items():
        kind, part = name.split("_", 1)
        if kind == "week" or is_series:
            mask = np.zeros(level.y.shape, dtype=bool)
            mask[level.group_ix if is_series else 0] = by_series
            yield kind, part, mask


def coverage_of(y: np.ndarray, quantiles: Quantiles, mask: np.ndarray) -> dict[str, float]:
    """How many cells, the coverage of the central intervals, the share below each quantile and the
    largest PIT gap.
    """
    covered = {
        f"coverage_{round(nominal * 100)}": float(
            ((quantiles[low] <= y) & (y <= quantiles[high]))[mask].mean()
        )
        for nominal, (low, high) in INTERVALS.items()
        if mask.any()
    }
    return {"cells": int(mask.sum())} | covered | pit_scores(y, quantiles, mask)


def _rows_of(window: Window, level: LevelWindow, sides: dict[str, Quantiles]) -> Iterator[Result]:
    for kind, part, mask in parts_of(window, level):
        for side, quantiles in sides.items():
            row = {"kind": kind, "level": level.level, "part": part, "side": side}
            yield row | coverage_of(level.y, quantiles, mask & level.is_known)


BENCHMARK = Benchmark(
    question="Do the quantiles keep their word, by level, week, velocity and lifecycle?",
    needs="a data folder after make repro; minutes on M5",
    measure=measure,
    table=table,
)
