"""Plans as far as they reach: in a gap the regular price holds, and the rest is not known.

One function, `as_planned`, decides it for the table to publish, for each past cutoff of a backtest
and for the origins whose plans training hides (features.hiding).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from contract.days import WEEK
from features.hierarchy import sum_by

PRICE, PROMO = "price", "promo"
LOOK_BACK = 112  # days up to the origin that say what a plan usually states
RECENT_DAYS = 28
REACHES = 0.5  # share of what is usually stated; a day of less is a gap
# so is a day that misses these: a few series leave the range, a tenth and five at once do not
LEAVE_AT_ONCE, FEWEST_AT_ONCE = 0.1, 5
# share of recent series and days stated; below it a plan is a list, and what it leaves out is none
DENSE = 0.5


@dataclass(frozen=True)
class PlanTables:
    """Plans over days; columns of all tables are days, the one named `origin` the last known.

    `price`, `promo`: (series, days); an unknown price is NaN, a promotion not stated 0.
    `is_promo_stated`: (series, days) whether it was stated.
    `stated`: of each the (feeds, days) count of the feed's series that the plan states.
    `feed_ix`: for each series its feed, the store: whose plan ends, ends for all of it.
    `feed_series`: how many series each feed has.
    """

    price: np.ndarray
    promo: np.ndarray
    is_promo_stated: np.ndarray
    stated: dict[str, np.ndarray]
    feed_ix: np.ndarray
    feed_series: np.ndarray
    origin: int

    def on(self, days: slice, origin: int) -> PlanTables:
        """The tables of some days, the origin another."""
        return PlanTables(
            self.price[:, days],
            self.promo[:, days],
            self.is_promo_stated[:, days],
            {name: table[:, days] for name, table in self.stated.items()},
            self.feed_ix,
            self.feed_series,
            origin,
        )

    def cut(self, reach: dict[str, int]) -> PlanTables:
        """The tables had the plans ended so many days after the origin; a copy."""
        tables = {PRICE: self.price.copy(), PROMO: self.promo.copy()}
        stated = {name: table.copy() for name, table in self.stated.items()}
        is_promo_stated = self.is_promo_stated.copy()
        for name in tables.keys() & reach.keys():
            beyond = slice(self.origin + 1 + reach[name], None)
            tables[name][:, beyond] = np.nan if name == PRICE else 0.0
            stated[name][:, beyond] = 0
        if PROMO in reach:
            is_promo_stated[:, self.origin + 1 + reach[PROMO] :] = False
        return replace(
            self,
            price=tables[PRICE],
            promo=tables[PROMO],
            is_promo_stated=is_promo_stated,
            stated=stated,
        )

    def gaps(self, name: str) -> np.ndarray:
        """(feeds, days) of booleans: where the plan of price or promo says too little."""
        series = self.feed_series if name == PROMO else None
        return gaps(self.stated[name], self.origin, series)


def as_planned(plans: PlanTables) -> PlanTables:
    """Price and promotion as a forecast from the origin may take them, in the tables themselves.

    In a gap of its feed's plan a price not stated is the last regular one, and a promotion not
    stated is unknown. A price left out where there is no gap stays unknown: the series left the
    range.
    """
    no_price = plans.gaps(PRICE)
    if no_price.any():
        carry_price(plans.price, plans.promo, no_price[plans.feed_ix], plans.origin)
    no_promo = plans.gaps(PROMO)
    if no_promo.any():
        plans.promo[no_promo[plans.feed_ix] & ~plans.is_promo_stated] = np.nan
    return plans


def stated_counts(table: np.ndarray, feed_ix: np.ndarray) -> np.ndarray:
    """(feeds, days) how many series of a feed a (series, days) table says something of."""
    counts: np.ndarray = sum_by(table, feed_ix, int(feed_ix.max(initial=0)) + 1)[1]
    return counts


def gaps(
    stated: np.ndarray, origin: int, series: np.ndarray | None = None, fewest: int = FEWEST_AT_ONCE
) -> np.ndarray:
    """(feeds, days) of booleans: days around and after the origin a plan says too little about.

    That is, under half of what it said of the same weekday in its last four weeks, or a tenth and
    `fewest` series less. The gap may begin before the origin. `series`: how many each feed has, of
    a plan that may name the few it holds for. Such a list has ended when it names nothing for
    longer than it ever did.
    """
    recent = stated[:, max(origin + 1 - RECENT_DAYS, 0) : origin + 1].mean(axis=1)
    is_list = np.zeros(len(stated), dtype=bool) if series is None else recent < DENSE * series
    rows = [
        _gap_of_list(row, origin) if is_of_few else _gaps_of_dense(row, origin, fewest)
        for row, is_of_few in zip(stated, is_list, strict=True)
    ]
    return np.array(rows).reshape(stated.shape)


def carry_price(price: np.ndarray, promo: np.ndarray, is_gap: np.ndarray, origin: int) -> None:
    """Fills, in place, unknown prices in gaps with the last regular one before them.

    Regular is a price of a day without promotion; without such a day, the last one stated. A series
    that its plan left out for a week without a gap has left the range and is not carried.
    """
    first = max(origin + 1 - LOOK_BACK, 0)
    known, stating = price[:, first:], np.cumsum(~is_gap[:, first:], axis=1)
    is_stated = known > 0  # NaN is not
    last = _last_true(is_stated)
    regular = _last_true(is_stated & ~(promo[:, first:] > 0))
    source = np.where(regular >= 0, regular, last)
    on_sale = stating - np.take_along_axis(stating, np.maximum(last, 0), axis=1) < WEEK
    fills = is_gap[:, first:] & np.isnan(known) & (last >= 0) & on_sale
    carried = np.take_along_axis(known, np.maximum(source, 0), axis=1)
    known[fills] = carried[fills]


def reach_of(stated: np.ndarray, origin: int, series: int | None = None) -> int:
    """How many days after the origin half of a (days,) plan goes on; all if it has no gap.

    `stated`: how many series of all. Negative where it ended before. `series` as of `gaps`.
    """
    ahead = len(stated) - 1 - origin
    of_list = None if series is None else np.array([series])
    is_gap = gaps(stated[None], origin, of_list, fewest=int(stated.max()) + 1)[0]
    if not is_gap[origin + 1 :].any():
        return ahead
    goes_on = ~is_gap & (stated > 0)
    last = int(np.flatnonzero(goes_on)[-1]) if goes_on.any() else -1
    return last - origin if is_gap[last + 1 :].any() else ahead


def _last_true(table: np.ndarray) -> np.ndarray:
    """For each cell the newest column up to it that is true; -1 where there is none."""
    columns = np.arange(table.shape[1], dtype=np.int32)
    newest: np.ndarray = np.maximum.accumulate(np.where(table, columns, -1), axis=1)
    return newest


def _gaps_of_dense(stated: np.ndarray, origin: int, fewest: int) -> np.ndarray:
    """(days,) of booleans of a plan that states most of what it holds for."""
    is_gap = np.zeros(len(stated), dtype=bool)
    seen = stated[max(origin + 1 - LOOK_BACK, 0) : origin + 1]
    if not seen.any():
        return is_gap
    newest = origin - int(np.argmax((seen >= REACHES * seen.max())[::-1]))
    after = np.arange(newest + 1, len(stated))
    same_weekday = (
        newest
        + 1
        - WEEK * np.arange(1, RECENT_DAYS // WEEK + 1)[:, None]
        + ((after - newest - 1) % WEEK)
    )
    usual = np.where(same_weekday >= 0, stated[np.maximum(same_weekday, 0)], np.nan)
    weeks = np.maximum((same_weekday >= 0).sum(axis=0), 1)
    usual = np.nansum(usual, axis=0) / weeks
    left = usual - stated[after]
    is_gap[after] = (stated[after] < REACHES * usual) | (
        left >= np.maximum(LEAVE_AT_ONCE * usual, fewest)
    )
    return is_gap


def _gap_of_list(stated: np.ndarray, origin: int) -> np.ndarray:
    """(days,) of booleans of a plan that names only what it holds for."""
    is_gap = np.zeros(len(stated), dtype=bool)
    named = np.flatnonzero(stated > 0)
    first = max(origin + 1 - LOOK_BACK, 0)
    seen = named[(named >= first) & (named <= origin)]
    if len(seen):
        longest = np.diff(seen, prepend=first - 1).max() - 1
        last = int(named[-1])
        is_gap[last + 1 :] = len(stated) - 1 - last > longest
    return is_gap
