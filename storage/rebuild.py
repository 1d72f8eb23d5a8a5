"""A store made again from its journal: a new file; the old one is set aside, never deleted."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl

from contract.errors import StoreBroken, StoreBusy
from storage.answers import redo_response, redo_said
from storage.batches import redo_delivery
from storage.connection import Connection
from storage.decisions import redo_decision
from storage.forecasts import redo_forecasts
from storage.holder import holder_of, process_name
from storage.journal import SAID, Entry, Kind, count, numbers_of, read_entry
from storage.looks import redo_look
from storage.models import redo_promotion
from storage.offline import redo_offline
from storage.orders import redo_orders
from storage.overrides import redo_override, redo_revocation
from storage.replays import redo_replays
from storage.schema import quoted, quoted_text
from storage.series import add_columns
from storage.store import claim, journal_of, open_store, transaction
from storage.withdrawals import redo_withdrawal


def rebuild(store: Path, set_aside: Path, source: str, now: datetime) -> tuple[int, Path | None]:
    """How many entries the new store was made of, and where the old file went (None: no old file).

    Killed at any moment it can be run again: the old file moves only once the new one is whole.
    """
    journal, folder = journal_of(store, source), store.parent / ".rebuild"
    numbers = numbers_of(journal)
    if not numbers:
        raise StoreBroken(
            f"'{journal}' holds no entry to make a store of. Fill a new one: move '{store}' away, "
            "then `python ingest.py fill`."
        )
    _refuse_held(store)
    shutil.rmtree(folder, ignore_errors=True)
    with open_store(folder / store.name) as con:
        with transaction(con):
            claim(con, source)
        for number in numbers:
            with transaction(con):
                entry = read_entry(journal, number)
                _REDO[entry.kind](con, entry)
                count(con, number)
        con.execute("checkpoint").fetchall()
    moved = _moved(store, set_aside / f"damaged-{now:%Y%m%dT%H%M%S}.duckdb")
    (folder / store.name).rename(store)
    shutil.rmtree(folder)
    return len(numbers), moved


def _moved(store: Path, target: Path) -> Path | None:
    """Where the old file lies now. Its log goes first: left alone, the next store of this name
    would read it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".wal", ""):
        old, new = store.with_name(store.name + suffix), target.with_name(target.name + suffix)
        if old.exists():
            old.rename(new)
    return target if target.exists() else None


def _refuse_held(store: Path) -> None:
    """StoreBusy when another process has the file open."""
    if store.is_file() and (pid := holder_of(store)) is not None:
        holder = process_name(pid)
        raise StoreBusy(f"the store '{store}' is held by {holder}. Try again when it has ended.")


def _redo_baseline(con: Connection, entry: Entry) -> None:
    """Every table as it was, read by the store itself. Call it inside a transaction."""
    for name, path in entry.tables.items():
        if name == "series_attributes":
            columns = pl.scan_parquet(path, glob=False).collect_schema()
            add_columns(con, [column for column in columns if column != "unique_id"])
        file = glob.escape(str(path))  # a folder may be called [shop]
        con.execute(
            f"insert into {quoted(name)} by name select * from read_parquet({quoted_text(file)})"  # noqa: S608 -- quoted
        ).fetchall()
    redo_said(con, entry.fields.get(SAID, {}))  # a baseline of older code says nothing


_REDO: dict[str, Callable[[Connection, Entry], object]] = {
    Kind.BASELINE: _redo_baseline,
    Kind.DECISION: redo_decision,
    Kind.DELIVERY: redo_delivery,
    Kind.FORECASTS: redo_forecasts,
    Kind.LOOK: redo_look,
    Kind.OFFLINE: redo_offline,
    Kind.ORDERS: redo_orders,
    Kind.OVERRIDE: redo_override,
    Kind.PROMOTION: redo_promotion,
    Kind.REPLAY: redo_replays,
    Kind.RESPONSE: redo_response,
    Kind.REVOCATION: redo_revocation,
    Kind.WITHDRAWAL: redo_withdrawal,
}
