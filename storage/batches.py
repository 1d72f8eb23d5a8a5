"""The ledger: a line per received file and fact, in one transaction with what the file brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from contract.frames import SUPPLY_FACTS
from storage.connection import Connection, frame_of
from storage.facts import Written, write_fact
from storage.journal import Entry, Kind, recorded
from storage.quarantine import write_quarantine
from storage.series import write_announced, write_series
from storage.store import check_owner, claim
from storage.timelines import write_implied

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
    """One fact of a delivery, judged. Its rows have `lines`; a reason refuses it whole.

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


# the journal keeps these of a batch as JSON, its rows as frames
_JSON_FIELDS = ("fact", "rows_in", "known_at_from", "reason", "replay_of", "attempt")


def holds(con: Connection, sha256: str) -> bool:
    """Whether this content was taken in before, under whatever name; one refused or withdrawn may
    come again.
    """
    query = """
        select 1 from batches b where sha256 = $sha256 and status = 'accepted'
        and withdraws is null
        and not exists (select 1 from batches w where w.withdraws = b.batch_id)"""
    return bool(con.execute(query, {"sha256": sha256}).fetchall())


def restated_since(con: Connection, sha256: str) -> int:
    """Rows of sales of this content that say other units now than it said."""
    query = """
        select count(*) from sales_superseded as said
        join batches using (batch_id)
        join sales as latest on said.unique_id = latest.unique_id and said.ds = latest.ds
        where batches.sha256 = $sha256 and said.y is distinct from latest.y"""
    return int(con.execute(query, {"sha256": sha256}).fetchall()[0][0])


def came_as_history(con: Connection, sha256: str) -> bool:
    """Whether this content was taken as a history: when its rows were known was assumed."""
    query = """
        select 1 from batches where sha256 = $sha256 and known_at_from like 'assumed%' limit 1"""
    return bool(con.execute(query, {"sha256": sha256}).fetchall())


def taken_back_before(con: Connection, sha256: str) -> int | None:
    """The first batch of a content that was withdrawn; None for any other."""
    query = """
        select min(b.batch_id) from batches b join batches w on w.withdraws = b.batch_id
        where b.sha256 = $sha256"""
    first = con.execute(query, {"sha256": sha256}).fetchall()[0][0]
    return None if first is None else int(first)


def newest_received(con: Connection) -> tuple[int, str, datetime] | None:
    """batch_id, name, received_at of the newest file whose rows were learned when it was received;
    None before the first.
    """
    query = """
        select batch_id, name, received_at from batches
        where status = 'accepted' and known_at_from = 'received'
          and batch_id not in (select withdraws from batches where withdraws is not null)
        order by received_at desc, batch_id desc limit 1"""
    found = con.execute(query).fetchall()
    return (int(found[0][0]), str(found[0][1]), found[0][2]) if found else None


def contents_taken(con: Connection, until: datetime | None = None) -> pl.DataFrame:
    """content, batch_id, received_at of the accepted batches that a panel is made of, in their
    order; `until`: received by then.

    A content is named by its hash, one judged again by its attempt, too: the store knows more after
    a replay than before.
    """
    query = """
        select sha256 || case when attempt > 0 then '#' || attempt else '' end as content,
               batch_id, received_at
        from batches where status = 'accepted' and ($until is null or received_at <= $until)
          and fact not in (select unnest($beside))
        order by batch_id"""
    return frame_of(con, query, until=until, beside=list(SUPPLY_FACTS))


def write_delivery(
    con: Connection,
    delivery: Delivery,
    batches: Sequence[Batch],
    sentences: Mapping[str, str],
) -> list[int]:
    """Facts, quarantine and ledger of a file written in one transaction; the batch_id of each line.

    Content taken in before changes nothing; a second try replaces the ledger lines of a refused
    first one. Lines that were withdrawn stay: what was known then is read by them.
    `sentences` puts the reason codes into words.
    """
    if holds(con, delivery.sha256):
        check_owner(con, delivery.source)
        return []
    if attempt := _attempt_after_withdrawal(con, delivery.sha256):
        batches = [replace(batch, attempt=attempt) for batch in batches]
    with recorded(con, entry_of(Kind.DELIVERY, delivery, batches, sentences)):
        claim(con, delivery.source)
        return _write_all(con, delivery, batches, sentences)


def redo_delivery(con: Connection, entry: Entry) -> None:
    """Write a delivery as the journal has it. Call it inside a transaction."""
    _write_all(con, *delivery_of(entry), entry.fields["sentences"])


def entry_of(
    kind: Kind,
    delivery: Delivery,
    batches: Sequence[Batch],
    sentences: Mapping[str, str],
    **more: object,
) -> Entry:
    """The journal's entry of judged batches: their rows as frames, all else as JSON."""
    frames: dict[str, pl.DataFrame] = {}
    for number, batch in enumerate(batches):
        rows = {"accepted": batch.accepted, "refused": batch.refused, "series": batch.series}
        frames |= {
            f"{number}_{name}": frame
            for name, frame in rows.items()
            if frame is not None and frame.width
        }
    reasons = {
        code
        for batch in batches
        if batch.refused.height
        for code in batch.refused["reason"].unique()
    }
    fields = {
        "delivery": asdict(delivery),
        "batches": [_fields_of(batch) for batch in batches],
        "sentences": {code: text for code, text in sentences.items() if code in reasons},
    }
    return Entry(kind, fields | more, frames)


def delivery_of(entry: Entry) -> tuple[Delivery, list[Batch]]:
    """The delivery and the batches that `entry_of` wrote into an entry."""
    delivery = Delivery(**entry.fields["delivery"])
    delivery = replace(delivery, received_at=datetime.fromisoformat(str(delivery.received_at)))
    frames, nothing = entry.frames, pl.DataFrame()
    return delivery, [
        Batch(
            **fields,
            accepted=frames.get(f"{number}_accepted", nothing),
            refused=frames.get(f"{number}_refused", nothing),
            series=frames.get(f"{number}_series"),
        )
        for number, fields in enumerate(entry.fields["batches"])
    ]


def unreadable(reason: str) -> Batch:
    """The batch of a file that could not be read at all."""
    return Batch(UNREADABLE, 0, pl.DataFrame(), pl.DataFrame(), "received", reason=reason)


def read_batches(con: Connection) -> pl.DataFrame:
    """The whole ledger in the order of arrival."""
    return frame_of(con, "select * from batches order by batch_id")


def write_batch(
    con: Connection, delivery: Delivery, batch: Batch, sentences: Mapping[str, str]
) -> int:
    """The batch_id of a batch, after writing its facts, its quarantine and its ledger line. Call it
    inside a transaction.
    """
    batch_id = int(con.execute(_NEXT_ID).fetchall()[0][0])
    written = _write_accepted(con, batch, batch_id)
    write_quarantine(con, batch_id, batch.refused, delivery.received_at, sentences)
    numbers = {
        "batch_id": batch_id,
        "rows_accepted": _lines(batch.accepted),
        "rows_refused": _lines(batch.refused),
        "rows_new": written.new,
        "rows_restated": written.restated,
        "status": "refused" if batch.reason else "accepted",
    }
    con.execute(_LEDGER_LINE, asdict(delivery) | _fields_of(batch) | numbers).fetchall()
    return batch_id


def _write_all(
    con: Connection,
    delivery: Delivery,
    batches: Sequence[Batch],
    sentences: Mapping[str, str],
) -> list[int]:
    _forget_refusal(con, delivery.sha256)
    return [write_batch(con, delivery, batch, sentences) for batch in batches]


def _write_accepted(con: Connection, batch: Batch, batch_id: int) -> Written:
    if batch.accepted.is_empty():
        return Written(0, 0)
    written = write_fact(con, batch.fact, batch.accepted, batch_id)
    write_implied(con, batch.accepted.filter(pl.col("lines") == 0), batch_id)
    if batch.series is not None:
        accepted = batch.accepted.select("unique_id").unique()
        placed = batch.series.join(accepted, on="unique_id", how="semi")
        if batch.fact == "sales":  # an older file moves no series back
            write_series(con, placed, batch_id, only_new=batch.replay_of is not None)
        else:
            write_announced(con, placed, batch_id)
    return written


def _lines(rows: pl.DataFrame) -> int:
    """How many received lines the rows stand for."""
    return int(rows["lines"].sum()) if rows.height else 0


def _fields_of(batch: Batch) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in _JSON_FIELDS}


def _attempt_after_withdrawal(con: Connection, sha256: str) -> int:
    """The attempt under which a withdrawn content comes again; 0 for one that never was."""
    query = """
        select coalesce(max(attempt) + 1, 0) from batches
        where sha256 = $sha256 and status = 'accepted'"""
    return int(con.execute(query, {"sha256": sha256}).fetchall()[0][0])


def _forget_refusal(con: Connection, sha256: str) -> None:
    for statement in (
        """delete from quarantine where batch_id in (
               select batch_id from batches where sha256 = $sha256 and status = 'refused')""",
        "delete from batches where sha256 = $sha256 and status = 'refused'",
    ):
        con.execute(statement, {"sha256": sha256}).fetchall()


_NEXT_ID = "select coalesce(max(batch_id), 0) + 1 from batches"
_LEDGER_LINE = """
insert into batches (batch_id, fact, source, name, sha256, received_at, known_at_from, rows_in,
                     rows_accepted, rows_refused, rows_new, rows_restated, status, reason,
                     replay_of, attempt)
values ($batch_id, $fact, $source, $name, $sha256, $received_at, $known_at_from, $rows_in,
        $rows_accepted, $rows_refused, $rows_new, $rows_restated, $status, $reason,
        $replay_of, $attempt)"""
