"""Published tables whose days came true, a few at a time, each beside no more of the sales than it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from contract.frames import FORECASTS
from contract.panel import Panel
from storage.forecasts import forecasts_of_origins, latest_forecasts

WEEK = 7
TABLES_AT_ONCE = 4  # of 30,490 series: 0.85 million rows

SumsOf = Callable[[pl.DataFrame, Panel], pl.DataFrame]


def one_table_a_week(con: Any, last_day: date, horizon: int) -> pl.DataFrame:
    """FORECASTS of one table a week, back to the last whose whole horizon came true: daily tables repeat each other's errors."""
    tables = [FORECASTS.empty()]
    for week in range(0, horizon + WEEK, WEEK):
        days = (last_day - timedelta(days=week + back) for back in range(WEEK, 0, -1))  # the longest known first
        tables.append(next((table for day in days if (table := latest_forecasts(con, day)).height), tables[0]))
    return pl.concat(tables)


def sums_of_first_weeks(con: Any, panel: Panel, origins: list[date], sums_of: SumsOf) -> pl.DataFrame:
    """What `sums_of(tables, panel of their days)` makes of the first week of these origins' tables, all of it together."""
    sums = []
    for few in (origins[k : k + TABLES_AT_ONCE] for k in range(0, len(origins), TABLES_AT_ONCE)):
        tables = forecasts_of_origins(con, few, WEEK)
        if tables.height and (known := _days_of(panel, few[0], few[-1])).sales.height:
            sums.append(sums_of(tables, known))
    return pl.concat(sums) if sums else pl.DataFrame()


def _days_of(panel: Panel, first_origin: date, last_origin: date) -> Panel:
    """The days after the first origin, to a week after the last; cutting at the end alone would copy a whole history each time."""
    days = pl.col("ds").is_between(first_origin + timedelta(days=1), last_origin + timedelta(days=WEEK))
    return replace(panel, sales=panel.sales.filter(days))
