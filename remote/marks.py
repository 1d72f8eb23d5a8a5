"""How far a table was read: a moment, a day, a counter, or a moment or day written as text."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isfinite

from contract.errors import BadInput

Mark = datetime | date | int | str

# what is read again below a mark where `overlap` says nothing: transactions that began earlier
_OVERLAP = {"moment": 3600.0, "day": 1.0, "counter": 1000.0}  # seconds, days, numbers


def mark_of(value: object, column: str) -> Mark:
    """The highest value of a watermark column as a mark. BadInput for a value nobody can count
    back from.
    """
    if isinstance(value, Decimal | float) and isfinite(value) and value == int(value):
        return int(value)
    if isinstance(value, str) and _moment_in(value) is not None:
        return value
    if isinstance(value, datetime | date | int) and not isinstance(value, bool):
        return value
    raise BadInput(
        f"the watermark '{column}' holds {str(value)[:80]!r}; it must be a moment, a day or a "
        "whole number, each as a type of its own or as ISO text. Choose another column."
    )


def less_overlap(mark: Mark, overlap: float | None) -> Mark:
    """The mark moved back: by seconds of a moment, days of a day, numbers of a counter."""
    if isinstance(mark, str):
        return _text_less_overlap(mark, overlap)
    if isinstance(mark, datetime):
        return mark - timedelta(seconds=_or_usual(overlap, "moment"))
    if isinstance(mark, date):
        return mark - timedelta(days=_or_usual(overlap, "day"))
    return int(mark - _or_usual(overlap, "counter"))


def written(mark: Mark) -> dict[str, str]:
    """The mark as JSON holds it."""
    kind = next(name for name, type_ in _TYPES.items() if type(mark) is type_)
    return {
        "kind": kind,
        "value": mark.isoformat() if isinstance(mark, date) else str(mark),
    }


def read(fields: dict[str, str]) -> Mark:
    """A mark that `written` wrote."""
    kind, value = fields["kind"], fields["value"]
    if kind == "moment":
        return datetime.fromisoformat(value)
    if kind == "day":
        return date.fromisoformat(value)
    return int(value) if kind == "counter" else value


_TYPES: dict[str, type] = {"moment": datetime, "day": date, "counter": int, "text": str}


def _or_usual(overlap: float | None, kind: str) -> float:
    return _OVERLAP[kind] if overlap is None else overlap


def _moment_in(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _text_less_overlap(text: str, overlap: float | None) -> str:
    """In the form the text has, so that texts compare as moments do."""
    moment = _moment_in(text)
    assert moment is not None, text
    if len(text) == len("2026-01-31"):
        return str((moment - timedelta(days=_or_usual(overlap, "day"))).date())
    earlier = moment - timedelta(seconds=_or_usual(overlap, "moment"))
    return earlier.isoformat(sep="T" if "T" in text else " ")
