"""A day of the batch against the same weekday of the weeks before: how many rows, how many units,
of which size.

A file cut in half loses rows, and what is left of it looks right. A wrong unit (a case for a piece,
grams for kilograms) keeps the rows and changes the size of what they say. So completeness is
counted in rows, and units are compared per selling row: neither moves much with a promotion or a
feast, so both can refuse. Total units move with all of these and are only noted.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from expectations.suite import Context

WEEKS_COMPARED = 8
FEWEST_WEEKS = 3
FEED = "store_id"  # whoever sends a file of its own, where ingest.whole_days is false
_FEWEST_SERIES = 30  # per group, on average: smaller groups are noise
_FEWEST_SELLING = 10  # rows with units: the mean of fewer is anybody's
_FEWEST_UNITS = 100.0  # a group that usually sells fewer differs by chance
_FEWEST_ROWS = 2  # a day of one row more or less is a quiet day in a shop of three items
SURE = 6.0  # robust standard deviations beyond which a count is unlike its weekday's
QUARTILES_PER_DEVIATION = 1.349  # of a normal distribution: upper quartile minus lower quartile
# share of a day's rows that say the store was closed: then zeros are what it should bring
_MOSTLY_SHUT = 0.5
# share; a batch that brings less of a day corrects it, and need not be complete
KEPT_ROWS = 0.5


def levels_compared(
    levels: Sequence[tuple[str, ...]], series: pl.DataFrame, whole_days: bool
) -> tuple[tuple[str, ...], ...]:
    """The levels whose groups are compared: those the series name and whose groups are large; the
    total first.

    Where stores send files of their own, only what lies within a store.
    """
    large = [
        columns
        for columns in levels
        if columns
        and set(columns) <= set(series.columns)
        and (whole_days or FEED in columns)
        and series.height >= _FEWEST_SERIES * series.select(columns).n_unique()
    ]
    return ((), *large) if whole_days else tuple(large)


def unlike_the_weekday(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Per day of the batch, how far it is from its weekday; null where there is nothing to compare
    with.

    rows_share      rows against the usual number (of the worst store, where ingest.whole_days is
                    false); null too where it is within the spread of the weeks or of one row, or
                    some region is closed and its rows may rightly be absent
    rows_share_above the same, of the store furthest above
    sold_share      units in all (of the worst store, where ingest.whole_days is false) against the
                    usual; null on a day of events, or that most rows call closed
    size_jump       the factor by which units per selling row are above or below the usual, in the
                    worst group
    volume_ratio    units against the usual, in the group furthest from it; null too within the
                    spread, or on a day of events
    zero_share_gap  share of zero rows minus the usual
    size_jump_in, volume_ratio_in   the group's name

    A day counts as it would stand with the batch in, and is judged for what the batch brings: rows
    that repeat what is known, as a window of weeks does each morning, bring nothing. Closed days
    are compared with nothing and nothing with them.
    """
    # the others are refused anyway
    is_sane = (pl.col("copy") == 0) & pl.col("y").is_between(0, context.ingest.max_y)
    today = counted(
        rows.with_columns(y=pl.when(is_sane).then("y")), context.series, context.columns
    )
    today = today.with_columns(brought=_brought(rows, today, context))
    closed = context.calendar.filter(pl.col("is_closed"), pl.col("region") == "*")["ds"]
    counts = pl.concat(
        [context.past.with_columns(brought=pl.lit(0, pl.Int64)), today], how="diagonal_relaxed"
    )
    counts = counts.filter(~pl.col("ds").is_in(closed.implode()))
    compared = [_compared(counts, level) for level in context.levels]
    days = today.select("ds").unique()
    for measure in (
        _rows_share(compared, context),
        _sold_share(compared, rows, context),
        _size_jump(compared),
        _volume_ratio(compared, context),
    ):
        days = days.join(measure, on="ds", how="left")
    return days


def _brought(rows: pl.DataFrame, today: pl.DataFrame, context: Context) -> pl.Series:
    """Of each day and group, the rows that say something new."""
    if context.repeated.is_empty():
        return today["rows"]
    new = rows.join(context.repeated, on=["unique_id", "ds"], how="anti")
    groups = ["ds", *context.columns]
    brought = counted(new, context.series, context.columns).select(*groups, brought="rows")
    joined = today.join(brought, on=groups, how="left", nulls_equal=True, maintain_order="left")
    return joined["brought"].fill_null(0)


def counted(rows: pl.DataFrame, series: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Per day and group of these columns of the series: rows with a y, selling rows, units."""
    keys = pl.col(columns)
    # 13.6M rows: codes, not texts
    groups = series.lazy().select("unique_id", keys.cast(pl.Categorical))
    y = pl.col("y")
    counts = (
        rows.lazy()
        .filter(pl.col("ds").is_not_null())
        .select("ds", "unique_id", "y")
        .join(groups, on="unique_id", how="left")
        .group_by("ds", *columns)
        .agg(rows=y.count().cast(pl.Int64), selling=(y > 0).sum().cast(pl.Int64), volume=y.sum())
        .filter(pl.col("rows") > 0)
    )
    return counts.with_columns(keys.cast(pl.String)).collect()


def quartiles_before(value: pl.Expr, most: int, fewest: int) -> dict[str, pl.Expr]:
    """The median of the rows before (`most` of them, null below `fewest`), the quartiles around it.

    Named usual, lower, upper; how the rows follow each other is the caller's to say.
    """
    before = value.shift(1)
    return {
        "usual": before.rolling_median(most, min_samples=fewest),
        "lower": before.rolling_quantile(0.25, "linear", most, min_samples=fewest),
        "upper": before.rolling_quantile(0.75, "linear", most, min_samples=fewest),
    }


def _compared(counts: pl.DataFrame, level: tuple[str, ...]) -> pl.DataFrame:
    """Per day the batch brings and group of a level: what it counts, and the usual of it, null
    where too few weeks are known.
    """
    days = counts.group_by("ds", *level).agg(pl.col("rows", "selling", "volume", "brought").sum())
    days = days.with_columns(
        pl.concat_str(
            [pl.lit("*".join(level) or "all"), *level], separator=" ", ignore_nulls=True
        ).alias("group"),
        size=pl.when(pl.col("selling") >= _FEWEST_SELLING).then(
            pl.col("volume") / pl.col("selling")
        ),
        zero_share=1 - pl.col("selling") / pl.col("rows"),
    )
    counts_of_day = pl.col("rows", "volume", "size", "zero_share")
    usual = quartiles_before(counts_of_day, WEEKS_COMPARED, FEWEST_WEEKS)
    weekday = [*level, pl.col("ds").dt.weekday()]  # two groups may share a name
    days = days.with_columns(
        value.over(weekday, order_by="ds").name.suffix(f"_{name}") for name, value in usual.items()
    )
    return days.filter(pl.col("brought") >= KEPT_ROWS * pl.col("rows"))


def _is_apart(name: str) -> pl.Expr:
    """Whether a count is further from its median than the spread of its weeks explains."""
    deviation = (pl.col(f"{name}_upper") - pl.col(f"{name}_lower")) / QUARTILES_PER_DEVIATION
    return (pl.col(name) - pl.col(f"{name}_usual")).abs() > SURE * deviation


def _whole(compared: list[pl.DataFrame], context: Context) -> pl.DataFrame | None:
    """The groups that must be complete: the total, or each store that sends a file of its own; None
    where they are not compared.
    """
    wanted = () if context.ingest.whole_days else (FEED,)
    by_level = dict(zip(context.levels, compared, strict=True))
    return by_level.get(wanted)


def _rows_share(compared: list[pl.DataFrame], context: Context) -> pl.DataFrame:
    """ds, rows_share, rows_share_above, zero_share_gap: of the total, or of the store furthest
    off.
    """
    whole = _whole(compared, context)
    if whole is None:
        return pl.DataFrame(
            schema={
                "ds": pl.Date,
                "rows_share": pl.Float64,
                "rows_share_above": pl.Float64,
                "zero_share_gap": pl.Float64,
            }
        )
    closed = context.calendar.filter(pl.col("is_closed"))["ds"]
    is_sure = (
        _is_apart("rows")
        & ((pl.col("rows") - pl.col("rows_usual")).abs() >= _FEWEST_ROWS)
        & (pl.col("rows_usual") > 0)
        & ~pl.col("ds").is_in(closed.implode())
    )
    gap = pl.col("zero_share") - pl.col("zero_share_usual")
    share = pl.when(is_sure).then(pl.col("rows") / pl.col("rows_usual"))
    return whole.group_by("ds").agg(
        rows_share=share.min(),
        rows_share_above=share.max(),
        zero_share_gap=gap.get(gap.abs().arg_max()),
    )


def _sold_share(compared: list[pl.DataFrame], rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """ds, sold_share: of the total, or of the store furthest off."""
    whole = _whole(compared, context)
    if whole is None:
        return pl.DataFrame(schema={"ds": pl.Date(), "sold_share": pl.Float64()})
    if not context.ingest.whole_days:
        rows = rows.join(context.series.select("unique_id", FEED), on="unique_id", how="left")
    groups = ["ds"] if context.ingest.whole_days else ["ds", FEED]
    is_shut = pl.col("is_open").not_().fill_null(False)
    shut = rows.group_by(groups).agg(share=is_shut.mean()).filter(pl.col("share") > _MOSTLY_SHUT)
    events = context.calendar.filter(pl.col("event").is_not_null() | pl.col("is_closed"))["ds"]
    is_judged = (pl.col("volume_usual") >= _FEWEST_UNITS) & ~pl.col("ds").is_in(events.implode())
    sold = whole.filter(is_judged).join(shut, on=groups, how="anti")
    return sold.group_by("ds").agg(sold_share=(pl.col("volume") / pl.col("volume_usual")).min())


def _size_jump(compared: list[pl.DataFrame]) -> pl.DataFrame:
    """ds, size_jump, size_jump_in: the group whose units per selling row are furthest from the
    usual.
    """
    ratio = pl.col("size") / pl.col("size_usual")
    return _worst(compared, "size_jump", pl.max_horizontal(ratio, 1 / ratio), pl.col("size_jump"))


def _volume_ratio(compared: list[pl.DataFrame], context: Context) -> pl.DataFrame:
    """ds, volume_ratio, volume_ratio_in: the group whose units are furthest from the usual."""
    events = context.calendar.filter(pl.col("event").is_not_null() | pl.col("is_closed"))["ds"]
    is_sure = (
        _is_apart("volume")
        & (pl.col("volume_usual") >= _FEWEST_UNITS)
        & ~pl.col("ds").is_in(events.implode())
    )
    ratio = pl.when(is_sure).then(pl.col("volume") / pl.col("volume_usual"))
    far = pl.max_horizontal("volume_ratio", 1 / pl.col("volume_ratio"))
    return _worst(compared, "volume_ratio", ratio, far)


def _worst(compared: list[pl.DataFrame], name: str, value: pl.Expr, far: pl.Expr) -> pl.DataFrame:
    """ds, the value of the group furthest off on each day, and the group's name in `<name>_in`."""
    schema = {"ds": pl.Date(), "group": pl.String(), name: pl.Float64()}
    groups = [
        days.select("ds", "group", value.alias(name)).filter(pl.col(name).is_not_null())
        for days in compared
    ]
    worst = (
        pl.concat([pl.DataFrame(schema=schema), *groups])
        .sort(far, descending=True)
        .unique("ds", keep="first", maintain_order=True)
    )
    return worst.rename({"group": f"{name}_in"})
