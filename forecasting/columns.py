"""Single values of a forecast table's columns. Polars types `Series.max` by every type there is."""

from __future__ import annotations

from datetime import date

import polars as pl

# of a backtest: how likely a series' store opens; there only where some store keeps days of its own
OPEN_SHARE = "open_share"


def forecasters_in(rows: pl.DataFrame) -> list[str]:
    """The names of a backtest's columns of means (forecasting.backtest)."""
    others = {"cutoff", "unique_id", "ds", "h", "y", OPEN_SHARE}
    return [name for name in rows.columns if name not in others]


def first_day(rows: pl.DataFrame) -> date:
    """The first `ds` of a table that has rows."""
    day: date = rows.select(pl.col("ds").min()).item()
    return day


def last_day(rows: pl.DataFrame) -> date:
    """The last `ds` of a table that has rows."""
    day: date = rows.select(pl.col("ds").max()).item()
    return day


def horizon_of(rows: pl.DataFrame) -> int:
    """The most days ahead (`h`) in a table that has rows."""
    horizon: int = rows.select(pl.col("h").max()).item()
    return horizon
