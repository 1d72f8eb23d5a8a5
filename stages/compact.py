"""What is too old goes, the journal begins anew, the store's file is written small, and files that
nothing reads any more are deleted.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from contract.agreement import whole_days
from contract.errors import SourceMissing
from contract.params import Params
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.store_name import store_name
from storage.compaction import drop_replaced, frees_about_mb, thin_and_begin_anew, write_again
from storage.journal import numbers_of
from storage.retention import Ages, orders_to_thin, tables_to_thin
from storage.store import Connection, check_owner, journal_of, open_store, refuse_older
from storage.unneeded import (
    archived_of,
    bundles_of,
    contents_out_of_archive,
    drop,
    models_without_rows,
)

log = logging.getLogger("ingest")

_MB = 1e6


def compact(params: Params, paths: Paths, *, now: datetime, dry_run: bool = False) -> Summary:
    """Published tables thinned by age (params: retention), the journal begun anew with the whole
    store, both without the space of what went; then archived files and models' bundles that nothing
    reads any more. Killed at any moment, the next run ends it.

    Nothing else changes: no fact, no decision, no table or file that anything reads.
    """
    if not paths.store.exists():
        raise SourceMissing(f"there is no store '{paths.store}' yet. Nothing to compact.")
    wait_s, ages, source = params.ingest.lock_wait_s, _ages(params), store_name(params.source)
    if dry_run:
        refuse_older(paths.store, wait_s)
        with open_store(paths.store, wait_s, read_only=True) as con:
            check_owner(con, source)
            plan = _plan(con, ages)
            frees = {"store_frees_about_mb": frees_about_mb(con, plan["forecast_rows"])}
            files, bundles = _unread(con, params, paths)
        frees |= {"files": len(files), "bundles": len(bundles)}
        entries = {"journal_entries": len(numbers_of(journal_of(paths.store, source)))}
        return plan | {"written": False} | entries | _sizes(paths, source) | frees
    before = _sizes(paths, source)
    with open_store(paths.store, wait_s) as con:
        check_owner(con, source)
        plan = _plan(con, ages)
        thin_and_begin_anew(con, ages, now)
    entries = drop_replaced(paths.store, source)
    write_again(paths.store, wait_s)
    with open_store(paths.store, wait_s, read_only=True) as con:
        files, bundles = _unread(con, params, paths)  # of the store as it is now
    drop(files, bundles)
    after = _sizes(paths, source)
    gone = {"journal_entries": entries, "files": len(files), "bundles": len(bundles)}
    log.info("compacted %s", _counts(plan | gone))
    return {
        **plan,
        "written": True,
        **gone,
        **{name: [before[name], after[name]] for name in before},
    }


def _ages(params: Params) -> Ages:
    kept = params.retention
    return Ages(whole_days(params), kept.first_week_days, kept.order_days)


def _unread(con: Connection, params: Params, paths: Paths) -> tuple[list[Path], list[Path]]:
    """Archived files and bundles of models that nothing reads any more."""
    contents = contents_out_of_archive(con, params.retention.archive_days)
    models = models_without_rows(con)
    return archived_of(paths.archive, contents), bundles_of(paths.registry, models)


def _plan(con: Connection, ages: Ages) -> Summary:
    """How many tables lose how many rows, and which rows stay of them."""
    tables, orders = tables_to_thin(con, ages), orders_to_thin(con, ages)
    return {
        "tables": tables.height,
        "forecast_rows": int(tables["rows_going"].sum()),
        "rows_left": int(tables["rows_left"].sum()),
        "order_days": orders.height,
        "order_lines": int(orders["rows_going"].sum()),
    }


def _sizes(paths: Paths, source: str) -> Summary:
    journal = journal_of(paths.store, source)
    files = [path for path in journal.rglob("*") if path.is_file()]
    return {"store_mb": _mb([paths.store]), "journal_mb": _mb(files)}


def _mb(files: list[Path]) -> float:
    return round(sum(path.stat().st_size for path in files) / _MB, 1)


def _counts(plan: Summary) -> str:
    return " ".join(f"{name}={count}" for name, count in plan.items())
