"""What is there on an order day: stock as counted, what sold since, and what is on its way."""

from __future__ import annotations

import polars as pl

SERIES = "unique_id"


def still_coming(open_orders: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """unique_id, due_ds, on_order: what is on its way, of OPEN_ORDERS that hold, to each series
    of STOCK.

    Of a statement older than the count only what is due after it: the count holds the rest.
    """
    counted = stock.select(SERIES, stock_ds="ds")
    joined = open_orders.join(counted, on=SERIES, how="inner", validate="m:1")
    is_current = pl.col("ds") >= pl.col("stock_ds")
    is_due_later = pl.col("due_ds") > pl.col("stock_ds")
    return joined.filter(is_current | is_due_later).select(SERIES, "due_ds", "on_order")


def with_position(
    lines: pl.DataFrame, stock: pl.DataFrame, on_the_way: pl.DataFrame, sales: pl.DataFrame
) -> pl.DataFrame:
    """The lines with stock_ds, on_hand, in_hand, on_order (due by the cover's end), arriving (due
    before its first day), lasting (what of both can be sold on its first day) and position; null
    where nothing was counted.

    `lines`: unique_id, cover_from, cover_to, life_days (null keeps). What is in hand is taken as
    fresh: delivered on the day it was counted. `stock`: STOCK, one row a series. `on_the_way` as
    `still_coming`. `sales`: unique_id, ds, y up to the origin; what sold after the count is no more
    in hand. A negative count is no units.
    """
    counted = stock.select(SERIES, "on_hand", stock_ds="ds")
    counted_lines = lines.join(
        counted, on=SERIES, how="left", validate="m:1", maintain_order="left"
    )
    dues = counted_lines.select(SERIES, "cover_from", "cover_to", "life_days", "stock_ds").join(
        on_the_way, on=SERIES, how="inner"
    )
    units, comes_before = pl.col("on_order"), pl.col("due_ds") < pl.col("cover_from")
    arrived = pl.max_horizontal("due_ds", pl.col("stock_ds") + pl.duration(days=1))  # if overdue
    due = dues.group_by(SERIES).agg(
        on_order=units.filter(pl.col("due_ds") <= pl.col("cover_to")).sum(),
        arriving=units.filter(comes_before).sum(),
        lasting=units.filter(comes_before, _is_sold_on_first(arrived)).sum(),
    )
    since = (
        counted_lines.select(SERIES, "stock_ds")
        .join(sales.filter(pl.col("y") > 0), on=SERIES, how="inner")
        .filter(pl.col("ds") > pl.col("stock_ds"))
        .group_by(SERIES)
        .agg(sold_since=pl.col("y").sum())
    )
    left = (pl.col("on_hand").clip(lower_bound=0.0) - pl.col("sold_since")).clip(lower_bound=0.0)
    return (
        counted_lines.join(due, on=SERIES, how="left", maintain_order="left")
        .join(since, on=SERIES, how="left", maintain_order="left")
        .with_columns(pl.col("on_order", "arriving", "lasting", "sold_since").fill_null(0.0))
        .with_columns(in_hand=left)
        .with_columns(
            position=pl.col("in_hand") + pl.col("on_order"),
            lasting=pl.col("lasting")
            + pl.when(_is_sold_on_first(pl.col("stock_ds"))).then("in_hand").otherwise(0.0),
        )
    )


def _is_sold_on_first(delivered: pl.Expr) -> pl.Expr:
    """Whether what was delivered on a day lives to the cover's first."""
    days = (pl.col("cover_from") - delivered).dt.total_days()
    return pl.col("life_days").is_null() | (days < pl.col("life_days"))
