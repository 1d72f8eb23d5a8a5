"""The store made again from its journal."""

from __future__ import annotations

import logging
from datetime import datetime

import polars as pl

from contract.params import Params
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.store_name import store_name
from storage.batches import read_batches
from storage.inbox import claimed_inbox, not_archived
from storage.rebuild import rebuild as rebuild_store
from storage.store import open_store
from storage.unneeded import contents_out_of_archive

log = logging.getLogger("ingest")


def rebuild(params: Params, paths: Paths, *, now: datetime) -> Summary:
    """The store made again, row for row, from data/journal; which files are missing in the archive
    that are not out of it by their age.
    """
    with claimed_inbox(paths.inbox, params.ingest.lock_wait_s):
        entries, aside = rebuild_store(paths.store, paths.stores, store_name(params.source), now)
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        ledger = read_batches(con)
        gone = contents_out_of_archive(con, params.retention.archive_days)
    lost = not_archived(paths.archive, ledger.filter(~pl.col("sha256").is_in(list(gone))))
    log.info("rebuilt entries=%d batches=%d old_file=%s", entries, ledger.height, aside)
    rows = {"rows_in": int(ledger["rows_in"].sum()), "rows_out": int(ledger["rows_accepted"].sum())}
    return {
        "entries": entries,
        "batches": ledger.height,
        **rows,
        "old_file": aside,
        "files_missing_in_archive": lost,
    }
