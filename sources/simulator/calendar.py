"""The simulated calendar: named events and their pull on each category, pay days of each state,
closed days.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from contract.frames import CALENDAR
from sources.simulator.world import CATEGORIES, STATES

# days of the month on which a state pays food assistance, like SNAP in M5
PAYDAYS = {
    "CA": frozenset(range(1, 11)),
    "TX": frozenset((1, 3, 5, 6, 7, 9, 11, 12, 13, 15)),
    "WI": frozenset((2, 3, 5, 6, 8, 9, 11, 12, 14, 15)),
}
PAYDAY_PULL = np.array([0.12, 0.0, 0.02])  # log effect per category

# name: type, days of rising demand before it, log effect at its height on FOODS, HOBBIES, HOUSEHOLD
EVENTS = {
    "SuperBowl": ("Sporting", 2, (0.25, -0.05, 0.0)),
    "ValentinesDay": ("Cultural", 3, (0.08, 0.20, 0.0)),
    "Easter": ("Religious", 4, (0.20, 0.10, 0.05)),
    "MothersDay": ("Cultural", 3, (0.05, 0.20, 0.10)),
    "MemorialDay": ("National", 2, (0.15, 0.0, 0.05)),
    "IndependenceDay": ("National", 3, (0.22, 0.05, 0.0)),
    "LaborDay": ("National", 2, (0.12, 0.0, 0.05)),
    "Halloween": ("Cultural", 5, (0.15, 0.25, 0.0)),
    "Thanksgiving": ("National", 5, (0.30, -0.10, 0.10)),
    "Christmas": ("National", 12, (0.25, 0.45, 0.20)),
    "NewYear": ("National", 2, (0.15, -0.10, 0.0)),
}
CLOSED = frozenset(((12, 25), (1, 1)))  # month and day on which no store opens


def events_of(year: int) -> dict[date, str]:
    """The day of every named event of a year."""
    return {
        date(year, 1, 1): "NewYear",
        _nth_weekday(year, 2, 6, 2): "SuperBowl",
        date(year, 2, 14): "ValentinesDay",
        _easter(year): "Easter",
        _nth_weekday(year, 5, 6, 2): "MothersDay",
        _nth_weekday(year, 6, 0, 1) - timedelta(days=7): "MemorialDay",
        date(year, 7, 4): "IndependenceDay",
        _nth_weekday(year, 9, 0, 1): "LaborDay",
        date(year, 10, 31): "Halloween",
        _nth_weekday(year, 11, 3, 4): "Thanksgiving",
        date(year, 12, 25): "Christmas",
    }


def calendar_frame(days: list[date], known_at: datetime) -> pl.DataFrame:
    """CALENDAR: events and closed days on region '*', pay days on each state's own rows."""
    named = _named_days(days)
    everywhere = [
        (
            "*",
            day,
            known_at,
            named.get(day),
            EVENTS[named[day]][0] if day in named else None,
            is_closed(day),
            None,
        )
        for day in days
    ]
    by_state = [
        (state, day, known_at, None, None, None, day.day in PAYDAYS[state])
        for state in STATES
        for day in days
    ]
    return pl.DataFrame(everywhere + by_state, schema=CALENDAR.schema, orient="row").sort(
        "region", "ds"
    )


def event_pull(days: list[date]) -> np.ndarray:
    """Log effect of events on demand, (categories, days): rising towards the event, gone the day
    after.
    """
    pull = np.zeros((len(CATEGORIES), len(days)))
    first = days[0]
    for day, name in _named_days(
        [*days, *(days[-1] + timedelta(days=k) for k in range(1, 15))]
    ).items():
        _, lead, height = EVENTS[name]
        for before in range(lead + 1):
            place = (day - first).days - before
            if 0 <= place < len(days):
                pull[:, place] += np.array(height) * (1 - before / (lead + 1))
    return pull


def payday_pull(days: list[date]) -> np.ndarray:
    """Log effect of pay days on demand, (states, categories, days)."""
    pays = np.array([[day.day in PAYDAYS[state] for day in days] for state in STATES], dtype=float)
    pull: np.ndarray = pays[:, None, :] * PAYDAY_PULL[None, :, None]
    return pull


def is_closed(day: date) -> bool:
    """Whether no store opens on that day."""
    return (day.month, day.day) in CLOSED


def published_before(first: date) -> datetime:
    """The moment the calendar became known: a quarter before the first day."""
    return datetime.combine(first - timedelta(days=91), time())


def _named_days(days: list[date]) -> dict[date, str]:
    wanted = set(days)
    return {
        day: name
        for year in {d.year for d in days}
        for day, name in events_of(year).items()
        if day in wanted
    }


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _easter(year: int) -> date:
    """Easter Sunday (Gregorian), by the anonymous algorithm in Meeus, Astronomical Algorithms, ch.
    8.
    """
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)
