"""The tables of a draft: each file read as ingest would read it, and what its columns hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from contract.errors import BadInput
from sources.csv_files import OVERFLOW, CsvManner
from sources.draft.columns import ColumnFacts, facts_of, sample_of
from sources.draft.heads import encoding_of, header_of
from sources.headers import Wanted, day_columns
from sources.moments import DayManner, local_days
from sources.tables import read_shaped

DAY, UNITS = "day", "units"  # what the columns of a wide table become


@dataclass(frozen=True)
class SourceTable:
    """One file, read. `wide`: a column per day, now rows of DAY and UNITS."""

    path: Path
    table: pl.DataFrame
    sample: pl.DataFrame
    columns: Mapping[str, ColumnFacts]
    encoding: str | None
    wide: str | None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name


def read_source(path: Path, choices: Mapping[str, str]) -> SourceTable:
    """A file nobody has described, as a table. BadInput for one that is none."""
    encoding = choices.get("encoding") or encoding_of(path)
    names = header_of(path, encoding) or []
    wanted = Wanted(frozenset(names)) if names else None
    days = day_columns(names, Wanted(frozenset(), DAY, UNITS))
    wide = None
    if len(days) >= 3:
        rest = [name for name in names if name not in days]
        wanted = Wanted(frozenset([*rest, DAY, UNITS]), DAY, UNITS)
        wide = f"a column per day, {days[0]} to {days[-1]}"
    manner = CsvManner(choices.get("separator"), encoding or "utf8", choices.get("sheet"))
    shaped = read_shaped(path, manner, wanted)
    return described(path, shaped.table, choices, encoding, wide, shaped.notes)


def described(
    path: Path,
    table: pl.DataFrame,
    choices: Mapping[str, str],
    encoding: str | None = None,
    wide: str | None = None,
    notes: tuple[str, ...] = (),
) -> SourceTable:
    """A table with the facts of its columns."""
    table = table.drop(OVERFLOW, strict=False)
    if table.is_empty():
        raise BadInput(f"'{path.name}' has no rows below its header {table.columns[:12]}.")
    sample = sample_of(table)
    columns = {name: facts_of(sample[name], dict(choices)) for name in table.columns}
    return SourceTable(path, table, sample, columns, encoding, wide, notes)


def days_in(source: SourceTable, day: str, choices: Mapping[str, str]) -> pl.Series | None:
    """The day of each row, null where there is none; None where a person must say first how days
    are written.
    """
    column = source.table[day]
    column = column.cast(pl.String) if column.dtype.is_integer() else column
    try:
        return local_days(
            column, DayManner(day, choices.get("date_format"), choices.get("time_zone"))
        )
    except BadInput:
        return None


def with_days_only(source: SourceTable, day: str, choices: Mapping[str, str]) -> SourceTable:
    """The table without rows that state no day: totals, remarks."""
    days = days_in(source, day, choices)
    table = source.table.filter((source.table[day] if days is None else days).is_not_null())
    if table.height in (0, source.table.height):
        return source
    first = source.table.filter(days.is_null()).row(0) if days is not None else ()
    shown = ", ".join(repr(value) for value in first if value is not None)[:80]
    left_out = f"{source.table.height - table.height} rows without a day were not looked at"
    notes = (*source.notes, f"dayless: {left_out}, like {shown}. They will be refused.")
    return described(source.path, table, choices, source.encoding, source.wide, notes)


def joined(tables: Sequence[SourceTable], choices: Mapping[str, str]) -> SourceTable:
    """Several files of the same columns as one table."""
    if len(tables) == 1:
        return tables[0]
    first = tables[0]
    try:
        table = pl.concat([one.table for one in tables], how="diagonal_relaxed")
    except pl.exceptions.PolarsError:
        table = pl.concat(
            [one.table.cast(dict.fromkeys(one.table.columns, pl.String)) for one in tables],
            how="diagonal_relaxed",
        )
    return described(first.path, table, choices, first.encoding, first.wide, first.notes)
