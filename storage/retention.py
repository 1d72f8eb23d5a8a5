"""What is kept of published tables, by age: the plan of what goes, and its going.

A table's age is the time from its origin to the newest whole table's, or from its making, whichever
is shorter: what a person wanted to know yesterday of a year ago is a day old.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from contract.days import WEEK
from storage.connection import Connection, frame_of, registered
from storage.forecasts import PUBLISHED
from storage.newest import NEWEST_OF_ORIGINS
from storage.schema import quoted


@dataclass(frozen=True)
class Ages:
    """Days: up to which age a table is kept whole, the first week of a week's last table, and the
    orders of a day.
    """

    whole_days: int
    first_week_days: int
    order_days: int


def tables_to_thin(con: Connection, ages: Ages) -> pl.DataFrame:
    """Of each table that loses rows a row of `thinned`, without the moment, and rows_going. Kept
    whole at any age: the two newest whole tables.
    """
    limits = {"whole_days": ages.whole_days, "first_week_days": ages.first_week_days}
    return frame_of(con, _TABLES, **limits, week=WEEK)


def orders_to_thin(con: Connection, ages: Ages) -> pl.DataFrame:
    """Of each order day and run that loses its lines a row of `thinned`, as above."""
    return frame_of(con, _ORDERS, order_days=ages.order_days)


def thin(con: Connection, ages: Ages, now: datetime) -> None:
    """Every row that is too old goes, and `thinned` says what there was. Call it inside a
    transaction.
    """
    tables, orders = tables_to_thin(con, ages), orders_to_thin(con, ages)
    _write_down(con, pl.concat([tables, orders]), now)
    with registered(con, going=orders):
        con.execute(_DROP_ORDERS).fetchall()
    with registered(con, going=tables):
        for contract in PUBLISHED:
            if "h" in contract.schema:
                statement = _DROP_ROWS.format(table=quoted(contract.name))
                con.execute(statement, {"week": WEEK}).fetchall()
    con.execute(_DROP_SPANS).fetchall()
    con.execute(_DROP_OVERRIDDEN).fetchall()


def _write_down(con: Connection, thinned: pl.DataFrame, now: datetime) -> None:
    """A table thinned before keeps the rows and units it had at first."""
    with registered(con, going=thinned.drop("rows_going")):
        con.execute(_WRITE_DOWN, {"now": now}).fetchall()


_TABLES = f"""
with made as (
    select f.run_id, f.origin as day, any_value(r.started_at) as started_at,
           max(f.ds) as last_ds, count(*) as rows, sum(f.y_hat) as units,
           count(*) filter (f.h <= $week) as first_week
    from forecasts f join runs r using (run_id) group by f.run_id, f.origin
), served as (
    select run_id, row_number() over (order by origin desc) as place,
           origin = max(origin) over (partition by date_trunc('week', origin)) as is_weekly
    from ({NEWEST_OF_ORIGINS})
), newest as (
    select day, started_at from made join served using (run_id) where place = 1
), aged as (
    select m.*, coalesce(s.place <= 2, false) as is_newest,
           coalesce(s.is_weekly, false) as is_weekly,
           least(n.day - m.day, n.started_at::date - m.started_at::date) as age_days
    from made m cross join newest n left join served s using (run_id)
), kept as (
    select *, case when is_newest or age_days <= $whole_days then rows
                   when is_weekly and age_days <= $first_week_days then first_week
                   else 0 end as rows_left
    from aged
)
select 'forecasts' as published, run_id, day, last_ds, rows, units, rows_left,
       rows - rows_left as rows_going
from kept where rows_left < rows order by day, run_id"""  # noqa: S608 -- ours

_ORDERS = """
with newest as (select max(order_day) as day from orders)
select 'orders' as published, o.run_id, o.order_day as day,
       max(coalesce(o.cover_to, o.order_day)) as last_ds, count(*) as rows, sum(o.units) as units,
       0::bigint as rows_left, count(*) as rows_going
from orders o, newest n where n.day - o.order_day > $order_days
group by all order by day, run_id"""

_WRITE_DOWN = """
insert into thinned (published, run_id, day, last_ds, rows, units, rows_left, thinned_at)
select published, run_id, day, last_ds, rows, units, rows_left, $now from going
on conflict do update set rows_left = excluded.rows_left, thinned_at = excluded.thinned_at"""

_DROP_ORDERS = """
delete from orders using going
where orders.order_day = going.day and orders.run_id = going.run_id"""

# of a table that keeps its first week the days after it, of others all
_DROP_ROWS = """
delete from {table} using going
where {table}.run_id = going.run_id and (going.rows_left = 0 or {table}.h > $week)"""

# an order that stays is explained by the spans of its series
_DROP_SPANS = """
delete from demand_spans
where run_id in (select run_id from thinned where published = 'forecasts')
  and (run_id, level, key) not in
      (select (run_id, 'series', unique_id) from orders where units is not null)"""

# what a person said is kept on the table it was said of: value added is read from it
_DROP_OVERRIDDEN = """
delete from overridden
where run_id in (select run_id from thinned where published = 'forecasts')
  and (run_id, override_id) not in (select (run_id, override_id) from overrides)"""
