"""Bitemporal facts: what is known now, what was known before, and the one way a statement enters.

A statement is a row of a batch: key, values, known_at. The statements of a key, ordered by
(known_at, batch_id), are its timeline; runs of equal values count as one version, known since the
first of the run. Versions but the last are superseded by the next one. So the tables depend on
which statements arrived, not on the order of their arrival; only two different values with the same
known_at depend on it: the later batch wins, the earlier is valid for no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
import polars.selectors as cs

from contract.frames import STORED_FACTS
from storage.connection import Connection, frame_of, registered
from storage.fact_names import Names
from storage.schema import quoted
from storage.timelines import is_anything_withdrawn, renew_staged


@dataclass(frozen=True)
class Written:
    """How many rows of a batch had a new key, and how many another value for a known one."""

    new: int
    restated: int


def write_fact(con: Connection, fact: str, rows: pl.DataFrame, batch_id: int) -> Written:
    """Add a batch's statements to a fact's tables; keys are unique within `rows`. Call it inside a
    transaction.
    """
    contract = STORED_FACTS[fact]
    # no negative zero: equal values, equal bytes
    incoming = contract.conform(rows).with_columns(cs.float() + 0.0)
    with registered(con, incoming=incoming):
        if _was_stated(con, fact):
            return _merge(con, Names(contract), batch_id)
        statement = Names(contract).fill(_FIRST)
        con.execute(statement, {"batch_id": batch_id}).fetchall()
        return Written(new=incoming.height, restated=0)


def overruled(con: Connection, fact: str, rows: pl.DataFrame) -> int:
    """How many of these rows say otherwise than what was learned later of their key: they change
    nothing that is known now.
    """
    with registered(con, incoming=STORED_FACTS[fact].conform(rows)):
        query = Names(STORED_FACTS[fact]).fill(_OVERRULED)
        return int(con.execute(query).fetchall()[0][0])


def corrected_since(con: Connection, fact: str, rows: pl.DataFrame, batch_id: int) -> int:
    """How many of these rows say otherwise than what a batch after this one stated, and is known
    now.
    """
    with registered(con, incoming=STORED_FACTS[fact].conform(rows)):
        query = Names(STORED_FACTS[fact]).fill(_CORRECTED_SINCE)
        return int(con.execute(query, {"batch_id": batch_id}).fetchall()[0][0])


def facts_without_rows(con: Connection) -> set[str]:
    """The facts nothing was ever accepted for."""
    return {fact for fact in STORED_FACTS if not _has_rows(con, fact)}


def read_fact(
    con: Connection,
    fact: str,
    as_of: datetime | None = None,
    since: date | None = None,
    filled_from: str | None = None,
) -> pl.DataFrame:
    """A fact's rows as last known, or as known at `as_of`; sorted by key. `since`: without what had
    ended before that day.

    `filled_from`: see `with_gaps_filled`.
    """
    return read_rows(con, fact, *fact_query(fact, as_of, since, filled_from))


def fact_query(
    fact: str,
    as_of: datetime | None = None,
    since: date | None = None,
    filled_from: str | None = None,
) -> tuple[str, dict[str, object]]:
    """The query of what `read_fact` reads, in no order, and what it binds."""
    moments = {"as_of": as_of, "since": since}
    query = query_of(fact, as_of)
    if filled_from is not None:
        query = with_gaps_filled(query, filled_from)
    if since is not None:
        query = Names(STORED_FACTS[fact]).fill(_SINCE.replace("{rows}", query))
    return query, {name: value for name, value in moments.items() if value is not None}


def query_of(fact: str, as_of: datetime | None) -> str:
    """The query of a fact's rows as last known; with a moment as known then, which it binds as
    `as_of`.
    """
    return Names(STORED_FACTS[fact]).fill(_NOW if as_of is None else _THEN)


def read_rows(con: Connection, fact: str, query: str, params: Mapping[str, object]) -> pl.DataFrame:
    """The rows of a query as a fact's contract has them, sorted by key; `params`: what it binds."""
    names = Names(STORED_FACTS[fact])
    if "unique_id" not in STORED_FACTS[fact].key:
        ordered = query + names.fill(" order by {key}")
        return STORED_FACTS[fact].conform(frame_of(con, ordered, **params))
    return STORED_FACTS[fact].conform(_by_number(con, names, query, params))


def with_gaps_filled(query: str, table: str) -> str:
    """The query of a fact by series and day, and the rows of a table of the same columns for keys
    it lacks, between its first and last day.
    """
    return _GAPS_FILLED.format(rows=query, table=quoted(table))


def _has_rows(con: Connection, fact: str) -> bool:
    return bool(con.execute(f"select 1 from {quoted(fact)} limit 1").fetchall())  # noqa: S608 -- quoted


def _was_stated(con: Connection, fact: str) -> bool:
    """Whether anything is or was known of a fact: rows that were withdrawn count."""
    before = f"select 1 from {quoted(fact + '_superseded')} limit 1"  # noqa: S608 -- quoted
    return _has_rows(con, fact) or bool(con.execute(before).fetchall())


def _by_number(
    con: Connection, names: Names, query: str, params: Mapping[str, object]
) -> pl.DataFrame:
    """The rows, sorted by key. Series travel as numbers and get their names back here: each name is
    held once, not once a row (780 MB instead of 1,020 for 13.6M rows), and sorting compares
    integers.
    """
    con.execute(_NUMBER.replace("{rows}", query), params).fetchall()
    series = frame_of(con, "select unique_id from numbers order by number")["unique_id"]
    read = frame_of(con, names.fill(_NUMBERED.replace("{rows}", query)), **params)
    return read.with_columns(unique_id=series.gather(read["number"])).drop("number")


def read_superseded(con: Connection, fact: str) -> pl.DataFrame:
    """Earlier versions of a fact with `superseded_at`, sorted by key and known_at.

    Those valid for no time are left out.
    """
    names = Names(STORED_FACTS[fact])
    return frame_of(con, superseded_query(fact) + names.fill(" order by {key}, known_at"))


def superseded_query(fact: str) -> str:
    """The query of what `read_superseded` reads, in no order."""
    return Names(STORED_FACTS[fact]).fill(_SUPERSEDED)


def _merge(con: Connection, names: Names, batch_id: int) -> Written:
    con.execute(names.fill(_STAGE), {"batch_id": batch_id}).fetchall()
    new, restated = con.execute(_COUNTS).fetchall()[0]
    if is_anything_withdrawn(con):
        renew_staged(con, names)
    for statement in (_NEW, _AGAIN, _DISPUTED):
        con.execute(names.fill(statement)).fetchall()
    disputed = con.execute("select count(*) from disputed").fetchall()[0][0]
    if disputed:
        for statement in (
            _TIMELINE,
            _FORGET_BEFORE,
            _FORGET_AGAIN,
            _RENEW_NOW,
            _PUT_BEFORE,
            _PUT_AGAIN,
        ):
            con.execute(names.fill(statement)).fetchall()
    return Written(new=new, restated=restated)


_NOW = "select {columns} from {now}"
_THEN = """
select {columns} from {now} where known_at <= $as_of
union all
select {columns} from {before} where known_at <= $as_of and superseded_at > $as_of"""
_SINCE = "select * from ({rows}) where {last_day} >= $since"
_GAPS_FILLED = """
with stated as ({rows})
select * from stated
union all by name
select * from {table} anti join stated using (unique_id, ds)
where ds between (select min(ds) from stated) and (select max(ds) from stated)"""
_NUMBER = """
create or replace temp table numbers as
select unique_id, (row_number() over (order by unique_id) - 1)::uinteger as number
from (select distinct unique_id from ({rows}))"""
_NUMBERED = """
select number, fact.* exclude (unique_id) from ({rows}) fact join numbers using (unique_id)
order by {key_by_number}"""
_SUPERSEDED = """
select {columns}, superseded_at from {before} where known_at < superseded_at"""
_FIRST = "insert into {now} select {columns}, $batch_id from incoming"

# one scan of the current rows says of every incoming row: new key, same value, or disputed
_STAGE = """
create or replace temp table staged as
select {i_columns}, $batch_id as batch_id,
       c.batch_id is null as is_new,
       c.batch_id is not null and {i_values} is not distinct from {c_values} as is_same,
       c.known_at as current_known_at
from incoming i left join {now} c using ({key})"""

_CORRECTED_SINCE = """
select count(*) from incoming i join {now} c using ({key}) join batches b using (batch_id)
where batch_id > $batch_id and b.withdraws is null and i.known_at >= c.known_at
  and {i_values} is distinct from {c_values}"""
_OVERRULED = """
select count(*) from incoming i join {now} c using ({key})
where c.known_at > i.known_at and {i_values} is distinct from {c_values}"""

_NEW = "insert into {now} select {columns}, batch_id from staged where is_new"

_AGAIN = """
insert into {again} select {columns}, batch_id from staged
where is_same and known_at >= current_known_at"""

_DISPUTED = """
create or replace temp table disputed as
select {key} from staged where not is_new and (not is_same or known_at < current_known_at)"""

_COUNTS = """
select count(*) filter (where is_new), count(*) filter (where not is_new and not is_same)
from staged"""

# every statement ever made about the disputed keys, in the order in which it was known
_TIMELINE = """
create or replace temp table timeline as
with stated as (
    select {columns}, batch_id from staged semi join disputed using ({key})
    union all select {columns}, batch_id from {now} semi join disputed using ({key})
    union all select {columns}, batch_id from {before} semi join disputed using ({key})
    union all select {columns}, batch_id from {again} semi join disputed using ({key})
), ordered as (
    select *, row_number() over by_moment as place, lag({values}) over by_moment as values_before
    from stated window by_moment as (partition by {key} order by known_at, batch_id)
), marked as (
    select *, place > 1 and {values} is not distinct from values_before as is_again from ordered
)
select {columns}, batch_id, is_again,
       lead(known_at) over (partition by {key}, is_again order by place) as superseded_at
from marked"""

_FORGET_BEFORE = "delete from {before} where ({key}) in (select ({key}) from disputed)"
_FORGET_AGAIN = "delete from {again} where ({key}) in (select ({key}) from disputed)"
# in place, not deleted and inserted again: after three restatements of half of its rows the table
# was read 1.8 times slower
_RENEW_NOW = """
update {now} as c set {t_assigned}, batch_id = t.batch_id
from timeline t where {c_key_is_t_key} and not t.is_again and t.superseded_at is null"""
_PUT_BEFORE = """
insert into {before} select {columns}, batch_id, superseded_at
from timeline where not is_again and superseded_at is not null"""
_PUT_AGAIN = """
insert into {again} select {columns}, batch_id from timeline where is_again"""
