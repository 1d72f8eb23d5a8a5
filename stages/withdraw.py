"""A file taken back, as if it had not come: what was known then stays readable as of then."""

from __future__ import annotations

import json
import logging
from datetime import datetime

import polars as pl

from contract.errors import BadUsage
from contract.params import Params
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.clock import refuse_wrong_clock
from stages.store_name import store_name
from storage.batches import read_batches
from storage.inbox import claimed_inbox
from storage.store import Connection, check_owner, open_store
from storage.withdrawals import lines_with, would_withdraw
from storage.withdrawals import withdraw as withdraw_batches

log = logging.getLogger("ingest")


def withdraw(
    params: Params,
    paths: Paths,
    batch_id: int,
    *,
    now: datetime,
    dry_run: bool = False,
    trust_clock: bool = False,
) -> Summary:
    """The file of a batch taken back: all its facts, and what replays took in of it. Its content
    may be delivered again. BadUsage for a batch of which nothing stands, ClockRefused as for a
    morning.
    """
    if not paths.store.exists():
        raise BadUsage(f"there is no store '{paths.store}', so no batch {batch_id}.")
    with claimed_inbox(paths.inbox, params.ingest.lock_wait_s):
        if not trust_clock:
            refuse_wrong_clock(params, paths, now)
        with open_store(paths.store, params.ingest.lock_wait_s) as con:
            check_owner(con, store_name(params.source))
            lines = lines_with(con, batch_id)
            if not lines["batch_id"].is_in([batch_id]).any():
                raise BadUsage(_why_not(con, batch_id))
            take_back = would_withdraw if dry_run else withdraw_batches
            changed = take_back(con, lines["batch_id"].to_list(), now)
    name, batches = lines["name"][0], lines["batch_id"].to_list()
    rows = int(lines["rows_accepted"].sum())
    counts = f"rows={rows} restored={changed.restored} gone={changed.gone}"
    done = "would withdraw" if dry_run else "withdrew"
    log.info("%s file=%s batches=%s %s", done, json.dumps(name), batches, counts)
    return {
        "file": name,
        "written": not dry_run,
        "batches": batches,
        "rows_taken_back": rows,
        "values_restored": changed.restored,
        "keys_known_no_more": changed.gone,
        "attributes_restored": changed.attributes,
        "next": "python inference.py: the newest table was made with it",
    }


def _why_not(con: Connection, batch_id: int) -> str:
    """Why a batch cannot be taken back."""
    ledger = read_batches(con)
    own = ledger.filter(pl.col("batch_id") == batch_id)
    if own.is_empty():
        return f"there is no batch {batch_id}. Table `batches` lists them."
    if own["withdraws"][0] is not None:
        return (
            f"batch {batch_id} takes batch {own['withdraws'][0]} back. To have that one again, "
            "drop its file into the inbox once more."
        )
    if own["status"][0] == "refused":
        return f"batch {batch_id} was refused: nothing of it is known."
    by = ledger.filter(pl.col("withdraws") == batch_id)["batch_id"].to_list()
    return f"batch {batch_id} was taken back already (by {by})."
