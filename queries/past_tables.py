"""Published tables whose days are known, a few at a time, each beside no more of the sales than it
is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from contract.days import WEEK
from contract.frames import FORECASTS
from contract.panel import Panel
from contract.quantiles import QUANTILES
from monitoring.outcomes import READ_AT
from storage.forecasts import judged_rows
from storage.store import Connection

TABLES_AT_ONCE = 2  # of 30,490 series: 0.43 million rows

SumsOf = Callable[[pl.DataFrame, Panel], pl.DataFrame]


def one_table_a_week(
    con: Connection, runs: dict[date, str], last_day: date, horizon: int
) -> pl.DataFrame:
    """One published table a week, back to the last whose whole horizon is known, as judged_rows:
    the known days of each, and all of the newest. Daily tables repeat each other's errors. `runs`
    as storage.forecasts.newest_runs.
    """
    run_ids = weekly_runs(runs, last_day, horizon)
    untils = [date.max, *[last_day] * len(run_ids)]
    tables = [
        judged_rows(con, [run_id], READ_AT, horizon, until)
        for run_id, until in zip(run_ids, untils, strict=False)
    ]
    return pl.concat(tables) if tables else FORECASTS.empty()


def weekly_runs(runs: dict[date, str], last_day: date, horizon: int) -> list[str]:
    """The run of one table a week, the newest first, back to the last whose whole horizon is
    known.
    """
    run_ids = [
        _of_week(runs, last_day - timedelta(days=week)) for week in range(0, horizon + WEEK, WEEK)
    ]
    return [run_id for run_id in run_ids if run_id]


def sums_of_first_weeks(
    con: Connection, runs: dict[date, str], panel: Panel, origins: list[date], sums_of: SumsOf
) -> pl.DataFrame:
    """What `sums_of(tables, panel of their days)` makes of the first week of these origins' tables,
    all of it together.

    A day within a week of two of them is the earlier table's: each day counts once.
    """
    served, sums = [origin for origin in origins if origin in runs], []
    taken = [date.min, *(origin + timedelta(days=WEEK) for origin in served)]  # by the one before
    pairs = list(zip(served, taken, strict=False))
    from_day = pl.DataFrame(pairs, {"origin": pl.Date, "taken": pl.Date}, orient="row")
    for few in (served[k : k + TABLES_AT_ONCE] for k in range(0, len(served), TABLES_AT_ONCE)):
        known = _days_of(panel, few[0], few[-1])
        if known.sales.height:
            tables = judged_rows(
                con, [runs[origin] for origin in few], QUANTILES, WEEK, known.last_day
            )
            own = (
                tables.join(from_day, on="origin", validate="m:1")
                .filter(pl.col("ds") > pl.col("taken"))
                .drop("taken")
            )
            sums.append(sums_of(own, known))
    return pl.concat(sums) if sums else pl.DataFrame()


def _of_week(runs: dict[date, str], before: date) -> str | None:
    """The run of the week before a day that is known longest."""
    days = (before - timedelta(days=back) for back in range(WEEK, 0, -1))
    return next((runs[day] for day in days if day in runs), None)


def _days_of(panel: Panel, first_origin: date, last_origin: date) -> Panel:
    """The days after the first origin, to a week after the last; cutting at the end alone would
    copy a whole history each time.
    """
    days = pl.col("ds").is_between(
        first_origin + timedelta(days=1), last_origin + timedelta(days=WEEK)
    )
    return replace(panel, sales=panel.sales.filter(days))
