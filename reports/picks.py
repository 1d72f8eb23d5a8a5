"""Which fans are shown, and the rows each of them is drawn from."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from contract.levels import TOTAL
from contract.panel import Panel

HISTORY_DAYS = 84
FEED_LEVEL = "store_id"
MOST_GROUPS = 12
SHOWN_SERIES = 5
FAN_COLUMNS = ("y_hat", "q025", "q250", "q750", "q975")


def fan_of_group(panel: Panel, levels: pl.DataFrame, level: str, group: str) -> pl.DataFrame:
    """ds, y, and the forecast columns of one group: history first, then the days ahead."""
    members = panel.series if level == TOTAL else panel.series.filter(pl.col(level) == group)
    ahead = levels.filter(level=level, group_key=group).select("ds", *FAN_COLUMNS)
    return _fan(panel, members["unique_id"], ahead, origin_of(levels))


def fan_of_series(panel: Panel, forecasts: pl.DataFrame, unique_id: str) -> pl.DataFrame:
    """The same of one series."""
    ahead = forecasts.filter(unique_id=unique_id).select("ds", *FAN_COLUMNS)
    return _fan(panel, pl.Series([unique_id]), ahead, origin_of(forecasts))


def origin_of(forecasts: pl.DataFrame) -> date:
    """The last day known when a table was made."""
    origin: date = forecasts.select(pl.max("origin")).item()
    return origin


def shown_groups(levels: pl.DataFrame) -> list[tuple[str, str]]:
    """(level, group) of the total and of at most MOST_GROUPS stores, the largest first."""
    total = [(TOTAL, TOTAL)] if levels.filter(level=TOTAL).height else []
    stores = (
        levels.filter(level=FEED_LEVEL)
        .group_by("group_key")
        .agg(pl.col("y_hat").sum().round(3))
        .sort(["y_hat", "group_key"], descending=[True, False])
    )
    return total + [(FEED_LEVEL, group) for group in stores["group_key"].head(MOST_GROUPS)]


def largest_series(forecasts: pl.DataFrame) -> list[str]:
    """The series with the most units ahead."""
    sums = forecasts.group_by("unique_id").agg(pl.col("y_hat").sum().round(3))
    return _first(sums, "y_hat")


def worst_series(backtest: pl.DataFrame, model: str) -> list[str]:
    """Where the most units were misplaced in the backtest beyond what volume explains: the largest
    |error| over square root of sales.

    A plain sum would only name the largest series again, a plain share only those that sold three
    units.
    """
    known = backtest.filter(pl.col("y").is_not_null())
    off = known.group_by("unique_id").agg(
        size=(pl.col(model) - pl.col("y")).abs().sum()
        / pl.col("y").sum().clip(lower_bound=1.0).sqrt()
    )
    return _first(off.with_columns(pl.col("size").round(3)), "size")


def _first(ranked: pl.DataFrame, by: str) -> list[str]:
    return (
        ranked.sort([by, "unique_id"], descending=[True, False])
        .head(SHOWN_SERIES)["unique_id"]
        .to_list()
    )


def _fan(panel: Panel, members: pl.Series, ahead: pl.DataFrame, origin: date) -> pl.DataFrame:
    first = origin - timedelta(days=HISTORY_DAYS - 1)
    sold = panel.sales.filter(
        pl.col("ds").is_between(first, origin), pl.col("unique_id").is_in(members.implode())
    )
    history = sold.group_by("ds").agg(pl.col("y").sum()).sort("ds")
    return pl.concat([history, ahead.sort("ds")], how="diagonal")
