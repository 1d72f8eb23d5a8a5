"""Price periods: neighbouring days or weeks of equal price and promotion become one period."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

# what neighbours must have in common to be one period
SAME = ("unique_id", "price", "promo", "known_at")


def merged_periods(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows (unique_id, from_ds, to_ds, known_at, price, promo, row_number, lines) with equal
    neighbours merged.

    Neighbours are periods of one series where one begins the day after the other ends. `row_number`
    is the first row's, `lines` counts all of them. Periods learned at different moments stay apart:
    the earlier one must not say what was learned later. Of rows with the same series and from_ds
    the last one holds.
    """
    ordered = rows.sort("unique_id", "from_ds", maintain_order=True)
    repeated = pl.all_horizontal(
        pl.col(name) == pl.col(name).shift() for name in ("unique_id", "from_ds")
    )
    if ordered.select(repeated.any()).item():
        ordered = _one_per_key(ordered)
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in SAME)
    adjacent = pl.col("from_ds") == pl.col("to_ds").shift() + timedelta(days=1)
    run = (~(same & adjacent)).fill_null(True).cum_sum()
    return (
        ordered.with_columns(run=run)
        .group_by("run", maintain_order=True)
        .agg(
            pl.col("unique_id", "from_ds", "known_at", "price", "promo").first(),
            pl.col("to_ds").last(),
            pl.col("row_number").min(),
            pl.col("lines").sum(),
        )
        .drop("run")
    )


def daily_periods(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows, one per series and from_ds, the last one where they repeat; no neighbours
    merged.
    """
    return _one_per_key(rows).sort("unique_id", "from_ds")


def _one_per_key(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("unique_id", "from_ds", maintain_order=True).agg(
        pl.all().exclude("unique_id", "from_ds", "row_number", "lines").last(),
        pl.col("row_number").min(),
        pl.col("lines").sum(),
    )
