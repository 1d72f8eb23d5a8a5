"""Feeds: how many days ago each of them last brought sales."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from contract.feeds import FEED_COLUMN
from contract.panel import Panel
from monitoring.finding import Finding, not_judged

WATCHER = "freshness"


def freshness(newest: pl.DataFrame, today: date, max_days: int) -> list[Finding]:
    """One finding for the newest sales day of all, and one for each feed behind the others.

    All feeds late is one cause and an error (nothing can be forecast from today); a single feed is
    a warning of its own. `newest` as from last_days.
    """
    if newest.is_empty():
        return [not_judged(WATCHER, "no sales arrived yet")]
    last: date = newest.select(pl.max("last_day")).item()
    behind = newest.filter((pl.lit(last) - pl.col("last_day")).dt.total_days() > max_days)
    late = [_one_feed(feed, day, last, max_days) for feed, day in behind.iter_rows()]
    return [_overall(last, today, max_days), *late]


def last_days(panel: Panel) -> pl.DataFrame:
    """feed, last_day: the newest day with a sales row of each feed (a store, or everything where
    there are no stores).
    """
    series = panel.series
    feed = pl.col(FEED_COLUMN) if FEED_COLUMN in series.columns else pl.lit("all")
    # by series first: a feed's name on every row of a long history is a gigabyte
    newest = panel.sales.group_by("unique_id").agg(pl.col("ds").max())
    placed = newest.join(series.select("unique_id", feed=feed), on="unique_id", how="inner")
    return placed.group_by("feed").agg(last_day=pl.col("ds").max()).sort("feed")


def _overall(last: date, today: date, max_days: int) -> Finding:
    age_days = (today - last).days
    return Finding(
        WATCHER,
        f"the newest sales day is {last}, {age_days} days before {today}",
        "error" if age_days > max_days else "ok",
        float(age_days),
        float(max_days),
        "Look into data/inbox and its sender; forecasts stand on older days until a file arrives.",
        last + timedelta(days=1),
    )


def _one_feed(feed: str, last: date, others: date, max_days: int) -> Finding:
    behind_days = (others - last).days
    return Finding(
        WATCHER,
        f"feed {feed} last brought sales of {last}, {behind_days} days behind the others",
        "warning",
        float(behind_days),
        float(max_days),
        f"Ask {feed} for its extracts since {last}, or close the store in the calendar.",
        last + timedelta(days=1),
        feed,
    )
