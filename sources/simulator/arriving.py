"""The simulator as suppliers see it: every file with the moment it arrives, late ones a day late,
so that a life can be replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from contract.params import SimulatorParams
from sources.simulator.drop import make_drop
from sources.simulator.faults import arrivals_of, file_name
from sources.simulator.simulation import REPORTED_AT, simulate
from sources.simulator.supply import stock_name

ARRIVES = time(5)  # plans, and the history
PLANNED = ("prices", "openings")


def arriving(params: SimulatorParams, folder: Path) -> list[tuple[datetime, Path]]:
    """(moment, file) in the order of arrival, the files written to `folder`: plans and history on
    the morning of the first daily file's day, then one file for each of the last `daily_files`
    days and the stock after the last of them, and what is planned later on the day it is known.
    """
    drop = make_drop(simulate(params), folder, params)
    last = params.start + timedelta(days=params.days - 1)
    days = [last - timedelta(days=k) for k in reversed(range(params.daily_files))]
    arrivals = {file_name(day): moment for day, moment in arrivals_of(days, params).items()}
    arrivals[stock_name(last)] = datetime.combine(last, time()) + REPORTED_AT
    opening = datetime.combine(_first(days, last), ARRIVES)
    files = [(arrivals.get(path.name, opening), path) for path in drop.files]
    for path in drop.files:
        if path.stem in PLANNED:
            files.extend(_planned_later(path, opening))
    return sorted(files, key=lambda arrival: arrival[0])


def _planned_later(path: Path, opening: datetime) -> Iterator[tuple[datetime, Path]]:
    """The rows that nobody knows at the opening, out of a file of plans into one for each day on
    which some are known.
    """
    rows = pl.read_parquet(path, glob=False)
    is_later = pl.col("known_at") > opening
    rows.filter(~is_later).write_parquet(path)
    by_day = rows.filter(is_later).group_by(pl.col("known_at").dt.date(), maintain_order=True)
    for (day,), planned in by_day:
        target = path.with_stem(f"{path.stem}_{day}")
        planned.write_parquet(target)
        yield datetime.combine(day, ARRIVES), target


def _first(days: list[date], last: date) -> date:
    return days[0] if days else last + timedelta(days=1)
