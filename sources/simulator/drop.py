"""The simulator as a supplier of files: a history, the plans, and daily extracts with the faults of
real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from contract.agreement import OPENING
from contract.params import SimulatorParams
from sources.simulator.faults import (
    NO_BAD_ROWS,
    arrivals_of,
    as_text,
    file_name,
    reports_of,
    with_bad_rows,
    with_frozen_feeds,
)
from sources.simulator.simulation import REPORTED_AT, Simulation
from sources.simulator.supply import stock_file, stock_name, supply_file


@dataclass(frozen=True)
class Drop:
    """What was written. `files` in the order they arrive; `restated` and `bad_rows` say what is
    wrong in them.
    """

    files: list[Path]
    late: list[Path]
    # unique_id, ds, first_y (in the day's file), y (the truth), file (that corrects it)
    restated: pl.DataFrame
    bad_rows: pl.DataFrame  # file, kind, unique_id: one row per broken line
    frozen: pl.DataFrame  # store_id, ds: whose rows repeat those of a day before


def make_drop(simulation: Simulation, folder: Path, params: SimulatorParams) -> Drop:
    """Write the inbox files: history, calendar, prices, one CSV for each of the last `daily_files`
    days, supply, and stock at the close of the last day.

    A broken line of negative y or unreadable date takes the place of a good one; the others are
    added. The history is written row group by row group, so memory does not grow with its length.
    """
    folder.mkdir(parents=True, exist_ok=True)
    days = [simulation.last_day - timedelta(days=k) for k in reversed(range(params.daily_files))]
    arrivals = arrivals_of(days, params)
    plans = _write_plans(simulation, folder)
    recent = _write_history(simulation, folder / "sales_history.parquet", days)
    recent, frozen = with_frozen_feeds(recent, days, params)
    reports, restated = reports_of(recent, arrivals, params)
    bad = [NO_BAD_ROWS]
    for number, day in enumerate(days):
        lines, broken = with_bad_rows(
            reports.filter(pl.col("file_day") == day), day, number, params
        )
        lines.write_csv(folder / file_name(day))
        bad.append(broken)
    arrived = [folder / file_name(day) for day in sorted(days, key=lambda day: arrivals[day])]
    late = [
        folder / file_name(day)
        for day in days
        if arrivals[day] > datetime.combine(day, time()) + REPORTED_AT
    ]
    supplies = _write_supply(simulation, folder)
    files = [*plans, folder / "sales_history.parquet", *arrived, *supplies]
    return Drop(files, late, restated, pl.concat(bad), frozen)


def write_day(simulation: Simulation, day: date, folder: Path) -> Path:
    """One faultless daily file, also of a day beyond the last sales day: tomorrow's feed for drills
    and demos.
    """
    every = pl.concat(
        [
            simulation.sales.filter(pl.col("ds") == day),
            simulation.future.filter(pl.col("ds") == day),
        ]
    )
    path = folder / file_name(day)
    as_text(
        every.join(simulation.series, on="unique_id", how="left", maintain_order="left")
    ).write_csv(path)
    return path


def write_truth(simulation: Simulation, path: Path) -> Path:
    """The truth frame as one Parquet file, written part by part."""
    return _write_parts((truth for _, truth in simulation.chunks()), path)


def _write_plans(simulation: Simulation, folder: Path) -> list[Path]:
    """Calendar, prices, and openings where a closure was announced."""
    frames = {"calendar": simulation.calendar, "prices": simulation.prices}
    openings = simulation.covariates
    if openings.height:
        is_open = (pl.col("value") == 1).alias(OPENING)
        frames["openings"] = openings.select("unique_id", "ds", "known_at", is_open)
    return [
        _write_parts(iter([frame]), folder / f"{name}.parquet") for name, frame in frames.items()
    ]


def _write_supply(simulation: Simulation, folder: Path) -> list[Path]:
    """How the chain is supplied, and what is in hand at the close of the last day."""
    supply, stock = folder / "supply.csv", folder / stock_name(simulation.last_day)
    for path, rows in ((supply, supply_file(simulation)), (stock, stock_file(simulation))):
        rows.with_columns(pl.col("known_at").dt.to_string("iso:strict")).write_csv(path)
    return [supply, stock]


def _write_history(simulation: Simulation, path: Path, recent_days: list[date]) -> pl.DataFrame:
    """Write the rows before the daily files, `known_at` null as nobody wrote it down; the later
    ones come back.
    """
    first_recent = recent_days[0] if recent_days else simulation.last_day + timedelta(days=1)
    recent: list[pl.DataFrame] = []

    def parts() -> Iterator[pl.DataFrame]:
        """History part by part; what is recent is put aside."""
        for sales, _ in simulation.chunks():
            placed = sales.join(
                simulation.series, on="unique_id", how="left", maintain_order="left"
            )
            recent.append(placed.filter(pl.col("ds").is_between(first_recent, simulation.last_day)))
            yield placed.filter(pl.col("ds") < first_recent).with_columns(
                known_at=pl.lit(None, pl.Datetime("us"))
            )

    _write_parts(parts(), path)
    return pl.concat(recent)


def _write_parts(parts: Iterator[pl.DataFrame], path: Path) -> Path:
    first = next(parts).to_arrow(compat_level=pl.CompatLevel.oldest())
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return path
