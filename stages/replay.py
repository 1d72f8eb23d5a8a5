"""Refused rows judged again: the archived file is read and judged whole by today's rules; what
still waits and now passes is taken in.
"""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from contract.errors import BadInput, BadUsage
from contract.params import Params
from contract.received import Received
from expectations.judge import Judgement, refuse_keys
from expectations.suites import SUITES, sentences
from runtime.command_line import Summary
from runtime.paths import Paths
from sources.reasons import REASONS
from stages.judged_facts import judged_file
from stages.matching import keyed, keyed_raw, matching
from stages.store_name import store_name
from storage.batches import UNREADABLE, Batch, Delivery, came_as_history
from storage.inbox import archived_file, claimed_inbox
from storage.known_at import with_known_at
from storage.replays import (
    OVERTAKEN,
    SENTENCES,
    Replay,
    stated_later,
    still_refused,
    was_refused,
    write_replays,
)
from storage.store import Connection, open_store

log = logging.getLogger("ingest")


@dataclass(frozen=True)
class Replayed:
    """What became of the refused rows of one file: judged again, taken in, still refused; a reason
    if nothing of it could be.
    """

    name: str
    batches: list[int]
    judged: int
    taken: int
    still_refused: int
    reason: str | None


@dataclass(frozen=True)
class Refused:
    """Which rows of the quarantine: those of one batch, or those refused for one reason."""

    batch_id: int | None = None
    code: str | None = None

    def __str__(self) -> str:
        return f"reason '{self.code}'" if self.batch_id is None else f"batch {self.batch_id}"


def replay(
    params: Params, paths: Paths, refused: Refused, *, now: datetime, dry_run: bool = False
) -> Summary:
    """Every file with rows that still wait judged anew by today's rules; one transaction a file.

    What the archive has lost keeps no other file waiting; BadInput where it has lost them all.
    """
    with claimed_inbox(paths.inbox, params.ingest.lock_wait_s):
        files = waiting_rows(params, paths, refused).partition_by("sha256", maintain_order=True)
        held = [archived_file(paths.archive, rows["sha256"][0]) for rows in files]
        if files and not any(held):
            raise BadInput(_lost(files[0]))
        return summary_of_replays(
            [
                log_replayed(_replayed(rows, path, params, paths, now, dry_run))
                for rows, path in zip(files, held, strict=True)
            ]
        )


def log_replayed(file: Replayed) -> Replayed:
    """What became of one file, once in the log."""
    counts = f"rows_in={file.judged} rows_refused={file.still_refused} rows_out={file.taken}"
    what = f"file={json.dumps(file.name)} batches={file.batches} {counts}"
    log.info("replayed %s reason=%s", what, file.reason)
    return file


def summary_of_replays(files: list[Replayed]) -> Summary:
    """The counts of a replay, and why what is still refused is."""
    rows_in, rows_out = sum(file.judged for file in files), sum(file.taken for file in files)
    return {
        "files": len(files),
        "rows_in": rows_in,
        "rows_out": rows_out,
        "rows_refused": rows_in - rows_out,
        "why_refused": {file.name: file.reason for file in files if file.reason},
    }


def waiting_rows(params: Params, paths: Paths, refused: Refused) -> pl.DataFrame:
    """What still lies in quarantine; BadUsage for a batch or a reason that never was."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        waiting = still_refused(con, refused.batch_id, refused.code)
        if waiting.is_empty() and not was_refused(con, refused.batch_id, refused.code):
            raise BadUsage(
                f"no row of {refused} was ever refused. See tables quarantine and batches."
            )
    return waiting


def staged_as(path: Path, name: str, paths: Paths) -> Path:
    """A copy under the name that says what it holds."""
    folder = paths.staging / "replay"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return Path(shutil.copyfile(path, folder / name))


def _replayed(
    waiting: pl.DataFrame,
    archived: Path | None,
    params: Params,
    paths: Paths,
    now: datetime,
    dry_run: bool,
) -> Replayed:
    """One file again. A file that is still refused whole leaves its rows where they are, with their
    new reasons; one that the archive has lost leaves them as they are.
    """
    name, sha256 = waiting["name"][0], waiting["sha256"][0]
    batches = waiting["batch_id"].unique().sort().to_list()
    waiting_lines = int(waiting["lines"].sum() or 0)
    if archived is None:
        return Replayed(name, batches, waiting_lines, 0, waiting_lines, _lost(waiting))
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        is_fill = came_as_history(con, sha256)
    staged = staged_as(archived, name, paths)
    judged, reason = judged_file(staged, params, paths, now, is_fill=is_fill)
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        replays = [_replay_of(con, fact, judgement, waiting, now) for fact, judgement in judged]
        if not dry_run:
            delivery = Delivery(store_name(params.source), name, sha256, now)
            write_replays(con, delivery, replays, REASONS | SENTENCES | sentences(params.ingest))
    taken = sum(
        int(one.batch.accepted["lines"].sum()) for one in replays if one.batch.accepted.height
    )
    lines = waiting_lines or sum(fact.rows_in for fact, _ in judged)
    return Replayed(name, batches, lines, taken, max(lines - taken, 0), reason)


def _lost(waiting: pl.DataFrame) -> str:
    """Why a file that the archive has lost cannot be judged, and the way out."""
    name, sha256 = waiting["name"][0], waiting["sha256"][0]
    return f"the archive no longer holds '{name}' ({sha256[:12]}): bring it back from a backup."


def _replay_of(
    con: Connection, fact: Received, judgement: Judgement, waiting: pl.DataFrame, now: datetime
) -> Replay:
    """Of one fact: what enters now, which quarantined rows that settles, and the new reasons of the
    others.
    """
    unread = waiting.filter(pl.col("fact") == UNREADABLE)
    if unread.height:
        return _replay_of_unread(con, fact, judgement, waiting, now)
    own = waiting.filter(fact=fact.fact)
    passed = matching(keyed(judgement.accepted, fact.fact), own, fact.fact)
    passed, late = _overtaken(con, fact.fact, passed, waiting)
    again = matching(keyed_raw(judgement.refused, fact.fact), own, fact.fact, by_line=True)
    reasons = ["row_number", "raw", "reason"]
    renewed = pl.concat([again.select(reasons), late]).join(
        own.select(reasons), on=reasons, how="anti", nulls_equal=True
    )
    entering = _with_derived(con, judgement, passed, fact.fact, waiting)
    rows, known = with_known_at(fact.fact, entering, now, None)
    lines, refused = int(rows["lines"].sum()), judgement.refused.clear()
    batch_id = (own if own.height else waiting)["batch_id"][0]
    batch = Batch(fact.fact, lines, rows, refused, known, fact.series, None, batch_id)
    return Replay(batch, passed.select("row_number", "raw"), renewed)


def _replay_of_unread(
    con: Connection, fact: Received, judgement: Judgement, waiting: pl.DataFrame, now: datetime
) -> Replay:
    """Of one fact of a file that could not be read: nothing of it was ever judged, all of it is
    new.
    """
    judgement = without_overtaken(con, fact, judgement, waiting)
    rows, known = with_known_at(fact.fact, judgement.accepted, now, None)
    refused, reason = judgement.refused, judgement.reason
    batch_id = waiting.filter(pl.col("fact") == UNREADABLE)["batch_id"][0]
    batch = Batch(fact.fact, fact.rows_in, rows, refused, known, fact.series, reason, batch_id)
    if reason:
        batch = Batch(fact.fact, 0, rows.clear(), refused.clear(), "received", None, None, batch_id)
    return Replay(batch, _NAMES.clear(), _RENEWED.clear())


def without_overtaken(
    con: Connection, fact: Received, judgement: Judgement, waiting: pl.DataFrame
) -> Judgement:
    """A judged file of before, with the rows refused that a later file has stated since."""
    later = stated_later(con, fact.fact, judgement.accepted, waiting["batch_id"].max())
    return refuse_keys(judgement, SUITES[fact.fact], later, OVERTAKEN)


def _overtaken(
    con: Connection, fact: str, passed: pl.DataFrame, waiting: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that may enter, and those whose key was stated since by a later file. What says its
    own known_at may enter: it finds its place in the timeline.
    """
    later = stated_later(con, fact, passed, waiting["batch_id"].max())
    late = passed.join(later, on=later.columns, how="semi").select(
        "row_number", "raw", reason=pl.lit(OVERTAKEN)
    )
    return passed.join(late, on=["row_number", "raw"], how="anti", nulls_equal=True), late


def _with_derived(
    con: Connection, judgement: Judgement, passed: pl.DataFrame, fact: str, waiting: pl.DataFrame
) -> pl.DataFrame:
    """The rows that enter: those that passed, and the values that stand beside them in lines which
    could not be read before.

    A later file may have overtaken such a value, too.
    """
    unread = waiting.filter(
        pl.col("reason").is_in(list(REASONS)) & (pl.col("fact") != fact)
    ).select("row_number")
    derived = judgement.accepted.join(unread, on="row_number", how="semi")
    later = stated_later(con, fact, derived, waiting["batch_id"].max())
    derived = derived.join(later, on=later.columns, how="anti")
    return pl.concat([passed.select(judgement.accepted.columns), derived])


_NAMES = pl.DataFrame(schema={"row_number": pl.Int64, "raw": pl.String})
_RENEWED = pl.DataFrame(schema={"row_number": pl.Int64, "raw": pl.String, "reason": pl.String})
