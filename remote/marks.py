"""How far a table was read: a moment, a day, a number, or a moment or day written as text. A mark
is kept to the last digit, and what is read from it on begins no later than it says.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from math import ceil, isfinite
from typing import Any

from contract.errors import BadInput

Mark = datetime | date | int | float | Decimal | str

# what is read again below a mark where `overlap` says nothing: transactions that began earlier
_OVERLAP = {"moment": 3600.0, "day": 1.0, "counter": 1000.0}  # seconds, days, numbers
_EXACT = 2**53  # whole numbers below are whole as floats, too
_INT64 = 2**63
_DIGITS = Context(prec=1000)  # of numbers: more than any column has
_APART = timedelta(days=1)  # that other clocks and time zones may be


def mark_of(value: object, column: str) -> Mark:
    """The highest value of a watermark column as a mark. BadInput for a value nobody can count
    back from.
    """
    if isinstance(value, Decimal) and value.is_finite():  # not int: beyond 64 bits it is compared
        is_counter = value == value.to_integral_value() and abs(value) < _INT64
        return int(value) if is_counter else value
    if isinstance(value, float) and isfinite(value):
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, str) and _moment_in(value) is not None:
        return value
    if isinstance(value, datetime | date | int) and not isinstance(value, bool):
        return value
    raise BadInput(
        f"the watermark '{column}' holds {str(value)[:80]!r}; it must be a moment, a day or a "
        "number, each as a type of its own or as ISO text. Choose another column."
    )


def less_overlap(mark: Mark, overlap: float | None) -> Mark:
    """The mark moved back: by seconds of a moment, days of a day, numbers of a counter."""
    if isinstance(mark, str):
        return _text_less_overlap(mark, overlap)
    if isinstance(mark, date):
        return _earlier(mark, overlap)
    back = _or_usual(overlap, "counter")
    if isinstance(mark, float):
        return mark - back
    if isinstance(mark, Decimal):
        return _DIGITS.subtract(mark, Decimal(str(back)))
    return mark - ceil(back)  # whole numbers: a float has 53 bits of them


def not_ahead(mark: Mark, now: datetime) -> Mark:
    """The mark; yesterday where it lies beyond tomorrow: one row with a moment of 2999 would hide
    all that come before it. Numbers are as they are.
    """
    now = now.replace(tzinfo=None)
    day = _day_of(mark)
    if day is None or day <= (now + _APART).date():
        return mark
    if isinstance(mark, datetime):
        return (now - _APART).replace(tzinfo=mark.tzinfo)
    yesterday = (now - _APART).date()
    return yesterday if isinstance(mark, date) else str(yesterday)


def can_follow(mark: Mark, since: Mark, overlap: float | None) -> bool:
    """Whether a table whose highest value is `mark` may hold rows that are new since a mark. Not
    where it was made anew: counters that began again, values of another kind.
    """
    first: Any = less_overlap(since, overlap)
    are_numbers = {_kind_of(mark), _kind_of(since)} <= _NUMBERS.keys()
    if _kind_of(mark) != _kind_of(since) and not are_numbers:
        return False
    try:
        return bool(mark >= first)
    except TypeError:  # moments with and without an offset
        return False


def written(mark: Mark) -> dict[str, str]:
    """The mark as JSON holds it."""
    return {
        "kind": _kind_of(mark),
        "value": mark.isoformat() if isinstance(mark, date) else str(mark),
    }


def read(fields: dict[str, str]) -> Mark:
    """A mark that `written` wrote."""
    kind, value = fields["kind"], fields["value"]
    if kind == "moment":
        return datetime.fromisoformat(value)
    if kind == "day":
        return date.fromisoformat(value)
    return _NUMBERS[kind](value) if kind in _NUMBERS else value


def _kind_of(mark: Mark) -> str:
    return next(name for name, type_ in _TYPES.items() if isinstance(mark, type_))


# a moment is a day, too: it comes first
_TYPES: dict[str, type] = {
    "moment": datetime, "day": date, "counter": int, "float": float, "decimal": Decimal,
    "text": str,
}  # fmt: skip
_NUMBERS: dict[str, type] = {"counter": int, "float": float, "decimal": Decimal}


def _or_usual(overlap: float | None, kind: str) -> float:
    return _OVERLAP[kind] if overlap is None else overlap


def _earlier(mark: date, overlap: float | None) -> date:
    """A moment or a day, moved back; no further than there are days."""
    if isinstance(mark, datetime):
        return _earlier_moment(mark, overlap)
    try:
        return mark - timedelta(days=ceil(_or_usual(overlap, "day")))
    except OverflowError:
        return date.min


def _earlier_moment(mark: datetime, overlap: float | None) -> datetime:
    try:
        return mark - timedelta(seconds=_or_usual(overlap, "moment"))
    except OverflowError:
        return datetime.min.replace(tzinfo=mark.tzinfo)


def _moment_in(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _day_of(mark: Mark) -> date | None:
    if isinstance(mark, str):
        mark = _moment_in(mark) or mark
    if isinstance(mark, datetime):
        return mark.date()
    return mark if isinstance(mark, date) else None


def _text_less_overlap(text: str, overlap: float | None) -> str:
    """A text that none of this moment or a later one is below: with a space, which stands before
    any T, and without fractions and offset, of which some rows may have more or none.
    """
    moment = _moment_in(text)
    assert moment is not None, text
    if len(text) == len("2026-01-31"):
        return str(_earlier(moment.date(), overlap))
    earlier = _earlier_moment(moment, overlap).isoformat(sep=" ")
    as_written, now = text.replace("T", " ", 1), moment.isoformat(sep=" ")
    for form in ("2026-01-31 10:00:00", "2026-01-31 10:00"):
        if as_written[: len(form)] == now[: len(form)]:
            return earlier[: len(form)]
    return earlier[: len("2026-01-31")]
