"""Forecasts beside their actuals, cutoff by cutoff: what a calibration is learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contract.draws import some_of
from contract.levels import SERIES_LEVEL
from forecasting.calibration import learn_groups, learn_series
from forecasting.intervals import Calibration, Ratios, of_open_days
from forecasting.window import LevelWindow, Window

# single series that a calibration is learned from; more teach nothing, and take half a kilobyte
# each a cutoff and model, at a horizon of 28
MOST_SERIES = 100_000


@dataclass(frozen=True)
class Pairs:
    """What one cutoff teaches: forecasts and actuals by level, and how its series had sold.

    By level (groups, horizon), actuals NaN where unknown; `dispersion` (series,) in the order of
    that level's groups; `open_share` and `is_off` (series, horizon), how likely its store opens
    and whether it did not: None where every store opens as it does (features.days_off).
    """

    y_hat: dict[str, np.ndarray]
    y: dict[str, np.ndarray]
    dispersion: np.ndarray
    open_share: np.ndarray | None = None
    is_off: np.ndarray | None = None

    def drawn(self) -> Pairs:
        """What is kept to learn from: MOST_SERIES series where there are more; all groups."""
        if len(self.dispersion) <= MOST_SERIES:
            return self
        some = some_of(len(self.dispersion), MOST_SERIES)
        y_hat, y = ({SERIES_LEVEL: table[SERIES_LEVEL][some]} for table in (self.y_hat, self.y))
        kept = (None if table is None else table[some] for table in (self.open_share, self.is_off))
        return Pairs(self.y_hat | y_hat, self.y | y, self.dispersion[some], *kept)

    def of_open_days(self) -> tuple[np.ndarray, np.ndarray]:
        """The series' means and actuals of days on which their stores opened."""
        y_hat, y = self.y_hat[SERIES_LEVEL], self.y[SERIES_LEVEL]
        if self.is_off is not None:
            y = np.where(self.is_off, np.nan, y)
        return (y_hat if self.open_share is None else of_open_days(y_hat, self.open_share)), y


def of_groups(window: Window, level: LevelWindow) -> np.ndarray | None:
    """(groups,) dispersion of the series at the cutoff, in the level's order; None above them."""
    if level.level != SERIES_LEVEL:
        return None
    in_order = np.empty(len(level.group_key))
    in_order[level.group_ix] = window.of_series.dispersion
    return in_order


def pairs_of(window: Window, y_hat: np.ndarray, open_share: np.ndarray | None = None) -> Pairs:
    """Forecasts and actuals of one cutoff, on every level, from (series, horizon) means.

    `open_share`: as the means were multiplied by (features.days_off).
    """
    levels, bottom = window.levels, window.levels[-1]
    dispersion = of_groups(window, bottom)
    is_off = window.of_series.is_off
    return Pairs(
        {level.level: level.sums(y_hat) for level in levels},
        {level.level: np.where(level.is_known, level.y, np.nan) for level in levels},
        np.empty(0) if dispersion is None else dispersion,
        None if open_share is None else bottom.sums(open_share),
        None if is_off is None else bottom.sums(is_off) > 0,
    )


def calibrate(pairs: list[Pairs], most_bins: int) -> Calibration:
    """What cutoffs teach together, level by level."""
    return Calibration({level: _learned(level, pairs, most_bins) for level in pairs[0].y})


def _learned(level: str, pairs: list[Pairs], most_bins: int) -> list[Ratios]:
    if level != SERIES_LEVEL:
        y_hat = np.concatenate([of_cutoff.y_hat[level] for of_cutoff in pairs])
        y = np.concatenate([of_cutoff.y[level] for of_cutoff in pairs])
        return learn_groups(y_hat, y, most_bins)
    opened = [of_cutoff.of_open_days() for of_cutoff in pairs]
    y_hat, y = (np.concatenate(part) for part in zip(*opened, strict=True))
    dispersion = np.repeat(
        np.concatenate([of_cutoff.dispersion for of_cutoff in pairs]), y.shape[1]
    )
    return learn_series(y_hat.ravel(), y.ravel(), dispersion, most_bins)
