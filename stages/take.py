"""One file taken: whole or not at all, and what became of it."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

from contract.errors import BadInput
from contract.params import Params
from contract.received import Received
from expectations.judge import Judgement
from expectations.pages import write_page
from expectations.suites import sentences
from runtime.command_line import Summary
from runtime.disk import disk_refusals, sha256_of
from runtime.paths import Paths
from sources.reasons import REASONS
from stages.judged_facts import Judged, judged_file, readable, simulated_until
from stages.store_name import store_name
from storage.batches import (
    Batch,
    Delivery,
    holds,
    restated_since,
    unreadable,
    write_delivery,
)
from storage.facts import facts_without_rows
from storage.inbox import archive_file
from storage.known_at import with_known_at
from storage.store import open_store, read_store

log = logging.getLogger("ingest")

_RESTATED = (
    "content_known: this very content was taken before and changes nothing, but {rows} of its rows "
    "were restated since. If it is right again, send it once more with its rows in another order."
)
STATUSES = ("accepted", "known", "refused", "growing")


@dataclass(frozen=True)
class Taken:
    """What became of a file. status: accepted, refused (for `reason`), known (its content was taken
    before), growing.
    """

    name: str
    status: str
    rows_in: int
    rows_refused: int
    reason: str | None
    notes: list[str]


def take(
    path: Path,
    params: Params,
    paths: Paths,
    now: datetime,
    *,
    dry_run: bool = False,
    is_history: bool = False,
) -> Taken:
    """One file from where it lies into store and archive; what became of it, with counts.

    A file that went away meanwhile, or that may not be read, is left to the next run: it must not
    keep the others waiting.
    """
    try:
        before, sha256 = path.stat(), sha256_of(path)
    except (FileNotFoundError, PermissionError) as error:
        reason = f"cannot be read now ({error.strerror}); it is left to the next run"
        return Taken(readable(path.name), "growing", 0, 0, reason, [])
    delivery = Delivery(store_name(params.source), readable(path.name), sha256, now)
    with (read_store if dry_run else open_store)(paths.store, params.ingest.lock_wait_s) as con:
        is_known = holds(con, sha256)
        restated = restated_since(con, sha256) if is_known and not is_history else 0
    judged, reason = (
        ([], None) if is_known else judged_file(path, params, paths, now, is_fill=is_history)
    )
    status = "known" if is_known else "refused" if reason else "accepted"
    if not _is_as(path, before):
        status, reason = "growing", None  # somebody still writes it: the next run takes it
    elif not dry_run:
        with disk_refusals(paths.root):
            if not is_known:
                _write(delivery, judged, reason, params, paths, is_history)
            # killed before this, the next run only moves the file
            archive_file(path, paths.archive / "refused" if reason else paths.archive, sha256)
    rows_in = sum(fact.rows_in for fact, _ in judged)
    refused = sum(int(judgement.refused["lines"].sum()) for _, judgement in judged)
    notes = [note for _, judgement in judged for note in judgement.notes]
    notes += [_RESTATED.format(rows=restated)] if restated else []
    taken = Taken(delivery.name, status, rows_in, refused, reason, notes)
    _log_taken(taken)
    return taken


def summary_of(files: list[Taken]) -> Summary:
    """The counts of a run, and what is worth reading of its files."""
    rows_in = sum(file.rows_in for file in files)
    rows_refused = sum(file.rows_refused for file in files)
    counts = {"rows_in": rows_in, "rows_refused": rows_refused, "rows_out": rows_in - rows_refused}
    counted = " ".join(f"{name}={count}" for name, count in counts.items())
    log.info("ended files=%d %s", len(files), counted)
    statuses = [file.status for file in files]
    return {
        "files": len(files),
        **{status: statuses.count(status) for status in STATUSES},
        **counts,
        "why_refused": {file.name: file.reason for file in files if file.reason},
        "notes": [note for file in files for note in file.notes],
    }


def refuse_if_refused(summary: Summary) -> Summary:
    """The summary of a run; BadInput where a file was refused whole."""
    if summary["why_refused"]:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in summary["why_refused"].items())
        refused, files = summary["refused"], summary["files"]
        others = ", the others taken" if refused < files else ""
        raise BadInput(f"{refused} of {files} files refused whole{others}. {reasons}")
    return summary


def _log_taken(file: Taken) -> None:
    level = logging.WARNING if file.reason or file.notes else logging.INFO
    rows_out = file.rows_in - file.rows_refused
    counts = f"rows_in={file.rows_in} rows_refused={file.rows_refused} rows_out={rows_out}"
    # a file's name is somebody else's text: quoted, it cannot forge a log line
    what = f"file={json.dumps(file.name)} status={file.status} {counts}"
    log.log(level, "took %s notes=%s reason=%s", what, file.notes, file.reason)


def _is_as(path: Path, before: os.stat_result) -> bool:
    """Whether a file is still there, as it was before it was read."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    return (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def _write(
    delivery: Delivery,
    judged: Judged,
    reason: str | None,
    params: Params,
    paths: Paths,
    is_history: bool,
) -> None:
    """A judged file into the store in one transaction, then its validation pages."""
    words = REASONS | sentences(params.ingest)
    received_at = delivery.received_at
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        firsts = facts_without_rows(con) & {fact.fact for fact, _ in judged if fact.is_history}
        batches = [
            _batch(fact, judgement, params, received_at, is_history or fact.fact in firsts)
            for fact, judgement in judged
        ]
        numbers = write_delivery(con, delivery, batches or [unreadable(reason or "")], words)
    most = params.ingest.keep_validation_pages
    for number, (fact, judgement) in zip(numbers, judged, strict=False):
        name = f"{received_at:%Y%m%dT%H%M%S}-{number:06d}-{fact.fact}"
        head = {
            "name": delivery.name,
            "fact": fact.fact,
            "received_at": received_at,
            "rows_in": fact.rows_in,
        }
        write_page(paths.validation, name, judgement, head, words, most)


def _batch(
    received: Received, judgement: Judgement, params: Params, now: datetime, is_history: bool
) -> Batch:
    """The batch with every known_at filled. Only the first load of a fact is assumed to have been
    known in its time: what comes later is learned now, else it would change what the panel as of an
    earlier moment says. A fill does change it (see stages.fill).
    """
    delay_days = params.source.assumed_delay_days if is_history else None
    if is_history:
        now = max(now, datetime.combine(simulated_until(params.source), time.max))
    past_only = tuple(params.source.files.past_only) if params.source.kind == "files" else ()
    rows, known_at_from = with_known_at(
        received.fact, judgement.accepted, now, delay_days, past_only
    )
    return Batch(
        received.fact,
        received.rows_in,
        rows,
        judgement.refused,
        known_at_from,
        received.series,
        judgement.reason,
    )
