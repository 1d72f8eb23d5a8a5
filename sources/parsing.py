"""From a file's column to a contract's: what the value is, and what is wrong with a field that has
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from contract.errors import BadInput
from sources import reasons
from sources.flags import read_flags
from sources.ids import read_ids, text_of
from sources.moments import DayManner, local_days
from sources.numbers import read_numbers
from sources.texts import names_without_nothing, plain_text, without_nothing

# number: units and money; rate: a share, a strength or any covariate, perhaps a per cent or a flag
Kind = Literal["text", "number", "rate", "day", "moment", "flag"]
NUMBERS = ("number", "rate")

FAULTS: dict[Kind, str] = {
    "text": reasons.ROUNDED_ID,
    "number": reasons.UNREADABLE_NUMBER,
    "rate": reasons.UNREADABLE_NUMBER,
    "day": reasons.UNREADABLE_DATE,
    "moment": reasons.UNREADABLE_MOMENT,
    "flag": reasons.UNREADABLE_FLAG,
}
UNREADABLE = (*FAULTS.values(), reasons.UNKNOWN_CATEGORY)  # as Column.unreadable
SETTINGS: dict[Kind, str] = {
    "text": "its export: as text, not as a number",
    "number": "source.files.decimal, and what else stands in the field",
    "rate": "source.files.decimal, or state {column, codes}",
    "day": "source.files.date_format, and source.files.time_zone for moments",
    "moment": "its export: like 2016-05-22T06:00:00",
    "flag": "source.files.columns: {column, codes} states what words mean",
}
_OFTEN, _FEW = 5, 2  # rows of a word that is no typing error; values of a column of words


@dataclass(frozen=True)
class Manner:
    """How a file's numbers and days are written."""

    decimals: Mapping[str, str] = field(default_factory=dict)  # column of the file: decimal mark
    date_format: str | None = None  # None: found out
    time_zone: str | None = None  # None: moments that need one are refused
    are_lines: bool = False  # rows are invoice lines


@dataclass(frozen=True)
class Field:
    """A contract's column as read: a value a row, null where the field is empty or unreadable."""

    value: pl.Series
    is_empty: pl.Series


@dataclass(frozen=True)
class Column:
    """A column of a contract, and the file's columns it is made of (several: joined with '_')."""

    name: str
    origin: tuple[str, ...]
    kind: Kind
    if_missing: str | None = None  # reason to refuse a row where it is empty; None: it may be empty
    factor: float = 1.0  # numbers are multiplied by this
    codes: Mapping[str, float] | None = None

    @property
    def unreadable(self) -> str:
        """The reason to refuse a row whose field is written and cannot be read."""
        return reasons.UNKNOWN_CATEGORY if self.codes is not None else FAULTS[self.kind]

    @property
    def setting(self) -> str:
        """What in the params would read a field that cannot be read."""
        return "its codes" if self.codes is not None else SETTINGS[self.kind]

    def read(self, table: pl.DataFrame, manner: Manner) -> Field:
        """The column's values. BadInput where a person must say how it is written."""
        if self.kind == "text":
            return self._text(table)
        column = _as_text(table[self.origin[0]])
        if column.dtype == pl.String and self.codes is None:
            column = without_nothing(column)
        value = self._value(column, manner).alias(self.name)
        if self.kind in ("flag", "rate") or self.codes is not None:
            self._refuse_unknown_words(column, value)
        return Field(value, column.is_null())

    def faults(self, read: Field) -> pl.Series:
        """Why a row is refused for this column; null where it is not."""
        reason = pl.when(pl.lit(read.is_empty)).then(pl.lit(self.if_missing, pl.String))
        reason = reason.otherwise(pl.lit(self.unreadable))
        return pl.select(pl.when(pl.lit(read.value.is_null())).then(reason)).to_series()

    def _text(self, table: pl.DataFrame) -> Field:
        columns = [_named(table[name]) for name in self.origin]
        parts = [read_ids(column) for column in columns]
        empty = [column.is_null() for column in columns]
        value = (
            pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator="_")).to_series()
            if len(parts) > 1
            else parts[0]
        )
        is_empty = pl.DataFrame(empty).select(pl.any_horizontal(pl.all())).to_series()
        return Field(value.alias(self.name), is_empty)

    def _value(self, column: pl.Series, manner: Manner) -> pl.Series:
        match self.kind:
            case _ if self.codes is not None:
                value = _coded(column, self.codes)
                return value.cast(pl.Boolean) if self.kind == "flag" else value
            case "day":
                zone, form = manner.time_zone, manner.date_format
                return local_days(column, DayManner(self.origin[0], form, zone, manner.are_lines))
            case "moment":
                return _moments(column)
            case "flag":
                return _flags(column).cast(pl.Boolean)
        decimal = manner.decimals.get(self.origin[0], ".")
        read = _rates if self.kind == "rate" else _numbers
        number = read(column, decimal) * self.factor
        return number.set(~number.is_finite().fill_null(value=True), None)

    def _refuse_unknown_words(self, column: pl.Series, value: pl.Series) -> None:
        """BadInput for a word that returns and cannot be read, in a column of little else: nobody
        stated what it means.
        """
        is_unread = column.is_not_null() & value.is_null()
        often = column.filter(is_unread).value_counts(name="rows").filter(pl.col("rows") >= _OFTEN)
        if often.is_empty() or value.drop_nulls().n_unique() > _FEW:
            return
        words = examples_in(column, is_unread)
        meant = "yes or no" if self.kind == "flag" else "a number, yes or no"
        if self.codes is not None:
            meant = f"one of its codes {list(self.codes)}"
        codes = f"{{{words.split(', ')[0]}: 0 or 1, ...}}"
        raise BadInput(
            f"column '{column.name}', mapped to {self.name}, holds {words}, which cannot be "
            f"read as {meant}. State what its words mean in shop.yaml: source.files, "
            f"{self.name}: {{column: {column.name}, codes: {codes}}}, '' for an empty field."
        )


def examples_in(column: pl.Series, chosen: pl.Series) -> str:
    """The first three different texts of the chosen rows, quoted."""
    texts = text_of(column.filter(chosen)).drop_nulls().unique(maintain_order=True).head(3)
    return ", ".join(repr(text[:40]) for text in texts)


def _as_text(column: pl.Series) -> pl.Series:
    """Bytes as text, NaN as null; any other column as it is."""
    if column.dtype in (pl.Binary, pl.Object):
        return text_of(column)
    return column.fill_nan(None) if column.dtype.is_float() else column


def _named(column: pl.Series) -> pl.Series:
    """A column of names without what programs write where there is none."""
    column = _as_text(column)
    return names_without_nothing(column) if column.dtype == pl.String else column


def _numbers(column: pl.Series, decimal: str, *, takes_percent: bool = False) -> pl.Series:
    if column.dtype == pl.String:
        return read_numbers(column, decimal, takes_percent=takes_percent)
    number = column.cast(pl.Float64, strict=False)
    # 1.98 written in 32 bits must not come out as 1.9800000190734863
    return number.round(6) if column.dtype == pl.Float32 else number


def _rates(column: pl.Series, decimal: str) -> pl.Series:
    """Numbers, per cent as shares; or a flag's words as 1 and 0, where they read more."""
    number = _numbers(column, decimal, takes_percent=True)
    if number.min() == -1 and ((number == -1) | (number == 0)).all():  # how Access writes true
        number = number.abs()
    if column.dtype != pl.String or number.null_count() == column.null_count() < column.len():
        return number
    flags = _flags(column)
    return flags if flags.null_count() < number.null_count() else number


def _flags(column: pl.Series) -> pl.Series:
    return read_flags(read_ids(column))


def _coded(column: pl.Series, codes: Mapping[str, float]) -> pl.Series:
    """The stated number of each text; of an empty field that of '', if it is stated."""
    table = {text: value for text, value in codes.items() if text}
    value = read_ids(column).replace_strict(table, default=None, return_dtype=pl.Float64)
    return value.set(column.is_null(), codes[""]) if "" in codes else value


def _moments(column: pl.Series) -> pl.Series:
    """Moments in UTC, without a zone; those that say none are taken to be."""
    kind = column.dtype
    if isinstance(kind, pl.Datetime):
        if kind.time_zone:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us"))
    text = plain_text(column.cast(pl.String)).str.replace(" ", "T", literal=True)
    text = text.str.replace(r"\s*(?:Z|UTC)$", "")
    naive = pl.lit(text)
    forms = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
    read = [naive.str.to_datetime(form, time_unit="us", strict=False) for form in forms]
    zoned = naive.str.replace(r"([+-]\d{2})(\d{2})$", "$1:$2")
    read += [
        zoned.str.to_datetime(f"{form}%:z", time_unit="us", strict=False).dt.replace_time_zone(None)
        for form in forms
    ]
    return pl.select(pl.coalesce(read)).to_series()
