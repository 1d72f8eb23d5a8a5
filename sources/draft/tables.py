"""The tables of a draft: each file read as ingest would read it, and what its columns hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import polars as pl

from contract.errors import BadInput
from sources.contents import keys_in
from sources.csv_files import OVERFLOW, CsvManner
from sources.draft.columns import ColumnFacts, facts_of, sample_of
from sources.draft.heads import encoding_of, header_of
from sources.headers import Wanted, day_columns
from sources.moments import DayManner, local_days
from sources.tables import read_shaped, with_keys

DAY, UNITS = "day", "units"  # what the columns of a wide table become


@dataclass(frozen=True)
class SourceTable:
    """One file, read, or several as one. `choices`: what a person has decided. `wide`: it had a
    column per day, now rows of DAY and UNITS.
    """

    path: Path
    table: pl.DataFrame
    choices: Mapping[str, str]
    encoding: str | None = None
    wide: str | None = None
    notes: tuple[str, ...] = ()
    largest: pl.DataFrame | None = None  # of several files, the one with most rows
    others: tuple[Path, ...] = ()  # of several files, all but the first

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    @cached_property
    def sample(self) -> pl.DataFrame:
        """Rows spread evenly over the table."""
        return sample_of(self.table)

    @cached_property
    def columns(self) -> dict[str, ColumnFacts]:
        """What the columns hold, by name."""
        return {name: facts_of(self.sample[name], self.choices) for name in self.table.columns}


def read_source(path: Path, root: Path, choices: Mapping[str, str]) -> SourceTable:
    """A file nobody has described, as a table, with what its folders below `root` say (day=...).
    BadInput for one that is none.
    """
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
    table = shaped.table.drop(OVERFLOW, strict=False)
    if table.is_empty():
        raise BadInput(f"'{path.name}' has no rows below its header {table.columns[:12]}.")
    said = keys_in(path.relative_to(root).as_posix()) if path.is_relative_to(root) else {}
    return SourceTable(path, with_keys(table, said), choices, encoding, wide, shaped.notes)


def days_in(source: SourceTable, day: str, date_format: str | None = None) -> pl.Series | None:
    """The day of each row, null where there is none; None where a person must say first how days
    are written.
    """
    column = source.table[day]
    column = column.cast(pl.String) if column.dtype.is_integer() else column
    form = date_format or source.choices.get("date_format")
    try:
        return local_days(column, DayManner(day, form, source.choices.get("time_zone")))
    except BadInput:
        return None


def with_days_only(source: SourceTable, day: str) -> SourceTable:
    """The table without rows that state no day: totals, remarks."""
    days = days_in(source, day)
    is_there = (source.table[day] if days is None else days).is_not_null()
    table = source.table.filter(is_there)
    if table.height in (0, source.table.height):
        return source
    said = source.table[day].filter(~is_there).cast(pl.String).drop_nulls()
    shown = f" ({said[0][:40]!r} in its place)" if said.len() else ""
    left_out = f"{source.table.height - table.height} rows without a day{shown}"
    note = f"dayless: {left_out} were not looked at. They will be refused."
    return replace(source, table=table, notes=(*source.notes, note))


def joined(tables: Sequence[SourceTable]) -> SourceTable:
    """Several files of the same columns as one table."""
    if len(tables) == 1:
        return tables[0]
    try:
        table = pl.concat([one.table for one in tables], how="diagonal_relaxed")
    except pl.exceptions.PolarsError:
        texts = [one.table.cast(dict.fromkeys(one.table.columns, pl.String)) for one in tables]
        table = pl.concat(texts, how="diagonal_relaxed")
    largest = max((one.table for one in tables), key=lambda one: one.height)
    others = tuple(one.path for one in tables[1:])
    return replace(tables[0], table=table, largest=largest, others=others)
