"""The error of forecasts not yet come true, guessed on the day they were made, against what came: three guesses side by side.

run     python -m benchmarks.outlook sim:21:lightgbm sim:21      after python -m benchmarks.replay
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import ROOT
from benchmarks.replay import World, world_of
from forecasting.actuals import with_actuals
from monitoring.outlook import expected_absolute_error

RESULTS = ROOT / "benchmarks" / "results" / "outlook.json"
WHOLE_WEEKS = 4  # a table is known that long after it was made


def main() -> None:
    """Measure the worlds named."""
    results = {name: measured(world_of(name)) for name in sys.argv[1:]}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def measured(world: World) -> dict[str, Any]:
    """Mean distance between guessed and true WAPE of a weekly table's 28 days."""
    told = with_actuals(world.tables, world.panel, *world.known_by)
    by_table = told.group_by("origin").agg(
        came=pl.col("error").abs().sum() / pl.col("y").sum(),
        promised=expected_absolute_error().sum() / pl.col("y_hat").sum(),
        days=pl.col("ds").n_unique(),
    )
    whole = by_table.filter(pl.col("days") >= 7 * WHOLE_WEEKS - 2).sort("origin")
    came, promised = whole["came"].to_numpy(), whole["promised"].to_numpy()
    known = came[:-WHOLE_WEEKS]
    means = np.cumsum(known) / np.arange(1, len(known) + 1)
    later = came[WHOLE_WEEKS:]
    return {
        "tables": len(later),
        "mean_wape": round(float(later.mean()), 4),
        "by_quantiles": round(float(np.abs(promised[WHOLE_WEEKS:] - later).mean()), 4),
        "by_last_table": round(float(np.abs(known - later).mean()), 4),
        "by_mean": round(float(np.abs(means - later).mean()), 4),
    }


if __name__ == "__main__":
    main()
