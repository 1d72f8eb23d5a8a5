"""Accuracy: forecasts beside their actuals, against the error the backtest expects.

error = y_hat - y, positive is too much.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from contract.sums import summed
from contract.whole import ALONE, Whole
from monitoring.finding import SURE, Finding, not_judged
from monitoring.signal import WHOLE, group_of, in_words

FEW_DAYS = 7  # target days; below a week one weekday would speak for all


def accuracy(
    actuals: pl.DataFrame,
    expected_wape: dict[int, float],
    max_wape_ratio: float,
    whole: Whole = ALONE,
) -> Finding:
    """WAPE at series level as a multiple of the backtest's for the same mix of weeks ahead.

    `actuals` as from with_actuals; `expected_wape` is the backtest's WAPE by week ahead (a week
    beyond the last takes the last's).
    """
    absolute = pl.col("error").abs().sum()
    own = actuals.group_by("week", "ds").agg(pl.col("y").sum(), absolute=absolute)
    daily = summed(whole, "accuracy", own, ["week", "ds"])
    weeks = daily.group_by("week").agg(pl.col("y", "absolute").sum()).sort("week")
    expected = (
        sum(
            expected_wape[min(week, max(expected_wape))] * y
            for week, y in weeks.select("week", "y").iter_rows()
        )
        if expected_wape
        else 0
    )
    days = daily["ds"].n_unique()
    if days < FEW_DAYS or expected <= 0:
        return not_judged(
            "accuracy", "fewer than a week of forecast days have actuals, or there is no backtest"
        )
    off, units = weeks.select(pl.sum("absolute"), pl.sum("y")).row(0)
    ratio = float(off / expected)
    return Finding(
        "accuracy",
        f"WAPE was {off / units:.3f} over {days} days, {ratio:.2f} times the backtest's",
        "error" if ratio > max_wape_ratio else "ok",
        ratio,
        max_wape_ratio,
        "Compare by store and week in data/reports/monitor.json; "
        "retrain if no feed or rule explains it.",
        _first_day(daily),
    )


def bias(
    actuals: pl.DataFrame,
    series: pl.DataFrame,
    max_abs_bias: float,
    column: str | None = None,
    by_size: float = 0.0,
    whole: Whole = ALONE,
) -> list[Finding]:
    """Total bias as a share of what sold; or one finding for each group of a hierarchy column that
    breaks its limit.

    Small groups are off by more, for weeks and harmlessly: a group's limit is `max_abs_bias` +
    `by_size` / sqrt(its units a day). It raises an alert only where it is also beyond that limit
    from the whole's bias (what moves all is one cause), and SURE standard errors from zero: days
    are the observations, as series of one day move together.
    """
    own = _daily_errors(actuals, series, column)
    daily = summed(whole, f"bias {column}", own, ["group", "ds"])
    if daily["ds"].n_unique() < FEW_DAYS or daily["y"].sum() <= 0:
        few = not_judged("bias", "fewer than a week of forecast days have actuals")
        return [few] if column is None else []
    since = _first_day(daily)
    biases = [_GroupBias(*row) for row in _bias_of_groups(daily).iter_rows()]
    if column is None:
        return [_bias(one, max_abs_bias, 0.0, since) for one in biases]
    of_all = float(daily.select(pl.sum("error") / pl.sum("y")).item())
    findings = (
        _bias(one, max_abs_bias + by_size / one.units_a_day**0.5, of_all, since) for one in biases
    )
    return [finding for finding in findings if finding.severity != "ok"]


def _daily_errors(actuals: pl.DataFrame, series: pl.DataFrame, column: str | None) -> pl.DataFrame:
    """group, ds, error, y: sums of everything, or of each group of a column."""
    sums = pl.col("error", "y").sum()
    if column is None:
        return actuals.group_by("ds").agg(sums).with_columns(group=pl.lit(WHOLE))
    placed = actuals.select("unique_id", "ds", "error", "y").join(
        series.select("unique_id", column), on="unique_id", how="left"
    )
    named = pl.format(group_of(column, "{}"), column)
    return placed.group_by(column, "ds").agg(sums).select("ds", "error", "y", group=named)


def expected_wape_by_week(scores: pl.DataFrame, model: str) -> dict[int, float]:
    """WAPE by week ahead of a model's backtest, mean over its cutoffs. `scores` as
    contract.frames.SCORES.
    """
    weekly = scores.filter(pl.col("slice").str.starts_with("week_"), model=model, metric="wape")
    means = weekly.group_by("slice").agg(pl.col("value").mean()).sort("slice")
    return {int(name.removeprefix("week_")): value for name, value in means.iter_rows()}


@dataclass(frozen=True)
class _GroupBias:
    """`value` as a share of what sold, with its standard error."""

    group: str
    value: float
    standard_error: float
    units_a_day: float


def _bias_of_groups(daily: pl.DataFrame) -> pl.DataFrame:
    """The columns of _GroupBias, for groups that sold something; its standard error from the spread
    of daily errors.
    """
    spread = pl.col("error").std().fill_null(0.0) * pl.len().sqrt()
    return (
        daily.group_by("group")
        .agg(pl.col("error").sum(), pl.col("y").sum(), spread=spread, days=pl.len())
        .filter(pl.col("y") > 0)
        .select(
            "group",
            value=pl.col("error") / pl.col("y"),
            standard_error=pl.col("spread") / pl.col("y"),
            units_a_day=pl.col("y") / pl.col("days"),
        )
        .sort("group")
    )


def _bias(one: _GroupBias, limit: float, of_all: float, since: date) -> Finding:
    nearest = min(abs(one.value), abs(one.value - of_all))
    is_out = nearest > limit and abs(one.value) > SURE * one.standard_error
    much = "much" if one.value > 0 else "little"
    return Finding(
        "bias",
        f"forecasts{in_words(one.group)} were {one.value:+.1%} ± {one.standard_error:.1%} "
        "of what sold",
        ("warning" if one.group else "error") if is_out else "ok",
        one.value,
        limit,
        f"Too {much}: look for a price, promotion or assortment change; scale orders only by what "
        "explains it and lasts.",
        since,
        one.group,
    )


def _first_day(daily: pl.DataFrame) -> date:
    first: date = daily.select(pl.min("ds")).item()
    return first
