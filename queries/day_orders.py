"""What was proposed for the day that a table is ordered by, and what should have been."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.params import OrderingParams
from monitoring.stock import DayOrders
from ordering.calendar import order_day_of, order_lines
from ordering.scopes import supply_of
from storage.connection import Connection
from storage.orders import read_orders
from storage.supply import read_supply


def day_orders(
    con: Connection,
    origin: date | None,
    series: pl.DataFrame,
    params: OrderingParams,
    today: date,
) -> DayOrders | None:
    """For the watcher: the order lines of the newest table's order day, and how many series it is
    the order day of. None where no supply file says what is ordered, or there is no table.

    `origin`: of the newest table. `series`: SERIES.
    """
    supply = read_supply(con)
    if supply.is_empty() or origin is None:
        return None
    day = order_day_of(origin, today)
    due = order_lines(supply_of(supply, series).terms, day, params.lead_days)
    return DayOrders(day, read_orders(con, day), due["unique_id"].n_unique())
