"""Drift of the demand mix: who sells how fast, and which category sells, against the same weeks a
year before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import polars as pl

from contract.days import YEAR
from contract.panel import Panel
from contract.sums import summed
from contract.whole import ALONE, Whole
from forecasting.slices import FAST_UNITS, SLOW_UNITS
from monitoring.finding import Finding, not_judged

WINDOW_DAYS = 28
FALLBACK_DAYS = 56  # where no year is known: the weeks just before, season included
SMALLEST_SHARE = 1e-4  # of a class nobody is in, so that its logarithm exists
MIX_COLUMNS = ("cat_id", "dept_id")  # the first a source has
Mix = dict[str, float]  # shares by name


def drift(panel: Panel, max_psi: float) -> list[Finding]:
    """One finding for the velocity classes and, where there are categories, one for their mix."""
    recent_from = panel.last_day - timedelta(days=WINDOW_DAYS - 1)
    reference_from, reference_to, against = _reference(panel, recent_from)
    if reference_from < panel.first_day:
        return [not_judged("drift", f"needs {WINDOW_DAYS + FALLBACK_DAYS} days of sales")]
    mixes: dict[str, list[Callable[[], Mix]]] = {}
    for first, last in ((reference_from, reference_to), (recent_from, panel.last_day)):
        for name, mix in _mixes(panel, first, last).items():
            mixes.setdefault(name, []).append(panel.whole.attempt(mix))
    return [
        _finding(name, psi(then(), now()), against, max_psi, recent_from)
        for name, (then, now) in mixes.items()
    ]


def _mixes(panel: Panel, first: date, last: date) -> dict[str, Callable[[], Mix]]:
    sales, column = _between(panel, first, last), _mix_column(panel.series)
    mixes: dict[str, Callable[[], Mix]] = {}
    mixes["velocity"] = partial(velocity_mix, sales, first, last, panel.whole)
    if column:
        of_units = partial(unit_mix, sales, panel.series, column, f"{column} {first}", panel.whole)
        mixes[column] = of_units
    return mixes


def _mix_column(series: pl.DataFrame) -> str | None:
    return next((name for name in MIX_COLUMNS if name in series.columns), None)


def psi(expected: Mix, actual: Mix) -> float:
    """Population stability index of two mixes: sum over classes of (q - p) ln(q / p).

    0 is the same; symmetric.
    """
    total = 0.0
    for name in sorted(expected.keys() | actual.keys()):
        p, q = (max(mix.get(name, 0.0), SMALLEST_SHARE) for mix in (expected, actual))
        total += (q - p) * math.log(q / p)
    return total


def velocity_mix(sales: pl.DataFrame, first: date, last: date, whole: Whole = ALONE) -> Mix:
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
    sizes = classes.group_by("name").agg(size=pl.len())
    return _shares(summed(whole, f"velocity {first}", sizes, ["name"]))


def unit_mix(sales: pl.DataFrame, series: pl.DataFrame, column: str, of: str, whole: Whole) -> Mix:
    """Share of all units that each group of a hierarchy column sold."""
    placed = sales.join(series.select("unique_id", name=column), on="unique_id", how="inner")
    sizes = placed.group_by("name").agg(size=pl.col("y").sum())
    return _shares(summed(whole, of, sizes, ["name"]))


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


def _shares(sizes: pl.DataFrame) -> Mix:
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
