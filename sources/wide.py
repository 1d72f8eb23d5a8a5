"""Wide tables, with a column per day, as rows per day."""

from __future__ import annotations

import polars as pl

from contract.errors import BadInput
from sources.csv_files import OVERFLOW
from sources.headers import Wanted, day_columns, shortened

_MOST_CELLS = 500_000_000
_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",
    "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d %b %Y", "%d-%b-%y", "%d %B %Y",
)  # fmt: skip
_BESIDE_THE_DAY = r"^[^\d]{2,9}[\s,]\s*|[T\s]\s*00:00\S*$"  # a weekday before, midnight after


def to_long(
    table: pl.DataFrame, wanted: Wanted | None, name: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """A wide table as one row per row and day, and a note that says so; any other as it is.

    Columns whose names are days become rows of the wanted day and units. An empty cell says
    nothing, and is no row.
    """
    days = day_columns(table.columns, wanted)
    if not days or wanted is None or not wanted.day or not wanted.units:
        return table, ()
    if table.height * len(days) > _MOST_CELLS:
        raise BadInput(
            f"'{name}' has {table.height} rows and {len(days)} columns of days, more than "
            f"{_MOST_CELLS} cells. Send it in parts."
        )
    columns = table.select(days)
    if len(set(columns.dtypes)) > 1 and pl.String in columns.dtypes:
        table = table.with_columns(pl.col(days).cast(pl.String))
    others = [column for column in table.columns if column not in days]
    known = {*wanted.names, *wanted.labels, OVERFLOW}
    used = [column for column in others if column in known]
    long = table.select(*used, *days).unpivot(
        days, index=used, variable_name=wanted.day, value_name=wanted.units
    )
    long = _with_days(long, days, wanted.day)
    note = (
        f"wide_table: '{name}' has a column per day, {days[0]} to {days[-1]}; each filled cell "
        f"became a row, its day as '{wanted.day}', its number as '{wanted.units}'."
    )
    unused = [column for column in others if column not in used]
    note += f" Not mapped, and left out: {shortened(unused, 10)}." if unused else ""
    return long.filter(pl.col(wanted.units).is_not_null()), (note,)


def _with_days(long: pl.DataFrame, names: list[str], day: str) -> pl.DataFrame:
    """The rows with their day as a date, if the columns say how it is written: one format reads all
    of them, or one as a day each, in a row. Else as text, which the mapping reads or refuses.
    """
    texts = pl.Series(names).str.replace_all(_BESIDE_THE_DAY, "")
    readings = [texts.str.to_date(form, strict=False) for form in _FORMATS]
    whole = [
        dates
        for dates in readings
        if dates.null_count() == 0 and dates.dt.year().is_between(1990, 2100).all()
    ]
    distinct = [dates for k, dates in enumerate(whole) if not any(map(dates.equals, whole[:k]))]
    in_a_row = [
        dates for dates in distinct if (dates.diff().drop_nulls().dt.total_days() == 1).all()
    ]
    found = distinct if len(distinct) == 1 else in_a_row
    if len(found) != 1:
        return long
    return long.with_columns(pl.col(day).replace_strict(names, found[0], return_dtype=pl.Date))
