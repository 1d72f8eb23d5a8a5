"""Each series of a day beside its own past: a day whose items were mixed up has every total right,
and no item its own units.

Ranked: a rank does not mind promotions, feasts or another unit. Clean days of five simulated years
lie at 0.51 and above, mixed up ones within 0.12 of zero (`python -m benchmarks run
rules_of_days --ranks`).
"""

from __future__ import annotations

import polars as pl

from expectations.suite import Context

# by chance alone a rank correlation of so many stays within 0.21 of zero (three standard errors)
_FEWEST_SERIES = 200
_FEWEST_SELLING = 100  # of a day on which nobody sells anything nothing can be said
_KEPT_SERIES = 0.5  # share; a batch that brings fewer corrects the day, and need not look like it
_FEWEST_WEEKS = 3


def own_rank(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """ds, own_rank: of the batch's series the rank correlation of units with their own on the same
    weekday before.

    Null on a day of events, or where too little is known.
    """
    past = context.usual_units.filter(pl.col("weeks") >= _FEWEST_WEEKS)
    wanted = past.group_by("weekday").agg(series=pl.len())
    events = context.calendar.filter(pl.col("event").is_not_null() | pl.col("is_closed"))["ds"]
    is_judged = (pl.col("ranked") >= _FEWEST_SERIES) & (pl.col("selling") >= _FEWEST_SELLING)
    is_judged &= (pl.col("ranked") >= _KEPT_SERIES * pl.col("series")) & ~pl.col("ds").is_in(
        events.implode()
    )
    return (
        rows.filter(pl.col("copy") == 0, pl.col("y").is_between(0, context.ingest.max_y))
        .with_columns(weekday=pl.col("ds").dt.weekday())
        .join(past, on=["unique_id", "weekday"])
        .group_by("ds", "weekday")
        .agg(
            pl.corr("y", "units", method="spearman").alias("rank"),
            ranked=pl.len(),
            selling=(pl.col("y") > 0).sum(),
        )
        .join(wanted, on="weekday", how="left")
        .select("ds", own_rank=pl.when(is_judged).then(pl.col("rank").fill_nan(None)))
    )
