"""A day of the batch against the days before it: is it another day's, sent again?

A copy is a feed that froze, or a file under a wrong date: every rule about numbers and sizes finds
an honest day in it. A feed (a store) is compared with its own newest days, so that days of it that
were refused are not missed. What agrees by nature is taken from the group's own past: where
standing orders repeat every day, a repeated day says nothing.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from expectations.likeness import DAYS_BEFORE, agreeing
from expectations.suite import Context
from expectations.usual import FEED, KEPT_ROWS, QUARTILES_PER_DEVIATION, SURE, quartiles_before

_PAST_DAYS, _FEWEST_DAYS = 28, 7  # known days of a group, whose likeness says what is usual
_FEWEST_PAIRS = 12  # rows that sold; of a handful all agree with some day or other by chance
_SMALL = f"with under {_FEWEST_PAIRS} series"  # such stores are one feed: of one nothing is said
_DAYS_AT_ONCE = 64  # bounds memory
# of a chain of many groups, a file of years is judged for its newest days alone: as many as bound
# memory to these pairs of days, at least two months
_MOST_PAIRS, _LEAST_DAYS = 10_000_000, 64


def with_repeats(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Adds, null where as usual or where too little is known:

    copied_share, copied_share_in   of the row's feed and day, or of the whole day, the share that
                                    repeats an earlier day; which feed, which day
    repeats_gap, repeats_gap_in     of the row's group furthest above its usual share: by how much
    """
    groups, feed = _groups(context)
    pairs = _pairs(_sold(rows, groups, context)).join(groups.unique("part"), on="part")
    placed = rows.select("unique_id", "ds").with_row_index("at").join(groups, on="unique_id")
    found = {
        level: placed.join(_unlike_its_past(pairs, level), on=["ds", *level])
        for level in dict.fromkeys([feed, *context.levels])
    }
    copied = _worst([found[level] for level in found if level in ((), feed)], "share")
    repeated = _worst(list(found.values()), "gap")
    return (
        rows.with_row_index("at")
        .join(copied, on="at", how="left", maintain_order="left")
        .join(repeated, on="at", how="left", maintain_order="left")
        .drop("at")
        .rename({"share": "copied_share", "share_in": "copied_share_in"})
        .rename({"gap": "repeats_gap", "gap_in": "repeats_gap_in"})
    )


def _worst(found: list[pl.DataFrame], name: str) -> pl.DataFrame:
    """at, the largest value of a row's groups, and in `<name>_in` which group repeats which day."""
    where = pl.format("{}, as on {}", "group", "same_as").alias(f"{name}_in")
    every = pl.concat(one.select("at", name, where) for one in found)
    return every.sort(name, descending=True).unique("at", keep="first", maintain_order=True)


def _groups(context: Context) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """unique_id, its number `row` (a finest group's stand together), `feed` and `part` (numbers of
    its feed and finest group), the compared columns; and the column that names the feed, if any.

    A thousand shops of one series would be a thousand feeds of which nothing can be said.
    """
    series, feed = context.series, ()
    if FEED in series.columns:
        is_small = pl.len().over(FEED) < _FEWEST_PAIRS
        series = series.with_columns(
            pl.when(is_small).then(pl.lit(_SMALL)).otherwise(FEED).alias(FEED)
        )
        feed = (FEED,) if (series[FEED] != _SMALL).any() else ()
    columns = list(dict.fromkeys([*feed, *context.columns]))
    feeds, parts = (
        pl.struct(names).rank("dense").cast(pl.Int64) if names else pl.lit(1, pl.Int64)
        for names in (feed, columns)
    )
    placed = series.select("unique_id", *columns, feed=feeds, part=parts)
    return placed.sort("part").with_row_index("row"), feed


def _sold(rows: pl.DataFrame, groups: pl.DataFrame, context: Context) -> pl.DataFrame:
    """ds, y, brought, row, feed and part of every row that sold: of the batch, and known before;
    `number` counts the days of its feed, the newest first.
    """
    is_sane = (pl.col("copy") == 0) & pl.col("y").is_between(0, context.ingest.max_y)
    of_batch = rows.filter(is_sane, pl.col("y") > 0, pl.col("ds").is_not_null())
    both = [
        context.recent_sales.with_columns(brought=pl.lit(False)),
        of_batch.select("unique_id", "ds", "y", brought=pl.lit(True)),
    ]
    numbers = groups.select("unique_id", "row", "feed", "part")
    sold = pl.concat(both).join(numbers, on="unique_id").drop("unique_id")
    newest_first = pl.col("ds").rank("dense", descending=True).over("feed").cast(pl.Int64)
    days = sold.select("feed", "ds").unique().with_columns(number=newest_first)
    return sold.join(days, on=["feed", "ds"])


def _pairs(sold: pl.DataFrame) -> pl.DataFrame:
    """Of each day, finest group and day of its feed before it: agree and sold, as `agreeing` counts
    them, `same_as` (that day), the rows that sold on the day and those of them `brought`.
    """
    most = max(_LEAST_DAYS, _MOST_PAIRS // (DAYS_BEFORE * max(sold["part"].n_unique(), 1)))
    wanted = min(sold.filter("brought")["number"].max() or 0, most)
    last = min(wanted + _PAST_DAYS, sold["number"].max() or 0)
    firsts = range(1, last + 1, _DAYS_AT_ONCE)
    parts = [_of_some_days(sold, first, min(first + _DAYS_AT_ONCE - 1, last)) for first in firsts]
    feeds, days = sold.select("part", "feed").unique(), sold.select("feed", "ds", "number").unique()
    counted = sold.group_by("part", "number").agg(rows=pl.len(), brought=pl.col("brought").sum())
    before = days.select("feed", same_as="ds", before="number")
    return (
        pl.concat([pl.DataFrame(schema=_PAIRS), *parts])
        .join(feeds, on="part")
        .join(days, on=["feed", "number"])
        .with_columns(before=pl.col("number") + pl.col("back"))
        .join(before, on=["feed", "before"])
        .join(counted, on=["part", "number"], how="left")
    )


_PAIRS = dict.fromkeys(("part", "number", "back", "agree", "sold"), pl.Int64())


def _of_some_days(sold: pl.DataFrame, newest: int, oldest: int) -> pl.DataFrame:
    """The columns of _PAIRS, for the days of these numbers."""
    beyond = oldest + DAYS_BEFORE
    some = sold.filter(pl.col("number").is_between(newest, beyond))
    series = some.select("row", "part").unique().sort("row").with_row_index("at")
    placed = some.join(series.select("row", "at"), on="row")
    y = np.zeros((series.height, beyond - newest + 1), dtype=np.float32)
    y[placed["at"].to_numpy(), beyond - placed["number"].to_numpy()] = placed["y"].to_numpy()
    is_first = series["part"].is_first_distinct()
    tables = agreeing(y, is_first.arg_true().to_numpy())
    back, part, column = (one.ravel() for one in np.indices(tables[0].shape))
    counts = {
        "part": series.filter(is_first)["part"].to_numpy()[part],
        "number": beyond - column,
        "back": back + 1,
        "agree": tables[0].ravel(),
        "sold": tables[1].ravel(),
    }
    return pl.DataFrame(counts, schema=_PAIRS).filter(pl.col("number") <= oldest)


def _unlike_its_past(pairs: pl.DataFrame, level: tuple[str, ...]) -> pl.DataFrame:
    """ds, the level's columns, group (in words), share, gap, same_as: of the days the batch brings
    that repeat more than the group's past and chance explain.
    """
    label = [pl.lit("*".join(level) or "all"), *level]
    sums = pairs.group_by("ds", *level, "back").agg(
        pl.col("agree", "sold", "rows", "brought").sum(), pl.col("same_as").max()
    )
    likest = (
        sums.filter(pl.col("sold") > 0)
        .with_columns(
            share=pl.col("agree") / pl.col("sold"),
            group=pl.concat_str(label, separator=" ", ignore_nulls=True),
        )
        .sort("share", descending=True)
        .unique(["ds", *level], keep="first", maintain_order=True)
    )
    is_judged = (pl.col("brought") >= KEPT_ROWS * pl.col("rows")) & (pl.col("brought") > 0)
    return (
        _apart(likest)
        .filter(is_judged, pl.col("sold") >= _FEWEST_PAIRS)
        .select("ds", *level, "group", "share", "gap", "same_as")
    )


def _apart(likest: pl.DataFrame) -> pl.DataFrame:
    """The days whose share lies above the median of the group's past beyond doubt, by `gap`."""
    usual = quartiles_before(pl.col("share"), _PAST_DAYS, _FEWEST_DAYS)
    wandering = (pl.col("upper") - pl.col("lower")) / QUARTILES_PER_DEVIATION
    by_chance = (pl.col("usual") * (1 - pl.col("usual")) / pl.col("sold")).sqrt()
    return (
        likest.with_columns(
            value.over("group", order_by="ds").alias(name) for name, value in usual.items()
        )
        .with_columns(gap=pl.col("share") - pl.col("usual"))
        .filter(pl.col("gap") > SURE * pl.max_horizontal(wandering, by_chance))
    )
