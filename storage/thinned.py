"""Published tables of which rows went by age: who asks for one is refused, never given less."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.errors import ThinnedByAge
from storage.connection import Connection, frame_of


def refuse_thinned(con: Connection, run_id: str) -> None:
    """ThinnedByAge for a run whose table is not whole any more."""
    refuse_any(thinned_tables(con).filter(run_id=run_id))


def refuse_any(thinned: pl.DataFrame) -> None:
    """ThinnedByAge that names the newest of these tables, and how it is made again; nothing of no
    rows.
    """
    if thinned.is_empty():
        return
    table = thinned.row(0, named=True)
    left = f"{table['rows_left']:,} of {table['rows']:,} rows are left"
    raise ThinnedByAge(
        f"the table of run '{table['run_id']}' from {table['day']} was thinned by age on "
        f"{table['thinned_at']:%Y-%m-%d}: {left}. What was known then, forecast by today's "
        f"champion: `python inference.py --origin {table['day']} --as-of "
        f"{table['started_at']:%Y-%m-%dT%H:%M:%S}`. To keep later tables longer, raise "
        "retention.whole_days."
    )


def thinned_tables(con: Connection, ds: date | None = None) -> pl.DataFrame:
    """The tables of `thinned` with their run's status and start, the newest origin first; of those
    alone that reached a day.
    """
    query = """
        select t.*, r.status, r.started_at from thinned t join runs r using (run_id)
        where published = 'forecasts' and ($ds is null or $ds between day + 1 and last_ds)
        order by day desc, started_at desc, run_id"""
    return frame_of(con, query, ds=ds)


def refuse_thinned_orders(con: Connection, order_day: date) -> None:
    """ThinnedByAge for an order day whose lines were thinned."""
    query = """
        select rows, thinned_at from thinned where published = 'orders' and day = $day"""
    for rows, thinned_at in con.execute(query, {"day": order_day}).fetchall():
        raise ThinnedByAge(
            f"the {rows:,} order lines of {order_day} were thinned by age on "
            f"{thinned_at:%Y-%m-%d}. Nothing makes them again: stock and terms of that day are in "
            "the store still. To keep later ones longer, raise retention.order_days."
        )


def forget_thinned(con: Connection, run_id: str) -> None:
    """A run that is published anew is whole. Call it inside a transaction."""
    statement = "delete from thinned where published = 'forecasts' and run_id = $run_id"
    con.execute(statement, {"run_id": run_id}).fetchall()
