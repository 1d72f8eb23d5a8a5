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
# groups of several levels crossed that are counted at once, and summed for each; of more, each
# level is counted by itself: crossing items and stores would count every series
_MOST_CROSSED = 2_000
# of a chain of many groups, a file of years is judged for its newest days alone: as many as bound
# memory to these pairs of days, at least two months
_MOST_PAIRS, _LEAST_DAYS = 10_000_000, 64

Level = tuple[str, ...]


def with_repeats(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Adds, null where as usual or where too little is known:

    copied_share, copied_share_in   of the row's feed and day, or of the whole day, the share that
                                    repeats an earlier day; which feed, which day
    repeats_gap, repeats_gap_in     of the row's group furthest above its usual share: by how much
    """
    series, feed = _placed(context)
    levels = list(dict.fromkeys([feed, *context.levels]))
    sold = _sold(rows, series, context)
    placed = rows.select("unique_id", "ds").with_row_index("at").join(series, on="unique_id")
    found = {}
    for columns, together in _counted_together(series, levels).items():
        pairs = _pairs(sold, series, columns)
        for level in together:
            unlike = _unlike_its_past(pairs, level)
            found[level] = placed.join(
                _with_day_repeated(unlike, sold, series, level), on=["ds", *level]
            )
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


def _placed(context: Context) -> tuple[pl.DataFrame, Level]:
    """unique_id, its `feed` (a number), and the compared columns; and the column that names the
    feed, if any.

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
    return series.select("unique_id", *columns, feed=_number_of(feed)), feed


def _number_of(columns: Level) -> pl.Expr:
    """The number of a series' group, from 0; one group where no column makes any."""
    if not columns:
        return pl.lit(0, pl.Int64)
    return pl.struct(columns).rank("dense").cast(pl.Int64) - 1


def _counted_together(series: pl.DataFrame, levels: list[Level]) -> dict[Level, list[Level]]:
    """The levels by the columns whose groups are counted for them."""
    crossed = tuple(dict.fromkeys(name for level in levels for name in level))
    groups = series.select(pl.struct(crossed).n_unique()).item() if crossed else 1
    return {crossed: levels} if groups <= _MOST_CROSSED else {level: [level] for level in levels}


def _sold(rows: pl.DataFrame, series: pl.DataFrame, context: Context) -> pl.DataFrame:
    """row (a number of its series, in their order), ds, y, brought and feed of every row that sold:
    of the batch, and known before; `number` counts the days of its feed, the newest first.
    """
    is_sane = (pl.col("copy") == 0) & pl.col("y").is_between(0, context.ingest.max_y)
    of_batch = rows.filter(is_sane, pl.col("y") > 0, pl.col("ds").is_not_null())
    both = [
        context.recent_sales.with_columns(brought=pl.lit(False)),
        of_batch.select("unique_id", "ds", "y", brought=pl.lit(True)),
    ]
    numbers = series.with_row_index("row").select("unique_id", "row", "feed")
    sold = pl.concat(both).join(numbers, on="unique_id").drop("unique_id")
    newest_first = pl.col("ds").rank("dense", descending=True).over("feed").cast(pl.Int64)
    days = sold.select("feed", "ds").unique().with_columns(number=newest_first)
    return sold.join(days, on=["feed", "ds"])


def _pairs(sold: pl.DataFrame, series: pl.DataFrame, columns: Level) -> pl.DataFrame:
    """ds, the columns, back, agree, sold, rows, brought: of each day, group of these columns and
    the day so many days of its feed before: `agree` and `sold` as `agreeing` counts them, and of
    the rows that sold on the day those `brought`.
    """
    group = series.with_columns(group=_number_of(columns)).select(*columns, "group")
    groups = int(group["group"].max() or 0) + 1
    most = max(_LEAST_DAYS, _MOST_PAIRS // (DAYS_BEFORE * groups))
    wanted = min(sold.filter("brought")["number"].max() or 0, most)
    last = min(wanted + _PAST_DAYS, sold["number"].max() or 0)
    firsts = range(1, last + 1, _DAYS_AT_ONCE)
    number = group["group"].to_numpy()
    parts = [
        _of_some_days(sold, number, first, min(first + _DAYS_AT_ONCE - 1, last)) for first in firsts
    ]
    # feeds that shut on different days have one day under two numbers
    sums = pl.concat([pl.DataFrame(schema=_PAIRS), *parts]).group_by("group", "ds", "back")
    counted = (
        sold.with_columns(group=number[sold["row"].to_numpy()])
        .group_by("group", "ds")
        .agg(rows=pl.len(), brought=pl.col("brought").sum())
    )
    return (
        sums.agg(pl.col("agree", "sold").sum())
        .join(counted, on=["group", "ds"], how="left")  # a group may have sold before alone
        .join(group.unique("group"), on="group")
    )


_PAIRS = {
    "group": pl.Int64(),
    "ds": pl.Date(),
    "back": pl.Int64(),
    "agree": pl.Int64(),
    "sold": pl.Int64(),
}


def _of_some_days(sold: pl.DataFrame, group: np.ndarray, newest: int, oldest: int) -> pl.DataFrame:
    """The columns of _PAIRS, for the days of these numbers; `group`: of each series."""
    beyond = oldest + DAYS_BEFORE
    some = sold.filter(pl.col("number").is_between(newest, beyond))
    rows, feeds = some["row"].to_numpy(), some["feed"].to_numpy()
    columns = beyond - some["number"].to_numpy()
    met, first = np.unique(rows, return_index=True)
    order = np.argsort(group[met], kind="stable")
    place = np.empty(len(group), dtype=np.int64)
    place[met[order]] = np.arange(len(met))
    y = np.zeros((len(met), beyond - newest + 1), dtype=np.float32)
    y[place[rows], columns] = some["y"].to_numpy()
    dates = some["ds"].unique().sort()
    days = _days_of_feeds(feeds, columns, dates.search_sorted(some["ds"]).to_numpy(), y.shape[1])
    of_series, groups = feeds[first[order]], group[met[order]]
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    if (days == days[of_series[0]]).all():
        kept = np.flatnonzero(days[of_series[0]] >= 0)
        tables = [table[:, :, kept] for table in agreeing(y, starts)]
        shown = dates.gather(days[of_series[0]][kept])
    else:
        tables, shown = list(agreeing(y, starts, days[of_series])), dates
    back, part, day = (one.ravel() for one in np.indices(tables[0].shape))
    counts = {
        "group": groups[starts][part],
        "ds": shown.gather(day),
        "back": back + 1,
        "agree": tables[0].ravel(),
        "sold": tables[1].ravel(),
    }
    return pl.DataFrame(counts, schema=_PAIRS).filter(pl.col("sold") > 0)


def _days_of_feeds(
    feeds: np.ndarray, columns: np.ndarray, days: np.ndarray, width: int
) -> np.ndarray:
    """(feeds, columns) which day a feed's column is; -1 for none, and for those that are there
    to be compared with alone. A feed that says nothing is like the others.
    """
    found = np.full((int(feeds.max()) + 1, width), -1)
    found[feeds, columns] = days
    found[:, :DAYS_BEFORE] = -1
    is_unsold = ~np.isin(np.arange(len(found)), feeds)
    found[is_unsold] = found[feeds[0]]
    return found


def _unlike_its_past(pairs: pl.DataFrame, level: Level) -> pl.DataFrame:
    """ds, the level's columns, group (in words), share, gap, back: of the days the batch brings
    that repeat more than the group's past and chance explain, and the day that is repeated.
    """
    label = [pl.lit("*".join(level) or "all"), *level]
    sums = pairs.group_by("ds", *level, "back").agg(
        pl.col("agree", "sold", "rows", "brought").sum()
    )
    likest = (
        sums.with_columns(
            share=pl.col("agree") / pl.col("sold"),
            group=pl.concat_str(label, separator=" ", ignore_nulls=True),
        )
        .sort(["share", "back"], descending=[True, False])
        .unique(["ds", *level], keep="first", maintain_order=True)
    )
    is_judged = (pl.col("brought") >= KEPT_ROWS * pl.col("rows")) & (pl.col("brought") > 0)
    return (
        _apart(likest, level)
        .filter(is_judged, pl.col("sold") >= _FEWEST_PAIRS)
        .select("ds", *level, "group", "share", "gap", "back")
    )


def _with_day_repeated(
    unlike: pl.DataFrame, sold: pl.DataFrame, series: pl.DataFrame, level: Level
) -> pl.DataFrame:
    """`same_as` instead of `back`: the day that is repeated, of feeds that shut on different days
    the last one.
    """
    feeds = series.select("feed", *level).unique()
    days = sold.select("feed", "ds", "number").unique()
    earlier = days.select("feed", same_as="ds", before="number")
    repeated = (
        unlike.select("ds", *level, "back")
        .join(feeds, on=list(level) or None, how="inner" if level else "cross")
        .join(days, on=["feed", "ds"])
        .with_columns(before=pl.col("number") + pl.col("back"))
        .join(earlier, on=["feed", "before"])
        .group_by("ds", *level)
        .agg(pl.col("same_as").max())
    )
    return unlike.drop("back").join(repeated, on=["ds", *level])


def _apart(likest: pl.DataFrame, level: Level) -> pl.DataFrame:
    """The days whose share lies above the median of the group's past beyond doubt, by `gap`."""
    group = list(level) or "group"
    usual = quartiles_before(pl.col("share"), _PAST_DAYS, _FEWEST_DAYS)
    wandering = (pl.col("upper") - pl.col("lower")) / QUARTILES_PER_DEVIATION
    by_chance = (pl.col("usual") * (1 - pl.col("usual")) / pl.col("sold")).sqrt()
    return (
        likest.with_columns(
            value.over(group, order_by="ds").alias(name) for name, value in usual.items()
        )
        .with_columns(gap=pl.col("share") - pl.col("usual"))
        .filter(pl.col("gap") > SURE * pl.max_horizontal(wandering, by_chance))
    )
