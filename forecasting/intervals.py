"""Quantiles learned from backtest forecasts: the distribution of y given y_hat.

For each level and each week ahead, pairs (y_hat, y) are sorted into bins of y_hat with equal
counts. A bin keeps the quantiles of y / y_hat. A new forecast interpolates them between bin centres
and multiplies by its own y_hat: monotone in the quantile, never negative. Where y_hat is zero, the
quantiles of y itself are kept. It is the empirical distribution conditional on the forecast, in the
manner of Mondrian conformal prediction (Vovk et al. 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contract.days import WEEK
from contract.quantiles import QUANTILES

PAIRS_PER_BIN = 400  # below, the 0.5% quantile is one or two points
TAUS = np.array(list(QUANTILES.values()))


@dataclass(frozen=True)
class Ratios:
    """Quantiles of y / y_hat at some values of y_hat.

    `centres` (bins,) grow; `quantiles` (bins, 9) grow along 9.

    `at_zero` (9,) holds the quantiles of y, in units, where y_hat was zero.
    """

    centres: list[float]
    quantiles: list[list[float]]
    at_zero: list[float]


@dataclass(frozen=True)
class Calibration:
    """For each level, the ratios by week ahead (the last week's hold for all later ones)."""

    by_level: dict[str, list[Ratios]]

    def quantiles(self, level: str, y_hat: np.ndarray, h: np.ndarray) -> np.ndarray:
        """(n, 9) quantiles of units for n mean forecasts at h days ahead."""
        weeks = self.by_level[level]
        week = np.minimum((h - 1) // WEEK, len(weeks) - 1)
        result = np.zeros((len(y_hat), len(TAUS)))
        for k, ratios in enumerate(weeks):
            at = week == k
            result[at] = _apply(ratios, y_hat[at])
        return result


def learn_ratios(y_hat: np.ndarray, y: np.ndarray, most_bins: int) -> Ratios:
    """The ratios of one level and week from forecasts and actuals; NaN teaches nothing."""
    known = np.isfinite(y) & np.isfinite(y_hat)
    zero, positive = known & (y_hat <= 0), known & (y_hat > 0)
    at_zero = np.quantile(y[zero], TAUS).tolist() if zero.any() else [0.0] * len(TAUS)
    if not positive.any():
        return Ratios([1.0], [[1.0] * len(TAUS)], at_zero)
    y_hat, y = y_hat[positive], y[positive]
    order = np.argsort(y_hat, kind="stable")
    bins = np.array_split(order, int(np.clip(len(order) // PAIRS_PER_BIN, 1, most_bins)))
    return Ratios(
        centres=[float(y_hat[part].mean()) for part in bins],
        quantiles=[np.quantile(y[part] / y_hat[part], TAUS).tolist() for part in bins],
        at_zero=at_zero,
    )


def learn_weeks(y_hat: np.ndarray, y: np.ndarray, most_bins: int) -> list[Ratios]:
    """Ratios for each week of (groups, horizon) forecasts and actuals; NaN teaches nothing."""
    starts = range(0, y.shape[1], WEEK)
    return [
        learn_ratios(y_hat[:, s : s + WEEK].ravel(), y[:, s : s + WEEK].ravel(), most_bins)
        for s in starts
    ]


def quantile_columns(quantiles: np.ndarray) -> dict[str, np.ndarray]:
    """(n, 9) quantiles as named columns."""
    return {name: quantiles[:, k] for k, name in enumerate(QUANTILES)}


def _apply(ratios: Ratios, y_hat: np.ndarray) -> np.ndarray:
    centres, table = np.log(np.array(ratios.centres)), np.array(ratios.quantiles)
    at = np.log(np.maximum(y_hat, 1e-9))
    scaled = (
        np.column_stack([np.interp(at, centres, column) for column in table.T]) * y_hat[:, None]
    )
    return np.where(y_hat[:, None] > 0, scaled, np.array(ratios.at_zero))
