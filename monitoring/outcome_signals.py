"""Signals of forecasts beside their actuals: bias by group, error beside the error expected,
outcomes outside the interval.

Each day is judged by one forecast only, that of one table a week (h 1..7): daily tables repeat each
other's errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.days import WEEK
from contract.params import MonitorParams
from contract.quantiles import INTERVALS
from contract.sums import summed
from contract.whole import ALONE, Whole
from features.dense import Days, locate
from monitoring.contributors import DAYS_OF_PARTS, Parts
from monitoring.outlook import expected_absolute_error
from monitoring.signal import WHOLE, Signal, group_of

SUMS = ["y", "y_hat", "error", "absolute", "expected", "outside", "rows"]
NO_SUMS = pl.DataFrame(
    schema={"group": pl.String, "ds": pl.Date, **dict.fromkeys(SUMS, pl.Float64)}
)
_RETRAIN = "retrain if no feed, price, promotion or rule explains it."


def weekly_origins(origins: Iterable[date]) -> list[date]:
    """The origins whose tables are judged, oldest first: of those a table was made from, the last
    of each week.

    That is Sunday where every day is forecast, Saturday where no Sunday is sold on, Wednesday where
    one table a week is made then.
    """
    last = {origin.isocalendar()[:2]: origin for origin in sorted(origins)}
    return list(last.values())


def daily_sums(actuals: pl.DataFrame, series: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """group, ds and the day's SUMS: all a signal needs to keep of a table.

    `actuals` as from with_actuals, h <= 7; groups are WHOLE and those of the columns of `series`.
    """
    low, high = INTERVALS[0.95]
    rows = actuals.select(
        "unique_id",
        "ds",
        "y",
        "y_hat",
        "error",
        absolute=pl.col("error").abs(),
        expected=expected_absolute_error(),
        outside=((pl.col("y") < pl.col(low)) | (pl.col("y") > pl.col(high))).cast(pl.Float64),
        rows=pl.lit(1.0),
    ).join(series.select("unique_id", *columns), on="unique_id", how="left")
    sums = [rows.group_by("ds").agg(pl.col(SUMS).sum()).with_columns(group=pl.lit(WHOLE))]
    for column in columns:
        of_groups = rows.group_by(column, "ds").agg(pl.col(SUMS).sum())
        sums.append(of_groups.with_columns(group=pl.format(group_of(column, "{}"), column)))
    return pl.concat(frame.select("group", "ds", *SUMS) for frame in sums)


def outcome_signals(sums: pl.DataFrame, params: MonitorParams) -> list[Signal]:
    """bias (with groups), accuracy, calibration, from all tables' daily sums; none of none."""
    if sums.is_empty():
        return []
    everything = _Daily(sums)
    whole = _Daily(sums.filter(group=WHOLE))
    return [_bias(everything, params), _accuracy(whole, params), _calibration(whole)]


def with_parts(
    signals: list[Signal], actuals: pl.DataFrame, series: pl.DataFrame, whole: Whole = ALONE
) -> list[Signal]:
    """The same signals with what each series brought to them: errors of the last weeks' tables.

    `actuals` as from with_actuals; of a day in the first week of several tables, the earliest.
    """
    first_weeks = (
        actuals.filter(pl.col("h") <= WEEK).sort("origin").unique(["unique_id", "ds"], keep="first")
    )
    own = first_weeks.group_by("ds").agg(rows=pl.len())
    last: date | None = (
        summed(whole, "days of first weeks", own, ["ds"]).select(pl.max("ds")).item()
    )
    if last is None:
        return [replace(signal, whole=whole) for signal in signals]
    days = Days(last - timedelta(days=DAYS_OF_PARTS - 1), DAYS_OF_PARTS, 0, padding=0)
    low, high = INTERVALS[0.95]
    parts = {
        "bias": pl.col("error"),
        "accuracy": pl.col("error").abs(),
        "calibration": (~pl.col("y").is_between(low, high)).cast(pl.Float64),
    }
    located = locate(first_weeks.sort("unique_id").with_columns(**parts), series, days)
    tables = {name: days.scatter(located, series.height, name) for name in parts}
    return [
        replace(signal, parts=Parts(days.first, series, tables[signal.watcher]), whole=whole)
        for signal in signals
    ]


class _Daily:
    """Sums as (groups, days) tables, NaN on days without actuals. WHOLE sorts first."""

    def __init__(self, sums: pl.DataFrame):
        self.first: date = sums.select(pl.min("ds")).item()
        self.groups = tuple(sums["group"].unique().sort().to_list())
        code = {name: k for k, name in enumerate(self.groups)}
        at = (
            [code[name] for name in sums["group"]],
            (sums["ds"] - self.first).dt.total_days().to_numpy(),
        )
        self.tables = {
            name: np.full((len(self.groups), int(at[1].max()) + 1), np.nan) for name in SUMS
        }
        for name, table in self.tables.items():
            table[at] = sums[name].to_numpy()

    def share(self, part: str, of: str) -> np.ndarray:
        """One sum as a share of another; NaN where the other is nothing."""
        return self.tables[part] / np.where(self.tables[of] > 0, self.tables[of], np.nan)


def _bias(daily: _Daily, params: MonitorParams) -> Signal:
    return Signal(
        watcher="bias",
        slice="",
        first=daily.first,
        groups=daily.groups,
        values=daily.share("error", "y_hat"),
        smallest_spread=0.01,
        sentence="forecasts{group} were {now:+.1%} off (usually {usual:+.1%} ± {spread:.1%} a day)",
        advice="Look for a price, promotion or assortment change; "
        f"scale orders only by what explains it and lasts; {_RETRAIN}",
        error_beyond=params.max_abs_bias,
    )


def _accuracy(daily: _Daily, params: MonitorParams) -> Signal:
    return Signal(
        watcher="accuracy",
        slice="",
        first=daily.first,
        groups=daily.groups,
        values=daily.share("absolute", "expected"),
        smallest_spread=0.01,
        sentence="the error was {now:.2f} times what the quantiles expected "
        "(usually {usual:.2f} ± {spread:.2f} a day)",
        advice=f"Compare by store and week in data/reports/monitor.json; {_RETRAIN}",
        sides="up",
        error_beyond=params.max_wape_ratio - 1,
        aim=1.0,
    )


def _calibration(daily: _Daily) -> Signal:
    return Signal(
        watcher="calibration",
        slice="95",
        first=daily.first,
        groups=daily.groups,
        values=daily.share("outside", "rows"),
        smallest_spread=0.002,
        sentence="{now:.1%} of outcomes lay outside the 95% interval "
        "(usually {usual:.1%} ± {spread:.1%} a day)",
        advice="Run evaluate.py to learn the quantiles anew; until then order with a margin.",
    )
