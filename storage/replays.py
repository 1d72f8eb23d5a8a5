"""Refused rows judged again: what waits in quarantine, and how what passes now is taken in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from contract.frames import STORED_FACTS
from storage.batches import Batch, Delivery, delivery_of, entry_of, write_batch
from storage.connection import Connection, frame_of, registered
from storage.journal import Entry, Kind, recorded
from storage.schema import quoted
from storage.store import check_owner

OVERTAKEN = "overtaken"
SENTENCES = {
    OVERTAKEN: "A later file stated this key; the older row must not replace what it said."
}


@dataclass(frozen=True)
class Replay:
    """What a second judgement of one batch brought. `batch.replay_of` names it.

    A quarantined row is named by row_number and raw. `taken`: those that passed; `renewed`: those
    that did not, with `reason`.
    """

    batch: Batch
    taken: pl.DataFrame
    renewed: pl.DataFrame


def still_refused(con: Connection, batch_id: int | None, reason: str | None) -> pl.DataFrame:
    """Quarantined rows not taken in yet, of one batch or one reason, with what names their batch.

    A file that could not be read at all has no rows: it stands with a null row_number, as long as
    its content is not accepted.
    """
    query = """
        select b.batch_id, b.fact, b.sha256, b.name, b.received_at, b.status,
               q.row_number, q.reason, q.raw, q.lines
        from batches b
        left join quarantine q on q.batch_id = b.batch_id and (q.replayed_by is null or
            q.replayed_by in (select withdraws from batches where withdraws is not null))
        where ($batch_id is null or b.batch_id = $batch_id)
          and ($reason is null or q.reason = $reason)
          and b.batch_id not in (select withdraws from batches where withdraws is not null)
          and (q.batch_id is not null or (b.fact = 'file' and b.status = 'refused' and not exists (
               select 1 from batches a where a.sha256 = b.sha256 and a.status = 'accepted')))
        order by b.batch_id, q.row_number"""
    return frame_of(con, query, batch_id=batch_id, reason=reason)


def was_refused(con: Connection, batch_id: int | None, reason: str | None) -> bool:
    """Whether a row of this batch or reason, or the file itself, was ever refused."""
    query = """
        select 1 from batches b left join quarantine q using (batch_id)
        where ($batch_id is null or b.batch_id = $batch_id)
          and ($reason is null or q.reason = $reason)
          and (q.batch_id is not null or b.fact = 'file') limit 1"""
    return bool(con.execute(query, {"batch_id": batch_id, "reason": reason}).fetchall())


def stated_later(con: Connection, fact: str, rows: pl.DataFrame, batch_id: int) -> pl.DataFrame:
    """The keys among these rows of which a batch after this one stated something, be it only what
    was known already.

    What was withdrawn since does not count. A replay is as old as the batch it replays. Rows that
    say their own `known_at` find their place in the timeline: they are left out.
    """
    key = ", ".join(quoted(name) for name in STORED_FACTS[fact].key)
    query = f"""
        with stated as (
            select {key}, batch_id from {quoted(fact)}
            union all select {key}, batch_id from {quoted(fact + "_confirmed")}
        )
        select distinct {key} from stated semi join judged using ({key})
        join batches b using (batch_id)
        where coalesce(b.replay_of, b.batch_id) > $batch_id
          and b.batch_id not in (select withdraws from batches where withdraws is not null)"""  # noqa: S608 -- quoted
    judged = rows.filter(pl.col("known_at").is_null()).select(STORED_FACTS[fact].key)
    with registered(con, judged=judged):
        return frame_of(con, query, batch_id=batch_id)


def write_replays(
    con: Connection,
    delivery: Delivery,
    replays: Sequence[Replay],
    sentences: Mapping[str, str],
) -> None:
    """Facts, ledger lines and the marks in quarantine, in one transaction; replays without any row
    change nothing.
    """
    replays = [
        replay
        for replay in replays
        if replay.taken.height or replay.renewed.height or replay.batch.rows_in
    ]
    if not replays:
        return
    check_owner(con, delivery.source)
    attempt = _next_attempt(con, delivery.sha256)
    batches = [replace(replay.batch, attempt=attempt) for replay in replays]
    entry = entry_of(Kind.REPLAY, delivery, batches, sentences, words=dict(sentences))
    for number, replay in enumerate(replays):
        entry.frames[f"{number}_taken"] = replay.taken
        entry.frames[f"{number}_renewed"] = replay.renewed
    with recorded(con, entry):
        redo_replays(con, entry)


def redo_replays(con: Connection, entry: Entry) -> None:
    """Write replays as the journal has them. Call it inside a transaction."""
    delivery, batches = delivery_of(entry)
    sentences = entry.fields["words"]
    sentence = pl.col("reason").replace_strict(sentences, default=None, return_dtype=pl.String)
    for number, batch in enumerate(batches):
        batch_id = write_batch(con, delivery, batch, sentences) if batch.rows_in else None
        _mark(con, batch.replay_of, batch_id, entry.frames[f"{number}_taken"])
        renewed = entry.frames[f"{number}_renewed"].with_columns(sentence=sentence)
        _renew(con, batch.replay_of, renewed)


def _mark(
    con: Connection, replay_of: int | None, batch_id: int | None, taken: pl.DataFrame
) -> None:
    statement = """
        update quarantine set replayed_by = $batch_id from taken
        where quarantine.batch_id = $replay_of and quarantine.row_number = taken.row_number
          and quarantine.raw is not distinct from taken.raw and (replayed_by is null or
              replayed_by in (select withdraws from batches where withdraws is not null))"""
    with registered(con, taken=taken):
        con.execute(statement, {"batch_id": batch_id, "replay_of": replay_of}).fetchall()


def _renew(con: Connection, replay_of: int | None, renewed: pl.DataFrame) -> None:
    statement = """
        update quarantine set reason = renewed.reason, sentence = renewed.sentence from renewed
        where quarantine.batch_id = $replay_of and quarantine.row_number = renewed.row_number
          and quarantine.raw is not distinct from renewed.raw and (replayed_by is null or
              replayed_by in (select withdraws from batches where withdraws is not null))"""
    with registered(con, renewed=renewed):
        con.execute(statement, {"replay_of": replay_of}).fetchall()


def _next_attempt(con: Connection, sha256: str) -> int:
    query = "select coalesce(max(attempt), -1) + 1 from batches where sha256 = $sha256"
    return int(con.execute(query, {"sha256": sha256}).fetchall()[0][0])
