"""Days of sales that lie apart: one of twenty years ago among those of this year."""

from __future__ import annotations

import polars as pl

from expectations.suite import Context

# days; as many as a week and the next hold are the begin of a history, and not a typing error
FEWEST_DAYS = 14


def days_apart(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """ds, days_apart: of days that only a few others lie near, how many days lie between them and
    those that follow in the file or are the first ones known. The last ones of all lie near
    themselves: a shop may begin again after years.
    """
    days = rows.select(pl.col("ds").drop_nulls().unique()).with_columns(is_known=pl.lit(False))
    if context.first_known is not None:
        known = pl.DataFrame({"ds": [context.first_known], "is_known": [True]})
        days = pl.concat([days, known])
    days = days.sort("ds").with_columns(gap=(pl.col("ds").shift(-1) - pl.col("ds")).dt.total_days())
    ends = (pl.col("gap") > context.ingest.most_gap_days).fill_null(value=False)
    run = ends.cum_sum().shift(1, fill_value=0)
    near = days.with_columns(run=run).with_columns(
        days=pl.len().over("run"),
        days_apart=pl.col("gap").last().over("run", order_by="ds"),
        is_known=pl.col("is_known").any().over("run"),
    )
    is_apart = (pl.col("days") < FEWEST_DAYS) & ~pl.col("is_known")
    return near.filter(is_apart, pl.col("days_apart").is_not_null()).select("ds", "days_apart")
