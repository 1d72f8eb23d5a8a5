"""Published tables whose days are known, a few at a time, each beside no more of the sales than it
is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from contract.days import WEEK
from contract.panel import Panel
from contract.quantiles import QUANTILES
from monitoring.outcome_signals import NO_SUMS, weekly_origins
from monitoring.outcomes import READ_AT

WHOLE_TABLE = 10_000  # days ahead, beyond any table
TABLES_AT_ONCE = 2  # of 30,490 series: 0.43 million rows

SumsOf = Callable[[pl.DataFrame, Panel], pl.DataFrame]
# of some runs, with these quantiles, so many days ahead and up to a day (storage.judged_rows)
RowsOf = Callable[[list[str], Iterable[str], int, date], pl.DataFrame]
# the same of a part, by its number
RowsOfPart = Callable[[int, list[str], Iterable[str], int, date], pl.DataFrame]


@dataclass(frozen=True)
class Published:
    """Which tables a look reads: by origin the run of its newest whole one, their FORECAST_LEVELS;
    the last day with sales. Weekly tables are judged for `horizon` days ahead, their first weeks
    `days_looked_at` back.
    """

    runs: dict[date, str]
    levels: pl.DataFrame
    last_day: date
    horizon: int
    days_looked_at: int

    @property
    def newest(self) -> list[str]:
        """The run of the newest table; none before the first."""
        return [self.runs[max(self.runs)]] if self.runs else []

    @property
    def origins(self) -> list[date]:
        """Whose first weeks are judged, as far back as signals are."""
        first = self.last_day - timedelta(days=self.days_looked_at)
        return weekly_origins(day for day in self.runs if first <= day < self.last_day)

    @property
    def days_ahead(self) -> dict[str, int]:
        """By run, how many days of its table are read."""
        weekly = weekly_runs(self.runs, self.last_day, self.horizon)
        first_weeks = {self.runs[origin]: WEEK for origin in self.origins}
        of_weeks = dict.fromkeys(weekly, max(self.horizon, WEEK))
        return first_weeks | of_weeks | dict.fromkeys(self.newest, WHOLE_TABLE)

    @property
    def judged_days(self) -> int:
        """Of a series, how many rows of weekly tables may have actuals."""
        ages = range(WEEK, self.horizon + 2 * WEEK, WEEK)
        return sum(min(age, self.horizon) for age in ages)

    @property
    def rows_of_series(self) -> int:
        """Of a series, how many rows of tables are read."""
        days_ahead = self.days_ahead.values()
        return sum(self.horizon if days == WHOLE_TABLE else days for days in days_ahead)


def one_table_a_week(rows_of: RowsOf, published: Published) -> Iterator[pl.DataFrame]:
    """One published table a week, the newest first, back to the last whose whole horizon is known:
    the known days of each, and all of the newest. Daily tables repeat each other's errors.
    """
    last_day, horizon = published.last_day, published.horizon
    run_ids = weekly_runs(published.runs, last_day, horizon)
    untils = [date.max, *[last_day] * len(run_ids)]
    for run_id, until in zip(run_ids, untils, strict=False):
        yield rows_of([run_id], READ_AT, horizon, until)


def weekly_runs(runs: dict[date, str], last_day: date, horizon: int) -> list[str]:
    """The run of one table a week, the newest first, back to the last whose whole horizon is
    known.
    """
    run_ids = [
        _of_week(runs, last_day - timedelta(days=week)) for week in range(0, horizon + WEEK, WEEK)
    ]
    return [run_id for run_id in run_ids if run_id]


def sums_of_first_weeks(
    rows_of: RowsOf, published: Published, panel: Panel, sums_of: SumsOf
) -> pl.DataFrame:
    """What `sums_of(tables, panel of their days)` makes of the first week of its origins' tables,
    all of it together.

    A day within a week of two of them is the earlier table's: each day counts once.
    """
    runs, served, sums = published.runs, published.origins, [NO_SUMS]
    taken = [date.min, *(origin + timedelta(days=WEEK) for origin in served)]  # by the one before
    pairs = list(zip(served, taken, strict=False))
    from_day = pl.DataFrame(pairs, {"origin": pl.Date, "taken": pl.Date}, orient="row")
    for few in (served[k : k + TABLES_AT_ONCE] for k in range(0, len(served), TABLES_AT_ONCE)):
        known = _days_of(panel, few[0], few[-1])
        if len(known.daily):
            run_ids = [runs[origin] for origin in few]
            tables = rows_of(run_ids, QUANTILES, WEEK, known.last_day)
            own = (
                tables.join(from_day, on="origin", validate="m:1")
                .filter(pl.col("ds") > pl.col("taken"))
                .drop("taken")
            )
            sums.append(sums_of(own, known))
    return pl.concat(sums)


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
    arrivals = None if panel.arrivals is None else panel.arrivals.filter(days)
    return replace(panel, sales=panel.sales.filter(days), arrivals=arrivals)
