"""Daily numbers that say whether an input is still what it was: moved, unseen, repeated, missing.

Tables are dense, (series, days). Distance: Kolmogorov (1933) and Smirnov (1948).
"""

from __future__ import annotations

import numpy as np

from contract.days import YEAR

WINDOW_DAYS = 28  # around the same day a year before
BINS = 64  # of the first year's values; the distance is read at their edges
MARGIN = 0.1  # of the range of a year: a record summer is no new unit


def yearly_distance(table: np.ndarray, ahead: int = 0) -> np.ndarray:
    """(days,) how far the day `ahead` of each day lies from the WINDOW_DAYS around the same day 52
    weeks before; NaN where unknown.

    `table` (series, days + ahead), NaN unknown. -ln(1 - D), D the distance of the distributions: 0
    the same, 3.3 (the most) nothing in common. Between them the logarithm separates a value never
    seen from one that is merely rare, where all series share one value.
    """
    counts = _histograms(table)
    summed = np.concatenate([np.zeros((1, counts.shape[1])), np.cumsum(counts, axis=0)])
    day = np.arange(YEAR, table.shape[1])
    around = (
        summed[day - YEAR + WINDOW_DAYS // 2] - summed[np.maximum(day - YEAR - WINDOW_DAYS // 2, 0)]
    )
    with np.errstate(invalid="ignore"):
        apart = np.abs(_cumulative(counts[YEAR:]) - _cumulative(around)).max(axis=1)
    distance = np.full(table.shape[1], np.nan)
    distance[YEAR:] = -np.log(np.maximum(1 - apart, 1 / WINDOW_DAYS))
    return distance[ahead:]


def share_unseen(table: np.ndarray, ahead: int = 0) -> np.ndarray:
    """(days,) share of the values of the day `ahead` of each day beyond the first year's range and
    a margin; NaN in that year.
    """
    values, begins = _of_first_year(table)
    if not values.size:
        return np.full(table.shape[1] - ahead, np.nan)
    middle, reach = (values.max() + values.min()) / 2, (0.5 + MARGIN) * np.ptp(values)
    share = _share(np.abs(table - middle) > reach, np.isfinite(table))
    share[: begins + YEAR] = np.nan
    return share[ahead:]


def share_repeated(table: np.ndarray, ahead: int = 0) -> np.ndarray:
    """(days,) share of the values of the day `ahead` of each day that repeat the day before it: a
    feed that stands still.
    """
    known = np.isfinite(table[:, 1:]) & np.isfinite(table[:, :-1])
    return np.concatenate([[np.nan], _share(table[:, 1:] == table[:, :-1], known)])[ahead:]


def share_missing(table: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(days,) share of what sold without a value: a series that ended needs none."""
    return _share(np.isnan(table[:, : y.shape[1]]), y > 0)


def _share(hit: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(days,) of `of` the share that is `hit`; NaN on days without any."""
    count = of.sum(axis=0)
    return np.where(count > 0, (hit & of).sum(axis=0) / np.maximum(count, 1), np.nan)


def _cumulative(counts: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)
    return shares


def _histograms(table: np.ndarray) -> np.ndarray:
    """(days, bins) how many series lie in each bin; the first year fills the bins equally."""
    known, values = np.isfinite(table), _of_first_year(table)[0]
    edges = (
        np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1), method="lower"))
        if values.size
        else np.zeros(1)
    )
    day = np.broadcast_to(np.arange(table.shape[1]), table.shape)[known]
    cells = day * (len(edges) + 1) + np.searchsorted(edges, table[known])
    return np.bincount(cells, minlength=table.shape[1] * (len(edges) + 1)).reshape(
        table.shape[1], -1
    )


def _of_first_year(table: np.ndarray) -> tuple[np.ndarray, int]:
    """The values of the first known year, and its first day: no later day decides what is usual."""
    begins = int(np.isfinite(table).any(axis=0).argmax())
    first_year = table[:, begins : begins + YEAR]
    return first_year[np.isfinite(first_year)], begins
