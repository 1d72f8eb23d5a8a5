"""A store made again from its journal: a new file beside the old one, which is set aside, never
deleted.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb

from contract.errors import StoreBroken, StoreBusy
from storage.batches import redo_delivery
from storage.decisions import redo_decision
from storage.forecasts import redo_forecasts
from storage.holder import told_of
from storage.journal import BASELINE, Entry, count, numbers_of, read_entry
from storage.models import redo_promotion
from storage.offline import redo_offline
from storage.replays import redo_replays
from storage.schema import quoted
from storage.series import add_columns
from storage.store import claim, journal_of, open_store, transaction

_LOCK = "hhqqi4x"  # struct flock of 64-bit Linux: kind, whence, start, length, pid


def rebuild(store: Path, set_aside: Path, source: str, now: datetime) -> tuple[int, Path | None]:
    """How many entries the new store was made of, and where the old file went (None: there was
    none).

    Killed at any moment it can be run again: the old file moves only once the new one is whole.
    """
    journal, made = journal_of(store, source), store.parent / ".rebuild"
    numbers = numbers_of(journal)
    if not numbers:
        raise StoreBroken(
            f"'{journal}' holds no entry to make a store of. Fill a new one: move '{store}' away, then "
            "`python ingest.py fill`."
        )
    _refuse_held(store)
    shutil.rmtree(made, ignore_errors=True)
    with open_store(made / store.name) as con:
        with transaction(con):
            claim(con, source)
        for number in numbers:
            with transaction(con):
                entry = read_entry(journal, number)
                _REDO[entry.kind](con, entry)
                count(con, number)
        con.execute("checkpoint").fetchall()
    moved = _moved(store, set_aside / f"damaged-{now:%Y%m%dT%H%M%S}.duckdb")
    (made / store.name).rename(store)
    shutil.rmtree(made)
    return len(numbers), moved


def _moved(store: Path, target: Path) -> Path | None:
    """Where the old file lies now. Its log goes first: left alone it would be read into the next
    store of this name.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".wal", ""):
        old, new = store.with_name(store.name + suffix), target.with_name(target.name + suffix)
        if old.exists():
            old.rename(new)
    return target if target.exists() else None


def _refuse_held(store: Path) -> None:
    """StoreBusy when another process has the file open. DuckDB is not asked: that it cannot read
    the file is why we are here.
    """
    if not store.is_file():
        return
    with store.open("rb+") as file:
        asked = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_LOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    if kind != fcntl.F_UNLCK:
        raise StoreBusy(
            f"the store '{store}' is held by {told_of(pid)}. Try again when it has ended."
        )


def _redo_baseline(con: duckdb.DuckDBPyConnection, entry: Entry) -> None:
    """Every table as it was. Call it inside a transaction."""
    for name, frame in entry.frames.items():
        if name == "series_attributes":
            add_columns(con, [column for column in frame.columns if column != "unique_id"])
        con.register("incoming", frame)
        con.execute(f"insert into {quoted(name)} by name select * from incoming").fetchall()  # noqa: S608 -- schema
        con.unregister("incoming")


_REDO: dict[str, Callable[[duckdb.DuckDBPyConnection, Entry], None]] = {
    BASELINE: _redo_baseline,
    "decision": redo_decision,
    "delivery": redo_delivery,
    "forecasts": redo_forecasts,
    "laboratory": redo_offline,
    "promotion": redo_promotion,
    "replay": redo_replays,
}
