"""Intervals scaled by newer actuals: a factor on every quantile's distance from the median.

A calibration is learned from a backtest; when the spread of demand changes, its intervals cover too
little (or too much) until the next fit. Where the 95% interval's coverage of a class of series
leaves its band, the class gets the factors with which it would have covered: split conformal
prediction on residuals scaled by the interval itself (Lei et al. 2018), learned again whenever the
band is left (the aim of adaptive conformal inference, Gibbs and Candes 2021, in steps a person can
read). Nothing is fitted.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace

import numpy as np
import polars as pl

from contract.levels import SERIES_LEVEL
from contract.quantiles import INTERVALS, QUANTILES
from forecasting.champion import Champion
from forecasting.intervals import TAUS, Calibration
from forecasting.slices import FAST_UNITS, SLOW_UNITS

CLASSES = ("slow", "medium", "fast")  # by the forecast mean of the day, units
LEAST_DAYS = 14  # of outcomes; fewer are two weekends
SURE = 2.0  # standard errors; days are the observations, as series of one day move together
# a factor beyond is no spread but another demand: a matter of accuracy and its alert
FURTHEST = 3.0
LEAST_CHANGE = 0.05  # of a factor; less is not worth another table
NOMINAL = 0.95
MEDIAN = list(QUANTILES).index("q500")


@dataclass(frozen=True)
class IntervalScale:
    """Factors below and above the median for slow, medium and fast forecasts; 1 changes none."""

    lower: tuple[float, ...] = (1.0, 1.0, 1.0)
    upper: tuple[float, ...] = (1.0, 1.0, 1.0)

    def applied(self, quantiles: np.ndarray, y_hat: np.ndarray) -> np.ndarray:
        """(n, 9) quantiles of n forecasts, scaled; never below zero, never crossing."""
        of = np.digitize(y_hat, (SLOW_UNITS, FAST_UNITS))
        median = quantiles[:, MEDIAN : MEDIAN + 1]
        factors = np.where(
            np.arange(len(TAUS)) < MEDIAN,
            np.array(self.lower)[of][:, None],
            np.array(self.upper)[of][:, None],
        )
        scaled: np.ndarray = np.maximum(median + (quantiles - median) * factors, 0.0)
        return scaled


def interval_scale_of(text: str | None) -> IntervalScale:
    """The scale kept as JSON; factors of 1 where none was kept."""
    sides = json.loads(text) if text else {}
    return IntervalScale(**{side: tuple(factors) for side, factors in sides.items()})


def text_of(interval_scale: IntervalScale) -> str:
    """The scale as JSON."""
    return json.dumps(asdict(interval_scale))


@dataclass(frozen=True)
class ScaledCalibration(Calibration):
    """A calibration whose quantiles of series are scaled; those of groups are as learned."""

    interval_scale: IntervalScale = IntervalScale()

    def scaled(self, level: str, quantiles: np.ndarray, y_hat: np.ndarray) -> np.ndarray:
        """As Calibration.scaled."""
        is_series = level == SERIES_LEVEL
        return self.interval_scale.applied(quantiles, y_hat) if is_series else quantiles


def with_interval_scale(champion: Champion, text: str | None) -> Champion:
    """The champion with its own rows' intervals scaled; the baseline's stay."""
    if text is None or champion.model is None:
        return champion
    calibrations = scaled_calibrations(champion.calibrations, champion.model.name, text)
    return replace(champion, calibrations=calibrations, interval_scale=text)


def scaled_calibrations(
    calibrations: dict[str, Calibration], method: str, text: str | None
) -> dict[str, Calibration]:
    """The calibrations by method, one of them with the scale kept as JSON; None changes none."""
    if text is None:
        return calibrations
    learned = calibrations[method]
    scaled = ScaledCalibration(learned.by_level, learned.spans, interval_scale_of(text))
    return {**calibrations, method: scaled}


def learned_interval_scale(
    published: pl.DataFrame, before: IntervalScale, band: float
) -> tuple[IntervalScale, str] | None:
    """The scale under which the actuals would have been covered, and why in a sentence.

    None while every class is in its band.

    `published`: ds, y, y_hat and quantiles of rows that were all made under `before`.
    """
    lower, upper, why = list(before.lower), list(before.upper), []
    classes = pl.Series(np.digitize(published["y_hat"].to_numpy(), (SLOW_UNITS, FAST_UNITS)))
    for k, name in enumerate(CLASSES):
        rows = published.filter(classes == k)
        low, high = (rows[column].to_numpy() for column in INTERVALS[NOMINAL])
        y, median = rows["y"].to_numpy(), rows["q500"].to_numpy()
        share, error, days = _coverage(rows["ds"].to_numpy(), (y >= low) & (y <= high))
        if days < LEAST_DAYS or abs(share - NOMINAL) <= max(band, SURE * error):
            continue
        above, below = _ratio(y - median, high - median), _ratio(median - y, median - low)
        if max(abs(above - 1), abs(below - 1)) < LEAST_CHANGE:
            continue  # whole units: of a slow seller no narrower interval covers less
        upper[k], lower[k] = _bounded(upper[k] * above), _bounded(lower[k] * below)
        why.append(
            f"the 95% interval covered {share:.1%} ± {error:.1%} of {name} series over {days} "
            f"days: x{lower[k]:.2f} below the median, x{upper[k]:.2f} above"
        )
    return (IntervalScale(tuple(lower), tuple(upper)), "; ".join(why)) if why else None


def _coverage(ds: np.ndarray, inside: np.ndarray) -> tuple[float, float, int]:
    """Share inside, its standard error from the spread of the days, number of days."""
    days, at = np.unique(ds, return_inverse=True)
    if len(days) < 2:
        return float("nan"), float("inf"), len(days)
    shares = np.bincount(at, inside) / np.bincount(at)
    return float(inside.mean()), float(shares.std(ddof=1) / np.sqrt(len(days))), len(days)


def _ratio(distances: np.ndarray, widths: np.ndarray) -> float:
    """The factor on the widths that leaves beyond this end half of what may lie outside.

    Half of the factor, in logs, where it narrows; 1 where the end lies on the median.
    """
    has_width = widths > 0
    if not has_width.any():
        return 1.0
    ratio = float(np.quantile(distances[has_width] / widths[has_width], 1 - (1 - NOMINAL) / 2))
    # widened at once, narrowed half of the way: an empty shelf costs more
    return ratio if ratio >= 1 else math.sqrt(max(ratio, 0.0))


def _bounded(factor: float) -> float:
    return float(np.clip(factor, 1 / FURTHEST, FURTHEST))
