"""Reading one file as a table, losing nothing: its parts, whatever each of them is, joined."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from contract.errors import BadInput, SourceMissing
from sources.contents import Part, parts_of
from sources.csv_files import OVERFLOW, CsvManner, table_of_csv
from sources.headers import Wanted, fits, found, shortened
from sources.overlap import refuse_overlap
from sources.parquet_files import table_of_parquet
from sources.wide import to_long
from sources.workbooks import tables_of_workbook

Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Shaped:
    """A file's rows as one table, and what a person should know of how it became one."""

    table: pl.DataFrame
    notes: tuple[str, ...] = ()


def read_table(
    path: Path, manner: CsvManner | None = None, wanted: Wanted | None = None
) -> pl.DataFrame:
    """The table of `read_shaped`, without its notes."""
    return read_shaped(path, manner, wanted).table


def read_shaped(
    path: Path, manner: CsvManner | None = None, wanted: Wanted | None = None
) -> Shaped:
    """The file's rows: Parquet and workbooks with their types; CSV as stripped text, empty as null.

    The parts of a zip that hold what is wanted are one table, in the order of their names; what
    their folders say becomes columns, and a column per day becomes a row per day. BadInput for a
    file that is empty, damaged, or of no kind that is read.
    """
    if not path.exists():
        raise SourceMissing(f"there is no file '{path}'; its folder holds {names_in(path.parent)}.")
    tables, left_out = _tables_of(path, manner or CsvManner(), wanted)
    if wanted is not None and len(tables) > 1:
        _refuse_unlike(tables, wanted, path.name)
        if wanted.are_lines:
            refuse_overlap(tables, wanted.day)
    try:
        table = pl.concat(tables.values(), how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise BadInput(
            f"the parts of '{path.name}' have columns of kinds that do not go together "
            f"({str(error).splitlines()[0]}). Write them all in the same way."
        ) from error
    table, notes = to_long(table, wanted, path.name)
    return Shaped(table, (*notes, *_notes(path.name, tables, left_out)))


def names_in(folder: Path) -> list[str]:
    """The names in a folder, sorted; empty when there is no such folder."""
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def with_keys(table: pl.DataFrame, keys: Mapping[str, str | None]) -> pl.DataFrame:
    """The table with what its folders say as columns, but for those it has itself."""
    new = {key: value for key, value in keys.items() if key not in table.columns}
    return table.with_columns(pl.lit(value, pl.String).alias(key) for key, value in new.items())


def need_columns(table: pl.DataFrame, needed: dict[str, str], name: str) -> None:
    """BadInput if the table lacks a column of `needed` (column: the line of params that maps
    it).
    """
    missing = [column for column in needed if column not in table.columns]
    if missing:
        columns = shortened([column for column in table.columns if column != OVERFLOW])
        lines = ", ".join(sorted({needed[column] for column in missing}))
        raise BadInput(
            f"'{name}' has no column {missing}; it has {columns}. Change shop.yaml: {lines}."
        )


def _tables_of(
    path: Path, manner: CsvManner, wanted: Wanted | None
) -> tuple[Tables, dict[str, str]]:
    """The tables of a file by name, and what was left out of it, with the reason."""
    tables: Tables = {}
    left_out: dict[str, str] = {}
    contents: dict[bytes, str] = {}
    parts = _Parts(path)
    for part in parts:
        if part.kind == "other":
            left_out[part.name] = "no table by its name"
            continue
        if parts.are_several and part.is_blank:  # Spark writes one where a partition is empty
            continue
        has_rows = False
        for name, table in _read(part, manner, wanted):
            if parts.are_several and not fits(table.columns, wanted):
                _refuse_nearly(name, table, wanted)
                left_out[name] = f"its columns are {shortened(table.columns)}"
                continue
            tables[name] = table
            has_rows |= table.height > 0
        if parts.are_several and has_rows:
            _refuse_repeated(part, contents)
    if not tables or (wanted is None and len(tables) > 1):
        names = shortened([*tables, *left_out])
        raise BadInput(
            f"'{path.name}' is a zip of {names}; one table of what is wanted is needed. "
            "Unpack it into the folder, or change source.files.columns in shop.yaml."
        )
    return tables, left_out


class _Parts:
    """The parts of a file, with a look ahead: whether there are several."""

    def __init__(self, path: Path) -> None:
        self._parts = parts_of(path)
        self._next = [part for part in (next(self._parts, None), next(self._parts, None)) if part]
        self.are_several = len(self._next) > 1

    def __iter__(self) -> Iterator[Part]:
        while self._next:
            yield self._next.pop(0)
        yield from self._parts


def _read(
    part: Part, manner: CsvManner, wanted: Wanted | None
) -> Iterator[tuple[str, pl.DataFrame]]:
    """The tables of a part, with what its folders say as columns."""
    content = part.content
    if part.kind == "parquet":
        tables = [(part.name, table_of_parquet(content, part.name))]
    else:
        content = part.in_memory
        if part.kind == "workbook":
            sheets = tables_of_workbook(content, part.name, manner.sheet, wanted)
            several = len(sheets) > 1
            tables = [(f"{part.name}: {n}" if several else part.name, t) for n, t in sheets]
        else:
            tables = [(part.name, table_of_csv(content, part.name, manner, wanted))]
    for name, table in tables:
        yield name, with_keys(table, part.keys)


def _refuse_repeated(part: Part, contents: dict[bytes, str]) -> None:
    sha256 = hashlib.sha256(part.in_memory + str(part.keys).encode()).digest()
    if sha256 in contents:
        raise BadInput(
            f"'{part.name}' and '{contents[sha256]}' are the same content twice. Leave one of them."
        )
    contents[sha256] = part.name


def _refuse_nearly(name: str, table: pl.DataFrame, wanted: Wanted | None) -> None:
    """BadInput for a part that has most of what is wanted, but not its days or units: a renamed
    column, and not another list.
    """
    if wanted is None:
        return
    there = found(table.columns, wanted)
    if 2 * len(there) > len(wanted.names):
        raise BadInput(
            f"'{name}' has {sorted(there)}, but no column {sorted(wanted.names - there)}. "
            "Rename its columns as in the other parts, or take it out."
        )


def _refuse_unlike(tables: Tables, wanted: Wanted, name: str) -> None:
    """BadInput where a part lacks a wanted column that another has: half of it would be empty."""
    columns = {part: found(table.columns, wanted) for part, table in tables.items()}
    everywhere = frozenset[str]().union(*columns.values())
    for part, there in columns.items():
        if missing := sorted(everywhere - there):
            other = next(one for one, has in columns.items() if missing[0] in has)
            raise BadInput(
                f"'{part}' has no column {missing}, '{other}' has. The parts of '{name}' are one "
                "table: give them the same columns, or send the files one by one."
            )


def _notes(name: str, tables: Tables, left_out: dict[str, str]) -> tuple[str, ...]:
    notes = []
    if len(tables) > 1:
        notes.append(
            f"parts_joined: {len(tables)} parts of '{name}' are one table: "
            f"{', '.join(shortened(list(tables), 5))}."
        )
    if left_out:
        reasons = "; ".join(f"{part}: {why}" for part, why in list(left_out.items())[:5])
        notes.append(f"left_out: {len(left_out)} parts of '{name}' hold no such table. {reasons}")
    return tuple(notes)
