"""Batches taken back: lines of the ledger, and everything known as if they had not come, from that
moment on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from contract.frames import STORED_FACTS
from storage.connection import Connection, frame_of
from storage.fact_names import Names
from storage.journal import Entry, Kind, recorded
from storage.series import restore_series
from storage.timelines import renew_without


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal changed: keys of facts whose value is another one now, keys of which
    nothing is known any more, attributes of series changed back.
    """

    restored: int
    gone: int
    attributes: int


def lines_with(con: Connection, batch_id: int) -> pl.DataFrame:
    """The ledger lines that go with a batch, if it is taken back: all facts of its content that
    stand, and what replays and corrections took in of them later.
    """
    query = """
        with recursive own as (
            select batch_id from batches
            where sha256 = (select sha256 from batches where batch_id = $batch_id)
              and attempt = (select attempt from batches where batch_id = $batch_id)
            union
            select b.batch_id from batches b join own on b.replay_of = own.batch_id
        )
        select b.* from batches b semi join own using (batch_id)
        where status = 'accepted' and withdraws is null
          and batch_id not in (select withdraws from batches where withdraws is not null)
        order by batch_id"""
    return frame_of(con, query, batch_id=batch_id)


def withdraw(con: Connection, batch_ids: list[int], at: datetime) -> Withdrawn:
    """Take these batches back, in one transaction."""
    entry = Entry(Kind.WITHDRAWAL, {"batch_ids": batch_ids, "at": at})
    with recorded(con, entry):
        return redo_withdrawal(con, entry)


def would_withdraw(con: Connection, batch_ids: list[int], at: datetime) -> Withdrawn:
    """What taking these batches back would change; nothing is written."""
    con.execute("begin transaction").fetchall()
    try:
        return redo_withdrawal(con, Entry(Kind.WITHDRAWAL, {"batch_ids": batch_ids, "at": at}))
    finally:
        con.execute("rollback").fetchall()


def redo_withdrawal(con: Connection, entry: Entry) -> Withdrawn:
    """Take back what an entry of the journal names. Call it inside a transaction."""
    batch_ids = [int(batch_id) for batch_id in entry.fields["batch_ids"]]
    at = datetime.fromisoformat(str(entry.fields["at"]))
    for batch_id in batch_ids:
        con.execute(_LEDGER_LINE, {"batch_id": batch_id, "at": at}).fetchall()
    changed = [renew_without(con, Names(contract), batch_ids) for contract in STORED_FACTS.values()]
    attributes = sum(restore_series(con, batch_id) for batch_id in reversed(batch_ids))
    return Withdrawn(sum(one for one, _ in changed), sum(gone for _, gone in changed), attributes)


_LEDGER_LINE = """
insert into batches (batch_id, fact, source, name, sha256, received_at, known_at_from, rows_in,
                     rows_accepted, rows_refused, rows_new, rows_restated, status, attempt,
                     withdraws)
select (select max(batch_id) + 1 from batches), fact, source, name, sha256, $at, 'withdrawal', 0,
       0, 0, 0, 0, 'accepted',
       (select max(attempt) + 1 from batches a where a.sha256 = b.sha256), batch_id
from batches b where batch_id = $batch_id"""
