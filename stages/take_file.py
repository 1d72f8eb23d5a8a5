"""What a file holds, from where it lies into store and archive: judged, written, moved."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path

from contract.params import Params
from contract.received import Received
from expectations.judge import Judgement
from expectations.pages import write_page
from expectations.suites import sentences
from expectations.unread import RuleResult, first_day
from runtime.disk import disk_refusals
from runtime.one_line import one_line
from runtime.paths import Paths
from sources.reasons import REASONS
from stages.judged_facts import Judged, judged_file, simulated_until
from stages.store_name import store_name
from storage.batches import (
    Batch,
    Delivery,
    holds,
    restated_since,
    taken_back_before,
    unreadable,
    write_delivery,
)
from storage.facts import corrected_since, facts_without_rows, overruled
from storage.inbox import archive_file
from storage.known_at import with_known_at
from storage.store import Connection, open_store, read_store

log = logging.getLogger("ingest")

CHANGED = "changed_while_taken"
_CHANGED = (
    "The file was still written while it was taken: the rows of its first part are in, that part "
    "is not in the archive, and the whole file is taken by the next run."
)
_RESTATED = (
    "content_known: this very content was taken before and changes nothing, but {rows} of its rows "
    "were restated since. If it is right again, send it once more with its rows in another order."
)
_OVERRULED = (
    "overruled: {rows} rows say otherwise than what was learned later than they were (known_at), "
    "and change nothing that is known now. Was a clock wrong when the later ones came? Then take "
    "them back: `python ingest.py withdraw --batch ID`."
)

_DELIVERED_AGAIN = (
    "delivered_again: this content was taken back before (batch {was}). It comes as the newest "
    "statement, and {rows} of its rows overwrite what later files had said. Are those right, drop "
    "them again, too."
)


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


@dataclass(frozen=True)
class FileFound:
    """A file as it was found: where, its state, its content's hash, and when it was received."""

    path: Path
    before: os.stat_result
    sha256: str
    now: datetime
    is_history: bool


def judge_and_write(
    file: FileFound, params: Params, paths: Paths, dry_run: bool, reason: str | None
) -> Taken:
    """The file taken, and what became of it. `reason`: why it is refused unread; None: it is
    read.
    """
    path = file.path
    delivery = Delivery(store_name(params.source), one_line(path.name), file.sha256, file.now)
    with (read_store if dry_run else open_store)(paths.store, params.ingest.lock_wait_s) as con:
        is_known = holds(con, file.sha256)
        restated = restated_since(con, file.sha256) if is_known and not file.is_history else 0
    judged: Judged = []
    if not is_known and reason is None:
        judged, reason = judged_file(path, params, paths, file.now, is_fill=file.is_history)
    status = "known" if is_known else "refused" if reason else "accepted"
    if not _is_as(path, file.before):
        status, reason = "growing", None  # somebody still writes it: the next run takes it
    elif not dry_run:
        with disk_refusals(paths.root):
            numbers: list[int] = []
            if not is_known:
                numbers, judged = _write(file, delivery, judged, reason, params, paths)
            judged = _archived(file, judged, reason, paths)
            _write_pages(delivery, numbers, judged, params, paths)
    rows_in = sum(fact.rows_in for fact, _ in judged)
    refused = sum(int(judgement.refused["lines"].sum()) for _, judgement in judged)
    notes = [one_line(note) for _, judgement in judged for note in judgement.notes]
    notes += [_RESTATED.format(rows=restated)] if restated else []
    return Taken(delivery.name, status, rows_in, refused, reason and one_line(reason), notes)


def _archived(file: FileFound, judged: Judged, reason: str | None, paths: Paths) -> Judged:
    """Move the file into the archive; killed before this, the next run only moves it. What was
    judged, with a note where the file grew meanwhile.
    """
    archive = paths.archive / "refused" if reason else paths.archive
    if archive_file(file.path, archive, file.sha256) is not None or not judged:
        return judged
    log.error("changed while taken file=%s", json.dumps(one_line(file.path.name)))
    (fact, judgement), *others = judged
    result = RuleResult(CHANGED, _CHANGED, "note", fact.rows_in, (), first_day(fact.rows), 1.0)
    notes = (*judgement.notes, f"{CHANGED}: {_CHANGED}")
    changed = replace(judgement, notes=notes, results=(*judgement.results, result))
    return [(fact, changed), *others]


def _is_as(path: Path, before: os.stat_result) -> bool:
    """Whether a file is still there, as it was before it was read."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    return (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def _write(
    file: FileFound,
    delivery: Delivery,
    judged: Judged,
    reason: str | None,
    params: Params,
    paths: Paths,
) -> tuple[list[int], Judged]:
    """A judged file into the store in one transaction; the number of each batch, and what was
    judged, with a note where rows are older than what is known.
    """
    words = REASONS | sentences(params.ingest)
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        firsts = facts_without_rows(con) & {fact.fact for fact, _ in judged if fact.is_history}
        batches = [
            _batch(fact, judgement, params, file.now, file.is_history or fact.fact in firsts)
            for fact, judgement in judged
        ]
        if not file.is_history:
            judged = [
                (fact, _with_overruled(con, batch, judgement))
                for (fact, judgement), batch in zip(judged, batches, strict=True)
            ]
        judged = _with_delivered_again(con, file.sha256, batches, judged)
        numbers = write_delivery(con, delivery, batches or [unreadable(reason or "")], words)
    return numbers, judged


def _with_overruled(con: Connection, batch: Batch, judgement: Judgement) -> Judgement:
    """The judgement, with a note of rows that correct nothing, as another was learned later."""
    rows = overruled(con, batch.fact, batch.accepted) if batch.accepted.height else 0
    if not rows:
        return judgement
    return replace(judgement, notes=(*judgement.notes, _OVERRULED.format(rows=rows)))


def _with_delivered_again(
    con: Connection, sha256: str, batches: list[Batch], judged: Judged
) -> Judged:
    """What was judged, with a note where the content was taken back before, and what corrected it
    since is overwritten.
    """
    was = taken_back_before(con, sha256)
    if was is None:
        return judged
    rows = sum(
        corrected_since(con, batch.fact, batch.accepted, was)
        for batch in batches
        if batch.accepted.height
    )
    if not rows:
        return judged
    (fact, judgement), *others = judged
    notes = (*judgement.notes, _DELIVERED_AGAIN.format(was=was, rows=rows))
    return [(fact, replace(judgement, notes=notes)), *others]


def _write_pages(
    delivery: Delivery, numbers: list[int], judged: Judged, params: Params, paths: Paths
) -> None:
    words = REASONS | sentences(params.ingest)
    for number, (fact, judgement) in zip(numbers, judged, strict=False):
        name = f"{delivery.received_at:%Y%m%dT%H%M%S}-{number:06d}-{fact.fact}"
        head = {
            "name": delivery.name,
            "fact": fact.fact,
            "received_at": delivery.received_at,
            "rows_in": fact.rows_in,
        }
        keep = params.ingest.keep_validation_pages
        write_page(paths.validation, name, judgement, head, words, keep)


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
    past_only = tuple(params.source.files.past_only) if params.source.is_mapped else ()
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
        judgement.reason and one_line(judgement.reason),
    )
