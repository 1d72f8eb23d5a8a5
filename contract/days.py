"""Days are the store's local dates. No timestamp arithmetic happens to them: nothing shifts one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from contract.errors import BadUsage, ContractBroken

if TYPE_CHECKING:
    import polars as pl

WEEK = 7
YEAR = 52 * WEEK  # back to the same weekday a year ago, nearly the same season


def parse_day(text: str) -> date:
    """The day written as YYYY-MM-DD; BadUsage for anything else, a timestamp included."""
    try:
        return _day_with_dashes(text)
    except ValueError as error:
        raise BadUsage(
            f"'{text}' is not a day. Write it as YYYY-MM-DD, for example 2016-05-22."
        ) from error


def parse_moment(text: str) -> datetime:
    """A moment in UTC without zone, from ISO 8601; a bare day means its last microsecond (all of
    that day is known).
    """
    try:
        if len(text) <= len("2016-05-22"):
            return datetime.combine(_day_with_dashes(text), time.max)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadUsage(
            f"'{text}' is not a moment. Write 2016-05-22 or 2016-05-22T06:00:00."
        ) from error
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def days_between(first: date, last: date) -> list[date]:
    """Every day from first to last, both included; empty when last is before first."""
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]


def days_after(origin: date, horizon: int) -> list[date]:
    """The days h = 1..horizon after the origin."""
    return [origin + timedelta(days=h) for h in range(1, horizon + 1)]


def earliest(days: pl.Series) -> date:
    """The first of a column of days; ContractBroken where it holds none."""
    return _day_of(days, days.min())


def latest(days: pl.Series) -> date:
    """The last of a column of days; ContractBroken where it holds none."""
    return _day_of(days, days.max())


def _day_of(days: pl.Series, value: object) -> date:
    if not isinstance(value, date):
        raise ContractBroken(f"column '{days.name}' ({days.dtype}) holds no day, but {value!r}.")
    return value


def _day_with_dashes(text: str) -> date:
    """Python also reads 20160522 and 2016-W20-7; a day has one spelling here, or a bare day would
    mean its midnight.
    """
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError(f"'{text}' is another spelling of {day}")
    return day
