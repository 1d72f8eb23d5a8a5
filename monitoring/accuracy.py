"""Accuracy: forecasts that came true against the error the backtest promised. error = y_hat - y,
positive is too much.
"""

from __future__ import annotations

import polars as pl

from monitoring.finding import SURE, Finding, not_judged
from monitoring.signal import WHOLE, group_of, in_words

FEW_DAYS = 7  # target days; below a week one weekday would speak for all


def accuracy(
    actuals: pl.DataFrame, expected_wape: dict[int, float], max_wape_ratio: float
) -> Finding:
    """WAPE at series level as a multiple of what the backtest promised for the same mix of weeks
    ahead.

    `actuals` as from with_actuals; `expected_wape` is the backtest's WAPE by week ahead (a week
    beyond the last takes the last's).
    """
    weeks = volume_by(actuals, "week")
    expected = (
        sum(
            expected_wape[min(week, max(expected_wape))] * y
            for week, y in weeks.select("week", "y").iter_rows()
        )
        if expected_wape
        else 0
    )
    if actuals["ds"].n_unique() < FEW_DAYS or expected <= 0:
        return not_judged(
            "accuracy",
            "fewer than a week of forecast days came true, or no backtest to compare with",
        )
    ratio = float(weeks["absolute"].sum() / expected)
    wape = float(weeks["absolute"].sum() / weeks["y"].sum())
    return Finding(
        "accuracy",
        f"WAPE was {wape:.3f} over {actuals['ds'].n_unique()} days, {ratio:.2f} times what the backtest promised",
        "error" if ratio > max_wape_ratio else "ok",
        ratio,
        max_wape_ratio,
        "Compare by store and week in data/reports/monitor.json; retrain if no feed or rule explains it.",
        actuals["ds"].min(),
    )


def bias(
    actuals: pl.DataFrame,
    series: pl.DataFrame,
    max_abs_bias: float,
    column: str | None = None,
    by_size: float = 0.0,
) -> list[Finding]:
    """Total bias as a share of what sold; or one finding for each group of a hierarchy column that
    breaks its limit.

    Small groups are off by more, for weeks and harmlessly: a group's limit is `max_abs_bias` +
    `by_size` / sqrt(its units a day). It rings only where it is also beyond that limit from the
    whole's bias (what moves all is one cause), and SURE standard errors from zero: days are the
    observations, as series of one day move together.
    """
    if actuals["ds"].n_unique() < FEW_DAYS or actuals["y"].sum() <= 0:
        return (
            [not_judged("bias", "fewer than a week of forecast days came true")]
            if column is None
            else []
        )
    group = pl.lit(WHOLE) if column is None else pl.format(group_of(column, "{}"), column)
    placed = actuals.join(series, on="unique_id", how="left").with_columns(group=group)
    whole = 0.0 if column is None else float(actuals["error"].sum() / actuals["y"].sum())
    findings = [
        _bias(
            group,
            value,
            error,
            max_abs_bias + (by_size / units_a_day**0.5 if column else 0.0),
            whole,
            actuals,
        )
        for group, value, error, units_a_day in _bias_of_groups(placed).iter_rows()
    ]
    return (
        findings
        if column is None
        else [finding for finding in findings if finding.severity != "ok"]
    )


def expected_wape_by_week(scores: pl.DataFrame, model: str) -> dict[int, float]:
    """WAPE by week ahead that a model's backtest promised, mean over its cutoffs. `scores` as
    contract.frames.SCORES.
    """
    weekly = scores.filter(pl.col("slice").str.starts_with("week_"), model=model, metric="wape")
    means = weekly.group_by("slice").agg(pl.col("value").mean()).sort("slice")
    return {int(name.removeprefix("week_")): value for name, value in means.iter_rows()}


def volume_by(actuals: pl.DataFrame, column: str) -> pl.DataFrame:
    """Sums of y, error and absolute error by a column, sorted by it."""
    return (
        actuals.group_by(column)
        .agg(pl.col("y").sum(), pl.col("error").sum(), absolute=pl.col("error").abs().sum())
        .sort(column)
    )


def _bias_of_groups(placed: pl.DataFrame) -> pl.DataFrame:
    """group, bias, its standard error from the spread of daily errors, units a day; groups that
    sold something.
    """
    daily = placed.group_by("group", "ds").agg(pl.col("error").sum(), pl.col("y").sum())
    spread = pl.col("error").std().fill_null(0.0) * pl.len().sqrt()
    return (
        daily.group_by("group")
        .agg(pl.col("error").sum(), pl.col("y").sum(), spread=spread, days=pl.len())
        .filter(pl.col("y") > 0)
        .select(
            "group",
            bias=pl.col("error") / pl.col("y"),
            standard_error=pl.col("spread") / pl.col("y"),
            units_a_day=pl.col("y") / pl.col("days"),
        )
        .sort("group")
    )


def _bias(
    group: str,
    value: float,
    standard_error: float,
    limit: float,
    whole: float,
    actuals: pl.DataFrame,
) -> Finding:
    is_out = min(abs(value), abs(value - whole)) > limit and abs(value) > SURE * standard_error
    much = "much" if value > 0 else "little"
    return Finding(
        "bias",
        f"forecasts{in_words(group)} were {value:+.1%} ± {standard_error:.1%} of what sold",
        ("warning" if group else "error") if is_out else "ok",
        value,
        limit,
        f"Too {much}: look for a price, promotion or assortment change; scale orders only by what explains it and lasts.",
        actuals["ds"].min(),
        group,
    )
