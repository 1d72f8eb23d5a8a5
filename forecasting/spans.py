"""Quantiles of the demand of several days together: what an order must last for.

Daily quantiles do not add. Levels of many groups keep the ratios of whole spans by their length,
as days keep theirs (forecasting.intervals). Levels of few groups keep how much of a day's error
all days of a window share: the spread of a span is that of its days, times

    sqrt(common + (1 - common) * sum(m**2) / sum(m)**2),

m being the days' means: the standard deviation of a sum of equally correlated errors, each in
proportion to its day's mean (docs/design/orders.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.intervals import HALF_UNIT, LEAST_UNITS, TAUS, Calibration, apply_ratios

LENGTHS = (2, 3, 5, 7, 10, 14, 21, 28, 42, 56)  # days; what lies between two is interpolated


@dataclass(frozen=True)
class Spans:
    """The spans wanted, one a row: of which row of the means, from which day to which ahead.

    `row`, `from_h`, `to_h` (n,) integers; the first day ahead is 1, and both ends are included.
    """

    row: np.ndarray
    from_h: np.ndarray
    to_h: np.ndarray

    @property
    def days(self) -> np.ndarray:
        """(n,) how many days each has."""
        days: np.ndarray = self.to_h - self.from_h + 1
        return days

    def sums(self, table: np.ndarray) -> np.ndarray:
        """(n,) sums of a (rows, horizon) table over each span."""
        cumulated = np.zeros((table.shape[0], table.shape[1] + 1))
        np.cumsum(table, axis=1, out=cumulated[:, 1:])
        sums: np.ndarray = cumulated[self.row, self.to_h] - cumulated[self.row, self.from_h - 1]
        return sums

    def where(self, mask: np.ndarray) -> Spans:
        """The spans of a mask."""
        return Spans(self.row[mask], self.from_h[mask], self.to_h[mask])


def span_quantiles(
    calibration: Calibration,
    level: str,
    means: np.ndarray,
    spans: Spans,
    dispersion: np.ndarray | None = None,
) -> np.ndarray:
    """(n, 9) quantiles of the units of n spans, from a level's (rows, horizon) means.

    `dispersion` (rows,) of series; None above them. KeyError for a level that learned no spans.
    """
    learned = calibration.spans[level]
    if learned.by_length:
        quantiles = _by_length(calibration, level, spans, means, dispersion)
    else:
        quantiles = _by_share(calibration, level, spans, means)
    scaled = calibration.scaled(level, quantiles, spans.sums(means) / spans.days)
    # two of one value may differ in their last bits, by the way they were weighed
    return np.maximum.accumulate(scaled, axis=1)


def _by_length(
    calibration: Calibration,
    level: str,
    spans: Spans,
    means: np.ndarray,
    dispersion: np.ndarray | None,
) -> np.ndarray:
    """Ratios of the two lengths beside the span's, in the logarithm of the length.

    The ratios of one day are those of the first week.
    """
    of_days = {1: calibration.by_level[level][0]}
    learned = of_days | calibration.spans[level].by_length
    sums, lengths = spans.sums(means), np.array(list(learned))
    own = None if dispersion is None else dispersion[spans.row]
    result = np.zeros((len(sums), len(TAUS)))
    for ratios, weight in zip(learned.values(), _weights(spans.days, lengths), strict=True):
        at = weight > 0
        if at.any():
            quantiles = apply_ratios(ratios, sums[at], None if own is None else own[at])
            result[at] += weight[at, None] * quantiles
    return result


def _weights(days: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(lengths, n) how much of each length counts for n spans: all of one, or two neighbours'."""
    at, knots = np.log(days), np.log(lengths)
    return np.stack([np.interp(at, knots, row) for row in np.eye(len(lengths))])


def _by_share(calibration: Calibration, level: str, spans: Spans, means: np.ndarray) -> np.ndarray:
    """The days' quantiles in logs, weighed by their means, nearer to the mean as errors cancel."""
    errors, sums = day_errors(calibration, level, means), spans.sums(means)
    weighted = [spans.sums(means * errors[:, :, k]) for k in range(len(TAUS))]
    error = np.column_stack(weighted) / np.maximum(sums, LEAST_UNITS)[:, None]
    common = calibration.spans[level].common
    error *= spread_of(common, sums, spans.sums(means**2))[:, None]
    units = (sums[:, None] + HALF_UNIT) * np.exp(error) - HALF_UNIT
    return np.where(sums[:, None] >= LEAST_UNITS, np.maximum(units, 0.0), 0.0)


def day_errors(calibration: Calibration, level: str, means: np.ndarray) -> np.ndarray:
    """(rows, horizon, 9) quantiles of the error in logs of each day of a level's means."""
    rows, horizon = means.shape
    flat, h = means.ravel(), np.tile(np.arange(1, horizon + 1), rows)
    quantiles = calibration.quantiles(level, flat, h)
    errors = np.log((quantiles + HALF_UNIT) / (flat[:, None] + HALF_UNIT))
    return errors.reshape(rows, horizon, len(TAUS))


def spread_of(common: float, sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """The spread of a span in logs over that of its days, from its sums of means and squares."""
    alone = squares / np.maximum(sums, LEAST_UNITS) ** 2
    spread: np.ndarray = np.sqrt(common + (1 - common) * np.minimum(alone, 1.0))
    return spread
