"""From a file's column to a contract's: what the value is, and what is wrong with a field that has
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Literal

import polars as pl

from contract.errors import BadInput
from sources import reasons

Kind = Literal["text", "number", "day", "moment", "flag", "code"]

ISO = "%Y-%m-%d"
DAY_FORMATS = (
    ISO,
    "%Y/%m/%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
)
FLAGS = {"1": True, "true": True, "t": True, "yes": True, "y": True, "1.0": True}
FLAGS |= {"0": False, "false": False, "f": False, "no": False, "n": False, "0.0": False}
UTC_NAMES = ("UTC", "Etc/UTC", "Zulu", "+00:00")
_OFFSET = r"\s*(?:Z|[+-]\d{2}:?\d{2})$"
_MOMENT_IN_UTC = r"[T\s]\d{2}:\d{2}.*(?:Z|UTC|[+-]00:?00)$"
_MIDNIGHT_IN_UTC = r"[T\s]00:00(?::00(?:\.0+)?)?\s*(?:Z|UTC|[+-]00:?00)$"
FAULTS: dict[Kind, str] = {
    "text": reasons.MISSING_VALUE,
    "number": reasons.UNREADABLE_NUMBER,
    "day": reasons.UNREADABLE_DATE,
    "moment": reasons.UNREADABLE_MOMENT,
    "flag": reasons.UNREADABLE_FLAG,
    "code": reasons.UNKNOWN_CATEGORY,
}


@dataclass(frozen=True)
class Manner:
    """How numbers and days are written."""

    decimal: str = "."
    # strptime format; None: an ISO day, perhaps with a time after it
    date_format: str | None = None


@dataclass(frozen=True)
class Column:
    """A column of a contract, and the file's columns it is made of (several: joined with '_')."""

    name: str
    origin: tuple[str, ...]
    kind: Kind
    if_missing: str | None = None  # reason to refuse a row where it is empty; None: it may be empty
    factor: float = 1.0  # numbers are multiplied by this
    codes: Mapping[str, float] | None = None

    def value(self, schema: Mapping[str, pl.DataType], manner: Manner) -> pl.Expr:
        """The contract's value; null where the field is empty or cannot be read."""
        first, kind = pl.col(self.origin[0]), schema[self.origin[0]]
        match self.kind:
            case "text":
                parts = [_text(name) for name in self.origin]
                value = pl.concat_str(parts, separator="_") if len(parts) > 1 else parts[0]
            case "number":
                value = _number(first, kind, manner.decimal) * self.factor
            case "day":
                value = _day(first, kind, manner.date_format)
            case "moment":
                value = _moment(first, kind)
            case "flag":
                value = _text(self.origin[0]).str.to_lowercase().replace_strict(FLAGS, default=None)
            case "code":
                value = _text(self.origin[0]).replace_strict(
                    self.codes or {}, default=None, return_dtype=pl.Float64
                )
        return value.alias(self.name)

    def fault(self, value: pl.Series) -> pl.Expr:
        """The reason to refuse the row because this column's `value` is null; null if it may be."""
        empty = pl.any_horizontal([pl.col(name).is_null() for name in self.origin])
        unreadable = pl.when(pl.lit(value.is_null())).then(pl.lit(FAULTS[self.kind]))
        return pl.when(empty).then(pl.lit(self.if_missing)).otherwise(unreadable)


def date_format_of(days: pl.Series, name: str) -> str | None:
    """The one format that reads most of these texts; None means ISO. BadInput if two read them as
    different days.

    So it is, too, where each of two reads more than half of them and only one reads them all: a
    single 01/13/2024, mistyped, must not turn every 01/02/2024 around.
    """
    if days.dtype.is_temporal():
        return None
    texts = days.cast(pl.String).drop_nulls().alias("day").value_counts(name="rows").sort("day")
    heads, rows = texts["day"].str.extract(r"^([^T\s]+)"), texts["rows"]
    days_by_format = {
        form: heads.to_frame("day").select(_in_this_age(_parsed(pl.col("day"), form))).to_series()
        for form in DAY_FORMATS
    }
    counts = {
        form: int(rows.filter(parsed.is_not_null()).sum())
        for form, parsed in days_by_format.items()
    }
    best = max(counts, key=counts.__getitem__)
    if counts[best] == 0 or best == ISO:
        return None
    best_days = days_by_format[best]
    for form, parsed in days_by_format.items():
        differs = parsed.is_not_null() & (parsed != best_days)
        reads_most = counts[form] == counts[best] or 2 * counts[form] > rows.sum()
        if reads_most and differs.any():
            text, one, other = (days.filter(differs)[0] for days in (heads, parsed, best_days))
            raise BadInput(
                f"'{name}' writes days like {text!r}, which is {one} as '{form}' and {other} as "
                f"'{best}'. Set source.files.date_format in params.yaml."
            )
    return best


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


def _number(column: pl.Expr, kind: pl.DataType, decimal: str) -> pl.Expr:
    """A finite number. A thousands mark is read only beside a decimal mark: '1.234' alone could be
    either.
    """
    if kind == pl.String:
        mark, thousands = (",", ".") if decimal == "," else (".", ",")
        grouped = column.str.contains(rf"^[+-]?\d{{1,3}}(\{thousands}\d{{3}})+\{mark}\d+$")
        bare = (
            pl.when(grouped)
            .then(column.str.replace_all(thousands, "", literal=True))
            .otherwise(column)
        )
        ambiguous = bare.str.contains(thousands, literal=True)
        column = pl.when(~ambiguous).then(bare.str.replace_all(mark, ".", literal=True))
    number = column.cast(pl.Float64, strict=False)
    if kind == pl.Float32:
        number = number.round(6)  # 1.98 written in 32 bits must not come out as 1.9800000190734863
    return pl.when(number.is_finite()).then(number)


def _day(column: pl.Expr, kind: pl.DataType, date_format: str | None) -> pl.Expr:
    """The day as written: a timestamp's time, and its zone, are cut off, never converted.

    A moment in UTC (but for midnight, which is how a mere date is often exported) is null: on which
    of its days the store stood then, nobody wrote down.
    """
    if kind == pl.Date:
        return column
    if isinstance(kind, pl.Datetime):
        local = column.dt.replace_time_zone(None)
        is_of_store = pl.lit(kind.time_zone not in UTC_NAMES) | (local.dt.time() == time())
        return pl.when(is_of_store).then(local.dt.date())
    text = column.cast(pl.String)
    text = pl.when(~text.str.contains(_MOMENT_IN_UTC) | text.str.contains(_MIDNIGHT_IN_UTC)).then(
        text
    )
    # read as a zone, it would move the day to UTC's
    if date_format is not None and "%z" in date_format:
        text, date_format = text.str.replace(_OFFSET, ""), date_format.replace("%z", "").rstrip()
    if date_format is None or date_format in DAY_FORMATS:
        text = text.str.extract(r"^([^T\s]+)(?:[T\s].*)?$")
    return _in_this_age(_parsed(text, date_format or ISO))


def _parsed(text: pl.Expr, form: str) -> pl.Expr:
    has_time = any(mark in form for mark in ("%H", "%I", "%M", "%S", "%T", "%R"))
    return (
        text.str.to_datetime(form, strict=False).dt.date()
        if has_time
        else text.str.to_date(form, strict=False)
    )


def _in_this_age(day: pl.Expr) -> pl.Expr:
    """Null for a day no till has seen: '5/1/24' read with a four-digit year is the year 24."""
    return pl.when(day.is_between(date(1900, 1, 1), date(2200, 1, 1))).then(day)


def _moment(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        zoned = (
            column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            if kind.time_zone
            else column
        )
        return zoned.cast(pl.Datetime("us"))
    text = column.cast(pl.String).str.replace(" ", "T", literal=True).str.strip_suffix("Z")
    return pl.coalesce(
        text.str.to_datetime(form, time_unit="us", strict=False)
        for form in ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
    )
