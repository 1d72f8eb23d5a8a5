"""The simulator as suppliers see it: every file with the moment it arrives, late ones a day late,
so that a life can be replayed.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

from contract.params import SimulatorParams
from sources.simulator.drop import make_drop
from sources.simulator.faults import arrivals_of, file_name
from sources.simulator.simulation import simulate


def arriving(params: SimulatorParams, folder: Path) -> list[tuple[datetime, Path]]:
    """(moment, file) in the order of arrival, the files written to `folder`: plans and history on
    the morning of the first daily file's day, then one file for each of the last `daily_files`
    days.
    """
    drop = make_drop(simulate(params), folder, params)
    last = params.start + timedelta(days=params.days - 1)
    days = [last - timedelta(days=k) for k in reversed(range(params.daily_files))]
    arrivals = {file_name(day): moment for day, moment in arrivals_of(days, params).items()}
    opening = datetime.combine(_first(days, last), time(5))
    files = [(arrivals.get(path.name, opening), path) for path in drop.files]
    return sorted(files, key=lambda arrival: arrival[0])


def _first(days: list[date], last: date) -> date:
    return days[0] if days else last + timedelta(days=1)
