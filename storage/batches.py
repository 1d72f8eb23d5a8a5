"""The ledger: one line per received file and fact, written in the same transaction as what the file brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from storage.facts import Written, write_fact
from storage.quarantine import write_quarantine
from storage.series import write_series
from storage.store import claim, transaction

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
    """One fact out of a delivery, judged. `accepted` and `refused` carry `lines`; a reason refuses the batch whole."""

    fact: str
    rows_in: int
    accepted: pl.DataFrame
    refused: pl.DataFrame
    known_at_from: str
    series: pl.DataFrame | None = None
    reason: str | None = None


def holds(con: duckdb.DuckDBPyConnection, sha256: str) -> bool:
    """Whether this content was taken in before, under whatever name. A refused one may be tried again."""
    query = "select 1 from batches where sha256 = $sha256 and status = 'accepted' limit 1"
    return bool(con.execute(query, {"sha256": sha256}).fetchall())


def contents_taken(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The hashes of all accepted contents, in order of their value: what the store knows, whatever order it learned it in."""
    query = "select distinct sha256 from batches where status = 'accepted' order by sha256"
    return [sha256 for (sha256,) in con.execute(query).fetchall()]


def write_delivery(
    con: duckdb.DuckDBPyConnection, delivery: Delivery, batches: Sequence[Batch], sentences: Mapping[str, str]
) -> list[int]:
    """The batch_id of each ledger line, after writing facts, quarantine and ledger of a file in one transaction.

    Content taken in before changes nothing; a second try replaces the ledger lines of a refused first one. `sentences`
    puts the reason codes into words.
    """
    with transaction(con):
        claim(con, delivery.source)
        if holds(con, delivery.sha256):
            return []
        _forget_refusal(con, delivery.sha256)
        return [_write_batch(con, delivery, batch, sentences) for batch in batches]


def unreadable(reason: str) -> Batch:
    """The batch of a file that could not be read at all."""
    return Batch(UNREADABLE, 0, pl.DataFrame(), pl.DataFrame(), "received", reason=reason)


def read_batches(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The whole ledger in the order of arrival."""
    return con.sql("select * from batches order by batch_id").pl()


def _write_batch(con: duckdb.DuckDBPyConnection, delivery: Delivery, batch: Batch, sentences: Mapping[str, str]) -> int:
    batch_id = con.execute("select coalesce(max(batch_id), 0) + 1 from batches").fetchall()[0][0]
    written = Written(0, 0)
    if batch.accepted.height:
        written = write_fact(con, batch.fact, batch.accepted, batch_id)
        if batch.series is not None:
            known = batch.accepted.select("unique_id").unique()
            write_series(con, batch.series.join(known, on="unique_id", how="semi"))
    write_quarantine(con, batch_id, batch.refused, delivery.received_at, sentences)
    rows_refused = int(batch.refused["lines"].sum()) if batch.refused.height else 0
    rows_accepted = int(batch.accepted["lines"].sum()) if batch.accepted.height else 0
    con.execute(
        """
        insert into batches (batch_id, fact, source, name, sha256, received_at, known_at_from, rows_in,
                             rows_accepted, rows_refused, rows_new, rows_restated, status, reason)
        values ($batch_id, $fact, $source, $name, $sha256, $received_at, $known_at_from, $rows_in,
                $rows_accepted, $rows_refused, $rows_new, $rows_restated, $status, $reason)""",
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
        },
    ).fetchall()
    return batch_id


def _forget_refusal(con: duckdb.DuckDBPyConnection, sha256: str) -> None:
    for statement in (
        "delete from quarantine where batch_id in (select batch_id from batches where sha256 = $sha256)",
        "delete from batches where sha256 = $sha256",
    ):
        con.execute(statement, {"sha256": sha256}).fetchall()
