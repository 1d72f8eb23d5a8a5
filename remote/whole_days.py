"""The condition that reads days whole: every day that has a new row, with all the rows it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, FromClause, and_, func, or_, select

from contract.errors import BadInput
from contract.written import LOCAL

_MOST_SPANS = 200  # of days in one condition; more are one span
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](?P<clock>.*))?$", re.DOTALL)
_OFFSET = re.compile(r"[A-Za-z+-]")  # in a clock: an offset or the name of a zone
_LONGEST_DAY = len("2026-01-31")  # of a text that is a day and has no clock
_LEAST_EPOCH = 10**9  # from here on a number counts seconds, not days


@dataclass
class _Touched:
    """Days that new rows have: as calendar days, and whether some stand as themselves alone."""

    days: set[date] = field(default_factory=set)
    zone: tzinfo | None = None
    is_text: bool = False
    has_others: bool = False
    has_other_texts: bool = False


def in_whole_days(
    con: Connection, rows: FromClause, is_new: ColumnElement[bool], day: str, time_zone: str | None
) -> ColumnElement[bool]:
    """The condition of new rows and of all rows of the days that new ones have. `day`: the column
    that says them, as days or as moments. BadInput where nobody can say which rows are of one day.
    """
    column = rows.c[day]
    touched = _touched(con, column, is_new, time_zone)
    if touched.has_other_texts:
        _refuse_clocks_beside(con, column)
    conditions = [is_new, *_spans(column, touched)]
    if touched.has_others:
        found = select(column).where(is_new).subquery("touched")
        conditions.append(column.in_(select(found.c[day])))
    return or_(*conditions)


def _touched(
    con: Connection, column: ColumnElement[Any], is_new: ColumnElement[bool], time_zone: str | None
) -> _Touched:
    touched = _Touched()
    query = select(column).where(is_new, column.is_not(None)).distinct()
    with con.execute(query, execution_options={"stream_results": True}) as found:
        for value in found.scalars():
            _touch(touched, value, time_zone)
    return touched


def _touch(touched: _Touched, value: object, time_zone: str | None) -> None:
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            touched.zone = _zone_of(value, time_zone)
            with suppress(OverflowError):  # the last day there is, as some write "for ever"
                value = value.astimezone(touched.zone)
        touched.days.add(value.date())
    elif isinstance(value, str) and (found := _day_in(value, time_zone)):
        touched.days.add(found)
        touched.is_text = True
    elif isinstance(value, str):
        if len(value) > _LONGEST_DAY or ":" in value or _is_epoch(value):
            raise BadInput(_unreadable(value, "text that is no ISO moment without an offset"))
        touched.has_others = touched.has_other_texts = True
    else:
        if isinstance(value, int | float | Decimal) and _is_epoch(value):
            raise BadInput(_unreadable(value, "numbers that hold clocks"))
        touched.has_others = True


def _zone_of(value: datetime, time_zone: str | None) -> tzinfo:
    """Whose days moments with an offset are of: as the file's reader takes them."""
    if time_zone and time_zone != LOCAL:
        return ZoneInfo(time_zone)
    return value.tzinfo if isinstance(value.tzinfo, ZoneInfo) else UTC


def _day_in(text: str, time_zone: str | None) -> date | None:
    """The day of an ISO text; None where it is none, or has an offset that may change its day."""
    found = _ISO.match(text)
    if found is None or (time_zone != LOCAL and _OFFSET.search(found["clock"] or "")):
        return None
    try:
        return date.fromisoformat(found[1])
    except ValueError:
        return None


def _is_epoch(value: str | float | Decimal) -> bool:
    """Whether a number counts seconds, or parts of a day."""
    if isinstance(value, str) and not value.isdecimal():
        return False
    number = Decimal(value)
    return number.is_finite() and (abs(number) >= _LEAST_EPOCH or number % 1 != 0)


def _refuse_clocks_beside(con: Connection, column: ColumnElement[Any]) -> None:
    """BadInput where days of this column have clocks in other rows: equal days are not equal texts
    then.
    """
    is_longer = func.char_length(column) > _LONGEST_DAY
    is_other = and_(is_longer, column.not_like("____-__-__%"))
    value = con.execute(select(column).where(is_other).limit(1)).scalar()
    if value is not None:
        raise BadInput(_unreadable(value, "text that is a day in some rows and more in others"))


def _unreadable(value: object, why: str) -> str:
    return (
        f"whole days cannot be read by {str(value)[:40]!r}: {why}. Make the column a day in a "
        "query (source.sql.facts.sales.query)."
    )


def _spans(column: ColumnElement[Any], touched: _Touched) -> Iterator[ColumnElement[bool]]:
    for first, last in _joined(sorted(touched.days)):
        low = _bound(first, touched)
        if last == date.max:
            yield column >= low
        else:
            yield and_(column >= low, column < _bound(last + timedelta(days=1), touched))


def _bound(day: date, touched: _Touched) -> str | datetime:
    return str(day) if touched.is_text else datetime.combine(day, time(), touched.zone)


def _joined(days: list[date]) -> list[tuple[date, date]]:
    """Spans of days that follow each other; one span of all where there are too many."""
    spans: list[tuple[date, date]] = []
    for one in days:
        if spans and one - spans[-1][1] <= timedelta(days=1):
            spans[-1] = (spans[-1][0], one)
        else:
            spans.append((one, one))
    return spans if len(spans) <= _MOST_SPANS else [(days[0], days[-1])]
