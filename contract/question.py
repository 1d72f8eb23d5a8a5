"""Which forecast is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Question:
    """From which day (default: the newest), how far ahead, as known when, for which series (a
    glob).
    """

    origin: date | None = None
    horizon: int | None = None
    as_of: datetime | None = None
    series: str | None = None

    def status(self, horizon: int, newest: date | None) -> str:
        """The run's status. `done`: the whole table of today, which orders are made of; `answer`: a
        part of it, a look back or a look ahead from a day that is not the newest known one, which
        must not replace it.
        """
        is_today = self.as_of is None and self.origin in (None, newest)
        is_whole = self.series is None and (self.horizon or horizon) >= horizon
        return "done" if is_today and is_whole else "answer"


NEWEST = Question()
