"""What a column's fields can be read as, with the share and three examples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

import polars as pl

from contract.errors import BadInput
from contract.written import LOCAL
from sources.draft.doubts import Doubt, doubt_of
from sources.draft.words import says
from sources.flags import read_flags
from sources.ids import text_of
from sources.moments import DayManner, local_days
from sources.numbers import decimal_mark, evidence_in, read_numbers
from sources.texts import without_nothing

SAMPLE_ROWS = 20_000
_EMAIL = r"^[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}$"
_BARE_NUMBER = r"^\d+(?:\.0+)?$"
_MOSTLY, _READ = 0.5, 0.9


@dataclass(frozen=True)
class ColumnFacts:
    """One column of a sample. Shares are of its filled fields, but for `filled` itself."""

    name: str
    filled: float
    distinct: int
    number: float
    whole: float
    negative: float
    zero: float
    largest: float
    day: float
    flag: float
    is_bare: bool  # digits alone: an id, a count or a day
    is_moment: bool
    person: str | None  # why it names persons
    doubts: tuple[Doubt, ...]
    examples: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        """Whether nearly all of it reads as numbers."""
        return self.filled > 0 and self.number >= 0.9

    @property
    def is_day(self) -> bool:
        """Whether nearly all of it reads as days; or does, once it is said how."""
        is_open = self.doubt("date_format") or self.doubt("time_zone")
        return self.filled >= 0.5 and (self.day >= 0.9 or is_open is not None)

    @property
    def is_flag(self) -> bool:
        """Whether it says yes or no; blanks may be noes."""
        return self.distinct <= 3 and self.flag >= 0.99

    def doubt(self, setting: str) -> Doubt | None:
        """What a person must say of this setting, for this column."""
        return next((doubt for doubt in self.doubts if doubt.setting == setting), None)

    @property
    def codes_of_no(self) -> dict[str, object]:
        """The column with its yes as 0 and its no as 1."""
        flags = read_flags(pl.Series(self.examples)).to_list()
        codes = {text: 1.0 - flag for text, flag in zip(self.examples, flags, strict=True)}
        return {"column": self.name, "codes": codes}

    @property
    def shown(self) -> str:
        """Three examples, quoted."""
        return ", ".join(repr(text) for text in self.examples) or "nothing"


def sample_of(table: pl.DataFrame) -> pl.DataFrame:
    """Rows spread evenly over the table, and its first ones."""
    if table.height <= SAMPLE_ROWS:
        return table
    return table.gather_every(-(-table.height // SAMPLE_ROWS)).head(SAMPLE_ROWS)


def facts_of(column: pl.Series, stated: Mapping[str, str]) -> ColumnFacts:
    """What a sampled column holds. `stated`: settings a person has decided (decimal, date_format,
    time_zone).
    """
    column = _plain(column)
    filled = column.drop_nulls()
    text = text_of(filled)
    numbers, number_doubt = _numbers(filled, column.name, stated.get("decimal"))
    days, day_doubt = _days(filled, stated)
    found = numbers.drop_nulls()
    is_bare = bool(text.str.contains(_BARE_NUMBER).all()) if text.len() else False
    return ColumnFacts(
        name=column.name,
        filled=_share(filled.len(), column.len()),
        distinct=text.n_unique(),
        number=1.0 if number_doubt else _share(found.len(), filled.len()),
        whole=_share((found == found.floor()).sum(), found.len()),
        negative=_share((found < 0).sum(), found.len()),
        zero=_share((found == 0).sum(), found.len()),
        largest=float(found.max() or 0.0),
        day=_share(days.count(), filled.len()),
        flag=_flag_share(text),
        is_bare=is_bare,
        is_moment=_is_moment(filled, text),
        person=_person(column.name, text),
        doubts=tuple(doubt for doubt in (number_doubt, day_doubt) if doubt),
        examples=tuple(value[:40] for value in text.unique(maintain_order=True).head(3)),
    )


def _plain(column: pl.Series) -> pl.Series:
    if column.dtype.is_float():
        return column.fill_nan(None)
    if column.dtype.is_nested():
        return column.cast(pl.String, strict=False)
    text = text_of(column) if column.dtype in (pl.Binary, pl.Categorical, pl.Enum) else column
    return without_nothing(text) if text.dtype == pl.String else text


def _share(part: int | float | None, whole: int) -> float:
    return float(part or 0) / whole if whole else 0.0


def _numbers(filled: pl.Series, name: str, stated: str | None) -> tuple[pl.Series, Doubt | None]:
    """Its numbers, and what must be said first."""
    if filled.dtype.is_numeric():
        return filled.cast(pl.Float64), None
    if filled.dtype != pl.String:
        return pl.Series([None] * filled.len(), dtype=pl.Float64), None
    try:
        mark = decimal_mark(name, evidence_in(filled), set(), stated)
    except BadInput as error:
        read = read_numbers(filled, ".", takes_percent=True)
        commas = read_numbers(filled, ",", takes_percent=True)
        likely = max(read.count(), commas.count()) >= _MOSTLY * filled.len()
        best = read if read.count() >= commas.count() else commas
        return best, doubt_of(error, name) if likely else None
    return read_numbers(filled, mark, takes_percent=True), None


def _days(filled: pl.Series, stated: Mapping[str, str]) -> tuple[pl.Series, Doubt | None]:
    nothing = pl.Series([None] * filled.len(), dtype=pl.Date)
    is_dated = filled.dtype in (pl.String, pl.Date) or isinstance(filled.dtype, pl.Datetime)
    if not is_dated and not filled.dtype.is_integer():
        return nothing, None
    column = filled if not filled.dtype.is_integer() else filled.cast(pl.String)
    form, zone = stated.get("date_format"), stated.get("time_zone")
    try:
        days = local_days(column, DayManner(filled.name, form, zone))
        return days, _zone_doubt(column, days, form)
    except BadInput as error:
        return nothing, doubt_of(error, filled.name)


def _zone_doubt(column: pl.Series, days: pl.Series, form: str | None) -> Doubt | None:
    """Of moments in UTC the stores' zone must be said: their day is another's for some hours."""
    if days.count() >= _READ * column.len():
        return None
    own = local_days(column, DayManner(column.name, form, LOCAL))
    if own.count() < _READ * column.len():
        return None
    text = (
        f"column '{column.name}' writes moments in UTC, like {str(column[0])!r}. In which time "
        f"zone are the stores (Europe/Berlin), or are they the stores' own clock ({LOCAL})?"
    )
    return Doubt("time_zone", text)


def _flag_share(text: pl.Series) -> float:
    if text.n_unique() > 4:
        return 0.0
    return _share(read_flags(text).count(), text.len())


def _is_moment(filled: pl.Series, text: pl.Series) -> bool:
    if isinstance(filled.dtype, pl.Datetime):
        return bool((filled.dt.time() != time()).any())
    return bool(text.str.contains(r"\d{1,2}:\d{2}").any()) if filled.dtype == pl.String else False


def _person(name: str, text: pl.Series) -> str | None:
    if text.len() and text.str.contains(_EMAIL).mean() > 0.2:
        return "holds e-mail addresses"
    if says("person", name) and not re.search(r"(?i)count|anzahl|^n_", name):
        return "its name says that it tells of persons"
    return None
