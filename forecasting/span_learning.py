"""What backtest forecasts and their actuals teach about the demand of several days together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from contract.levels import SERIES_LEVEL
from forecasting.calibration import OUTLIERS, PAIRS_PER_BIN, learn_series
from forecasting.intervals import HALF_UNIT, LEAST_UNITS, Calibration, LevelSpans
from forecasting.pairs import Pairs
from forecasting.spans import LENGTHS, day_errors

LEAST_KNOWN = 0.8  # of a span's forecast units, on days with a known y; less teaches nothing
UPPER, LOWER = 7, 1  # of the nine quantiles: between them 95%


@dataclass(frozen=True)
class _Sums:
    """(windows,) sums over spans of one length, on their known days alone.

    `row` says whose they are; `squares` sums squared means, `spread` means times their days' own
    spread in logs.
    """

    row: np.ndarray
    y_hat: np.ndarray
    y: np.ndarray
    squares: np.ndarray
    spread: np.ndarray


def with_spans(days: Calibration, pairs: list[Pairs], most_bins: int) -> Calibration:
    """A calibration of days, and what the same cutoffs teach of spans, level by level."""
    spans = {level: _learned(level, pairs, days, most_bins) for level in pairs[0].y}
    return replace(days, spans=spans)


def _learned(level: str, pairs: list[Pairs], days: Calibration, most_bins: int) -> LevelSpans:
    y_hat = np.concatenate([of_cutoff.y_hat[level] for of_cutoff in pairs])
    y = np.concatenate([of_cutoff.y[level] for of_cutoff in pairs])
    dispersion = np.full(len(y), np.nan)
    if level == SERIES_LEVEL:
        dispersion = np.concatenate([of_cutoff.dispersion for of_cutoff in pairs])
    lengths = [length for length in LENGTHS if length <= y.shape[1]]
    if level != SERIES_LEVEL and len(y) < PAIRS_PER_BIN:
        spread = _spread(day_errors(days, level, y_hat))
        return LevelSpans({}, _common([_sums(y_hat, y, k, spread) for k in [1, *lengths]]))
    none = np.ones_like(y)
    by_length = {}
    for length in lengths:
        sums = _sums(y_hat, y, length, none)
        own = dispersion[sums.row]
        (by_length[length],) = learn_series(sums.y_hat, sums.y, own, most_bins)
    return LevelSpans(by_length, 0.0)


def _sums(y_hat: np.ndarray, y: np.ndarray, length: int, spread: np.ndarray) -> _Sums:
    """The spans of a length in (rows, horizon) means and actuals, each begun half a length after
    the one before; without those that are mostly unknown.
    """
    known = np.isfinite(y) & np.isfinite(y_hat)
    means = np.where(known, y_hat, 0.0)
    tables = (means, np.where(known, y, 0.0), means**2, means * spread, np.nan_to_num(y_hat))
    starts = np.arange(0, y.shape[1] - length + 1, max(1, length // 2))
    of_known, actual, squares, spreads, whole = (
        np.stack([table[:, start : start + length].sum(axis=1) for start in starts], axis=1)
        for table in tables
    )
    days = np.stack([known[:, start : start + length].any(axis=1) for start in starts], axis=1)
    usable = days & (of_known >= LEAST_KNOWN * whole)
    row = np.broadcast_to(np.arange(len(y))[:, None], usable.shape)
    columns = (row, of_known, actual, squares, spreads)
    return _Sums(*(column[usable] for column in columns))


def _spread(errors: np.ndarray) -> np.ndarray:
    """(rows, horizon) half the width of the days' 95% interval, in logs."""
    width: np.ndarray = (errors[:, :, UPPER] - errors[:, :, LOWER]) / 2
    return width


def _common(of_lengths: Iterable[_Sums]) -> float:
    """The share of a day's squared error that its window's days share.

    Squared errors of sums in units of their days' spread lie on a line over sum(m**2) / sum(m)**2:
    what is left at 0, of infinitely many days, is common to all; at 1, of one day, is everything.
    Every length weighs the same.
    """
    points = np.array(list(_points(of_lengths)))
    if len(points) < 2 or np.ptp(points[:, 0]) <= 0:
        return 1.0
    slope, at_zero = np.polyfit(points[:, 0], points[:, 1], 1)
    return float(np.clip(at_zero / max(at_zero + slope, 1e-12), 0.0, 1.0))


def _points(of_lengths: Iterable[_Sums]) -> Iterator[tuple[float, float]]:
    """For each length the mean of sum(m**2) / sum(m)**2, and that of the squared errors."""
    for sums in of_lengths:
        at = (sums.y_hat >= LEAST_UNITS) & (sums.spread > 0)
        if at.any():
            y_hat, spread = sums.y_hat[at], sums.spread[at] / sums.y_hat[at]
            error = np.log((sums.y[at] + HALF_UNIT) / (y_hat + HALF_UNIT)) / spread
            size = np.minimum(np.abs(error), np.quantile(np.abs(error), OUTLIERS))
            yield float((sums.squares[at] / y_hat**2).mean()), float((size**2).mean())
