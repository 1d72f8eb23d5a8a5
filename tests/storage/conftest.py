"""What a store holds, as one comparable value."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from storage.schema import TABLES, quoted
from storage.store import open_store

Dump = dict[str, list[str]]


@pytest.fixture(scope="session")
def dump_of() -> Callable[[Path], Dump]:
    """`dump_of(path)`: by table its rows as text, sorted; equal for equal stores."""

    def dump(path: Path) -> Dump:
        tables = {}
        with open_store(path) as con:
            for table in TABLES:
                rows = con.execute(f"select * from {quoted(table.name)}")  # noqa: S608 -- a table of the schema
                names = [column[0] for column in rows.description]
                tables[table.name] = sorted(
                    repr(sorted(zip(names, row, strict=True))) for row in rows.fetchall()
                )
        return tables

    return dump


@pytest.fixture(scope="session")
def held() -> Callable[[Path], AbstractContextManager[int]]:
    """`with held(path) as pid`: another process holds the store open."""

    @contextmanager
    def holding(path: Path) -> Iterator[int]:
        script = (
            f"import duckdb, sys; con = duckdb.connect({str(path)!r}); "
            "print('held', flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", script]
        pipe = subprocess.PIPE
        holder = subprocess.Popen(command, stdin=pipe, stdout=pipe)  # noqa: S603 -- our own words
        try:
            assert holder.stdout.readline() == b"held\n"
            yield holder.pid
        finally:
            holder.communicate()

    return holding
