"""The same lags and windows for every day of a panel: our engine, or mlforecast's `preprocess` (a strong peer, kernels in C++).

run     python -m benchmarks.lags_and_windows PANEL_FOLDER      (data/panel after `make repro`; `make bench` keeps what it tells)

Each side has a process of its own and starts from the same long frame, dense and sorted: lags, means, spreads and weekday means as
params.yaml declares them. Ours is measured twice: with every piece held to the end, as mlforecast holds its frame, and with each
piece let go once made, as training and serving do when they have copied the rows they ask for.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import ROOT, held_mb, measured, run_here
from contract.days import WEEK
from contract.params_file import load_params
from features.dense import days_of, units_sold
from features.dense_panel import series_in_a_piece
from features.feature import Feature
from features.frame import evaluated
from features.sales import SPREAD_FROM_DAYS, sales_features
from reports.tables import text_table
from runtime.memory import keep_within
from storage.panel_files import read_frozen

SIDES = ("ours", "ours_in_pieces", "mlforecast")
RUNS = 5
BUDGET_MB = 512  # of the side that works in pieces


def main() -> None:
    """All sides; or, in the process made for it, one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("panel", type=Path)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--values", type=Path, help="where this side leaves what it computed")
    arguments = parser.parse_args()
    if arguments.side:
        _measure_here(arguments.panel, arguments.side, arguments.values)
    else:
        print(text_table(["what", "measured"], lines(compared(arguments.panel))))


def compared(panel: Path) -> dict[str, Any]:
    """Seconds and memory of each side, and the largest difference between their values."""
    with tempfile.TemporaryDirectory() as folder:
        units = Path(folder) / "units.npy"
        np.save(units, _dense_units(panel))
        sides = {side: measured("benchmarks.lags_and_windows", str(units), "--side", side) for side in SIDES}
        files = {side: Path(folder) / f"{side}.npy" for side in ("ours", "mlforecast")}
        for side, file in files.items():
            measured("benchmarks.lags_and_windows", str(units), "--side", side, "--values", str(file))
        ours, theirs = (np.load(file, mmap_mode="r") for file in files.values())
        apart = [np.abs(one - other) for one, other in zip(ours, theirs, strict=True)]
    took = {side: round(timed.rss_mb - timed.told["before_mb"]) for side, timed in sides.items()}
    peer = sides["mlforecast"].median_s
    return {
        **{side: {**asdict(timed), "took_mb": took[side]} for side, timed in sides.items()},
        "times_faster": {side: round(peer / sides[side].median_s, 2) for side in SIDES[:2]},
        "share_of_memory": {side: round(took[side] / took["mlforecast"], 2) for side in SIDES[:2]},
        "largest_difference": float(max(np.nanmax(values) for values in apart)),
        "compared_values": int(sum((~np.isnan(values)).sum() for values in apart)),
    }


def lines(made: dict[str, Any]) -> list[list[str]]:
    """Rows of the table of benchmarks."""
    told, peer = made["ours"]["told"], made["mlforecast"]
    rows = [
        [
            f"{told['features']} lags and windows, {told['rows']:,} rows: mlforecast",
            f"{peer['median_s']:.2f} s, {peer['took_mb']:,} MB",
        ]
    ]
    for side, word in (("ours", "held to the end"), ("ours_in_pieces", f"in pieces, budget {BUDGET_MB} MB")):
        ratios = f"{made['times_faster'][side]}x, {made['share_of_memory'][side]} of its memory"
        rows.append([f"  ours, {word}", f"{made[side]['median_s']:.2f} s, {made[side]['took_mb']:,} MB: {ratios}"])
    return [
        *rows,
        ["  largest difference of a value", f"{made['largest_difference']:.1e} of {made['compared_values']:,}"],
    ]


def _dense_units(panel_folder: Path) -> np.ndarray:
    """(series, days) float32; a day nothing is known of is 0: both sides get a dense frame."""
    panel = read_frozen(panel_folder)
    return np.nan_to_num(units_sold(panel, days_of(panel, 0, 0), True))


def _declared() -> list[Feature]:
    """Of the sales features in params.yaml those mlforecast makes, too: all but the share of zeros."""
    params = load_params(ROOT / "params.yaml").features.model_copy(update={"year_windows": [], "lifecycle": False})
    return [feature for feature in sales_features(params) if "zeros" not in feature.name]


def _measure_here(units: Path, side: str, values: Path | None) -> None:
    frame = _long(np.load(units))
    before = held_mb()
    if side == "ours_in_pieces":
        keep_within(BUDGET_MB)

    def work() -> dict[str, Any]:
        made: Any = mlforecast(frame) if side == "mlforecast" else ours(frame)
        if side == "ours_in_pieces":
            for _ in made:
                pass
        elif side == "ours":
            made = list(made)
        if values:
            np.save(values, (_theirs if side == "mlforecast" else _ours)(made, frame["ds"].n_unique()))
        return {"rows": frame.height, "features": len(_declared()), "before_mb": before}

    run_here(work, 1 if values else RUNS)


def _long(units: np.ndarray) -> pl.DataFrame:
    """unique_id (an integer), ds, y, sorted."""
    series, days = units.shape
    ds = pl.date_range(date(2015, 1, 1), pl.lit(date(2015, 1, 1)).dt.offset_by(f"{days - 1}d"), eager=True)
    ids = pl.DataFrame({"unique_id": np.arange(series, dtype=np.int32)})
    return ids.join(ds.alias("ds").to_frame(), how="cross", maintain_order="left_right").with_columns(y=units.ravel())


def ours(frame: pl.DataFrame) -> Iterator[dict[str, np.ndarray]]:
    """The columns of some series at a time, as `feature_frames` evaluates them. A lag is no column of its own: units, read earlier."""
    features = _declared()
    series = frame["unique_id"][-1] + 1
    days = frame.height // series
    some = series_in_a_piece(days, features)
    for first in range(0, series, some):
        yield evaluated(frame.slice(first * days, some * days).select("y"), days, features)


def mlforecast(frame: pl.DataFrame) -> pl.DataFrame:
    """The peer with the same columns. Its lags count from the day after the origin: one more than ours."""
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean, RollingStd, SeasonalRollingMean

    params = load_params(ROOT / "params.yaml").features
    transforms: list[Any] = []
    for days in params.windows:
        transforms.append(RollingMean(days, min_samples=1))
        transforms += [RollingStd(days, min_samples=2)] if days >= SPREAD_FROM_DAYS else []
    transforms += [SeasonalRollingMean(WEEK, weeks, min_samples=1) for weeks in params.weekday_weeks]
    engine = MLForecast(
        models=[], freq="1d", lags=[lag + 1 for lag in params.lags], lag_transforms={1: transforms}, num_threads=2
    )
    return engine.preprocess(frame, dropna=False, static_features=[])


def _ours(pieces: list[dict[str, np.ndarray]], days: int) -> np.ndarray:
    """(features, series, days - 1): what each feature reads on all origins but the last day, in the order declared."""
    told = []
    for feature in _declared():
        table = np.concatenate([piece[feature.name].reshape(-1, days) for piece in pieces])
        earlier = np.full_like(table, np.nan)
        earlier[:, -feature.ahead :] = table[:, : days + feature.ahead]
        told.append(earlier[:, :-1])
    return np.stack(told)


def _theirs(made: pl.DataFrame, days: int) -> np.ndarray:
    """(features, series, days - 1): all but the first day, which reads the days before it."""
    told = made.drop("unique_id", "ds", "y")
    return np.stack([column.to_numpy().reshape(-1, days)[:, 1:] for column in told])


if __name__ == "__main__":
    main()
