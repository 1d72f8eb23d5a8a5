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
    """The lines with stock_ds, on_hand, on_order (due by the
    cover's end), arriving (due before its first day) and position; null where nothing was counted.

    `lines`: unique_id, cover_from, cover_to. `stock`: STOCK, one row a series. `on_the_way` as
    `still_coming`. `sales`: unique_id, ds, y up to the origin; what sold after the count is no more
    in hand. A negative count is no units.
    """
    counted = stock.select(SERIES, "on_hand", stock_ds="ds")
    counted_lines = lines.join(
        counted, on=SERIES, how="left", validate="m:1", maintain_order="left"
    )
    dues = counted_lines.select(SERIES, "cover_from", "cover_to").join(
        on_the_way, on=SERIES, how="inner"
    )
    units = pl.col("on_order")
    due = dues.group_by(SERIES).agg(
        on_order=units.filter(pl.col("due_ds") <= pl.col("cover_to")).sum(),
        arriving=units.filter(pl.col("due_ds") < pl.col("cover_from")).sum(),
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
        .with_columns(pl.col("on_order", "arriving", "sold_since").fill_null(0.0))
        .with_columns(in_hand=left)
        .with_columns(position=pl.col("in_hand") + pl.col("on_order"))
    )
