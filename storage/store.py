"""The store as a file: opened for a short while, waited for politely, refused when damaged or of another schema."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from contract.errors import SourceMissing, StoreBroken, StoreBusy
from storage.schema import SCHEMA_VERSION, create_tables

Connection = duckdb.DuckDBPyConnection

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_SETTINGS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


@contextmanager
def open_store(path: Path, wait_s: float = 30.0, read_only: bool = False) -> Iterator[Connection]:
    """A connection to the store, created where absent. Keep it short: while a writer holds it nobody else can read.

    StoreBusy after `wait_s` names the holder; StoreBroken says what to do about a damaged file or an unknown schema;
    SourceMissing when there is nothing to read.
    """
    con = _connect(path, wait_s, read_only)
    try:
        _check_schema(con, path, read_only)
        yield con
    finally:
        con.close()


@contextmanager
def transaction(con: Connection) -> Iterator[None]:
    """All statements inside, or none of them. Does not nest."""
    con.execute("begin transaction").fetchall()
    try:
        yield
    except BaseException:
        con.execute("rollback").fetchall()
        raise
    con.execute("commit").fetchall()


def source_of(con: Connection) -> str | None:
    """The source this store belongs to; None for a store nobody has claimed."""
    row = con.execute("select value from meta where key = 'source'").fetchall()
    return row[0][0] if row else None


def claim(con: Connection, source: str) -> None:
    """Write down that this store belongs to `source`; StoreBroken if it belongs to another one."""
    owner = source_of(con)
    if owner is None:
        con.execute("insert into meta values ('source', $source)", {"source": source}).fetchall()
    elif owner != source:
        raise StoreBroken(
            f"the store belongs to source '{owner}', params.yaml says '{source}'. Nothing is mixed: run "
            "`python ingest.py --use KIND`, or `--fill`, which set the other store aside."
        )


def _connect(path: Path, wait_s: float, read_only: bool) -> Connection:
    if read_only and not path.exists():
        raise SourceMissing(f"there is no store '{path}' yet. Fill one: `python ingest.py --fill`.")
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline, pause_s = time.monotonic() + wait_s, _FIRST_PAUSE_S
    while True:
        try:
            return duckdb.connect(path, read_only=read_only, config=_SETTINGS)
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise _broken(path, error) from error
            if time.monotonic() >= deadline:
                holder = str(error).split("Conflicting lock is held in ")[-1].split(". See also")[0]
                raise StoreBusy(
                    f"the store '{path}' is held by {holder}; waited {wait_s:g} s. "
                    "Try again when it has ended, or raise ingest.lock_wait_s."
                ) from error
        except duckdb.Error as error:
            raise _broken(path, error) from error
        time.sleep(min(pause_s, max(deadline - time.monotonic(), 0)))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _broken(path: Path, error: Exception) -> StoreBroken:
    return StoreBroken(
        f"the store '{path}' cannot be opened: {str(error).splitlines()[0]} Move it away and fill a new one from the "
        "archived batches: copy the files of data/archive/ into data/inbox/, then `python ingest.py`."
    )


def _check_schema(con: Connection, path: Path, read_only: bool) -> None:
    """Create the tables of a new store; StoreBroken for one whose schema this code does not know."""
    try:
        tables = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
        if not tables and not read_only:
            with transaction(con):
                create_tables(con)
                con.execute("insert into meta values ('schema_version', $v)", {"v": SCHEMA_VERSION}).fetchall()
            return
        version = con.execute("select value from meta where key = 'schema_version'").fetchall()
    except duckdb.CatalogException:
        version = []
    except duckdb.Error as error:
        raise _broken(path, error) from error
    if version != [(SCHEMA_VERSION,)]:
        found = version[0][0] if version else "none"
        raise StoreBroken(
            f"the store '{path}' has schema version {found}, this code reads {SCHEMA_VERSION}. Check out the code "
            "that wrote it, or move the file away and ingest the archived batches again."
        )
