"""Families read from a series' own past sales: lags, windows, weekday, year, lifecycle."""

from __future__ import annotations

import polars as pl

from contract.days import WEEK
from contract.params import FeatureParams
from features.feature import Feature
from features.windows import Window

TABLE = "series"
SPREAD_FROM_DAYS = 28  # spread and share of zeros of a shorter window are noise

Y = pl.col("y")


def sales_features(params: FeatureParams) -> list[Feature]:
    """All families that read `y` of the series itself."""
    features = [_lag(k) for k in params.lags]
    for days in params.windows:
        features += _window(days)
    features += [_weekday(weeks) for weeks in params.weekday_weeks]
    features += [_year(days) for days in params.year_windows]
    return features + (_lifecycle() if params.lifecycle else [])


def _lag(days: int) -> Feature:
    return Feature(f"lags_{days}", "lags", TABLE, "origin", Y, ahead=-days)


def _window(days: int) -> list[Feature]:
    read = [("mean", Y, Window(days))]
    if days >= SPREAD_FROM_DAYS:
        read += [("spread", Y, Window(days, is_spread=True)), ("zeros", Y == 0, Window(days))]
    return [
        Feature(f"windows_{name}_{days}", "windows", TABLE, "origin", expr, window=w)
        for name, expr, w in read
    ]


def _weekday(weeks: int) -> Feature:
    return Feature(
        f"weekday_mean_{weeks}", "weekday", TABLE, "weekday", Y, window=Window(weeks, WEEK)
    )


def _year(days: int) -> Feature:
    return Feature(f"year_mean_{days}", "year", TABLE, "year", Y, days // 2, Window(days))


def _lifecycle() -> list[Feature]:
    day, launch = pl.col("day_ix"), pl.col("launch_ix")
    age = pl.when(day >= launch).then(day - launch)  # before it, the launch is the future
    return [
        Feature("lifecycle_age", "lifecycle", TABLE, "origin", age),
        Feature(
            "lifecycle_days_since_sale", "lifecycle", TABLE, "origin", day - pl.col("last_sale_ix")
        ),
    ]
