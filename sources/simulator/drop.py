"""The simulator as a supplier of files: a history, the plans, and daily extracts with the faults of real ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from contract.params import SimulatorParams
from sources.simulator.simulation import REPORTED_AT, Simulation
from sources.simulator.world import DROP, generator

LATE_BY = timedelta(days=1, hours=1)  # a late file arrives an hour after its successor
BAD_KINDS = ("negative_y", "unknown_series", "unreadable_date", "duplicate_key")


@dataclass(frozen=True)
class Drop:
    """What was written. `files` in the order they arrive; `restated` and `bad_rows` say what is wrong in them."""

    files: list[Path]
    late: list[Path]
    restated: pl.DataFrame  # unique_id, ds, first_y (in the day's file), y (the truth), file (that corrects it)
    bad_rows: pl.DataFrame  # file, kind, unique_id: one row per broken line


def make_drop(simulation: Simulation, folder: Path, params: SimulatorParams) -> Drop:
    """Write the inbox files: history, calendar, prices, and one CSV for each of the last `daily_files` days.

    A broken line of negative y or unreadable date takes the place of a good one; the others are added. The history
    is written row group by row group, so memory does not grow with its length.
    """
    folder.mkdir(parents=True, exist_ok=True)
    days = [simulation.last_day - timedelta(days=k) for k in reversed(range(params.daily_files))]
    arrivals = _arrivals(days, params)
    plans = _write_plans(simulation, folder)
    recent = _write_history(simulation, folder / "sales_history.parquet", days)
    reports, restated = _reports(recent, arrivals, params)
    extracts, bad = [], []
    for number, day in enumerate(days):
        report, broken = _with_bad_rows(reports.filter(pl.col("file_day") == day), day, number, params)
        extracts.append(_write_extract(report, folder / _name(day)))
        bad.append(broken)
    order = sorted(range(len(days)), key=lambda k: arrivals[days[k]])
    late = [folder / _name(day) for day in days if arrivals[day] > datetime.combine(day, time()) + REPORTED_AT]
    files = [*plans, folder / "sales_history.parquet", *(extracts[k] for k in order)]
    return Drop(files, late, restated, pl.concat(bad) if bad else _bad_rows("", [], pl.Series([], dtype=pl.String)))


def write_truth(simulation: Simulation, path: Path) -> Path:
    """The truth frame as one Parquet file, written part by part."""
    return _write_parts((truth for _, truth in simulation.chunks()), path)


def _write_plans(simulation: Simulation, folder: Path) -> list[Path]:
    frames = {"calendar": simulation.calendar, "prices": simulation.prices}
    return [_write_parts(iter([frame]), folder / f"{name}.parquet") for name, frame in frames.items()]


def _write_history(simulation: Simulation, path: Path, recent_days: list[date]) -> pl.DataFrame:
    """Write the rows before the daily files, `known_at` null as nobody wrote it down; the later ones come back."""
    first_recent = recent_days[0] if recent_days else simulation.last_day + timedelta(days=1)
    recent: list[pl.DataFrame] = []

    def history() -> Iterator[pl.DataFrame]:
        for sales, _ in simulation.chunks():
            placed = sales.join(simulation.series, on="unique_id", how="left", maintain_order="left")
            recent.append(placed.filter(pl.col("ds").is_between(first_recent, simulation.last_day)))
            yield placed.filter(pl.col("ds") < first_recent).with_columns(known_at=pl.lit(None, pl.Datetime("us")))

    _write_parts(history(), path)
    return pl.concat(recent)


def _write_parts(parts: Iterator[pl.DataFrame], path: Path) -> Path:
    first = next(parts).to_arrow(compat_level=pl.CompatLevel.oldest())
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return path


def _arrivals(days: list[date], params: SimulatorParams) -> dict[date, datetime]:
    """When each daily file arrives; never two late ones in a row, and never the last one."""
    rng = generator(params.seed, DROP)
    count = min(round(params.late_share * len(days)), len(days) // 2)
    late = set(2 * rng.choice(len(days) // 2, count, replace=False)) if count else set()
    on_time = {day: datetime.combine(day, time()) + REPORTED_AT for day in days}
    return {day: moment + LATE_BY if k in late else moment for k, (day, moment) in enumerate(on_time.items())}


def _reports(
    recent: pl.DataFrame, arrivals: dict[date, datetime], params: SimulatorParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with the day of the file they come in: some first with a wrong y, and two files later as corrected."""
    days = list(arrivals)
    rng = generator(params.seed, DROP, 1)
    wrong = (rng.random(recent.height) < params.restated_share) & recent["ds"].is_in(days[:-2]).to_numpy()
    arrival = pl.col("file_day").replace_strict(arrivals, return_dtype=pl.Datetime("us"))
    first_y = pl.when(pl.col("y") < 2).then(pl.col("y") + 2).otherwise((pl.col("y") * 0.8).floor())
    first = recent.with_columns(y=pl.when(pl.Series(wrong)).then(first_y).otherwise("y"), file_day=pl.col("ds"))
    # two files later: that file arrives after the first report even where the first report was late
    corrected = recent.filter(wrong).with_columns(file_day=pl.col("ds") + timedelta(days=2))
    restated = corrected.select("unique_id", "ds", first_y=first_y, y="y", file=_name_of(pl.col("file_day")))
    return pl.concat([first, corrected]).with_columns(known_at=arrival), restated


def _with_bad_rows(
    report: pl.DataFrame, day: date, number: int, params: SimulatorParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The day's lines as text, with `bad_rows_share` broken ones among them; and which those are."""
    rng = generator(params.seed, DROP, 2 + number)
    lines = report.drop("file_day").with_columns(
        pl.col("ds").cast(pl.String), pl.col("y").cast(pl.Int64), known_at=pl.col("known_at").dt.to_string("iso:strict")
    )
    fresh = np.flatnonzero((report["ds"] == day).to_numpy())
    count = min(round(params.bad_rows_share * report.height), len(fresh))
    at = np.sort(rng.choice(fresh, count, replace=False)) if count else np.array([], dtype=int)
    kinds = [BAD_KINDS[(number * count + k) % len(BAD_KINDS)] for k in range(count)]
    kind = pl.DataFrame({"row": at, "kind": kinds}, schema={"row": pl.Int64, "kind": pl.String})
    marked = (
        lines.with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .join(kind, on="row", how="left", maintain_order="left")
    )
    broken = marked.with_columns(
        y=pl.when(pl.col("kind") == "negative_y").then(-pl.col("y") - 1).otherwise("y"),
        ds=pl.when(pl.col("kind") == "unreadable_date").then(pl.lit("31/02/20xx")).otherwise("ds"),
    )
    added = marked.filter(pl.col("kind").is_in(["unknown_series", "duplicate_key"]))
    stranger = pl.col("kind") == "unknown_series"
    added = added.with_columns(
        [pl.when(~stranger).then(level) for level in ("state_id", "store_id", "cat_id", "dept_id", "item_id")]
        + [
            pl.when(stranger)
            .then(pl.lit("NO_SUCH_ITEM_") + pl.col("row").cast(pl.String))
            .otherwise("unique_id")
            .alias("unique_id")
        ]
    )
    names = _bad_rows(_name(day), kinds, lines["unique_id"].gather(at))
    return pl.concat([broken, added]).drop("row", "kind"), names


def _bad_rows(file: str, kinds: list[str], unique_ids: pl.Series) -> pl.DataFrame:
    frame = pl.DataFrame({"kind": pl.Series(kinds, dtype=pl.String), "unique_id": unique_ids})
    return frame.select(pl.lit(file).alias("file"), "kind", "unique_id")


def _write_extract(lines: pl.DataFrame, path: Path) -> Path:
    lines.write_csv(path)
    return path


def _name(day: date) -> str:
    return f"sales_{day.isoformat()}.csv"


def _name_of(day: pl.Expr) -> pl.Expr:
    return pl.format("sales_{}.csv", day.dt.to_string("%Y-%m-%d"))
