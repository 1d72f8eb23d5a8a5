"""From files to facts: what lies in the inbox becomes accepted rows, quarantined rows and one ledger line per batch.

Reads   data/inbox/ (or, with --fill, the source's own files), params.yaml: source, ingest
Writes  data/tillcast.duckdb, data/archive/, data/validation/, with --freeze data/panel/, with --fill data/truth/
Run     python ingest.py                       take what lies in the inbox
        python ingest.py --fill --freeze       the laboratory's stage 'panel': the whole source, then frozen Parquet
        python ingest.py --check-panel         the frozen panel against every rule -> data/validation/panel.json
        python ingest.py --replay --batch 17   rows in quarantine judged anew; or --reason CODE; or mended: --corrected FILE
        python ingest.py --rebuild             a damaged or lost store made again from its journal; the old file is set aside
        python ingest.py touched --file sales_2026-01-29.csv   from a file to the runs, forecasts and models it touched
        python ingest.py --use m5 --data-from ../m5   switch the source; the store of the other one is set aside

A file is one transaction: facts, quarantine and ledger, or nothing. Killed at any moment, the next run goes on.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from argparse import Namespace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import BadInput, BadUsage, GateFailed
from contract.walk import Summary, clock, door_parser, walk

if TYPE_CHECKING:
    from contract.params import Params
    from contract.places import Places
    from intake.taking import Taken

log = logging.getLogger("ingest")


def ingest(params: Params, places: Places, *, now: datetime, dry_run: bool = False) -> Summary:
    """Every file in the inbox taken once, plans first; a file refused does not keep the next one waiting."""
    from intake.taking import take
    from sources.reading import patterns_of
    from storage.inbox import claimed_inbox, waiting_files

    with claimed_inbox(places.inbox, params.ingest.lock_wait_s):
        files = waiting_files(places.inbox, *patterns_of(params.source))
        return _ended([_told(take(path, params, places, now, dry_run=dry_run)) for path in files])


def fill(params: Params, places: Places, *, now: datetime) -> Summary:
    """The source's own files, all of them, in the store of this source; those it holds already change nothing.

    A file that changed since counts as having always said so, also in a reading as of before: the panel must be the one
    a clean clone fills. What is to be known from today on goes through the inbox.
    BadInput when a file is refused: a panel without it would be another panel.
    """
    from intake.staging import staged
    from intake.taking import store_name, take
    from storage.inbox import claimed_inbox
    from storage.stores import switch_store

    switch_store(places.store, places.stores, store_name(params.source), params.ingest.lock_wait_s)
    staging = places.inbox / ".fill"
    with claimed_inbox(places.inbox, params.ingest.lock_wait_s):
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        files = staged(params.source, staging, places.truth)
        summary = _ended([_told(take(path, params, places, now, is_history=True)) for path in files])
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
    from contract.params_file import with_source
    from intake.taking import store_name
    from sources.reading import companions_of, content_hash, files_of
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
    moved = switch_store(places.store, places.stores, store_name(params.source), params.ingest.lock_wait_s)
    return {"source": kind, "path": data, "sha256": sha256, "other_store_set_aside": moved}


def rebuild(params: Params, places: Places, *, now: datetime) -> Summary:
    """The store made again, row for row, from data/journal; how much of the archive the ledger still names is missing."""
    from intake.taking import store_name
    from storage.batches import read_batches
    from storage.inbox import claimed_inbox, not_archived
    from storage.rebuild import rebuild as make_again
    from storage.store import open_store

    with claimed_inbox(places.inbox, params.ingest.lock_wait_s):
        entries, aside = make_again(places.store, places.stores, store_name(params.source), now)
    with open_store(places.store, params.ingest.lock_wait_s, read_only=True) as con:
        ledger = read_batches(con)
    lost = not_archived(places.archive, ledger)
    log.info("rebuilt entries=%d batches=%d old_file=%s", entries, ledger.height, aside)
    rows = {"rows_in": int(ledger["rows_in"].sum()), "rows_out": int(ledger["rows_accepted"].sum())}
    return {"entries": entries, "batches": ledger.height, **rows, "old_file": aside, "files_missing_in_archive": lost}


def replay(
    params: Params,
    places: Places,
    *,
    now: datetime,
    batch_id: int | None = None,
    code: str | None = None,
    corrected: Path | None = None,
    dry_run: bool = False,
) -> Summary:
    """What lies in quarantine, of one batch or one reason, judged again by today's rules, or replaced by mended lines."""
    from intake.correcting import correct
    from intake.replaying import replay as judge_again
    from storage.inbox import claimed_inbox

    with claimed_inbox(places.inbox, params.ingest.lock_wait_s):
        if corrected is not None and batch_id is not None:
            told = correct(params, places, now, batch_id, corrected)
        else:
            told = judge_again(params, places, now, batch_id=batch_id, code=code, dry_run=dry_run)
    for one in told:
        counts = f"rows_in={one.judged} rows_refused={one.still_refused} rows_out={one.taken}"
        log.info("replayed file=%s batches=%s %s reason=%s", json.dumps(one.name), one.batches, counts, one.reason)
    rows = {"rows_in": sum(one.judged for one in told), "rows_out": sum(one.taken for one in told)}
    why = {one.name: one.reason for one in told if one.reason}
    return {"files": len(told), **rows, "rows_refused": rows["rows_in"] - rows["rows_out"], "why_refused": why}


def _told(taken: Taken) -> Taken:
    """What became of a file, said once in the log."""
    level = logging.WARNING if taken.reason or taken.notes else logging.INFO
    counts = f"rows_in={taken.rows_in} rows_refused={taken.rows_refused} rows_out={taken.rows_in - taken.rows_refused}"
    name = json.dumps(taken.name)  # a file's name is somebody else's text: quoted, it cannot forge a log line
    log.log(
        level, "took file=%s status=%s %s notes=%s reason=%s", name, taken.status, counts, taken.notes, taken.reason
    )
    return taken


def _ended(files: list[Taken]) -> Summary:
    """The counts of a run, and what is worth reading of its files."""
    rows_in, rows_refused = sum(file.rows_in for file in files), sum(file.rows_refused for file in files)
    counts = {"rows_in": rows_in, "rows_refused": rows_refused, "rows_out": rows_in - rows_refused}
    log.info("ended files=%d %s", len(files), " ".join(f"{name}={count}" for name, count in counts.items()))
    statuses = [file.status for file in files]
    named = {status: statuses.count(status) for status in ("accepted", "known", "refused", "growing")}
    why = {file.name: file.reason for file in files if file.reason}
    return {
        "files": len(files),
        **named,
        **counts,
        "why_refused": why,
        "notes": [n for file in files for n in file.notes],
    }


def _unless_refused(summary: Summary) -> Summary:
    if summary["why_refused"]:
        told = "; ".join(f"{name}: {reason}" for name, reason in summary["why_refused"].items())
        raise BadInput(f"{summary['refused']} of {summary['files']} files refused whole, the others taken. {told}")
    return summary


def _work(arguments: Namespace) -> Summary:
    from contract.days import parse_moment
    from contract.params import load_params
    from contract.places import Places

    places, now = Places(arguments.data), clock()
    if arguments.use:
        return use(arguments.use, arguments.data_from, arguments.params, places)
    params = load_params(arguments.params)
    if arguments.accept_unusual:
        told_once = params.ingest.model_copy(update={"refuse_unusual": False})
        params = params.model_copy(update={"ingest": told_once})
    if arguments.check_panel:
        return check_panel(params, places)
    if arguments.dry_run and (arguments.fill or arguments.freeze or arguments.rebuild):
        raise BadUsage("--dry-run goes with the inbox or --replay, not with --fill, --freeze or --rebuild.")
    summary: Summary = {}
    if arguments.replay:
        return _replayed(arguments, params, places, now)
    if arguments.rebuild:
        return rebuild(params, places, now=now)
    if arguments.fill:
        summary |= fill(params, places, now=now)
    elif not arguments.freeze:
        summary |= _unless_refused(ingest(params, places, now=now, dry_run=arguments.dry_run))
    if arguments.freeze:
        as_of = parse_moment(arguments.as_of) if arguments.as_of else None
        summary |= freeze(params, places, as_of=as_of)
    return summary


def _replayed(arguments: Namespace, params: Params, places: Places, now: datetime) -> Summary:
    if (arguments.batch is None) == (arguments.reason is None):
        raise BadUsage("--replay goes with one of --batch ID and --reason CODE. See tables batches and quarantine.")
    if arguments.corrected is not None and arguments.batch is None:
        raise BadUsage("--corrected goes with --batch ID: it holds lines of that batch's file.")
    asked = {"batch_id": arguments.batch, "code": arguments.reason, "corrected": arguments.corrected}
    return replay(params, places, now=now, dry_run=arguments.dry_run, **asked)


def _at_the_desk(asked: list[str]) -> int:
    from desk.asked import answer
    from reports.tables import text_table

    return answer(asked, text_table)


def main(argv: list[str] | None = None) -> int:
    """The door's command line; the exit code is 1 when a file was refused whole, after all others were taken."""
    if (asked := sys.argv[1:] if argv is None else argv)[:1] == ["touched"]:
        return _at_the_desk(asked)
    parser = door_parser(__doc__ or "")
    parser.add_argument("--fill", action="store_true", help="take the source's own files instead of the inbox")
    parser.add_argument("--freeze", action="store_true", help="write the store's panel to data/panel")
    parser.add_argument("--as-of", metavar="T", help="freeze the panel as it was known at T (day or moment, UTC)")
    parser.add_argument("--check-panel", action="store_true", help="the frozen panel against every rule")
    parser.add_argument("--rebuild", action="store_true", help="make a damaged or lost store again from its journal")
    parser.add_argument(
        "--replay", action="store_true", help="judge quarantined rows again: --batch ID or --reason CODE"
    )
    parser.add_argument("--batch", type=int, metavar="ID", help="with --replay: the rows of this batch")
    parser.add_argument("--reason", metavar="CODE", help="with --replay: the rows refused for this reason")
    parser.add_argument(
        "--corrected", type=Path, metavar="FILE", help="with --replay --batch: its lines, mended by hand"
    )
    parser.add_argument("--use", choices=("simulator", "m5", "files"), help="switch the source in params.yaml")
    parser.add_argument(
        "--data-from", type=Path, metavar="DIR", help="with --use: folder or file of the source's files"
    )
    parser.add_argument(
        "--accept-unusual", action="store_true", help="only note days unlike their weekday: half a file, another unit"
    )
    parser.add_argument("--dry-run", action="store_true", help="read and judge the inbox; write nothing, move nothing")
    return walk(parser, _work, argv)


if __name__ == "__main__":
    sys.exit(main())
