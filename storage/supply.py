"""What is there, and how it is supplied: the newest statements, now or as of an earlier moment."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from contract.frames import OPEN_ORDERS, STOCK, SUPPLY, TERMS
from storage.connection import Connection, frame_of
from storage.facts import query_of


def read_stock(
    con: Connection, as_of: datetime | None = None, before: date | None = None
) -> pl.DataFrame:
    """STOCK: of each series the newest day of which its stock was stated, `ds`; `before`: of the
    days before that one, an order's.
    """
    return STOCK.conform(_read(con, _NEWEST_STOCK, as_of, before=before or date.max))


def read_open_orders(
    con: Connection, as_of: datetime | None = None, before: date | None = None
) -> pl.DataFrame:
    """OPEN_ORDERS with units on order, as stated on the newest day of which any file stated open
    orders, up to the newest of which the series itself was stated.

    So a series that the newest file names without an order has none, and one whose store is late
    keeps what was stated of it last. `before`: as `read_stock`.
    """
    return OPEN_ORDERS.conform(_read(con, _NEWEST_ORDERS, as_of, before=before or date.max))


def read_supply(con: Connection, as_of: datetime | None = None) -> pl.DataFrame:
    """SUPPLY: the rows of the newest supply file; ordering.scopes says what they mean for a
    series.
    """
    rows = SUPPLY.conform(_read(con, "select * from ({supply}) order by scope", as_of))
    return rows.filter(pl.any_horizontal(pl.col(*TERMS).is_not_null()))


def _read(con: Connection, query: str, as_of: datetime | None, **bound: date) -> pl.DataFrame:
    """The rows of a query over what the facts said at that moment; None: what they say now."""
    facts = {fact.name: query_of(fact.name, as_of) for fact in (STOCK, OPEN_ORDERS, SUPPLY)}
    moment = {} if as_of is None else {"as_of": as_of}
    return frame_of(con, query.format(**facts), **moment, **bound)


_NEWEST_STOCK = """
select unique_id, max(ds) as ds, arg_max(on_hand, ds) as on_hand, arg_max(known_at, ds) as known_at
from ({stock}) where ds < $before group by unique_id order by unique_id"""

_NEWEST_ORDERS = """
with orders as (select * from ({open_orders}) where ds < $before),
own_days as (
    select unique_id, max(ds) as ds from orders group by unique_id
    union all select unique_id, max(ds) as ds from ({stock}) where ds < $before group by unique_id
), newest as (select unique_id, max(ds) as ds from own_days group by unique_id),
days as (select distinct ds from orders),
holding as (
    select newest.unique_id, days.ds from newest asof join days on newest.ds >= days.ds
)
select orders.* from orders
semi join holding using (unique_id, ds)
where on_order > 0 and ds >= (select min(ds) from holding)
order by unique_id, ds, due_ds"""
