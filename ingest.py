"""From files to facts: what lies in the inbox becomes accepted rows, quarantined rows and one ledger line per batch.

Reads   data/inbox/ (or, with --fill, the source's own files), params.yaml: source, ingest
Writes  data/tillcast.duckdb, data/archive/, data/validation/, with --freeze data/panel/, with --fill data/truth/
Run     python ingest.py                       take what lies in the inbox
        python ingest.py --fill --freeze       the laboratory's stage 'panel': the whole source, then frozen Parquet
        python ingest.py --check-panel         the frozen panel against every rule -> data/validation/panel.json
        python ingest.py --use m5 --data-from ../m5   switch the source; the store of the other one is set aside

A file is one transaction: facts, quarantine and ledger, or nothing. Killed at any moment, the next run goes on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import sys
from argparse import Namespace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import BadInput, BadUsage, GateFailed
from contract.walk import Summary, door_parser, walk

if TYPE_CHECKING:
    from contract.params import Params, SourceParams
    from contract.places import Places
    from contract.received import Received
    from expectations.judge import Judgement
    from storage.batches import Batch, Delivery

log = logging.getLogger("ingest")


def ingest(params: Params, places: Places, *, now: datetime, dry_run: bool = False) -> Summary:
    """Every file in the inbox taken once, plans first; a file refused does not keep the next one waiting."""
    from storage.inbox import claimed_inbox, waiting_files

    with claimed_inbox(places.inbox, params.ingest.lock_wait_s):
        return _ended([_take(path, params, places, now, dry_run=dry_run) for path in waiting_files(places.inbox)])


def fill(params: Params, places: Places, *, now: datetime) -> Summary:
    """The source's own files, all of them, in the store of this source; those it holds already change nothing.

    BadInput when a file is refused: a panel without it would be another panel.
    """
    from storage.inbox import claimed_inbox
    from storage.stores import switch_store

    switch_store(places.store, places.stores, _store_name(params.source), params.ingest.lock_wait_s)
    staging = places.inbox / ".fill"
    with claimed_inbox(places.inbox, params.ingest.lock_wait_s):
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        files = _staged(params.source, staging, places.truth)
        summary = _ended([_take(path, params, places, now, is_history=True) for path in files])
        shutil.rmtree(staging)
    return _unless_refused(summary)


def freeze(params: Params, places: Places, *, as_of: datetime | None = None) -> Summary:
    """The store's panel, as last known or as of a moment, as ordered Parquet in data/panel."""
    from storage.panel import read_panel
    from storage.panel_files import freeze as freeze_files
    from storage.store import open_store

    with open_store(places.store, params.ingest.lock_wait_s, read_only=True) as con:
        panel = read_panel(con, as_of)
    frozen = freeze_files(panel, places.panel, as_of)
    log.info("froze panel=%s rows=%d series=%d", frozen.hash, panel.sales.height, panel.series.height)
    days = {"first_day": panel.first_day, "last_day": panel.last_day}
    return {"panel": frozen.hash, "sales": panel.sales.height, "series": panel.series.height, **days}


def check_panel(params: Params, places: Places) -> Summary:
    """The frozen panel against every rule, compiled to Polars; GateFailed when a row breaks one."""
    from expectations.panel import broken_by_panel
    from storage.panel_files import read_frozen

    panel = read_frozen(places.panel)
    broken = broken_by_panel(panel, params.ingest)
    total = sum(sum(codes.values()) for codes in broken.values())
    summary = {"panel": panel.hash, "broken_rows": total, "sales": panel.sales.height, "broken": broken}
    places.validation.mkdir(parents=True, exist_ok=True)
    (places.validation / "panel.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    if total:
        raise GateFailed(
            f"the panel breaks its rules: {broken}. See quarantine and params.yaml: ingest; then fill again."
        )
    return summary


def use(kind: str, data: Path | None, params_path: Path, places: Places) -> Summary:
    """params.yaml with source.kind, path and sha256 of another source, every other line untouched; its store brought back."""
    from contract.params import load_params
    from sources.reading import companions_of, content_hash, files_of
    from storage.params_file import with_source
    from storage.stores import switch_store

    beside = params_path.with_name(f".{params_path.name}.new")
    sha256 = None
    try:
        text = with_source(params_path.read_text(encoding="utf-8"), kind, data and str(data), None)
        beside.write_text(text, encoding="utf-8")
        source = load_params(beside).source
        if files := files_of(source):
            sha256 = content_hash([*files, *companions_of(source)])
        beside.write_text(with_source(text, kind, data and str(data), sha256), encoding="utf-8")
        params = load_params(beside)
        beside.replace(params_path)
    finally:
        beside.unlink(missing_ok=True)
    moved = switch_store(places.store, places.stores, _store_name(params.source), params.ingest.lock_wait_s)
    return {"source": kind, "path": data, "sha256": sha256, "other_store_set_aside": moved}


def _take(
    path: Path, params: Params, places: Places, now: datetime, *, dry_run: bool = False, is_history: bool = False
) -> Summary:
    """One file from where it lies into store and archive; what became of it, with counts."""
    from sources.reading import read_file
    from storage.batches import Delivery, holds
    from storage.inbox import sha256_of
    from storage.store import open_store

    before = path.stat()
    delivery = Delivery(_store_name(params.source), path.name, sha256_of(path), now)
    with open_store(places.store, params.ingest.lock_wait_s) as con:
        is_known = holds(con, delivery.sha256)
    judged, reason = [], None
    try:
        judged = [] if is_known else _judged(read_file(path, params.source), params, places, now)
        reason = next((judgement.reason for _, judgement in judged if judgement.reason), None)
    except BadInput as error:
        reason = str(error)
    status = "known" if is_known else "refused" if reason else "accepted"
    if (before.st_size, before.st_mtime_ns) != (path.stat().st_size, path.stat().st_mtime_ns):
        status = "growing"  # somebody still writes it: the next run takes it
    elif not dry_run:
        _keep(path, delivery, judged, reason, params, places, is_history=is_history, is_known=is_known)
    return _told(path.name, status, judged, reason)


def _judged(
    received: list[Received], params: Params, places: Places, now: datetime
) -> list[tuple[Received, Judgement]]:
    """Every fact of a file with its judgement; one refused whole takes the others with it."""
    from expectations.judge import judge, refuse_whole
    from expectations.suite import Context
    from expectations.suites import SUITES
    from storage.recent import read_recent
    from storage.store import open_store

    with open_store(places.store, params.ingest.lock_wait_s) as con:
        past = [vars(read_recent(con, fact.fact, fact.rows, params.source.region)) for fact in received]
    today = max(now.date(), _simulated_until(params.source))
    contexts = [Context(params.ingest, today, **known) for known in past]
    judged = [(fact, judge(fact, SUITES[fact.fact], at)) for fact, at in zip(received, contexts, strict=True)]
    reason = next((judgement.reason for _, judgement in judged if judgement.reason), None)
    return [(fact, refuse_whole(given, SUITES[fact.fact], reason) if reason else given) for fact, given in judged]


def _keep(
    path: Path,
    delivery: Delivery,
    judged: list[tuple[Received, Judgement]],
    reason: str | None,
    params: Params,
    places: Places,
    *,
    is_history: bool,
    is_known: bool,
) -> None:
    """Write a judged file in one transaction, then its pages, then move it; killed in between, the next run only moves it."""
    from expectations.pages import write_page
    from expectations.suites import sentences
    from sources.reasons import REASONS
    from storage.batches import unreadable, write_delivery
    from storage.facts import facts_without_rows
    from storage.inbox import archive_file
    from storage.store import open_store

    words = REASONS | sentences(params.ingest)
    if not is_known:
        with open_store(places.store, params.ingest.lock_wait_s) as con:
            firsts = facts_without_rows(con)
            batches = [
                _batch(
                    fact, given, params, delivery.received_at, is_history or (fact.is_history and fact.fact in firsts)
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
            write_page(places.validation, name, given, head, words, params.ingest.keep_validation_pages)
    archive_file(path, places.archive / "refused" if reason else places.archive, delivery.sha256)


def _batch(received: Received, judgement: Judgement, params: Params, now: datetime, is_history: bool) -> Batch:
    """The batch with every known_at filled. Only the first load of a fact is assumed to have been known in its time:
    what comes later is learned now, else it would change what a reading as of an earlier moment says."""
    from storage.batches import Batch
    from storage.known_at import with_known_at

    delay_days = params.source.assumed_delay_days if is_history else None
    past_only = tuple(params.source.files.past_only) if params.source.kind == "files" else ()
    rows, known_at_from = with_known_at(received.fact, judgement.accepted, now, delay_days, past_only)
    return Batch(
        received.fact, received.rows_in, rows, judgement.refused, known_at_from, received.series, judgement.reason
    )


def _staged(source: SourceParams, staging: Path, truth: Path) -> list[Path]:
    """Copies of the source's files in the order to take them; the simulator's are made, and its truth written."""
    from sources.reading import files_of

    truth.mkdir(parents=True, exist_ok=True)
    (truth / "truth.parquet").unlink(missing_ok=True)
    if source.kind != "simulator":
        return [Path(shutil.copyfile(path, staging / path.name)) for path in files_of(source)]
    from sources.simulator.drop import make_drop, write_truth
    from sources.simulator.simulation import simulate

    simulation = simulate(source.simulator)
    write_truth(simulation, truth / "truth.parquet")
    return make_drop(simulation, staging, source.simulator).files


def _simulated_until(source: SourceParams) -> date:
    """The day after the last simulated one: a simulated world may lie ahead of the clock. No other source may."""
    world = source.simulator
    return world.start + timedelta(days=world.days) if source.kind == "simulator" else date.min


def _store_name(source: SourceParams) -> str:
    """Which store a source's facts belong in: another kind, path, mapping or simulated world is another store."""
    from contract.params import params_hash

    own = {"simulator": [source.simulator], "files": [source.files], "m5": []}[source.kind]
    mark = f"{source.path} {source.assumed_delay_days} {params_hash(*own)}"
    return f"{source.kind}-{hashlib.sha256(mark.encode()).hexdigest()[:8]}"


def _told(name: str, status: str, judged: list[tuple[Received, Judgement]], reason: str | None) -> Summary:
    """What became of a file, said once in the log."""
    rows_in = sum(received.rows_in for received, _ in judged)
    refused = sum(int(judgement.refused["lines"].sum()) for _, judgement in judged)
    notes = [note for _, judgement in judged for note in judgement.notes]
    level = logging.WARNING if reason or notes else logging.INFO
    told = f"rows_in={rows_in} rows_refused={refused} rows_out={rows_in - refused}"
    log.log(level, "took file=%s status=%s %s notes=%s reason=%s", json.dumps(name), status, told, notes, reason)
    counts = {"rows_in": rows_in, "rows_refused": refused}
    return {"name": name, "status": status, **counts, "reason": reason, "notes": notes}


def _ended(files: list[Summary]) -> Summary:
    """The counts of a run, and what is worth reading of its files."""
    rows_in, rows_refused = (sum(file[name] for file in files) for name in ("rows_in", "rows_refused"))
    counts = {"rows_in": rows_in, "rows_refused": rows_refused, "rows_out": rows_in - rows_refused}
    log.info("ended files=%d %s", len(files), " ".join(f"{name}={count}" for name, count in counts.items()))
    statuses = [file["status"] for file in files]
    named = {status: statuses.count(status) for status in ("accepted", "known", "refused", "growing")}
    why = {file["name"]: file["reason"] for file in files if file["status"] == "refused"}
    notes = [note for file in files for note in file["notes"]]
    return {"files": len(files), **named, **counts, "why_refused": why, "notes": notes}


def _unless_refused(summary: Summary) -> Summary:
    if summary["why_refused"]:
        told = "; ".join(f"{name}: {reason}" for name, reason in summary["why_refused"].items())
        raise BadInput(f"{summary['refused']} of {summary['files']} files refused whole, the others taken. {told}")
    return summary


def _work(arguments: Namespace) -> Summary:
    from contract.days import parse_moment
    from contract.params import load_params
    from contract.places import Places

    places, now = Places(arguments.data), datetime.now(UTC).replace(tzinfo=None)
    if arguments.use:
        return use(arguments.use, arguments.data_from, arguments.params, places)
    params = load_params(arguments.params)
    if arguments.check_panel:
        return check_panel(params, places)
    if arguments.dry_run and (arguments.fill or arguments.freeze):
        raise BadUsage("--dry-run goes with the inbox alone, not with --fill or --freeze.")
    summary: Summary = {}
    if arguments.fill:
        summary |= fill(params, places, now=now)
    elif not arguments.freeze:
        summary |= _unless_refused(ingest(params, places, now=now, dry_run=arguments.dry_run))
    if arguments.freeze:
        as_of = parse_moment(arguments.as_of) if arguments.as_of else None
        summary |= freeze(params, places, as_of=as_of)
    return summary


def main(argv: list[str] | None = None) -> int:
    """The door's command line; the exit code is 1 when a file was refused whole, after all others were taken."""
    parser = door_parser(__doc__ or "")
    parser.add_argument("--fill", action="store_true", help="take the source's own files instead of the inbox")
    parser.add_argument("--freeze", action="store_true", help="write the store's panel to data/panel")
    parser.add_argument("--as-of", metavar="T", help="freeze the panel as it was known at T (day or moment, UTC)")
    parser.add_argument("--check-panel", action="store_true", help="the frozen panel against every rule")
    parser.add_argument("--use", choices=("simulator", "m5", "files"), help="switch the source in params.yaml")
    parser.add_argument(
        "--data-from", type=Path, metavar="DIR", help="with --use: folder or file of the source's files"
    )
    parser.add_argument("--dry-run", action="store_true", help="read and judge the inbox; write nothing, move nothing")
    return walk(parser, _work, argv)


if __name__ == "__main__":
    sys.exit(main())
