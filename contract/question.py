"""What a forecast may be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Question:
    """From which day (default: the newest), how far ahead, as known when, for which series (a glob)."""

    origin: date | None = None
    horizon: int | None = None
    as_of: datetime | None = None
    series: str | None = None

    def status(self, horizon: int) -> str:
        """done: the whole table, which orders are made of; answer: a part of it or a look back, which must not replace it."""
        is_whole = self.series is None and self.as_of is None and (self.horizon or horizon) >= horizon
        return "done" if is_whole else "answer"


NEWEST = Question()
