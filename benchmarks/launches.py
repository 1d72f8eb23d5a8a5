"""Cold start scored on its own: error by the weeks since a series' first sale, from finished backtests.

run     python -m benchmarks.launches [--simulator DATA_FOLDER] [--m5 DATA_FOLDER]     (data folders after `make repro`)
writes  benchmarks/results/launches.json; `python -m benchmarks.rendered` then brings the table into system_design.md

Cells of all cutoffs are pooled: launches of one window are a few dozen series, whose WAPE alone is anything.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import RESULTS, keep
from benchmarks.tables_of_accuracy import launch_lines
from benchmarks.worlds import params_for
from contract.panel import Panel
from contract.params import Params
from forecasting.window import window_after
from reports.tables import text_table
from runtime.paths import Paths
from storage.panel_files import read_frozen

NEVER, OLDER = "not sold yet", "older"
AGES = {"1 to 2 weeks": 14, "3 to 4 weeks": 28, "5 to 8 weeks": 56}  # up to so many days since the first sale
NO_MODELS = ("cutoff", "unique_id", "ds", "h", "y")


def main() -> None:
    """Score, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind in ("simulator", "m5"):
        parser.add_argument(f"--{kind}", type=Path, help="data folder of a finished run")
    path = RESULTS / "launches.json"
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for kind, data in vars(parser.parse_args()).items():
        if data is not None:
            made[kind] = told_of(params_for(kind), Paths(data))
    keep("launches", made)
    print(text_table(*launch_lines(made)))


def told_of(params: Params, places: Paths) -> dict[str, Any]:
    """The cutoffs, and one row per model and age: series-days, units, WAPE, bias."""
    backtest = pl.read_parquet(places.backtest / "forecasts.parquet").sort("cutoff")
    cells = pl.concat(list(cells_of(read_frozen(places.panel), backtest, params)))
    units = pl.col("y").sum()
    rows = cells.group_by("model", "age", maintain_order=True).agg(
        series_days=pl.len(),
        units=units,
        wape=((pl.col("y_hat") - pl.col("y")).abs().sum() / units).round(4),
        bias=((pl.col("y_hat") - pl.col("y")).sum() / units).round(4),
    )
    return {"cutoffs": [str(day) for day in backtest["cutoff"].unique().sort()], "rows": rows.to_dicts()}


def cells_of(panel: Panel, backtest: pl.DataFrame, params: Params) -> Iterator[pl.DataFrame]:
    """model, age, y, y_hat of every scored cell, cutoff by cutoff."""
    for (cutoff,), told in backtest.group_by("cutoff", maintain_order=True):
        rules = params.ingest.absent_means_zero, params.features.max_stockout_share
        window = window_after(panel, cutoff, int(backtest["h"].max()), params.source.hierarchy[-1:], *rules)
        bottom, known = window.levels[-1], window.is_known
        ages = np.broadcast_to(ages_of(window.history)[:, None], known.shape)[known]
        for model in (name for name in told.columns if name not in NO_MODELS):
            y_hat = window.matrix(told, model)[known]
            frame = {"model": [model] * len(ages), "age": ages, "y": bottom.y[bottom.group_ix][known], "y_hat": y_hat}
            yield pl.DataFrame(frame)


def ages_of(history: np.ndarray) -> np.ndarray:
    """For each (series, days) row its class of age at the last day."""
    sold = history > 0
    age = np.where(sold.any(axis=1), history.shape[1] - sold.argmax(axis=1), 0)
    return np.select([age == 0, *(age <= most for most in AGES.values())], [NEVER, *AGES], OLDER)


if __name__ == "__main__":
    main()
