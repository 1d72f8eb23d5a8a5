"""Series at rest, of which no unit was sold for four weeks or longer: their means are drawn to what
series of the same panel sold after a rest as long.

Trees see few of them, and with every lag and window at zero they tell a year from a month badly.
How likely a rest ends is a hazard, learned here as a ratio: units after such a rest over those of
as many days up to the last sale. Only whole weeks that had passed by the last known day teach it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from contract.days import WEEK, YEAR
from contract.whole import Arrays, Table
from features.dense_panel import DensePanel, GroupContext

CLASSES = (28, 56, 112, 224)  # days of rest from which a class begins; fewer are no rest
# of each class, as M5, an online wholesaler and simulated chains have it between them
USUAL = np.array([0.25, 0.15, 0.05, 0.02])
USUAL_PAIRS = 20.0  # as much as so many series seen for one span
SPAN_DAYS = 4 * WEEK  # after a rest, whose units count
RATE_DAYS = YEAR  # up to the last sale
SERIES_AT_ONCE = 4096  # bounds memory
_FIELDS = ("days", "rate")
_TAUGHT = ("rest/sold", "rest/base", "rest/pairs")  # by class, as `_learned`
_CLASS_NAMES = pl.Series([f"{days:03d}" for days in CLASSES])


@dataclass(frozen=True)
class Rest:
    """Of some series at one day: how long they have rested, and what they sold before.

    `days` (n,) known days since the last sale, those of closed stores not counted; 0 for one that
    never sold. `rate` (n,) units a known day in the RATE_DAYS up to that sale; 0 where it is older
    than what is read.
    """

    days: np.ndarray
    rate: np.ndarray

    @property
    def of_class(self) -> np.ndarray:
        """(n,) the index of its class; -1 for a series not at rest."""
        index = np.searchsorted(np.array(CLASSES), self.days, side="right")
        return np.asarray(index - 1)


@dataclass(frozen=True)
class Returns:
    """How long each series rests at the last known day, and what rests of each class end in.

    `ratios` (classes,): units sold in a span after a rest, over those of as many days up to the
    last sale; of every series at the end of every week of which a whole span has passed since.
    """

    rest: Rest
    ratios: np.ndarray

    @property
    def of_series(self) -> np.ndarray:
        """(series,) the ratio of the class each is in; of no meaning for one not at rest."""
        ratios: np.ndarray = self.ratios[np.maximum(self.rest.of_class, 0)]
        return ratios

    def share(self, rest_days: int) -> np.ndarray:
        """(series,) how much of each mean is that of rests as long; 0 for one not at rest."""
        at_most_all = np.minimum(self.rest.days / rest_days, 1.0)
        return np.where(self.rest.of_class >= 0, at_most_all, 0.0)


def towards_return(dense: DensePanel, y_hat: np.ndarray, rest_days: int | None) -> np.ndarray:
    """(series, steps) means; of a series at rest the share `days / rest_days`, at most all, is what
    series of the panel sold after a rest as long. None: the means as they are.
    """
    return y_hat if rest_days is None else drawn_to_returns(y_hat, returns_of(dense), rest_days)


def drawn_to_returns(y_hat: np.ndarray, returns: Returns, rest_days: int) -> np.ndarray:
    """As `towards_return`, of returns that are known."""
    share = returns.share(rest_days)[:, None]
    drawn: np.ndarray = (1 - share) * y_hat
    drawn += share * (returns.of_series * returns.rest.rate)[:, None]
    return drawn


def returns_of(dense: DensePanel) -> Returns:
    """How long the series of a dense panel rest, and what rests of the whole end in."""
    return returns_of_whole(dense.groups, rests_as_arrays(dense))


def rests_as_arrays(dense: DensePanel) -> dict[str, np.ndarray]:
    """From the known days of a dense panel, some series at a time: of each series days and rate of
    its rest, and by class what the rests of all of them teach.
    """
    known = dense.y[:, dense.days.padding : dense.days.padding + dense.days.known]
    rests, learned = [], np.zeros((3, len(CLASSES)))
    for first in range(0, len(known), SERIES_AT_ONCE):
        sums = _Sums(known[first : first + SERIES_AT_ONCE])
        rests.append(sums.at(known.shape[1] - 1))
        learned += _learned(sums, known.shape[1] - 1)
    days, rate = (np.concatenate([getattr(one, name) for one in rests]) for name in _FIELDS)
    taught = dict(zip(_TAUGHT, learned, strict=True))
    return {"rest/days": days, "rest/rate": rate, **taught}


def returns_of_whole(context: GroupContext, own: Arrays) -> Returns:
    """The returns that all parts of a panel teach, by what each has (`rests_as_arrays`)."""
    table = Table(_CLASS_NAMES, {name: own[name] for name in _TAUGHT})
    [total] = context.whole.totals({f"rests {context.days.known}": table}).values()
    sold, base, pairs = (total.values[name] for name in _TAUGHT)
    added = USUAL_PAIRS * base.sum() / max(pairs.sum(), 1.0)
    ratios = (sold + USUAL * added) / (base + added) if added > 0 else USUAL
    return Returns(Rest(own["rest/days"], own["rest/rate"]), ratios)


def _learned(sums: _Sums, last: int) -> np.ndarray:
    """(3, classes) units sold after rests, units that as many days before had sold, and pairs."""
    learned = np.zeros((3, len(CLASSES)))
    for day in range(last - SPAN_DAYS, CLASSES[0], -WEEK):
        rest = sums.at(day)
        at = np.flatnonzero((rest.of_class >= 0) & (rest.rate > 0))
        known, sold = sums.between(at, day + 1, day + 1 + SPAN_DAYS)
        pairs = (sold, rest.rate[at] * known, known > 0)
        learned += [np.bincount(rest.of_class[at], one, len(CLASSES)) for one in pairs]
    return learned


class _Sums:
    """Running sums of (series, days) units, NaN where unknown: any span in two look-ups."""

    def __init__(self, units: np.ndarray):
        series, days = units.shape
        self.known, self.units = np.zeros((2, series, days + 1))
        np.cumsum(~np.isnan(units), axis=1, out=self.known[:, 1:])
        np.cumsum(np.nan_to_num(units), axis=1, dtype=np.float64, out=self.units[:, 1:])
        sold_on = np.where(units > 0, np.arange(days, dtype=np.int32), np.int32(-1))
        self.last_sale = np.maximum.accumulate(sold_on, axis=1)

    def between(
        self, at: np.ndarray, first: int | np.ndarray, end: int | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Known days and units of these series on the days first..end-1."""
        known, units = (table[at, end] - table[at, first] for table in (self.known, self.units))
        return known, units

    def at(self, day: int) -> Rest:
        """At the end of a day."""
        every, last_sale = np.arange(len(self.known)), self.last_sale[:, day]
        days, _ = self.between(every, last_sale + 1, day + 1)
        first = np.maximum(last_sale + 1 - RATE_DAYS, 0)
        known, units = self.between(every, first, last_sale + 1)
        return Rest(days, units / np.maximum(known, 1.0))
