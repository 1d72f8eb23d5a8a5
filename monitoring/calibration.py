"""Calibration: how often actuals lay inside the published intervals, with an error bar."""

from __future__ import annotations

import math

import polars as pl

from contract.quantiles import INTERVALS
from monitoring.finding import SURE, Finding, not_judged

FEW_DAYS = 7
ALERTING = 0.95  # the interval whose coverage raises an alert


def coverage(actuals: pl.DataFrame, nominal: float) -> tuple[float, float]:
    """Share of rows inside the central interval, and its standard error.

    Series of one day move together, so a day is one observation: the error is the spread of daily
    coverages over the square root of their number.
    """
    low, high = INTERVALS[nominal]
    inside = (pl.col("y") >= pl.col(low)) & (pl.col("y") <= pl.col(high))
    daily = actuals.group_by("ds").agg(share=inside.mean(), rows=pl.len())
    rows = pl.col("rows")
    share, spread = daily.select(
        (pl.col("share") * rows).sum() / rows.sum(), spread=pl.col("share").std()
    ).row(0)
    return float(share), float(spread or 0.0) / math.sqrt(daily.height)


def calibration(actuals: pl.DataFrame, max_gap: float) -> list[Finding]:
    """One finding for the 50% and one for the 95% interval.

    Only the 95% one raises an alert: counts are whole units, so half of a slow mover's days cannot
    be cut out of them and its 50% interval covers more than half by nature.
    """
    if actuals["ds"].n_unique() < FEW_DAYS:
        return [not_judged("calibration", "fewer than a week of forecast days have actuals")]
    return [_finding(actuals, nominal, max_gap) for nominal in (0.5, 0.95)]


def _finding(actuals: pl.DataFrame, nominal: float, max_gap: float) -> Finding:
    share, error = coverage(actuals, nominal)
    gap = share - nominal
    is_out = nominal == ALERTING and abs(gap) > max_gap and abs(gap) > SURE * error
    return Finding(
        "calibration",
        f"the {nominal:.0%} interval covered {share:.1%} ± {error:.1%} of the actuals",
        "warning" if is_out else "ok",
        gap,
        max_gap,
        "Run evaluate.py to learn the quantiles anew; until then order with a margin."
        if is_out
        else "",
        actuals.select(pl.min("ds")).item(),
        f"{round(nominal * 100)}",
    )
