"""The nine quantiles every forecast carries, named per mille: the median and the 50, 67, 95 and 99%
intervals of M5; and what lies between them.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

QUANTILES: dict[str, float] = {
    "q005": 0.005,
    "q025": 0.025,
    "q165": 0.165,
    "q250": 0.250,
    "q500": 0.500,
    "q750": 0.750,
    "q835": 0.835,
    "q975": 0.975,
    "q995": 0.995,
}

# central interval, by its nominal coverage: lower and upper column
INTERVALS: dict[float, tuple[str, str]] = {
    0.50: ("q250", "q750"),
    0.67: ("q165", "q835"),
    0.95: ("q025", "q975"),
    0.99: ("q005", "q995"),
}

LEAST_LEVEL, MOST_LEVEL = min(QUANTILES.values()), max(QUANTILES.values())
_SCORES = np.array([NormalDist().inv_cdf(level) for level in QUANTILES.values()])


def quantiles_at(quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(n,) quantiles at n levels of (n, 9) rows, interpolated on the scale of normal scores.

    Levels beyond LEAST_LEVEL and MOST_LEVEL are taken as these: nothing is known of them.
    """
    at = _normal_scores(levels)
    above = np.clip(np.searchsorted(_SCORES, at), 1, len(_SCORES) - 1)
    share = np.clip((at - _SCORES[above - 1]) / (_SCORES[above] - _SCORES[above - 1]), 0.0, 1.0)
    rows = np.arange(len(quantiles))
    low, high = quantiles[rows, above - 1], quantiles[rows, above]
    between: np.ndarray = low + share * (high - low)
    return between


def _normal_scores(levels: np.ndarray) -> np.ndarray:
    distinct, at = np.unique(levels, return_inverse=True)
    bounded = np.clip(distinct, LEAST_LEVEL, MOST_LEVEL)
    return np.array([NormalDist().inv_cdf(float(level)) for level in bounded])[at]
