"""Days of sales that lie apart: one of twenty years ago among those of this year."""

from __future__ import annotations

import polars as pl

from expectations.suite import Context

# days; as many as a week and the next hold are the begin of a history, and not a typing error
FEWEST_DAYS = 14
# share of a file's rows; typing errors are rare
_MOST_ROWS = 0.05


def days_apart(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """ds, days_apart: of days that only a few others lie near, how many days lie between them and
    those that follow in the file or are the first ones known.

    They hold few of the file's rows, or the file lies before all that is known. The last days of
    all lie near themselves: a shop may begin again after years.
    """
    first, last = context.ingest.oldest_day, context.received_day
    days = rows.filter(pl.col("ds").is_between(first, last)).group_by("ds").agg(rows=pl.len())
    days = days.with_columns(is_known=pl.lit(False))
    known = context.first_known
    is_before_all = known is not None and days.filter(pl.col("ds") >= known).is_empty()
    if known is not None:
        own = pl.DataFrame({"ds": [known], "rows": [0], "is_known": [True]})
        days = pl.concat([days, own.cast(dict(days.schema))])
    near = _runs(days.sort("ds"), context.ingest.most_gap_days)
    is_few = (pl.col("run_rows") <= _MOST_ROWS * rows.height) | is_before_all
    is_apart = (pl.col("run_days") < FEWEST_DAYS) & ~pl.col("is_known") & is_few
    return near.filter(is_apart, pl.col("days_apart").is_not_null()).select("ds", "days_apart")


def _runs(days: pl.DataFrame, most_gap_days: int) -> pl.DataFrame:
    """The days, in runs without a larger gap: days and rows of each, whether one is known, and the
    days to the next run, null for the last one.
    """
    days = days.with_columns(gap=(pl.col("ds").shift(-1) - pl.col("ds")).dt.total_days())
    ends = (pl.col("gap") > most_gap_days).fill_null(value=False)
    return days.with_columns(run=ends.cum_sum().shift(1, fill_value=0)).with_columns(
        run_days=pl.len().over("run"),
        run_rows=pl.col("rows").sum().over("run"),
        is_known=pl.col("is_known").any().over("run"),
        days_apart=pl.col("gap").last().over("run", order_by="ds"),
    )
