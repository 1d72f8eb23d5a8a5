"""Drift of the demand mix: who sells how fast, and which category sells, against the same weeks a
year before.
"""

from __future__ import annotations

import math
from datetime import date, timedelta

import polars as pl

from contract.days import YEAR
from contract.panel import Panel
from forecasting.slices import FAST_UNITS, SLOW_UNITS
from monitoring.finding import Finding, not_judged

WINDOW_DAYS = 28
FALLBACK_DAYS = 56  # where no year is known: the weeks just before, season included
SMALLEST_SHARE = 1e-4  # of a class nobody is in, so that its logarithm exists
MIX_COLUMNS = ("cat_id", "dept_id")  # the first a source has


def drift(panel: Panel, max_psi: float) -> list[Finding]:
    """One finding for the velocity classes and, where there are categories, one for their mix."""
    recent_from = panel.last_day - timedelta(days=WINDOW_DAYS - 1)
    reference_from, reference_to, against = _reference(panel, recent_from)
    if reference_from < panel.first_day:
        return [not_judged("drift", f"needs {WINDOW_DAYS + FALLBACK_DAYS} days of sales")]
    then, now = (
        _between(panel, reference_from, reference_to),
        _between(panel, recent_from, panel.last_day),
    )
    mixes = {
        "velocity": (
            velocity_mix(then, reference_from, reference_to),
            velocity_mix(now, recent_from, panel.last_day),
        )
    }
    column = next((name for name in MIX_COLUMNS if name in panel.series.columns), None)
    if column:
        mixes[column] = (unit_mix(then, panel.series, column), unit_mix(now, panel.series, column))
    return [_finding(name, psi(*mix), against, max_psi, recent_from) for name, mix in mixes.items()]


def psi(expected: dict[str, float], actual: dict[str, float]) -> float:
    """Population stability index of two mixes: sum over classes of (q - p) ln(q / p).

    0 is the same; symmetric.
    """
    total = 0.0
    for name in sorted(expected.keys() | actual.keys()):
        p, q = (max(mix.get(name, 0.0), SMALLEST_SHARE) for mix in (expected, actual))
        total += (q - p) * math.log(q / p)
    return total


def velocity_mix(sales: pl.DataFrame, first: date, last: date) -> dict[str, float]:
    """Shares of the series with a row between two days by mean units a day: zero, slow, medium,
    fast.

    A series without any row there (not launched yet, taken out of the range) is in no class.
    """
    days = (last - first).days + 1
    mean = pl.col("y").sum() / days
    classes = sales.group_by("unique_id").agg(
        name=pl.when(mean <= 0)
        .then(pl.lit("zero"))
        .when(mean < SLOW_UNITS)
        .then(pl.lit("slow"))
        .when(mean < FAST_UNITS)
        .then(pl.lit("medium"))
        .otherwise(pl.lit("fast"))
    )
    return _shares(classes.group_by("name").agg(size=pl.len()))


def unit_mix(sales: pl.DataFrame, series: pl.DataFrame, column: str) -> dict[str, float]:
    """Share of all units that each group of a hierarchy column sold."""
    placed = sales.join(series.select("unique_id", name=column), on="unique_id", how="inner")
    return _shares(placed.group_by("name").agg(size=pl.col("y").sum()))


def _reference(panel: Panel, recent_from: date) -> tuple[date, date, str]:
    year_ago = recent_from - timedelta(days=YEAR)
    if year_ago >= panel.first_day:
        return year_ago, year_ago + timedelta(days=WINDOW_DAYS - 1), "the same weeks a year before"
    before = recent_from - timedelta(days=FALLBACK_DAYS)
    return (
        before,
        recent_from - timedelta(days=1),
        f"the {FALLBACK_DAYS} days before, season not taken out",
    )


def _between(panel: Panel, first: date, last: date) -> pl.DataFrame:
    return panel.sales.filter(pl.col("ds").is_between(first, last), pl.col("y").is_not_null())


def _shares(sizes: pl.DataFrame) -> dict[str, float]:
    total = float(sizes["size"].sum())
    return {name: float(size) / total for name, size in sizes.iter_rows()} if total > 0 else {}


def _finding(name: str, value: float, against: str, max_psi: float, since: date) -> Finding:
    is_out = value > max_psi
    return Finding(
        "drift",
        f"the mix by {name} moved by PSI {value:.3f} against {against}",
        "warning" if is_out else "ok",
        value,
        max_psi,
        "Look which group grew or shrank: a new assortment is learned by retraining, "
        "a lost feed is not."
        if is_out
        else "",
        since,
        name,
    )
