"""Faults of stock and supply: each says which files come on a morning on which is ordered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from drills.order_files import OrderFiles

Files = dict[str, pl.DataFrame]  # by their names, in the order in which they come
STOCK, SUPPLY = "stock_today.csv", "supply_today.csv"


@dataclass(frozen=True)
class OrderFault:
    """The files of a morning with something wrong in them, by a strength.

    `states_otherwise`: what they say is taken for the truth, so the orders are no longer those of
    the right files; a line is right where it covers the days from so many days after the order,
    `strength` being the lead time.
    """

    name: str
    what: str
    strengths: tuple[int, ...]
    files: Callable[[OrderFiles, int], Files]
    states_otherwise: bool = False


def stale_stock(right: OrderFiles, days: int) -> Files:
    """The newest file was counted so many days before the last close."""
    return {STOCK: right.at_close(days)}


def absent_stock(right: OrderFiles, days: int) -> Files:
    """One store's file has not come for so many days."""
    store = right.stock["store_id"].min()
    others = right.at_close().filter(pl.col("store_id") != store)
    return {"stock_before.csv": right.at_close(days), STOCK: others}


def other_unit(right: OrderFiles, factor: int) -> Files:
    """Stock in another unit than the week before: pieces for cases, grams for kilograms."""
    return {
        "stock_before.csv": right.stock.filter(pl.col("ds") < right.last_day),
        STOCK: right.at_close().with_columns(pl.col("on_hand") * factor),
    }


def other_unit_on_order(right: OrderFiles, factor: int) -> Files:
    """What is on its way comes in another unit."""
    return {STOCK: right.at_close().with_columns(pl.col("on_order") * factor)}


def negative_stock(right: OrderFiles, _strength: int) -> Files:
    """Every count stands below nothing: what was sold was booked, what arrived was not."""
    return {STOCK: right.at_close().with_columns(on_hand=-pl.col("on_hand") - 1)}


def stock_of_tomorrow(right: OrderFiles, days: int) -> Files:
    """The counting machine's clock is days ahead: 1 is the order day itself."""
    ahead = pl.duration(days=days)
    today = right.at_close().with_columns(pl.col("ds") + ahead, pl.col("due_ds") + ahead)
    return {"stock_before.csv": right.at_close(1), STOCK: today}


def wrong_packs(right: OrderFiles, units: int) -> Files:
    """Every pack holds so many units."""
    packs = pl.when(pl.col("order_days").is_not_null()).then(float(units))
    return _supplied(right, right.supply.with_columns(pack_size=packs))


def wrong_minimum(right: OrderFiles, units: int) -> Files:
    """Every order is of so many units at least."""
    least = pl.when(pl.col("order_days").is_not_null()).then(float(units))
    return _supplied(right, right.supply.with_columns(min_order=least))


def lead_time(right: OrderFiles, days: int) -> Files:
    """Every delivery takes so many days."""
    lead = pl.when(pl.col("lead_days").is_not_null()).then(pl.lit(str(days)))
    return _supplied(right, right.supply.with_columns(lead_days=lead))


def half_supply(right: OrderFiles, half: int) -> Files:
    """The transfer broke off (1), or began half way (2), at the end of a row."""
    rows = right.supply.height // 2
    return _supplied(right, right.supply.head(rows) if half == 1 else right.supply.tail(rows))


def _supplied(right: OrderFiles, supply: pl.DataFrame) -> Files:
    return {STOCK: right.at_close(), SUPPLY: supply}


def covers_from(order_day: date, lead_days: int) -> pl.Expr:
    """Whether a line has units for the days from a delivery on."""
    first = pl.col("cover_from") == order_day + timedelta(days=lead_days)
    return pl.col("units").is_not_null() & first


ORDER_FAULTS = (
    OrderFault("stale_stock", "the newest stock is n days old", (1, 3, 7), stale_stock),
    OrderFault("absent_stock", "no file of one store for n days", (1, 7), absent_stock),
    OrderFault("other_unit", "stock x n against the week before", (12, 1000), other_unit),
    OrderFault("other_unit_on_order", "open orders x n", (1000,), other_unit_on_order),
    OrderFault("negative_stock", "every count below nothing", (1,), negative_stock),
    OrderFault("stock_of_tomorrow", "stock dated n days ahead", (1, 2, 364), stock_of_tomorrow),
    OrderFault("wrong_packs", "every pack n units", (0, 10_000), wrong_packs),
    OrderFault("wrong_minimum", "every minimum n units", (10_000,), wrong_minimum),
    OrderFault("lead_time", "every delivery takes n days", (0, 100), lead_time, True),
    OrderFault("half_supply", "half of the supply file", (1, 2), half_supply),
)
