"""Calibration: how often actuals lay inside the published intervals, with an error bar."""

from __future__ import annotations

import math

import polars as pl

from contract.quantiles import INTERVALS
from contract.sums import summed
from contract.whole import ALONE, Whole
from monitoring.finding import SURE, Finding, not_judged

FEW_DAYS = 7
JUDGED = (0.5, 0.95)
ALERTING = 0.95  # the interval whose coverage raises an alert


def coverage(actuals: pl.DataFrame, nominal: float) -> tuple[float, float]:
    """Share of rows inside the central interval, and its standard error.

    Series of one day move together, so a day is one observation: the error is the spread of daily
    coverages over the square root of their number.
    """
    return _coverage(_covered_by_day(actuals), nominal)


def calibration(actuals: pl.DataFrame, max_gap: float, whole: Whole = ALONE) -> list[Finding]:
    """One finding for the 50% and one for the 95% interval.

    Only the 95% one raises an alert: counts are whole units, so half of a slow mover's days cannot
    be cut out of them and its 50% interval covers more than half by nature.
    """
    daily = summed(whole, "calibration", _covered_by_day(actuals), ["ds"])
    if daily.height < FEW_DAYS:
        return [not_judged("calibration", "fewer than a week of forecast days have actuals")]
    return [_finding(daily, nominal, max_gap) for nominal in JUDGED]


def _covered_by_day(actuals: pl.DataFrame) -> pl.DataFrame:
    """ds, rows, and how many of them each interval holds."""
    inside = {
        _name(nominal): pl.col("y").is_between(*INTERVALS[nominal]).sum() for nominal in JUDGED
    }
    return actuals.group_by("ds").agg(rows=pl.len(), **inside)


def _coverage(daily: pl.DataFrame, nominal: float) -> tuple[float, float]:
    rows, inside = pl.col("rows"), pl.col(_name(nominal))
    share, spread = daily.select(inside.sum() / rows.sum(), spread=(inside / rows).std()).row(0)
    return float(share), float(spread or 0.0) / math.sqrt(daily.height)


def _name(nominal: float) -> str:
    return f"inside_{nominal}"


def _finding(daily: pl.DataFrame, nominal: float, max_gap: float) -> Finding:
    share, error = _coverage(daily, nominal)
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
        daily.select(pl.min("ds")).item(),
        f"{round(nominal * 100)}",
    )
