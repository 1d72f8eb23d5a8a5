"""The store and its journal made small: what is too old goes, the journal begins anew, the file is
written again without the space of what went.

DuckDB keeps the space of deleted rows for later ones; only another file is smaller. At any moment
of it the store is the old file or the new one.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from contract.errors import StoreBroken, StoreBusy
from runtime.disk import disk_refusals, flush_to_disk
from storage.connection import Connection
from storage.journal import BASELINE, recorded, replaced_entries
from storage.retention import Ages, thin
from storage.schema import TABLES, quoted, quoted_text
from storage.store import journal_of, open_store

_UNFINISHED = ".compact"  # beside the store: the same disk, so that a rename is one step


def frees_about_mb(con: Connection, rows_going: int) -> float:
    """What the store's file would give back: the space nobody uses, and of the rest the share of
    the forecast rows that go. Nearly all of a store is forecasts.
    """
    query = """
        select block_size, free_blocks, used_blocks, (select count(*) from forecasts) as rows
        from pragma_database_size()"""
    block_bytes, free, used, rows = con.execute(query).fetchall()[0]
    return float(round((free + used * rows_going / max(rows, 1)) * block_bytes / 1e6, 1))


def thin_and_begin_anew(con: Connection, ages: Ages, now: datetime) -> None:
    """What is too old goes, in one transaction, whose entry in the journal is the whole store."""
    with recorded(con, BASELINE):
        thin(con, ages, now)


def drop_replaced(store: Path, source: str) -> int:
    """How many entries went that no rebuild reads any more, the oldest first: a cut leaves a whole
    journal.
    """
    entries = replaced_entries(journal_of(store, source))
    for entry in entries:
        shutil.rmtree(entry)
    return len(entries)


def write_again(store: Path, wait_s: float) -> None:
    """The store's file written again in its smallest form, and put in its place.

    While it is copied it is held open for reading, so nobody writes. It is let go after the rename:
    who waited for it opens the new file.
    """
    store = store.resolve()  # a link stays, its target is written again
    folder = store.parent / _UNFINISHED
    smaller = folder / store.name
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    try:
        with disk_refusals(folder):
            folder.mkdir()
            _take_in_log(store, wait_s)
            with open_store(store, wait_s, read_only=True) as con:
                _refuse_log(store)
                _copy(con, smaller)
                shutil.copymode(store, smaller)
                flush_to_disk(smaller)
                smaller.replace(store)
                flush_to_disk(store.parent)
    finally:  # a full disk gets it back
        shutil.rmtree(folder, ignore_errors=True)


def _take_in_log(store: Path, wait_s: float) -> None:
    """What was committed stands in the file itself, and its log is gone: the next file of this name
    would be given it.
    """
    with open_store(store, wait_s) as con:
        con.execute("checkpoint").fetchall()


def _refuse_log(store: Path) -> None:
    """StoreBusy for a store that somebody wrote, and died, since its log was taken in."""
    if store.with_name(f"{store.name}.wal").exists():
        raise StoreBusy(f"the store '{store}' was written meanwhile. Run the same command again.")


def _copy(con: Connection, smaller: Path) -> None:
    """Every table, view and comment into another file; StoreBroken if a row is missing there."""
    (name,) = con.execute("select current_database()").fetchall()[0]
    for statement in (
        f"attach {quoted_text(str(smaller))} as smaller (read_write)",
        f"copy from database {quoted(name)} to smaller",
        "checkpoint smaller",
    ):
        con.execute(statement).fetchall()
    for table in (quoted(table.name) for table in TABLES):
        counts = f"select (select count(*) from {table}), (select count(*) from smaller.{table})"  # noqa: S608 -- quoted
        ((there, copied),) = con.execute(counts).fetchall()
        if there != copied:
            raise StoreBroken(
                f"table {table} has {there} rows, its copy {copied}: the store is left as it is. "
                "Run `python ingest.py rebuild`."
            )
    con.execute("detach smaller").fetchall()
