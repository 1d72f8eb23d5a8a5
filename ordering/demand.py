"""Demand as a distribution, and what it says: what runs short, what is left, what suffices.

A row is a span with its nine quantiles; a series has one row, or several, each with its
probability (a lead time that varies). Between the quantiles demand lies as
contract.quantiles.quantiles_at has it; beyond the outermost it is taken to be at them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from contract.quantiles import quantiles_at

POINTS = 200  # equally likely values a distribution is read at
HALVINGS = 40  # of the interval a mixture's quantile is searched in: to a billionth of it


@dataclass(frozen=True)
class Demand:
    """`quantiles` (rows, 9) of spans, `row_of` (rows,) the series each is of, `probability` (rows,)
    of the span; those of a series sum to 1. `series`: how many there are.
    """

    quantiles: np.ndarray
    row_of: np.ndarray
    probability: np.ndarray
    series: int

    def suffices(self, service: np.ndarray) -> np.ndarray:
        """(series,) units that demand stays under with the probability `service` (series,).

        Where a series has one span its quantile; else that of the mixture, by halving.
        """
        single = quantiles_at(self.quantiles, service[self.row_of])
        counts = np.bincount(self.row_of, minlength=self.series)
        found = self._sums(np.where(counts[self.row_of] == 1, single, 0.0))
        mixed = counts > 1
        if mixed.any():
            found[mixed] = self._of_mixture(single, service)[mixed]
        return found

    def at(self, units: np.ndarray) -> Outcome:
        """What becomes of so many units (series,) when the demand comes."""
        values = self._values - units[self.row_of, None]
        wanted = np.maximum(values, 0.0).mean(axis=1)
        left = np.maximum(-values, 0.0).mean(axis=1)
        out = (values > 1e-9).mean(axis=1)
        return Outcome(*(self._sums(self.probability * part) for part in (wanted, left, out)))

    @property
    def is_known(self) -> np.ndarray:
        """(series,) whether it has a span at all."""
        known: np.ndarray = np.bincount(self.row_of, minlength=self.series) > 0
        return known

    @cached_property
    def _values(self) -> np.ndarray:
        """(rows, POINTS) equally likely values of each span."""
        levels = (np.arange(POINTS) + 0.5) / POINTS
        rows = len(self.quantiles)
        columns = [quantiles_at(self.quantiles, np.full(rows, level)) for level in levels]
        return np.column_stack(columns)

    def _of_mixture(self, single: np.ndarray, service: np.ndarray) -> np.ndarray:
        """Between the least and the most of its spans' own quantiles."""
        low = np.full(self.series, np.inf)
        high = np.zeros(self.series)
        np.minimum.at(low, self.row_of, single)
        np.maximum.at(high, self.row_of, single)
        values = self._values
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            under = (values <= middle[self.row_of, None]).mean(axis=1)
            enough = self._sums(self.probability * under) >= service
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        return high

    def _sums(self, of_rows: np.ndarray) -> np.ndarray:
        sums: np.ndarray = np.bincount(self.row_of, of_rows, minlength=self.series)
        return sums


@dataclass(frozen=True)
class Outcome:
    """(series,) expected units short and left over, and the probability of running out."""

    short: np.ndarray
    left_over: np.ndarray
    p_out: np.ndarray
