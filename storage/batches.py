"""The ledger: one line per received file and fact, written in the same transaction as what the file
brought.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from storage.facts import Written, write_fact
from storage.journal import Entry, recorded
from storage.quarantine import write_quarantine
from storage.series import write_series
from storage.store import check_owner, claim

UNREADABLE = "file"  # the fact of a file that could not be read at all


@dataclass(frozen=True)
class Delivery:
    """One file as it lies in the inbox: its content is its identity, its name is only a name."""

    source: str
    name: str
    sha256: str
    received_at: datetime


@dataclass(frozen=True)
class Batch:
    """One fact out of a delivery, judged. `accepted` and `refused` carry `lines`; a reason refuses
    the batch whole.

    `replay_of` and `attempt` (from 1) are set where rows of an earlier batch were judged again: see
    storage.replays.
    """

    fact: str
    rows_in: int
    accepted: pl.DataFrame
    refused: pl.DataFrame
    known_at_from: str
    series: pl.DataFrame | None = None
    reason: str | None = None
    replay_of: int | None = None
    attempt: int = 0


_TOLD = ("fact", "rows_in", "known_at_from", "reason", "replay_of", "attempt")


def holds(con: duckdb.DuckDBPyConnection, sha256: str) -> bool:
    """Whether this content was taken in before, under whatever name. A refused one may be tried
    again.
    """
    query = "select 1 from batches where sha256 = $sha256 and status = 'accepted' limit 1"
    return bool(con.execute(query, {"sha256": sha256}).fetchall())


def contents_taken(con: duckdb.DuckDBPyConnection, until: datetime | None = None) -> pl.DataFrame:
    """content, batch_id, received_at of the accepted batches, in the order of the ledger; `until`:
    of those received by then.

    A content is named by its hash, one judged again by its attempt, too: the store knows more after
    a replay than before.
    """
    query = """
        select sha256 || case when attempt > 0 then '#' || attempt else '' end as content, batch_id, received_at
        from batches where status = 'accepted' and ($until is null or received_at <= $until) order by batch_id"""
    return con.sql(query, params={"until": until}).pl()


def write_delivery(
    con: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    batches: Sequence[Batch],
    sentences: Mapping[str, str],
) -> list[int]:
    """The batch_id of each ledger line, after writing facts, quarantine and ledger of a file in one
    transaction.

    Content taken in before changes nothing; a second try replaces the ledger lines of a refused
    first one. `sentences` puts the reason codes into words.
    """
    if holds(con, delivery.sha256):
        check_owner(con, delivery.source)
        return []
    with recorded(con, entry_of("delivery", delivery, batches, sentences)):
        claim(con, delivery.source)
        return _write_all(con, delivery, batches, sentences)


def redo_delivery(con: duckdb.DuckDBPyConnection, entry: Entry) -> None:
    """Write a delivery as the journal tells it. Call it inside a transaction."""
    _write_all(con, *told_delivery(entry), entry.told["sentences"])


def entry_of(
    kind: str,
    delivery: Delivery,
    batches: Sequence[Batch],
    sentences: Mapping[str, str],
    **more: Any,
) -> Entry:
    """The journal's entry of judged batches: their rows as frames, all else as words."""
    told, frames = [], {}
    for number, batch in enumerate(batches):
        told.append({name: getattr(batch, name) for name in _TOLD})
        rows = {"accepted": batch.accepted, "refused": batch.refused, "series": batch.series}
        frames |= {
            f"{number}_{name}": frame
            for name, frame in rows.items()
            if frame is not None and frame.width
        }
    used = {
        code
        for batch in batches
        if batch.refused.height
        for code in batch.refused["reason"].unique()
    }
    words = {code: sentence for code, sentence in sentences.items() if code in used}
    return Entry(
        kind, {"delivery": asdict(delivery), "batches": told, "sentences": words, **more}, frames
    )


def told_delivery(entry: Entry) -> tuple[Delivery, list[Batch]]:
    """What `entry_of` put down."""
    delivery = Delivery(**entry.told["delivery"])
    delivery = replace(delivery, received_at=datetime.fromisoformat(str(delivery.received_at)))
    frames, nothing = entry.frames, pl.DataFrame()
    return delivery, [
        Batch(
            **told,
            accepted=frames.get(f"{number}_accepted", nothing),
            refused=frames.get(f"{number}_refused", nothing),
            series=frames.get(f"{number}_series"),
        )
        for number, told in enumerate(entry.told["batches"])
    ]


def unreadable(reason: str) -> Batch:
    """The batch of a file that could not be read at all."""
    return Batch(UNREADABLE, 0, pl.DataFrame(), pl.DataFrame(), "received", reason=reason)


def read_batches(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The whole ledger in the order of arrival."""
    return con.sql("select * from batches order by batch_id").pl()


def _write_all(
    con: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    batches: Sequence[Batch],
    sentences: Mapping[str, str],
) -> list[int]:
    _forget_refusal(con, delivery.sha256)
    return [write_batch(con, delivery, batch, sentences) for batch in batches]


def write_batch(
    con: duckdb.DuckDBPyConnection, delivery: Delivery, batch: Batch, sentences: Mapping[str, str]
) -> int:
    """The batch_id of a batch, its facts, its quarantine and its ledger line written. Call it
    inside a transaction.
    """
    batch_id = con.execute("select coalesce(max(batch_id), 0) + 1 from batches").fetchall()[0][0]
    written = Written(0, 0)
    if batch.accepted.height:
        written = write_fact(con, batch.fact, batch.accepted, batch_id)
        if batch.series is not None:
            known = batch.accepted.select("unique_id").unique()
            placed = batch.series.join(known, on="unique_id", how="semi")
            # an older file moves no series back
            write_series(con, placed, only_new=batch.replay_of is not None)
    write_quarantine(con, batch_id, batch.refused, delivery.received_at, sentences)
    rows_refused = int(batch.refused["lines"].sum()) if batch.refused.height else 0
    rows_accepted = int(batch.accepted["lines"].sum()) if batch.accepted.height else 0
    con.execute(
        """
        insert into batches (batch_id, fact, source, name, sha256, received_at, known_at_from, rows_in,
                             rows_accepted, rows_refused, rows_new, rows_restated, status, reason, replay_of, attempt)
        values ($batch_id, $fact, $source, $name, $sha256, $received_at, $known_at_from, $rows_in,
                $rows_accepted, $rows_refused, $rows_new, $rows_restated, $status, $reason, $replay_of, $attempt)""",
        {
            "batch_id": batch_id,
            "fact": batch.fact,
            "source": delivery.source,
            "name": delivery.name,
            "sha256": delivery.sha256,
            "received_at": delivery.received_at,
            "known_at_from": batch.known_at_from,
            "rows_in": batch.rows_in,
            "rows_accepted": rows_accepted,
            "rows_refused": rows_refused,
            "rows_new": written.new,
            "rows_restated": written.restated,
            "status": "refused" if batch.reason else "accepted",
            "reason": batch.reason,
            "replay_of": batch.replay_of,
            "attempt": batch.attempt,
        },
    ).fetchall()
    return batch_id


def _forget_refusal(con: duckdb.DuckDBPyConnection, sha256: str) -> None:
    for statement in (
        "delete from quarantine where batch_id in (select batch_id from batches where sha256 = $sha256)",
        "delete from batches where sha256 = $sha256",
    ):
        con.execute(statement, {"sha256": sha256}).fetchall()
