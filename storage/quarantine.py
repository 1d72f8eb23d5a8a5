"""Refused rows, with the reason, as they came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from storage.connection import Connection, frame_of, registered


def write_quarantine(
    con: Connection,
    batch_id: int,
    refused: pl.DataFrame,
    refused_at: datetime,
    sentences: Mapping[str, str],
) -> None:
    """Add a batch's refused rows (row_number, reason, raw, lines) and their reasons' sentences."""
    if refused.is_empty():
        return
    by_code = dict(sentences) or {"": ""}
    sentence = pl.col("reason").replace_strict(by_code, default=None, return_dtype=pl.String)
    incoming = refused.select("row_number", "reason", "raw", "lines", sentence=sentence)
    statement = """
        insert into quarantine (batch_id, row_number, reason, sentence, raw, lines, refused_at)
        select $batch_id, row_number, reason, sentence, raw, lines, $refused_at from incoming"""
    with registered(con, incoming=incoming):
        con.execute(statement, {"batch_id": batch_id, "refused_at": refused_at}).fetchall()


REFUSED_DAYS = "refused_days"  # a temporary table, as contract.frames.SALES
_STAGE_REFUSED_DAYS = """
    create or replace temp table refused_days as
    with stated as (
        -- "(read)": what could be read of a row that could not be mapped
        select coalesce(try(q.raw ->> '$."(read)".unique_id'), try(q.raw ->> '$.unique_id'))
                   as unique_id,
               coalesce(try_cast(try(q.raw ->> '$."(read)".ds') as date),
                        try_cast(try(q.raw ->> '$.ds') as date)) as ds,
               coalesce(try_cast(try(q.raw ->> '$."(read)".known_at') as timestamp),
                        try_cast(try(q.raw ->> '$.known_at') as timestamp)) as known_at,
               b.batch_id, b.received_at, b.known_at_from like 'assumed%' as is_assumed
        from quarantine q join batches b using (batch_id)
        left join batches r on r.batch_id = q.replayed_by
        where b.fact = 'sales' and ($until is null or b.batch_id <= $until)
          and (b.status = 'accepted' or b.batch_id in (
               select a.replay_of from batches a
               where a.status = 'accepted' and ($until is null or a.batch_id <= $until)))
          and (r.batch_id is null or r.batch_id > $until or r.received_at > $as_of
               or exists (select 1 from batches w where w.withdraws = r.batch_id
                          and ($until is null or w.batch_id <= $until)
                          and ($as_of is null or w.received_at <= $as_of)))
          and not exists (select 1 from batches w where w.withdraws = b.batch_id
                          and ($until is null or w.batch_id <= $until)
                          and ($as_of is null or w.received_at <= $as_of))
    ), beside as (  -- in a history, assumed to have been known when the other rows of its day were
        select batch_id, ds, min(known_at) as known_beside from sales_history
        semi join (select batch_id, ds from stated where is_assumed and known_at is null)
        using (batch_id, ds) group by batch_id, ds
    ), dated as (
        select unique_id, ds, coalesce(known_at, known_beside, received_at) as known_at
        from stated left join beside using (batch_id, ds)
    )
    select unique_id, ds, null::double as y, max(known_at) as known_at,
           null::boolean as is_open, null::double as stockout_share
    from dated semi join series_attributes using (unique_id)
    where ds is not null and ($as_of is null or known_at <= $as_of) group by unique_id, ds"""


def stage_refused_days(
    con: Connection, as_of: datetime | None = None, until_batch: int | None = None
) -> int:
    """Fill the table REFUSED_DAYS: series and days that files taken in stated in refused rows, y
    null; how many.

    Without them a day whose only row was refused would read as a day without a sale. Rows that name
    no known series or no day are not there; nor are rows taken in by a replay since.
    """
    con.execute(_STAGE_REFUSED_DAYS, {"as_of": as_of, "until": until_batch}).fetchall()
    return int(con.execute("select count(*) from refused_days").fetchall()[0][0])


def read_quarantine(con: Connection, batch_id: int | None = None) -> pl.DataFrame:
    """Refused rows of one batch, or of all, in the order received."""
    query = """
        select * from quarantine where $batch_id is null or batch_id = $batch_id
        order by batch_id, row_number"""
    return frame_of(con, query, batch_id=batch_id)
