"""Orders: how many lines of the day have no units, and how many stand on a stock counted long
ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from contract.feeds import FEED_COLUMN
from monitoring.finding import Finding, not_judged

WATCHER = "stock"
MOST_OF = 0.5  # share of a feed's lines; where more are old, its file did not come
_OLD = "stock_old"


@dataclass(frozen=True)
class DayOrders:
    """`lines`: ORDERS of the day, empty where none were proposed; `due`: of how many series the
    supply file says that the day is an order day.
    """

    day: date
    lines: pl.DataFrame
    due: int


def stock(
    orders: DayOrders | None, series: pl.DataFrame, max_unordered: float, max_old: float
) -> list[Finding]:
    """One finding for lines without units, one for lines by an old stock, and one for each feed
    most of whose lines stand on one.

    No finding where there is no supply file (None): nothing is ordered here. An error where lines
    are due and none was proposed.
    """
    if orders is None:
        return []
    day, lines = orders.day, orders.lines
    if lines.is_empty() and orders.due:
        return [_nothing_proposed(day, orders.due)]
    if lines.is_empty():
        return [not_judged(WATCHER, f"{day} is no order day of any series")]
    if lines["stock_ds"].null_count() == lines.height:
        return [not_judged(WATCHER, f"no stock was ever stated: {day} has no units to order")]
    return [_without_units(lines, day, max_unordered), *_old_stock(lines, series, day, max_old)]


def _nothing_proposed(day: date, due: int) -> Finding:
    return Finding(
        WATCHER,
        f"{due} series are ordered on {day}, and no order was proposed",
        "error",
        1.0,
        0.0,
        "Run `python inference.py orders`: it proposes them, or says what it lacks.",
        day,
    )


def _without_units(lines: pl.DataFrame, day: date, most: float) -> Finding:
    share = lines["units"].null_count() / lines.height
    counted = lines["reason"].drop_nulls().value_counts().sort("count", "reason", descending=True)
    why = ", ".join(f"{reason} {count}" for reason, count in counted.iter_rows())
    return Finding(
        WATCHER,
        f"{share:.1%} of {lines.height} order lines of {day} have no units"
        + (f" ({why})" if why else ""),
        "warning" if share > most else "ok",
        share,
        most,
        "Bring the stock or the supply file that lacks them, then `python inference.py orders`; "
        "what a reason means stands in docs/design/orders.md.",
        day,
    )


def _old_stock(lines: pl.DataFrame, series: pl.DataFrame, day: date, most: float) -> list[Finding]:
    """A feed whose file did not come is a cause of its own; the others are judged without it."""
    counted = _with_feed(lines, series).filter(pl.col("stock_ds").is_not_null())
    feeds = counted.group_by("feed").agg(pl.col("is_old").mean(), pl.col("stock_ds").max())
    late = feeds.filter(pl.col("is_old") > MOST_OF).sort("feed")
    if late.height == feeds.height:
        return [_all_feeds(counted, day, most)]
    others = counted.join(late, on="feed", how="anti")
    return [_all_feeds(others, day, most), *(_one_feed(row, day) for row in late.rows())]


def _with_feed(lines: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """The lines with `feed` (a store, or everything where there are no stores) and `is_old`."""
    feed = pl.col(FEED_COLUMN) if FEED_COLUMN in series.columns else pl.lit("all")
    flags = pl.col("flags").fill_null("").str.split("|")
    placed = lines.join(series.select("unique_id", feed=feed), on="unique_id", how="inner")
    return placed.with_columns(is_old=flags.list.contains(_OLD))


def _all_feeds(lines: pl.DataFrame, day: date, most: float) -> Finding:
    share = float(lines["is_old"].mean() or 0.0)  # type: ignore[arg-type]
    return Finding(
        WATCHER,
        f"{share:.1%} of {lines.height} order lines of {day} stand on a stock older than "
        "ordering.max_stock_age_days",
        "warning" if share > most else "ok",
        share,
        most,
        "Ask for the stock file, drop it into data/inbox, then `python ingest.py` and "
        "`python inference.py orders`.",
        day,
        "old",
    )


def _one_feed(row: tuple[str, float, date], day: date) -> Finding:
    feed, share, last = row
    return Finding(
        WATCHER,
        f"{share:.1%} of the order lines of {feed} stand on an old stock, the newest of {last}",
        "warning",
        share,
        MOST_OF,
        f"Ask {feed} for its stock since {last}, drop it into data/inbox, then "
        "`python ingest.py` and `python inference.py orders`.",
        day,
        feed,
    )
