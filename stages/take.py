"""One file taken: whole or not at all, and what became of it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from contract.errors import BadInput
from contract.hashes import params_hash
from contract.params import Params, SourceParams
from contract.received import Received
from expectations.judge import Judgement, judge, refuse_whole
from expectations.pages import write_page
from expectations.suite import Context
from expectations.suites import SUITES, sentences
from expectations.usual import levels_compared
from runtime.command_line import Summary
from runtime.disk import disk_refusals, sha256_of
from runtime.paths import Paths
from sources.reading import read_file
from sources.reasons import REASONS
from stages.whole_lines import lines_taken_whole
from storage.batches import Batch, Delivery, holds, unreadable, write_delivery
from storage.facts import facts_without_rows
from storage.inbox import archive_file
from storage.known_at import with_known_at
from storage.recent import read_recent
from storage.series import read_series
from storage.store import Connection, open_store, read_store

log = logging.getLogger("ingest")

_LONGEST_TEXT = 2000  # characters; a message may quote a header of thousands of names


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
        return Taken(
            readable(path.name),
            "growing",
            0,
            0,
            f"cannot be read now ({error.strerror}); it is left to the next run",
            [],
        )
    delivery = Delivery(store_name(params.source), readable(path.name), sha256, now)
    with (read_store if dry_run else open_store)(paths.store, params.ingest.lock_wait_s) as con:
        is_known = holds(con, delivery.sha256)
    judged, reason = [], None
    try:
        judged = (
            [] if is_known else judged_facts(read_file(path, params.source), params, paths, now)
        )
        reason = next((judgement.reason for _, judgement in judged if judgement.reason), None)
    except BadInput as error:
        reason = readable(str(error))
    status = "known" if is_known else "refused" if reason else "accepted"
    if not _is_as(path, before):
        status, reason = "growing", None  # somebody still writes it: the next run takes it
    elif not dry_run:
        with disk_refusals(paths.root):
            _keep(
                path,
                delivery,
                judged,
                reason,
                params,
                paths,
                is_history=is_history,
                is_known=is_known,
            )
    refused = sum(int(judgement.refused["lines"].sum()) for _, judgement in judged)
    notes = [note for _, judgement in judged for note in judgement.notes]
    return Taken(
        delivery.name, status, sum(fact.rows_in for fact, _ in judged), refused, reason, notes
    )


def summary_of(files: list[Taken]) -> Summary:
    """The counts of a run, and what is worth reading of its files; each file said once in the log."""
    for file in files:
        _log_taken(file)
    rows_in, rows_refused = (
        sum(file.rows_in for file in files),
        sum(file.rows_refused for file in files),
    )
    counts = {"rows_in": rows_in, "rows_refused": rows_refused, "rows_out": rows_in - rows_refused}
    log.info(
        "ended files=%d %s",
        len(files),
        " ".join(f"{name}={count}" for name, count in counts.items()),
    )
    statuses = [file.status for file in files]
    return {
        "files": len(files),
        **{
            status: statuses.count(status) for status in ("accepted", "known", "refused", "growing")
        },
        **counts,
        "why_refused": {file.name: file.reason for file in files if file.reason},
        "notes": [note for file in files for note in file.notes],
    }


def refuse_if_refused(summary: Summary) -> Summary:
    """The summary of a run; BadInput where a file was refused whole."""
    if summary["why_refused"]:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in summary["why_refused"].items())
        raise BadInput(
            f"{summary['refused']} of {summary['files']} files refused whole, the others taken. {reasons}"
        )
    return summary


def _log_taken(file: Taken) -> None:
    level = logging.WARNING if file.reason or file.notes else logging.INFO
    counts = f"rows_in={file.rows_in} rows_refused={file.rows_refused} rows_out={file.rows_in - file.rows_refused}"
    # a file's name is somebody else's text: quoted, it cannot forge a log line
    name = json.dumps(file.name)
    log.log(
        level,
        "took file=%s status=%s %s notes=%s reason=%s",
        name,
        file.status,
        counts,
        file.notes,
        file.reason,
    )


def _is_as(path: Path, before: os.stat_result) -> bool:
    """Whether a file is still there, as it was before it was read."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    return (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def readable(text: str) -> str:
    """A text of somebody else's as the ledger can hold it: a name that is no UTF-8 spelled out, an
    endless one cut.
    """
    return text.encode("utf-8", "backslashreplace").decode()[:_LONGEST_TEXT]


def judged_facts(
    received: list[Received], params: Params, paths: Paths, now: datetime
) -> list[tuple[Received, Judgement]]:
    """Every fact of a file with its judgement; one refused whole takes the others with it, a line's
    sales what stands beside them.
    """
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        contexts = [
            _context(con, fact, params, max(now.date(), _simulated_until(params.source)))
            for fact in received
        ]
    judged = [
        (fact, judge(fact, SUITES[fact.fact], at))
        for fact, at in zip(received, contexts, strict=True)
    ]
    reason = next((judgement.reason for _, judgement in judged if judgement.reason), None)
    if reason:
        return [(fact, refuse_whole(given, SUITES[fact.fact], reason)) for fact, given in judged]
    return lines_taken_whole(judged)


def _context(con: Connection, fact: Received, params: Params, today: date) -> Context:
    """What the store knows beside a fact's rows, and the groups its series stand in.

    Of a history of years some day is always odd, and nobody can send that day again: unusual days
    of one are noted only.
    """
    ingest = (
        params.ingest.model_copy(update={"refuse_unusual": False})
        if fact.is_history
        else params.ingest
    )
    series = read_series(con)
    if fact.series is not None:
        known = series.join(fact.series, on="unique_id", how="anti")
        series = pl.concat([fact.series, known], how="diagonal_relaxed")
    levels = levels_compared(params.source.levels, series, params.ingest.whole_days)
    summed = params.source.kind == "files" and params.source.files.transactions
    context = Context(ingest, today, series=series, levels=levels)
    recent = read_recent(
        con, fact.fact, fact.rows, params.source.region, context.columns, are_lines_summed=summed
    )
    return replace(context, **vars(recent))


def _keep(
    path: Path,
    delivery: Delivery,
    judged: list[tuple[Received, Judgement]],
    reason: str | None,
    params: Params,
    paths: Paths,
    *,
    is_history: bool,
    is_known: bool,
) -> None:
    """Write a judged file in one transaction, then its pages, then move it; killed in between, the
    next run only moves it.
    """
    words = REASONS | sentences(params.ingest)
    if not is_known:
        with open_store(paths.store, params.ingest.lock_wait_s) as con:
            firsts = facts_without_rows(con)
            batches = [
                _batch(
                    fact,
                    given,
                    params,
                    delivery.received_at,
                    is_history or (fact.is_history and fact.fact in firsts),
                )
                for fact, given in judged
            ]
            numbers = write_delivery(con, delivery, batches or [unreadable(reason or "")], words)
        for number, (fact, given) in zip(numbers, judged, strict=False):
            name = f"{delivery.received_at:%Y%m%dT%H%M%S}-{number:06d}-{fact.fact}"
            head = {
                "name": delivery.name,
                "fact": fact.fact,
                "received_at": delivery.received_at,
                "rows_in": fact.rows_in,
            }
            write_page(
                paths.validation, name, given, head, words, params.ingest.keep_validation_pages
            )
    archive_file(path, paths.archive / "refused" if reason else paths.archive, delivery.sha256)


def _batch(
    received: Received, judgement: Judgement, params: Params, now: datetime, is_history: bool
) -> Batch:
    """The batch with every known_at filled. Only the first load of a fact is assumed to have been
    known in its time: what comes later is learned now, else it would change what a reading as of an
    earlier moment says. A fill does change it (see ingest.fill).
    """
    delay_days = params.source.assumed_delay_days if is_history else None
    if is_history:
        now = max(now, datetime.combine(_simulated_until(params.source), time.max))
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


def _simulated_until(source: SourceParams) -> date:
    """The day after the last simulated one: a simulated world may lie ahead of the clock. No other
    source may.
    """
    world = source.simulator
    return world.start + timedelta(days=world.days) if source.kind == "simulator" else date.min


def store_name(source: SourceParams) -> str:
    """Which store a source's facts belong in: another kind, path, mapping or simulated world is
    another store.
    """
    own = {"simulator": [source.simulator], "files": [source.files], "m5": []}[source.kind]
    mark = f"{source.path} {source.assumed_delay_days} {params_hash(*own)}"
    return f"{source.kind}-{hashlib.sha256(mark.encode()).hexdigest()[:8]}"
