"""What backtest forecasts and their actuals teach about the distribution of y given y_hat.

Series are many: bins of y_hat, in each of them classes of the series' own dispersion, all weeks
ahead together. Groups are few, and a window is one draw of their level: their bins hold all weeks
together, on a spread that grows with the weeks ahead; and a large group's errors count above the
mean as they do below it, because in which direction four windows missed says little of the next.
Chosen on other cutoffs than it is judged on (docs/decisions/038-quantiles-by-dispersion.md).
"""

from __future__ import annotations

import numpy as np

from contract.days import WEEK
from forecasting.intervals import (
    HALF_UNIT,
    LEAST_DISPERSION,
    LEAST_UNITS,
    TAUS,
    DispersionClass,
    Ratios,
)

PAIRS_PER_BIN = 400  # below, the 0.5% quantile is one or two points
PAIRS_PER_CLASS = 200
MOST_CLASSES = 4
WIDEST_BIN = 0.3  # of log y_hat: within it a ratio means about the same
# units; a mean beyond is so far from zero that its errors, in logs, are about symmetric
LARGE_UNITS = 20.0
MOST_MIRRORED = np.log(2.0)  # a day of a tenth (closed unsaid) foretells none of ten times
MOST_GROWTH = 0.5  # of squared spread a week, over its mean
OUTLIERS = 0.99  # squared errors beyond this quantile say nothing of the weeks' growth
SIDE, CENTRAL = np.sign(TAUS - 0.5), np.abs(2 * TAUS - 1)


def learn_series(
    y_hat: np.ndarray, y: np.ndarray, dispersion: np.ndarray, most_bins: int
) -> list[Ratios]:
    """One entry for all weeks, from n forecasts, actuals and their series' dispersion.

    An unknown y teaches nothing; an unknown dispersion (NaN) teaches the bins, not the classes.
    """
    positive, at_zero = _split(y_hat, y)
    y_hat, y, dispersion = y_hat[positive], np.maximum(y[positive], 0), dispersion[positive]
    if not len(y):
        return [_nothing_learned(at_zero)]
    count = int(np.clip(len(y) // PAIRS_PER_CLASS, 1, MOST_CLASSES))
    bins = _bins(y_hat, most_bins, PAIRS_PER_CLASS * count)
    ratios = Ratios(
        centres=[float(y_hat[part].mean()) for part in bins],
        quantiles=[_quantiles(y, y_hat, part) for part in bins],
        at_zero=at_zero,
        classes=_classes(y_hat, y, dispersion, bins, count) if count > 1 else (),
        is_whole=_is_whole(y),
    )
    return [ratios]


def learn_groups(y_hat: np.ndarray, y: np.ndarray, most_bins: int) -> list[Ratios]:
    """An entry for each week ahead, from (groups, horizon) forecasts and actuals of one level.

    An unknown y teaches nothing.
    """
    weeks = -(-y.shape[1] // WEEK)
    week = np.broadcast_to(np.arange(y.shape[1]) // WEEK, y.shape).ravel()
    y_hat, y = y_hat.ravel(), y.ravel()
    positive, at_zero = _split(y_hat, y)
    y_hat, y, week = y_hat[positive], np.maximum(y[positive], 0), week[positive]
    if not len(y):
        return [_nothing_learned(at_zero)] * weeks
    bins = _bins(y_hat, most_bins, PAIRS_PER_BIN)
    centres = [float(y_hat[part].mean()) for part in bins]
    error = np.log((y + HALF_UNIT) / (y_hat + HALF_UNIT))
    large = [part for part, centre in zip(bins, centres, strict=True) if centre >= LARGE_UNITS]
    growth = _growth(error, week, large, weeks)
    tables = [
        _symmetric(error[part] / growth[week[part]], growth)
        if centre >= LARGE_UNITS
        else [_quantiles(y, y_hat, part)] * weeks
        for part, centre in zip(bins, centres, strict=True)
    ]
    whole = _is_whole(y)
    return [
        Ratios(centres, [table[k] for table in tables], at_zero, is_whole=whole)
        for k in range(weeks)
    ]


def _split(y_hat: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Which pairs are known and not forecast as zero; the quantiles of y where it was."""
    known = np.isfinite(y) & np.isfinite(y_hat)
    zero = known & (y_hat < LEAST_UNITS)
    sold = np.maximum(y[zero], 0)
    at_zero = np.quantile(sold, TAUS).tolist() if zero.any() else [0.0] * len(TAUS)
    return known & ~zero, at_zero


def _nothing_learned(at_zero: list[float]) -> Ratios:
    return Ratios([1.0], [[1.0] * len(TAUS)], at_zero)


def _bins(y_hat: np.ndarray, most_bins: int, least: int) -> list[np.ndarray]:
    """Indices by growing y_hat: equal counts for `most_bins`, less where a bin would be wide.

    At least `least` in each, or all in one. Equal forecasts share a bin: of two with one centre
    only one would ever be read.
    """
    order = np.argsort(y_hat, kind="stable")
    logs, size = np.log(y_hat[order]), max(len(order) // most_bins, least)
    bins, first = [], 0
    while first < len(order):
        narrow = int(np.searchsorted(logs, logs[first] + WIDEST_BIN))
        end = min(first + size, max(narrow, first + least), len(order))
        end = int(np.searchsorted(logs, logs[end - 1], side="right"))
        end = len(order) if len(order) - end < least else end
        bins.append(order[first:end])
        first = end
    return bins


def _quantiles(y: np.ndarray, y_hat: np.ndarray, part: np.ndarray) -> list[float]:
    quantiles: list[float] = np.quantile(y[part] / y_hat[part], TAUS).tolist()
    return quantiles


def _classes(
    y_hat: np.ndarray, y: np.ndarray, dispersion: np.ndarray, bins: list[np.ndarray], count: int
) -> tuple[DispersionClass, ...]:
    """Each bin's pairs by growing dispersion, in `count` equal parts.

    A bin of hardly any known dispersion (series that did not sell lately) is one for all classes,
    under the dispersions of the nearest bin that has some; none where no bin has.
    """
    parts = [_by_dispersion(dispersion, part, count) for part in bins]
    has_classes = np.flatnonzero([bool(of_bin) for of_bin in parts])
    if not has_classes.size:
        return ()
    nearest = [has_classes[np.abs(has_classes - k).argmin()] for k in range(len(bins))]
    return tuple(
        DispersionClass(
            dispersion=[_log_mean(dispersion[parts[near][k]]) for near in nearest],
            quantiles=[
                _quantiles(y, y_hat, of_bin[k] if of_bin else part)
                for of_bin, part in zip(parts, bins, strict=True)
            ],
        )
        for k in range(count)
    )


def _by_dispersion(dispersion: np.ndarray, part: np.ndarray, count: int) -> list[np.ndarray]:
    """A bin's pairs of known dispersion in `count` parts, the calmest first; [] of too few."""
    known = part[np.isfinite(dispersion[part])]
    if len(known) < count * PAIRS_PER_CLASS / 2:
        return []
    return np.array_split(known[np.argsort(dispersion[known], kind="stable")], count)


def _log_mean(dispersion: np.ndarray) -> float:
    return float(np.exp(np.log(np.maximum(dispersion, LEAST_DISPERSION)).mean()))


def _growth(error: np.ndarray, week: np.ndarray, bins: list[np.ndarray], weeks: int) -> np.ndarray:
    """(weeks,) factors of the spread: a straight line through squared errors, never falling."""
    squared, of_week = [np.ones(0)], [np.zeros(0, dtype=int)]
    for part in bins:
        size = np.abs(error[part])
        bounded = np.minimum(size, np.quantile(size, OUTLIERS)) ** 2
        squared.append(bounded / max(float(bounded.mean()), 1e-12))
        of_week.append(week[part])
    weights, at = np.concatenate(squared), np.concatenate(of_week)
    from_middle = at - at.mean() if len(at) else at
    spread = float((from_middle**2).sum())
    slope = float((from_middle * weights).sum()) / spread if spread > 0 else 0.0
    line = 1 + np.clip(slope, 0, MOST_GROWTH) * (np.arange(weeks) - (weeks - 1) / 2)
    factors: np.ndarray = np.sqrt(np.maximum(line, 0.25))
    return factors


def _symmetric(error: np.ndarray, growth: np.ndarray) -> list[list[float]]:
    """For each week the (9,) ratios, errors of either sign counted on both sides of 1.

    `error` (n,) of logs, without the weeks' growth. With the n + 1 of split conformal prediction.
    """
    n = len(error)
    central = np.minimum(CENTRAL * (n + 1) / n, 1)
    below, above = (
        np.quantile(np.where(side > 0, side, np.minimum(-side, MOST_MIRRORED)), central)
        for side in (-error, error)
    )
    reach = np.where(SIDE < 0, -below, SIDE * above)
    return [np.exp(factor * reach).tolist() for factor in growth]


def _is_whole(y: np.ndarray) -> bool:
    return bool((y == np.round(y)).all())
