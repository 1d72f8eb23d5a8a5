"""Lines of a day that is known already: summed up they would replace its rows, so a part of them
must not come alone.
"""

from __future__ import annotations

import polars as pl

from expectations.suite import Context
from expectations.usual import FEED

# share of a day's known rows that the day again, with what was missing, may state lower
_MOST_LOWERED = 0.1
_FEWEST_ROWS = 5


def unlike_known(context: Context) -> pl.Expr:
    """Of a day whose rows are sums of lines: the share of its known rows that the batch changes,
    where it states many of them lower. The day again with late lines only adds; the lines of
    another till are other numbers.
    """
    if context.stated_before.is_empty():
        return pl.lit(None, pl.Float64).alias("unlike_known")
    is_other = (pl.col("lowered_share") > _MOST_LOWERED) & (pl.col("known_rows") >= _FEWEST_ROWS)
    return pl.when(is_other).then("restated_share").alias("unlike_known")


def share_of_day(context: Context) -> pl.DataFrame:
    """unique_id, ds, share_of_day: of the rows known of that day, the share that the batch states
    anew.

    Of that store's day where stores send files of their own. Only keys that are known are here: a
    row of another store, or of an item that had not sold, replaces nothing.
    """
    own = not context.ingest.whole_days and FEED in context.columns
    groups = ["ds", FEED] if own else ["ds"]
    again = context.stated_before.join(context.series, on="unique_id", how="left")
    others = context.past.group_by(groups).agg(others=pl.col("rows").sum())
    counted = again.join(others, on=groups, how="left").with_columns(stated=pl.len().over(groups))
    return counted.select(
        "unique_id",
        "ds",
        share_of_day=pl.col("stated") / (pl.col("stated") + pl.col("others").fill_null(0)),
    )
