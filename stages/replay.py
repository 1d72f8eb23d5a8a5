"""Refused rows judged again: the archived file read and judged whole with today's rules; what still
waited and passes is taken in.
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
from contract.frames import FACTS
from contract.params import Params
from contract.received import Received
from expectations.judge import Judgement, refuse_keys
from expectations.suites import SUITES, sentences
from runtime.command_line import Summary
from runtime.paths import Paths
from sources.reading import read_file
from sources.reasons import REASONS
from stages.take import judged_facts, readable, store_name
from storage.batches import UNREADABLE, Batch, Delivery
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


def replay(
    params: Params, paths: Paths, refused: Refused, *, now: datetime, dry_run: bool = False
) -> Summary:
    """Every file with rows that still wait judged again by today's rules; one transaction a file."""
    with claimed_inbox(paths.inbox, params.ingest.lock_wait_s):
        files = waiting_rows(params, paths, refused).partition_by("sha256", maintain_order=True)
        return summary_of_replays([_replayed(rows, params, paths, now, dry_run) for rows in files])


def summary_of_replays(files: list[Replayed]) -> Summary:
    """The counts of a replay, and why what is still refused is; each file said once in the log."""
    for file in files:
        counts = f"rows_in={file.judged} rows_refused={file.still_refused} rows_out={file.taken}"
        log.info(
            "replayed file=%s batches=%s %s reason=%s",
            json.dumps(file.name),
            file.batches,
            counts,
            file.reason,
        )
    rows = {
        "rows_in": sum(file.judged for file in files),
        "rows_out": sum(file.taken for file in files),
    }
    reasons = {file.name: file.reason for file in files if file.reason}
    return {
        "files": len(files),
        **rows,
        "rows_refused": rows["rows_in"] - rows["rows_out"],
        "why_refused": reasons,
    }


def waiting_rows(params: Params, paths: Paths, refused: Refused) -> pl.DataFrame:
    """What still lies in quarantine; BadUsage for a batch or a reason that never was."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        waiting = still_refused(con, refused.batch_id, refused.code)
        if waiting.is_empty() and not was_refused(con, refused.batch_id, refused.code):
            what = (
                f"batch {refused.batch_id}"
                if refused.batch_id is not None
                else f"reason '{refused.code}'"
            )
            raise BadUsage(f"no row of {what} was ever refused. See tables quarantine and batches.")
    return waiting


def staged_as(path: Path, name: str, paths: Paths) -> Path:
    """A copy under the name that says what it holds."""
    folder = paths.inbox / ".replay"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return Path(shutil.copyfile(path, folder / name))


def _replayed(
    waiting: pl.DataFrame, params: Params, paths: Paths, now: datetime, dry_run: bool
) -> Replayed:
    """One file again. A file that is still refused whole leaves its rows where they are, with their
    new reasons.
    """
    name, sha256 = waiting["name"][0], waiting["sha256"][0]
    path = archived_file(paths.archive, sha256)
    if path is None:
        raise BadInput(
            f"the archive no longer holds '{name}' ({sha256[:12]}): bring it back from a backup."
        )
    judged, reason = [], None
    try:
        own = staged_as(path, name, paths)
        judged = judged_facts(read_file(own, params.source), params, paths, now)
        reason = next((judgement.reason for _, judgement in judged if judgement.reason), None)
    except BadInput as error:
        reason = readable(str(error))
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        replays = (
            [_replay_of(con, fact, given, waiting, now) for fact, given in judged] if judged else []
        )
        if not dry_run:
            delivery = Delivery(store_name(params.source), name, sha256, now)
            write_replays(con, delivery, replays, REASONS | SENTENCES | sentences(params.ingest))
    taken = sum(
        int(one.batch.accepted["lines"].sum()) for one in replays if one.batch.accepted.height
    )
    lines = int(waiting["lines"].sum() or 0) or sum(fact.rows_in for fact, _ in judged)
    batches = waiting["batch_id"].unique().sort().to_list()
    return Replayed(name, batches, lines, taken, max(lines - taken, 0), reason)


def _replay_of(
    con: Connection, fact: Received, given: Judgement, waiting: pl.DataFrame, now: datetime
) -> Replay:
    """Of one fact: what enters now, which quarantined rows that settles, and the new reasons of the
    others.
    """
    unread = waiting.filter(pl.col("fact") == UNREADABLE)
    if unread.height:  # nothing of it was ever judged: all of it is new
        given = without_overtaken(con, fact, given, waiting)
        rows, known = with_known_at(fact.fact, given.accepted, now, None)
        batch = Batch(
            fact.fact,
            fact.rows_in,
            rows,
            given.refused,
            known,
            fact.series,
            given.reason,
            unread["batch_id"][0],
        )
        return Replay(
            batch if not given.reason else _nothing(fact, batch), _NAMES.clear(), _RENEWED.clear()
        )
    own = waiting.filter(fact=fact.fact)
    passed = _matching(_keyed(given.accepted, fact.fact), own, fact.fact)
    passed, late = _overtaken(con, fact.fact, passed, waiting)
    again = _matching(_keyed_raw(given.refused, fact.fact), own, fact.fact, by_line=True)
    renewed = pl.concat([again.select("row_number", "raw", "reason"), late]).join(
        own.select("row_number", "raw", "reason"),
        on=["row_number", "raw", "reason"],
        how="anti",
        nulls_equal=True,
    )
    batch_id = own["batch_id"][0] if own.height else waiting["batch_id"][0]
    rows, known = with_known_at(
        fact.fact, _with_derived(con, given, passed, fact.fact, waiting), now, None
    )
    batch = Batch(
        fact.fact,
        int(rows["lines"].sum()),
        rows,
        given.refused.clear(),
        known,
        fact.series,
        None,
        batch_id,
    )
    return Replay(batch, passed.select("row_number", "raw"), renewed)


def _matching(
    judged: pl.DataFrame, own: pl.DataFrame, fact: str, by_line: bool = False
) -> pl.DataFrame:
    """The judged rows that lie in quarantine, each with the `raw` that names it there.

    A row that a rule refused is known by its line and key, one that could not be mapped by its line
    alone: nothing of such a line was ever accepted. `by_line`: a line that cannot be mapped now
    stands for whatever it held.
    """
    keys = [f"(key) {name}" for name in FACTS[fact].key]
    lines, rules = _told_apart(own, fact)
    unmapped = judged.filter(pl.col("reason").is_in(list(REASONS))) if by_line else judged.clear()
    known = lines.select("row_number", "raw", "lines")
    found = [
        judged.join(known, on="row_number" if by_line else ["row_number", "lines"], how="inner"),
        judged.join(
            rules.select("row_number", "raw", *keys), on=["row_number", *keys], how="inner"
        ),
        unmapped.join(rules.select("row_number", "raw"), on="row_number", how="inner"),
    ]
    return pl.concat([rows.select(*judged.columns, "raw") for rows in found]).unique(
        ["row_number", "raw"], maintain_order=True
    )


def _told_apart(own: pl.DataFrame, fact: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Quarantined rows that could not be mapped, and those that a rule refused, with the key their
    raw names.
    """
    is_unmapped = own["reason"].is_in(list(REASONS))
    keys = [
        pl.col("raw").str.json_path_match(f"$.{name}").alias(f"(key) {name}")
        for name in FACTS[fact].key
    ]
    return own.filter(is_unmapped), own.filter(~is_unmapped).with_columns(keys)


def _keyed(rows: pl.DataFrame, fact: str) -> pl.DataFrame:
    return rows.with_columns(
        pl.col(name).cast(pl.String).alias(f"(key) {name}") for name in FACTS[fact].key
    )


def _keyed_raw(refused: pl.DataFrame, fact: str) -> pl.DataFrame:
    keys = [
        pl.col("raw").str.json_path_match(f"$.{name}").alias(f"(key) {name}")
        for name in FACTS[fact].key
    ]
    return refused.with_columns(keys).drop("raw")


def without_overtaken(
    con: Connection, fact: Received, given: Judgement, waiting: pl.DataFrame
) -> Judgement:
    """A judged file of before, what a later file stated since refused."""
    later = stated_later(con, fact.fact, given.accepted, waiting["batch_id"].max())
    return refuse_keys(given, SUITES[fact.fact], later, OVERTAKEN)


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
    con: Connection, given: Judgement, passed: pl.DataFrame, fact: str, waiting: pl.DataFrame
) -> pl.DataFrame:
    """The rows that enter: those that passed, and the values that stand beside them in lines which
    could not be read before.

    A later file may have overtaken such a value, too.
    """
    unread = waiting.filter(
        pl.col("reason").is_in(list(REASONS)) & (pl.col("fact") != fact)
    ).select("row_number")
    derived = given.accepted.join(unread, on="row_number", how="semi")
    later = stated_later(con, fact, derived, waiting["batch_id"].max())
    return pl.concat(
        [passed.select(given.accepted.columns), derived.join(later, on=later.columns, how="anti")]
    )


def _nothing(fact: Received, batch: Batch) -> Batch:
    return Batch(
        fact.fact,
        0,
        batch.accepted.clear(),
        batch.refused.clear(),
        "received",
        None,
        None,
        batch.replay_of,
    )


_NAMES = pl.DataFrame(schema={"row_number": pl.Int64, "raw": pl.String})
_RENEWED = pl.DataFrame(schema={"row_number": pl.Int64, "raw": pl.String, "reason": pl.String})
