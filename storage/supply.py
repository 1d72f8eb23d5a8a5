"""What is there, and how it is supplied: the newest statements, now or as of an earlier moment."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from contract.frames import OPEN_ORDERS, STOCK, SUPPLY, TERMS
from storage.connection import Connection
from storage.facts import query_of, read_rows


def read_stock(con: Connection, as_of: datetime | None = None) -> pl.DataFrame:
    """STOCK: of each series the newest day of which its stock was stated, `ds`."""
    return read_rows(con, STOCK.name, _filled(_NEWEST_STOCK, as_of), _params(as_of))


def read_open_orders(con: Connection, as_of: datetime | None = None) -> pl.DataFrame:
    """OPEN_ORDERS with units on order, as stated on the newest day of which any file stated open
    orders, up to the newest of which the series itself was stated.

    So a series that the newest file names without an order has none, and one whose store is late
    keeps what was stated of it last.
    """
    return read_rows(con, OPEN_ORDERS.name, _filled(_NEWEST_ORDERS, as_of), _params(as_of))


def read_supply(con: Connection, as_of: datetime | None = None) -> pl.DataFrame:
    """SUPPLY: the rows of the newest supply file; ordering.scopes says what they mean for a
    series.
    """
    rows = read_rows(con, SUPPLY.name, query_of(SUPPLY.name, as_of), _params(as_of))
    return rows.filter(pl.any_horizontal(pl.col(*TERMS).is_not_null()))


def _filled(query: str, as_of: datetime | None) -> str:
    stock, orders = (query_of(fact.name, as_of) for fact in (STOCK, OPEN_ORDERS))
    return query.format(stock=stock, orders=orders)


def _params(as_of: datetime | None) -> dict[str, object]:
    return {} if as_of is None else {"as_of": as_of}


_NEWEST_STOCK = """
select stock.* from ({stock}) stock
semi join (select unique_id, max(ds) as ds from ({stock}) group by unique_id) newest
using (unique_id, ds)"""

_NEWEST_ORDERS = """
select * from (
    with orders as ({orders}),
    stated as (select unique_id, ds from orders union all select unique_id, ds from ({stock})),
    newest as (select unique_id, max(ds) as ds from stated group by unique_id),
    days as (select distinct ds from orders),
    holding as (
        select newest.unique_id, days.ds from newest asof join days on newest.ds >= days.ds
    )
    select orders.* from orders semi join holding using (unique_id, ds) where on_order > 0
)"""
