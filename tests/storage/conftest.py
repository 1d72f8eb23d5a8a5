"""What a store holds, as one comparable value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from storage.schema import TABLES, quoted
from storage.store import open_store

Dump = dict[str, list[str]]


@pytest.fixture(scope="session")
def dump_of() -> Callable[[Path], Dump]:
    """`dump_of(path)`: every row of every table as text, sorted, by table; equal for equal stores."""

    def dump(path: Path) -> Dump:
        told = {}
        with open_store(path) as con:
            for table in TABLES:
                rows = con.execute(f"select * from {quoted(table.name)}")  # noqa: S608 -- a table of the schema
                names = [column[0] for column in rows.description]
                told[table.name] = sorted(
                    repr(sorted(zip(names, row, strict=True))) for row in rows.fetchall()
                )
        return told

    return dump
