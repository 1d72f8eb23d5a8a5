"""Quantiles of units around a mean forecast, read from what was learned (forecasting.calibration).

A bin of y_hat keeps the quantiles of y / y_hat. A new forecast interpolates them between bin
centres and multiplies by its own y_hat: monotone in the quantile, never negative. Where the series
of a bin were sorted by their own dispersion, it interpolates between those classes, too. Where
y_hat is zero (under LEAST_UNITS), the quantiles of y itself are kept. It is the empirical
distribution conditional on the forecast, in the manner of Mondrian conformal prediction (Vovk et
al. 2005).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from contract.days import WEEK
from contract.quantiles import QUANTILES

TAUS = np.array(list(QUANTILES.values()))
LEAST_DISPERSION = 0.05  # variance over mean; below, logs would tell rounding apart
HALF_UNIT = 0.5  # added before logs: a day without sales is no infinite error
LEAST_UNITS = 1e-3  # a mean below is a zero: as a divisor it would make ratios of thousands
# ratios are kept to six digits (scoring.calibration_json); a half must not fall by it
OF_ROUNDING = 2e-6
# share of the way to the nearest whole unit. Loss is least on whole units and what is covered
# hangs on the side alone, so a quantile goes near and never across
TO_WHOLE_UNITS = 0.9


@dataclass(frozen=True)
class DispersionClass:
    """Of the pairs of each bin, those whose series were about equally dispersed.

    `dispersion` (bins,) is their mean (forecasting.dispersion), `quantiles` (bins, 9) of y / y_hat.
    """

    dispersion: list[float]
    quantiles: list[list[float]]


@dataclass(frozen=True)
class Ratios:
    """Quantiles of y / y_hat at some values of y_hat.

    `centres` (bins,) grow; `quantiles` (bins, 9) grow along 9.

    `at_zero` (9,) holds the quantiles of y, in units, where y_hat was zero.

    `classes` grow in dispersion; empty where there are none. `is_whole`: y comes in whole
    units.
    """

    centres: list[float]
    quantiles: list[list[float]]
    at_zero: list[float]
    classes: tuple[DispersionClass, ...] = ()
    is_whole: bool = False


@dataclass(frozen=True)
class LevelSpans:
    """What one level learned of the sums of several days (forecasting.spans).

    `by_length`: ratios of whole spans, by their days; empty where the level has few groups.
    `common`: the share of a day's squared error that all days of a window share, 0 to 1.
    """

    by_length: dict[int, Ratios]
    common: float


@dataclass(frozen=True)
class Calibration:
    """For each level, the ratios by week ahead (the last week's hold for all later ones).

    `spans` by level; empty in a calibration of older code.
    """

    by_level: dict[str, list[Ratios]]
    spans: dict[str, LevelSpans] = field(default_factory=dict)

    def quantiles(
        self, level: str, y_hat: np.ndarray, h: np.ndarray, dispersion: np.ndarray | None = None
    ) -> np.ndarray:
        """(n, 9) quantiles of units for n mean forecasts at h days ahead.

        `dispersion` (n,) of their series; where it is NaN or None, all classes together.
        """
        weeks = self.by_level[level]
        week = np.minimum((h - 1) // WEEK, len(weeks) - 1)
        result = np.zeros((len(y_hat), len(TAUS)))
        for k, ratios in enumerate(weeks):
            at = week == k
            result[at] = apply_ratios(
                ratios, y_hat[at], None if dispersion is None else dispersion[at]
            )
        return self.scaled(level, result, y_hat)

    def scaled(self, level: str, quantiles: np.ndarray, y_hat: np.ndarray) -> np.ndarray:
        """(n, 9) learned quantiles as they are published around n means of a day: as learned."""
        return quantiles


def quantiles_of_days(
    calibration: Calibration,
    level: str,
    y_hat: np.ndarray,
    h: np.ndarray,
    dispersion: np.ndarray,
    open_share: np.ndarray | None,
) -> np.ndarray:
    """As Calibration.quantiles, of days on some of which the store does not open.

    `y_hat` (n,) is expected of the day, open or not; `open_share` (n,) how likely it opens; None:
    always. What was learned is the distribution of open days; a day off is a zero, as likely as the
    store does not open.
    """
    if open_share is None:
        return calibration.quantiles(level, y_hat, h, dispersion)
    opened = of_open_days(y_hat, open_share)
    return _with_zeros(calibration.quantiles(level, opened, h, dispersion), open_share)


def of_open_days(y_hat: np.ndarray, open_share: np.ndarray) -> np.ndarray:
    """Means of the days on which the store opens; 0 where it never does."""
    opened: np.ndarray = np.where(open_share > 0, y_hat / np.maximum(open_share, 1e-9), 0.0)
    return opened


def _with_zeros(quantiles: np.ndarray, open_share: np.ndarray) -> np.ndarray:
    """(n, 9) quantiles of open days mixed with a zero on all other days."""
    share = open_share[:, None]
    of_open = np.clip((TAUS - (1 - share)) / np.maximum(share, 1e-9), 0.0, 1.0)
    taus = np.concatenate([[0.0], TAUS])
    below = np.clip(np.searchsorted(taus, of_open, side="right") - 1, 0, len(TAUS) - 1)
    part = np.clip((of_open - taus[below]) / (taus[below + 1] - taus[below]), 0.0, 1.0)
    values = np.hstack([np.zeros((len(quantiles), 1)), quantiles])
    low, high = (np.take_along_axis(values, at, axis=1) for at in (below, below + 1))
    return np.where(share < 1, low + part * (high - low), quantiles)


def quantile_columns(quantiles: np.ndarray) -> dict[str, np.ndarray]:
    """(n, 9) quantiles as named columns."""
    return {name: quantiles[:, k] for k, name in enumerate(QUANTILES)}


def apply_ratios(ratios: Ratios, y_hat: np.ndarray, dispersion: np.ndarray | None) -> np.ndarray:
    """(n, 9) quantiles of units for n mean forecasts; `dispersion` (n,) as `Calibration`'s."""
    at, centres = np.log(np.maximum(y_hat, 1e-9)), np.log(np.array(ratios.centres))
    own = np.zeros(len(y_hat), dtype=bool)
    if dispersion is not None and ratios.classes:
        own = np.isfinite(dispersion)
    scaled = np.zeros((len(y_hat), len(TAUS)))
    scaled[~own] = _interpolated(at[~own], centres, ratios.quantiles)
    if dispersion is not None and own.any():
        shares = _class_shares(at[own], centres, ratios.classes, dispersion[own])
        for of_class, share in zip(ratios.classes, shares, strict=True):
            scaled[own] += share[:, None] * _interpolated(at[own], centres, of_class.quantiles)
    scaled *= y_hat[:, None]
    if ratios.is_whole:
        scaled += TO_WHOLE_UNITS * (np.floor(scaled * (1 + OF_ROUNDING) + 0.5) - scaled)
    return np.where(y_hat[:, None] >= LEAST_UNITS, scaled, np.array(ratios.at_zero))


def _class_shares(
    at: np.ndarray,
    centres: np.ndarray,
    classes: tuple[DispersionClass, ...],
    dispersion: np.ndarray,
) -> Iterator[np.ndarray]:
    """For each class the (n,) share of its ratios: all of one, or of two neighbours' in between."""
    x = np.log(np.maximum(dispersion, LEAST_DISPERSION))
    knots = [np.interp(at, centres, np.log(of_class.dispersion)) for of_class in classes]
    passed = np.ones(len(at))
    for low, high in pairwise(knots):
        beyond = np.clip((x - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
        yield passed - beyond
        passed = beyond
    yield passed


def _interpolated(at: np.ndarray, centres: np.ndarray, table: list[list[float]]) -> np.ndarray:
    """(n, 9) rows of a (bins, 9) table at n places between the centres; flat beyond them."""
    return np.column_stack([np.interp(at, centres, column) for column in np.array(table).T])
