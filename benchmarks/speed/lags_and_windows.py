"""The same lags and windows for every day of a panel: our engine, or mlforecast's `preprocess` (a
strong peer, kernels in C++).

Each side has a process of its own and starts from the same long frame, dense and sorted: lags,
means, spreads and weekday means as params.yaml declares them. Ours is measured twice: with every
piece held to the end, as mlforecast holds its frame, and with each piece let go once made, as
training and serving do when they have copied the rows they need.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.harness.params import params_for, params_here
from benchmarks.harness.process import held_mb, measured
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.worlds import m5_panel
from benchmarks.render.markdown import markdown_table
from contract.days import WEEK
from contract.demand import demand_rules
from contract.params import Params
from features.dense import days_of, units_sold
from features.dense_panel import series_in_a_piece
from features.feature import Feature
from features.frame import evaluated
from features.sales import SPREAD_FROM_DAYS, sales_features
from runtime.memory import keep_within
from storage.panel_files import read_frozen

SIDES = ("ours", "ours_in_pieces", "mlforecast")
WORDS = {
    "mlforecast": "mlforecast",
    "ours": "ours, held to the end",
    "ours_in_pieces": "ours, in pieces",
}
RUNS = 5
BUDGET_MB = 512  # of the side that works in pieces


def measure(context: Context) -> Result:
    """The panel of the data folder; with M5's files, theirs as well."""
    pairs = [compared(context.paths.panel, context.params)]
    if files := context.options.m5_files:
        with tempfile.TemporaryDirectory() as folder:
            pairs.append(compared(m5_panel(files, Path(folder)), params_for("m5")))
    return {"compared": pairs}


def compared(panel: Path, params: Params) -> Result:
    """Seconds and memory of each side, and the largest difference between their values."""
    with tempfile.TemporaryDirectory() as folder:
        units = Path(folder) / "units.npy"
        np.save(units, _dense_units(panel, params))
        sides = {side: measured(prepared, RUNS, str(units), side) for side in SIDES}
        apart = _apart(units, Path(folder))
    took = {side: round(timed.rss_mb - timed.result["before_mb"]) for side, timed in sides.items()}
    peer = sides["mlforecast"].median_s
    return {
        **{side: {**asdict(timed), "took_mb": took[side]} for side, timed in sides.items()},
        "times_faster": {side: round(peer / sides[side].median_s, 2) for side in SIDES[:2]},
        "share_of_memory": {side: round(took[side] / took["mlforecast"], 2) for side in SIDES[:2]},
        "largest_difference": float(max(np.nanmax(values) for values in apart)),
        "compared_values": int(sum((~np.isnan(values)).sum() for values in apart)),
    }


def table(result: Result) -> str:
    """One row per data set and side."""
    rows = []
    for pair in result["compared"]:
        for side, words in WORDS.items():
            ratios = (
                [f"{pair['times_faster'][side]}x", str(pair["share_of_memory"][side])]
                if side in SIDES[:2]
                else ["", ""]
            )
            cost = [f"{pair[side]['median_s']:.2f}", f"{pair[side]['took_mb']:,}"]
            rows.append([f"{pair['ours']['result']['rows']:,}", words, *cost, *ratios])
    return markdown_table(
        ["rows", "side", "seconds", "MB taken", "times faster", "of its memory"], rows
    )


def prepared(units: str, side: str, values: str | None = None) -> Callable[[], Result]:
    """In the measured process: one side's work; `values`: where it leaves what it computed."""
    frame = _long(np.load(units))
    before = held_mb()
    if side == "ours_in_pieces":
        keep_within(BUDGET_MB)

    def work() -> Result:
        made: Any = mlforecast(frame) if side == "mlforecast" else ours(frame)
        if side == "ours_in_pieces":
            for _ in made:
                pass
        elif side == "ours":
            made = list(made)
        if values:
            np.save(
                values, (_theirs if side == "mlforecast" else _ours)(made, frame["ds"].n_unique())
            )
        return {"rows": frame.height, "features": len(_declared()), "before_mb": before}

    return work


def ours(frame: pl.DataFrame) -> Iterator[dict[str, np.ndarray]]:
    """The columns of some series at a time, as `feature_frames` evaluates them. A lag is no column
    of its own: units, read earlier.
    """
    features = _declared()
    series = frame["unique_id"][-1] + 1
    days = frame.height // series
    some = series_in_a_piece(days, features)
    for first in range(0, series, some):
        yield evaluated(frame.slice(first * days, some * days).select("y"), days, features)


def mlforecast(frame: pl.DataFrame) -> pl.DataFrame:
    """The peer with the same columns. Its lags count from the day after the origin: one more than
    ours.
    """
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean, RollingStd, SeasonalRollingMean

    params = params_here().features
    transforms: list[Any] = []
    for days in params.windows:
        transforms.append(RollingMean(days, min_samples=1))
        transforms += [RollingStd(days, min_samples=2)] if days >= SPREAD_FROM_DAYS else []
    transforms += [
        SeasonalRollingMean(WEEK, weeks, min_samples=1) for weeks in params.weekday_weeks
    ]
    lags = [lag + 1 for lag in params.lags]
    engine = MLForecast(
        models=[], freq="1d", lags=lags, lag_transforms={1: transforms}, num_threads=2
    )
    return engine.preprocess(frame, dropna=False, static_features=[])


def _dense_units(panel_folder: Path, params: Params) -> np.ndarray:
    """(series, days) float32; a day nothing is known of is 0: both sides get a dense frame."""
    panel = read_frozen(panel_folder)
    return np.nan_to_num(units_sold(panel, days_of(panel, 0, 0), demand_rules(params)))


def _declared() -> list[Feature]:
    """Of the sales features in params.yaml those mlforecast makes: all but the share of zeros."""
    params = params_here().features.model_copy(update={"year_windows": [], "lifecycle": False})
    return [feature for feature in sales_features(params) if "zeros" not in feature.name]


def _apart(units: Path, folder: Path) -> list[np.ndarray]:
    """By feature, how far the two engines' values lie from each other."""
    files = {side: folder / f"{side}.npy" for side in ("ours", "mlforecast")}
    for side, file in files.items():
        measured(prepared, 1, str(units), side, str(file))
    ours, theirs = (np.load(file, mmap_mode="r") for file in files.values())
    return [np.abs(one - other) for one, other in zip(ours, theirs, strict=True)]


def _long(units: np.ndarray) -> pl.DataFrame:
    """unique_id (an integer), ds, y, sorted."""
    series, days = units.shape
    first = pl.lit(date(2015, 1, 1))
    ds = pl.date_range(first, first.dt.offset_by(f"{days - 1}d"), eager=True).alias("ds").to_frame()
    ids = pl.DataFrame({"unique_id": np.arange(series, dtype=np.int32)})
    return ids.join(ds, how="cross", maintain_order="left_right").with_columns(y=units.ravel())


def _ours(pieces: list[dict[str, np.ndarray]], days: int) -> np.ndarray:
    """(features, series, days - 1): what each feature reads on all origins but the last day."""
    read = []
    for feature in _declared():
        table = np.concatenate([piece[feature.name].reshape(-1, days) for piece in pieces])
        earlier = np.full_like(table, np.nan)
        earlier[:, -feature.ahead :] = table[:, : days + feature.ahead]
        read.append(earlier[:, :-1])
    return np.stack(read)


def _theirs(made: pl.DataFrame, days: int) -> np.ndarray:
    """(features, series, days - 1): all but the first day, which reads the days before it."""
    columns = made.drop("unique_id", "ds", "y")
    return np.stack([column.to_numpy().reshape(-1, days)[:, 1:] for column in columns])


BENCHMARK = Benchmark(
    question="How fast and how frugal are lags and windows beside mlforecast's?",
    needs="a panel after make repro, or M5's files as well; a minute or two",
    measure=measure,
    options=(Option("m5_files", "folder of M5's files, measured as well", kind=Path),),
    table=table,
)
