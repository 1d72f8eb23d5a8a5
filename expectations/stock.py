"""What a row of stock, and of open orders, must be."""

from __future__ import annotations

from sys import float_info

import polars as pl

from contract.frames import OPEN_ORDERS, STOCK
from contract.params import IngestParams
from expectations.every_fact import (
    WAY_OUT,
    columns_there,
    not_learned_ahead,
    not_too_old,
    readable_name,
    stated_once,
)
from expectations.measures import (
    control_characters,
    days_ahead,
    days_learned_ahead,
    days_since,
    is_unknown,
    name_length,
    with_copies,
)
from expectations.rule import Rule, present, within
from expectations.suite import Context, Suite
from expectations.usual import FEED

_LARGEST = float_info.max
_LEAST_COMPARED = 10  # series; the median of fewer moves with a delivery
_MOST_DAYS_DUE = 1000  # nobody waits three years; a typing error in a year is further


def stock_rules(ingest: IngestParams) -> list[Rule]:
    """The rules of units in hand, in the order in which a row is blamed."""
    several = (
        "Lines of this file say different units in hand of one series and day; if they are of "
        "several places, sum them."
    )
    nothing = "Nobody says what is in hand; nothing in hand is 0."
    size = (
        "Most series of the store have so many times the stock they ever had in eight weeks, or so "
        "many times less (ingest.max_size_jump), that it is another unit: grams for kilograms."
    )
    finite = "Stock is a number; below 0 it is taken as stated."
    return [
        columns_there(),
        *_of_series_and_day(),
        *stated_once(several, "The same row stands in this file already."),
        present("on_hand", "stock_missing", nothing),
        within("on_hand", "stock_not_finite", finite, at_least=-_LARGEST, at_most=_LARGEST),
        within("size_jump", "stock_of_another_size", size, at_most=ingest.max_size_jump)
        .on_arrival(WAY_OUT if ingest.refuse_unusual else "")
        .with_severity("row" if ingest.refuse_unusual else "note"),
    ]


def open_order_rules(_: IngestParams) -> list[Rule]:
    """The rules of units on order, in the order in which a row is blamed."""
    several = (
        "Lines of this file say different units of one series, day and due day; sum the orders "
        "that are due on one day."
    )
    undue = "An order of which nobody says when it is due cannot be counted on."
    early = "An order is due on the day it was stated or later; is it late, or here already?"
    late = "A due day so far off (1000 days) is a typing error."
    unsaid = "An order must say its units."
    return [
        columns_there(),
        *_of_series_and_day(),
        present("due_ds", "due_day_missing", undue),
        within("days_until_due", "due_before_its_day", early, at_least=0),
        within("days_until_due", "due_day_absurd", late, at_most=_MOST_DAYS_DUE),
        *stated_once(several, "The same row stands in this file already; is it ordered twice?"),
        present("on_order", "order_units_missing", unsaid),
        within("on_order", "order_units_not_finite", "Units are a number.", at_most=_LARGEST),
        within("on_order", "order_units_negative", "Nobody orders less than nothing.", at_least=0),
    ]


def _of_series_and_day() -> list[Rule]:
    stranger = "The series was never sold here: no forecast is made of it, and no order."
    not_ended = "Nobody knows the stock at the close of a day that has not come."
    return [
        present("unique_id", "series_missing", "Stock of nothing serves nobody."),
        *readable_name("unique_id", "series", "A series' name"),
        within("known_share", "series_all_unknown", _ALL_UNKNOWN, above=0)
        .on_arrival()
        .with_severity("batch"),
        within("is_unknown", "unknown_series", stranger, at_most=0).on_arrival().leaving_out(),
        present("ds", "day_missing", "Stock of no day is of no use."),
        not_too_old(),
        not_learned_ahead(),
        within("days_ahead", "day_in_future", not_ended, at_most=0),
    ]


_ALL_UNKNOWN = (
    "Not one row is of a series that sold: the ids are written another way (1001.0 for 1001?), or "
    "the file is another shop's."
)


def _measured_stock(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = _with_series_and_day(with_copies(rows, STOCK.key, ["on_hand"]), context)
    return _with_size_jump(rows, context)


def _with_size_jump(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Adds `size_jump`: by which factor the stock lies beyond all that was stated of a series, in
    the median of the store's series (the file's, where those are few); null where few can be
    compared.
    """
    has_feed = FEED in context.series.columns
    feeds = context.series.select("unique_id", feed=pl.col(FEED) if has_feed else pl.lit(""))
    compared = rows.join(context.known_stock, on="unique_id", how="left", maintain_order="left")
    compared = compared.join(feeds, on="unique_id", how="left", maintain_order="left")
    nearest = pl.col("on_hand").clip("least", "most")
    is_compared = (pl.col("on_hand") > 0) & pl.col("most").is_not_null()
    change = pl.when(is_compared).then((pl.col("on_hand") / nearest).log())
    enough = pl.when(change.count() >= _LEAST_COMPARED).then(change.median().abs())
    jump = pl.coalesce(enough.over("feed"), enough).exp()
    return compared.with_columns(size_jump=jump).drop("least", "most", "feed")


def _measured_orders(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = with_copies(rows, OPEN_ORDERS.key, ["on_order"])
    until = (pl.col("due_ds") - pl.col("ds")).dt.total_days()
    return _with_series_and_day(rows.with_columns(days_until_due=until), context)


def _with_series_and_day(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = rows.with_columns(
        name_length("unique_id"),
        control_characters("unique_id"),
        days_ahead("ds", context.received_day),
        days_since("ds", context.ingest.oldest_day),
        days_learned_ahead(context.received_day),
        is_unknown(context.known_series),
    )
    return rows.with_columns(known_share=1 - pl.col("is_unknown").mean())


STOCK_SUITE = Suite("stock", _measured_stock, stock_rules)
OPEN_ORDERS_SUITE = Suite("open_orders", _measured_orders, open_order_rules)
