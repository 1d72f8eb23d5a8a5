"""Proposals of what to order: written whole for an order day, in place of those before."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.frames import DEMAND_SPANS, ORDERS
from storage.connection import Connection, frame_of, registered
from storage.journal import Entry, Kind, recorded
from storage.schema import quoted


def publish_orders(
    con: Connection, order_day: date, orders: pl.DataFrame, spans: pl.DataFrame
) -> None:
    """The ORDERS of a day and the DEMAND_SPANS they were read from, in one transaction."""
    frames = {"orders": orders, "demand_spans": spans}
    entry = Entry(Kind.ORDERS, {"order_day": str(order_day)}, frames)
    with recorded(con, entry):
        redo_orders(con, entry)


def redo_orders(con: Connection, entry: Entry) -> None:
    """Write the proposals of an entry. Call it inside a transaction."""
    statement = "delete from orders where order_day = $day"
    con.execute(statement, {"day": entry.fields["order_day"]}).fetchall()
    with registered(con, incoming=ORDERS.conform(entry.frames["orders"])):
        con.execute("insert into orders select * from incoming").fetchall()
    key = ", ".join(quoted(name) for name in DEMAND_SPANS.key)
    add = f"""
        insert into demand_spans
        select * from incoming anti join demand_spans using ({key})"""  # noqa: S608 -- quoted
    with registered(con, incoming=DEMAND_SPANS.conform(entry.frames["demand_spans"])):
        con.execute(add).fetchall()


def read_orders(con: Connection, order_day: date | None = None) -> pl.DataFrame:
    """ORDERS of a day, by default the newest, sorted by series."""
    query = """
        select * from orders
        where order_day = coalesce($day, (select max(order_day) from orders))
        order by unique_id"""
    return ORDERS.conform(frame_of(con, query, day=order_day))


def spans_of(con: Connection, run_id: str, unique_id: str) -> pl.DataFrame:
    """DEMAND_SPANS of one run and series, sorted by their days."""
    query = """
        select * from demand_spans
        where run_id = $run_id and level = 'series' and key = $key order by from_h, to_h"""
    return DEMAND_SPANS.conform(frame_of(con, query, run_id=run_id, key=unique_id))
