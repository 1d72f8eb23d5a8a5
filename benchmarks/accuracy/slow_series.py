"""Slow, resting and intermittent series: the step for those at rest beside trees alone, zero,
recent means and Croston's heirs, by how much a series sells, how its sales come and how long it
rests.

Half of the sets, on their older cutoffs, were looked at while the step was made; the other half, on
the later ones, was not.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.accuracy.slow_series_scores import (
    SUMMED,
    ZERO,
    mean_sums,
    parts_of,
    quantile_sums,
    simple_means,
    zero_pinball,
)
from benchmarks.accuracy.slow_series_sets import LEARNED_FROM, SETS, DataSet, read
from benchmarks.accuracy.slow_series_table import SIDES, TREES, table
from benchmarks.harness.pipeline import backtested, history_of, window_of
from benchmarks.harness.registry import SHARED, Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.scores import scores_of
from contract.panel import Panel
from contract.params import Params
from contract.params_file import AS_SET
from forecasting.choice import forecasters_of
from forecasting.intervals import Calibration
from forecasting.pairs import Pairs, calibrate, pairs_of
from forecasting.span_learning import with_spans
from forecasting.window import Window


def measure(context: Context) -> Result:
    """Each set's sums by part and forecaster; those measured before are kept."""
    options, result = context.options, context.before()
    with tempfile.TemporaryDirectory(prefix="slow-") as scratch:
        for name in options.only or SETS:
            params, panel = read(SETS[name], options.shared.resolve(), Path(scratch))
            result[name] = _measured(SETS[name], params, panel)
            print(name, flush=True)
            context.keep(result)
    return result


def _measured(data_set: DataSet, params: Params, panel: Panel) -> Result:
    horizon, trees = params.train.horizon, params.train.model_copy(update={"rest_days": None})
    cutoffs = data_set.cutoffs(panel, horizon)
    sides = forecasters_of(params, panel, {AS_SET: params.train, TREES: trees})
    forecasts = backtested(params, panel, sides, cutoffs, horizon, data_set.refit_every)
    rows, boards = _scored(params, panel, forecasts, cutoffs)
    resting = rows.filter(pl.col("parted") == "at rest", pl.col("forecaster").is_in(SIDES))
    return {
        "data": data_set.data,
        "seen": data_set.seen,
        "series": panel.series.height,
        "cutoffs": [str(day) for day in cutoffs[LEARNED_FROM:]],
        "wrmsse": {side: [round(board[side], 5) for board in boards] for side in SIDES},
        "rows": _summed(rows, ["parted", "part", "forecaster"]),
        "resting": _summed(resting, ["cutoff", "forecaster"]),
    }


def _scored(
    params: Params, panel: Panel, forecasts: pl.DataFrame, cutoffs: list[date]
) -> tuple[pl.DataFrame, list[dict[str, float]]]:
    """A row per cutoff, series, way of parting and forecaster; each side's WRMSSE by cutoff."""
    pairs: dict[str, list[Pairs]] = {side: [] for side in SIDES}
    rows, boards = [], []
    for cutoff in cutoffs:
        window = window_of(params, panel, cutoff, params.train.horizon)
        of_series = replace(window, levels=window.levels[-1:])
        of_cutoff = forecasts.filter(pl.col("cutoff") == cutoff)
        y_hat = {side: window.matrix(of_cutoff, side) for side in SIDES}
        now = {side: pairs_of(of_series, y_hat[side]) for side in SIDES}
        if len(pairs[TREES]) >= LEARNED_FROM:
            learned = {side: _learned(pairs[side][-LEARNED_FROM:], params) for side in SIDES}
            history = history_of(params, panel, cutoff)
            found = _of_cutoff(of_series, history, y_hat, now, learned)
            rows.append(found.with_columns(cutoff=pl.lit(str(cutoff))))
            boards.append({side: scores_of(window, y_hat[side])["wrmsse"] for side in SIDES})
        for side in SIDES:
            pairs[side].append(now[side])
    return pl.concat(rows, how="diagonal"), boards


def _learned(pairs: list[Pairs], params: Params) -> Calibration:
    bins = params.evaluate.calibration_bins
    return with_spans(calibrate(pairs, bins), pairs, bins)


def _of_cutoff(
    window: Window,
    history: np.ndarray,
    y_hat: dict[str, np.ndarray],
    pairs: dict[str, Pairs],
    learned: dict[str, Calibration],
) -> pl.DataFrame:
    """parted, part, forecaster and what adds up of each series that has a scale."""
    sums = {
        side: mean_sums(window, y_hat[side]) | quantile_sums(window, pairs[side], learned[side])
        for side in SIDES
    }
    simple = simple_means(history, window.is_known.shape[1])
    sums |= {name: mean_sums(window, means) for name, means in simple.items()}
    sums[ZERO] |= zero_pinball(window)
    parts = parts_of(history).items()
    frames = [
        pl.DataFrame({"part": of_series, **columns}).with_columns(
            parted=pl.lit(parted), forecaster=pl.lit(forecaster)
        )
        for parted, of_series in parts
        for forecaster, columns in sums.items()
    ]
    every = pl.concat(frames, how="diagonal")
    return every.filter(pl.col("part") != "", pl.col("squared").is_not_nan())


def _summed(rows: pl.DataFrame, by: list[str]) -> list[Result]:
    sums = {name: pl.col(name).fill_nan(None).sum().round(4) for name in SUMMED}
    sold = (pl.col("units") > 0).sum()
    summed = rows.group_by(by, maintain_order=True).agg(series=pl.len(), sold=sold, **sums)
    return summed.to_dicts()


BENCHMARK = Benchmark(
    question="How good are forecasts of slow, resting and intermittent series, and beside what?",
    needs="the shared data sets; twenty minutes",
    measure=measure,
    options=(SHARED, Option("only", "these sets", many=True)),
    table=table,
)
