"""Families read from a series' own past sales: lags, windows, weekday, year, lifecycle."""

from __future__ import annotations

import polars as pl

from contract.params import FeatureParams
from features.feature import WEEK, Feature

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


def window_mean(value: pl.Expr, days: int) -> pl.Expr:
    """Mean of the known values among the last `days` days. Float64 inside, so running sums do not drift."""
    return value.cast(pl.Float64).rolling_mean(days, min_samples=1).cast(pl.Float32)


def weekday_mean(value: pl.Expr, weeks: int) -> pl.Expr:
    """Mean of the known values among this day and the same weekday of the `weeks - 1` weeks before."""
    return pl.mean_horizontal([value.shift(WEEK * k) for k in range(weeks)])


def _lag(days: int) -> Feature:
    return Feature(f"lags_{days}", "lags", TABLE, "origin", Y.shift(days))


def _window(days: int) -> list[Feature]:
    features = [Feature(f"windows_mean_{days}", "windows", TABLE, "origin", window_mean(Y, days))]
    if days >= SPREAD_FROM_DAYS:
        spread = Y.cast(pl.Float64).rolling_std(days, min_samples=2).cast(pl.Float32)
        zeros = window_mean((Y == 0).cast(pl.Float32), days)
        features.append(Feature(f"windows_spread_{days}", "windows", TABLE, "origin", spread))
        features.append(Feature(f"windows_zeros_{days}", "windows", TABLE, "origin", zeros))
    return features


def _weekday(weeks: int) -> Feature:
    return Feature(f"weekday_mean_{weeks}", "weekday", TABLE, "weekday", weekday_mean(Y, weeks))


def _year(days: int) -> Feature:
    return Feature(f"year_mean_{days}", "year", TABLE, "year", window_mean(Y, days), ahead=days // 2)


def _lifecycle() -> list[Feature]:
    day, launch = pl.col("day_ix"), pl.col("launch_ix")
    age = pl.when(day >= launch).then(day - launch)  # before it, the launch is the future
    return [
        Feature("lifecycle_age", "lifecycle", TABLE, "origin", age),
        Feature("lifecycle_days_since_sale", "lifecycle", TABLE, "origin", day - pl.col("last_sale_ix")),
    ]
