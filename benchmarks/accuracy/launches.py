"""Cold start scored on its own: error by the weeks since a series' first sale, from finished
backtests.

Cells of all cutoffs are pooled: launches of one window are a few dozen series, whose WAPE alone is
anything.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from benchmarks.harness.params import params_for
from benchmarks.harness.pipeline import history_of, window_of
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.harness.scores import BIAS, WAPE
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel
from contract.params import Params
from forecasting.columns import forecasters_in

NEVER, OLDER = "not sold yet", "older"
AGES = {
    "1 to 2 weeks": 14,
    "3 to 4 weeks": 28,
    "5 to 8 weeks": 56,
}  # up to so many days since the first sale
SHOWN = ("global_lightgbm", "window_average", "seasonal_naive")


def measure(context: Context) -> Result:
    """The source's cutoffs, and one row per model and age, beside those of other sources."""
    backtest = pl.read_parquet(context.paths.backtest / "forecasts.parquet").sort("cutoff")
    params = params_for(context.source)
    cells = pl.concat(list(cells_of(context.panel, backtest, params)))
    cells = cells.with_columns(error=pl.col("y_hat") - pl.col("y"))
    rows = cells.group_by("model", "age", maintain_order=True).agg(
        series_days=pl.len(), units=pl.col("y").sum(), wape=WAPE.round(4), bias=BIAS.round(4)
    )
    cutoffs = [str(day) for day in backtest["cutoff"].unique().sort()]
    return context.before() | {context.source: {"cutoffs": cutoffs, "rows": rows.to_dicts()}}


def table(result: Result) -> str:
    """One row per data set and age: WAPE (and bias) of each model."""
    rows = []
    for source in ("simulator", "m5"):
        cells = {(row["model"], row["age"]): row for row in result.get(source, {}).get("rows", [])}
        for age in (NEVER, *AGES, OLDER):
            of_age = [cells[model, age] for model in SHOWN if (model, age) in cells]
            if of_age:
                size = [f"{of_age[0]['series_days']:,}", f"{of_age[0]['units']:,.0f}"]
                rows.append([source, age, *size, *map(_errors, of_age)])
    return markdown_table(["data", "since the first sale", "series-days", "units", *SHOWN], rows)


def cells_of(panel: Panel, backtest: pl.DataFrame, params: Params) -> Iterator[pl.DataFrame]:
    """model, age, y, y_hat of every scored cell, cutoff by cutoff."""
    horizon, bottom = int(backtest["h"].max()), params.source.hierarchy[-1:]
    for (cutoff,), forecasts in backtest.group_by("cutoff", maintain_order=True):
        window = window_of(params, panel, cutoff, horizon, bottom)
        level, known = window.levels[-1], window.is_known
        age = ages_of(history_of(params, panel, cutoff))
        ages = np.broadcast_to(age[:, None], known.shape)[known]
        y = level.y[level.group_ix][known]
        for model in forecasters_in(forecasts):
            y_hat = window.matrix(forecasts, model)[known]
            yield pl.DataFrame({"model": [model] * len(ages), "age": ages, "y": y, "y_hat": y_hat})


def ages_of(history: np.ndarray) -> np.ndarray:
    """For each (series, days) row its class of age at the last day."""
    sold = history > 0
    age = np.where(sold.any(axis=1), history.shape[1] - sold.argmax(axis=1), 0)
    return np.select([age == 0, *(age <= most for most in AGES.values())], [NEVER, *AGES], OLDER)


def _errors(row: Result) -> str:
    return f"{row['wape']:.3f} ({row['bias']:+.0%})" if row["units"] else ""


BENCHMARK = Benchmark(
    question="How good are the forecasts of series that sold for the first time weeks ago?",
    needs="a data folder after make repro; minutes on M5",
    measure=measure,
    table=table,
)
