"""Timelines of keys that a withdrawn batch had stated: what was known at each moment, and what is
known without it.

A withdrawal ends what its batch stated. At that moment the newest of what the others stated is
known again, or nothing is. What was known before stays readable as of then. A row that is known
again carries the withdrawal's batch_id; it is no statement, so that a file arriving late, or the
withdrawal of another batch, finds the statements alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from storage.connection import Connection, registered
from storage.fact_names import Names


def is_anything_withdrawn(con: Connection) -> bool:
    """Whether any batch was ever withdrawn."""
    query = "select 1 from batches where withdraws is not null limit 1"
    return bool(con.execute(query).fetchall())


def renew_staged(con: Connection, names: Names) -> None:
    """Renew the timelines of those keys of the table `staged` that a withdrawn batch had stated,
    and take them out of it. Call it inside a transaction.
    """
    con.execute(names.fill(_TOUCHED)).fetchall()
    _renew(con, names)
    con.execute(names.fill(_UNSTAGE)).fetchall()


def renew_without(con: Connection, names: Names, batch_ids: Sequence[int]) -> tuple[int, int]:
    """Renew the timelines of all that these batches, withdrawn by now, had stated: how many keys
    are known otherwise, and how many not at all. Call it inside a transaction.
    """
    chosen = pl.DataFrame({"batch_id": list(batch_ids)}, schema={"batch_id": pl.Int64})
    con.execute(names.fill(_NOTHING_STAGED)).fetchall()
    with registered(con, chosen=chosen):
        con.execute(names.fill(_STATED_BY)).fetchall()
    before = con.execute(names.fill(_CURRENT)).fetchall()[0]
    con.execute(names.fill(_KNOWN_BEFORE)).fetchall()
    _renew(con, names)
    after = con.execute(names.fill(_CURRENT)).fetchall()[0]
    otherwise = con.execute(names.fill(_OTHERWISE)).fetchall()[0]
    return int(otherwise[0]), int(before[0] - after[0])


def write_implied(con: Connection, rows: pl.DataFrame, batch_id: int) -> None:
    """Keep which of a batch's statements stand on another's: they say that it holds no more."""
    if rows.is_empty():
        return
    keys = {"unique_id": pl.String, "ds": pl.Date, "scope": pl.String}
    incoming = rows.select(
        pl.col(name) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in keys.items()
    )
    with registered(con, incoming=incoming):
        statement = "insert into implied select $batch_id, unique_id, ds, scope from incoming"
        con.execute(statement, {"batch_id": batch_id}).fetchall()


def _renew(con: Connection, names: Names) -> None:
    for statement in (
        _STATEMENTS,
        *([_END_IMPLIED] if names.may_be_implied else []),
        _EVENTS,
        _KNOWN,
        _VERSIONS,
        _FORGET_NOW,
        _FORGET_BEFORE,
        _FORGET_AGAIN,
        _PUT_NOW,
        _PUT_BEFORE,
        _PUT_AGAIN,
        _PUT_VOID,
    ):
        con.execute(names.fill(statement)).fetchall()


_TOUCHED = """
create or replace temp table touched as
select distinct {key} from (
    select {key}, batch_id from {now} union all select {key}, batch_id from {before}
    union all select {key}, batch_id from {again}
) semi join staged using ({key})
where batch_id in (select withdraws from batches)"""
_STATED_BY = """
create or replace temp table touched as
select distinct {key} from (
    select {key}, batch_id from {now} union all select {key}, batch_id from {before}
    union all select {key}, batch_id from {again}
) semi join chosen using (batch_id)"""
_UNSTAGE = "delete from staged where ({key}) in (select ({key}) from touched)"
_NOTHING_STAGED = """
create or replace temp table staged as select {columns}, batch_id from {now} limit 0"""
_CURRENT = "select count(*) from {now} semi join touched using ({key})"
_KNOWN_BEFORE = """
create or replace temp table known_before as select * from {now} semi join touched using ({key})"""
_OTHERWISE = """
select count(*) from {now} i join known_before c using ({key})
where {i_values} is distinct from {c_values}"""

# what files stated, and when and by whom that was withdrawn
_STATEMENTS = """
create or replace temp table statements as
with withdrawals as (
    select withdraws as batch_id, batch_id as withdrawal_id, received_at as withdrawn_at
    from batches where withdraws is not null
), stated as (
    select {columns}, batch_id from {now} semi join touched using ({key})
    union all select {columns}, batch_id from {before} semi join touched using ({key})
    union all select {columns}, batch_id from {again} semi join touched using ({key})
)
select {columns}, batch_id, withdrawal_id, withdrawn_at
from (select * from stated anti join (select withdrawal_id as batch_id from withdrawals)
      using (batch_id)
      union all select {columns}, batch_id from staged semi join touched using ({key}))
left join withdrawals using (batch_id)"""

# one that took others back ends with the last of them
_END_IMPLIED = """
update statements set withdrawn_at = gone.at, withdrawal_id = gone.by_id
from (
    select {s_key}, s.batch_id as implied_by, max(e.withdrawn_at) as at,
           max(e.withdrawal_id) as by_id
    from (select * from statements semi join implied using (batch_id, {key})) s
    join (select * from statements anti join implied using (batch_id, {key})) e
      on {e_key_is_s_key} and e.batch_id < s.batch_id
    where s.withdrawal_id is null
    group by all having bool_and(e.withdrawal_id is not null)
) gone
where {gone_key_is_key} and batch_id = implied_by"""

# at each moment something was learned or withdrawn
_EVENTS = """
create or replace temp table events as
select {key}, known_at as moment, batch_id as by_batch, false as is_withdrawal from statements
union
select {key}, withdrawn_at, withdrawal_id, true from statements where withdrawn_at is not null"""

# the newest statement that was known and not withdrawn at that moment; null: nothing was known
_KNOWN = """
create or replace temp table known as
with standing as (
    select {e_key}, e.moment, e.by_batch, e.is_withdrawal, {s_values_alone},
           s.batch_id as stated_by,
           row_number() over (partition by {e_key}, e.moment, e.by_batch
                              order by s.known_at desc, s.batch_id desc) as place
    from events e join statements s on {e_key_is_s_key}
    where row(s.known_at, s.batch_id) <= row(e.moment, e.by_batch)
      and (s.withdrawn_at is null
           or row(s.withdrawn_at, s.withdrawal_id) > row(e.moment, e.by_batch))
)
select e.*, s.* exclude ({key}, moment, by_batch, is_withdrawal, place)
from events e left join (select * from standing where place = 1) s
     using ({key}, moment, by_batch, is_withdrawal)"""

_VERSIONS = """
create or replace temp table versions as
with marked as (
    select *, stated_by is not null as is_known,
           lag(stated_by is not null) over by_moment as was_known,
           lag({values}) over by_moment as values_before
    from known window by_moment as (partition by {key} order by moment, by_batch)
), changed as (
    select *, case when not is_known then coalesce(was_known, false)
                   when not coalesce(was_known, false) then true
                   else {values} is distinct from values_before end as is_change
    from marked
)
select *,
       lead(moment) over (partition by {key}, is_change order by moment, by_batch)
           as superseded_at
from changed"""

_FORGET_NOW = "delete from {now} where ({key}) in (select ({key}) from touched)"
_FORGET_BEFORE = "delete from {before} where ({key}) in (select ({key}) from touched)"
_FORGET_AGAIN = "delete from {again} where ({key}) in (select ({key}) from touched)"
_PUT_NOW = """
insert into {now} select {version_columns}, by_batch from versions
where is_change and is_known and superseded_at is null"""
_PUT_BEFORE = """
insert into {before} select {version_columns}, by_batch, superseded_at from versions
where is_change and is_known and superseded_at is not null"""
# a statement of what was known already
_PUT_AGAIN = """
insert into {again} select {s_columns}, s.batch_id from statements s
join versions v on {v_key_is_s_key} and v.by_batch = s.batch_id and not v.is_withdrawal
where not v.is_change and v.stated_by = s.batch_id"""
# a statement that was never known: withdrawn before it was to be learned, or overruled at once
_PUT_VOID = """
insert into {before} select {s_columns}, s.batch_id, s.known_at from statements s
join versions v on {v_key_is_s_key} and v.by_batch = s.batch_id and not v.is_withdrawal
where v.stated_by is distinct from s.batch_id"""
