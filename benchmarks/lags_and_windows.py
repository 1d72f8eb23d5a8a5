"""The same lags and windows for every day of a panel: our engine, or mlforecast's `preprocess` (a strong peer, kernels in C++).

run     python -m benchmarks.lags_and_windows ours|mlforecast PANEL_FOLDER [--values FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import run_here
from contract.panel import Panel
from features.dense import Days, column
from features.sales import window_mean
from storage.panel_files import read_frozen

LAGS, WINDOWS, RUNS = (1, 2, 3, 7, 14, 28), (7, 14, 28, 56), 3


def long_panel(folder: Path) -> tuple[Panel, pl.DataFrame]:
    """A dense panel as both sides take it: unique_id (integer), ds, y in float32, sorted."""
    panel = read_frozen(folder)
    first, days = panel.first_day, (panel.last_day - panel.first_day).days + 1
    ids = panel.series.select("unique_id").with_row_index("series_ix")
    grid = ids.join(pl.date_range(first, panel.last_day, eager=True).alias("ds").to_frame(), how="cross")
    filled = grid.join(panel.sales.select("unique_id", "ds", "y"), on=["unique_id", "ds"], how="left").sort(
        "series_ix", "ds"
    )
    assert filled.height == ids.height * days
    return panel, filled.select(unique_id="series_ix", ds="ds", y=pl.col("y").fill_null(0).cast(pl.Float32))


def ours(frame: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Gutters, then plain shifts and plain rolling means over the whole column."""
    table = days.blank(frame["unique_id"].max() + 1)
    table[:, days.gutter :] = frame["y"].to_numpy().reshape(len(table), -1)
    dense = pl.DataFrame({"y": column(table)})
    y = pl.col("y")
    lags = [y.shift(k).alias(f"lag{k}") for k in LAGS]
    windows = [window_mean(y.shift(1), k).alias(f"mean{k}") for k in WINDOWS]
    return dense.select(lags + windows)


def mlforecast(frame: pl.DataFrame) -> pl.DataFrame:
    """The peer with the same features."""
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean

    engine = MLForecast(
        models=[],
        freq="1d",
        lags=list(LAGS),
        lag_transforms={1: [RollingMean(k, min_samples=1) for k in WINDOWS]},
        num_threads=2,
    )
    return engine.preprocess(frame, dropna=False, static_features=[])


def main() -> None:
    """Measure one side; with --values keep what it computed, so that both can be compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=("ours", "mlforecast"))
    parser.add_argument("panel", type=Path)
    parser.add_argument("--values", type=Path)
    arguments = parser.parse_args()
    panel, frame = long_panel(arguments.panel)
    days = Days(panel.first_day, frame.height // panel.series.height, 0, gutter=max(*LAGS, *WINDOWS) + 1)

    def work() -> dict[str, Any]:
        made = ours(frame, days) if arguments.side == "ours" else mlforecast(frame)
        if arguments.values:
            _keep(made, days, arguments.side, arguments.values)
        return {"rows": frame.height, "features": len(LAGS) + len(WINDOWS)}

    run_here(work, 1 if arguments.values else RUNS)


def _keep(made: pl.DataFrame, days: Days, side: str, file: Path) -> None:
    """The values of known days, one float32 column after the other in the order of our names."""
    values = made.to_numpy()[:, -(len(LAGS) + len(WINDOWS)) :].astype(np.float32)
    if side == "ours":
        values = values.reshape(-1, days.width, values.shape[1])[:, days.gutter :].reshape(-1, values.shape[1])
    np.save(file, values)


if __name__ == "__main__":
    main()
