"""The actuals after a cutoff, on every level, and the yardsticks its errors are measured with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.levels import Level
from contract.panel import Panel
from features.days_off import days_off
from features.dense import Days, leave_out_sold_out, units_sold
from features.hierarchy import sum_by
from features.price import spread_over_days
from forecasting.dispersion import dispersion_of

# revenue of the last 28 days known at the cutoff weighs a group (M5 competitors' guide, 2020)
WEIGHT_DAYS = 28
ROWS_AT_ONCE = 512  # whose changes are found together; bounds memory, and stays in the cache
LEAST_MEMBERS = 0.5  # of a group's series on sale; of fewer, its sum is another group's


@dataclass(frozen=True)
class LevelWindow:
    """One level of one cutoff. Groups are rows, in alphabetical order of `group_key`."""

    level: str
    group_key: pl.Series
    group_ix: np.ndarray  # for each series its group
    y: np.ndarray  # (groups, horizon) actual units; unknown cells count as 0 on both sides
    # mean squared change from one day that counts to the next, since the first sale (RMSSE)
    squared_scale: np.ndarray
    absolute_scale: np.ndarray  # the same with absolute changes (MASE, scaled pinball)
    weight: np.ndarray  # revenue share, sums to 1
    is_known: np.ndarray  # (groups, horizon), whether any member is known

    def sums(self, table: np.ndarray) -> np.ndarray:
        """(groups, ...) sums of the known values of a (series, ...) table."""
        return sum_by(table, self.group_ix, len(self.group_key))[0]


@dataclass(frozen=True)
class Window:
    """One cutoff's target days: which of their cells are known, and its levels."""

    series: pl.DataFrame
    is_known: np.ndarray  # (series, horizon)
    history: np.ndarray  # (series, days known at the cutoff), 0 before launch
    # (series,) money a unit, the mean of the last WEIGHT_DAYS; 1 where none is known
    price: np.ndarray
    levels: list[LevelWindow]
    # (series, horizon), whether a promotion held; None where the panel knows of none
    promoted: np.ndarray | None = None
    # (series, horizon), which known cells are days off of stores that keep days of their own:
    # zeros nobody could sell on. None where there are none
    is_off: np.ndarray | None = None

    @property
    def weighs(self) -> bool:
        """Whether each level has a group that counts: revenue, a scale, a known day.

        Without one every forecast's loss is 0, which says nothing.
        """
        return all(
            ((level.weight > 0) & (level.squared_scale > 0) & level.is_known.any(axis=1)).any()
            for level in self.levels
        )

    @cached_property
    def dispersion(self) -> np.ndarray:
        """(series,) how unsteadily each sold up to the cutoff; every model's quantiles read it."""
        return dispersion_of(self.history)

    def error(self, y_hat: np.ndarray) -> np.ndarray:
        """(series, horizon) y_hat - y, 0 in unknown cells."""
        bottom = self.levels[-1]
        return np.where(self.is_known, y_hat - bottom.y[bottom.group_ix], 0.0)

    def matrix(self, forecasts: pl.DataFrame, column: str = "y_hat") -> np.ndarray:
        """A column of forecasts as (series, horizon), 0 in unknown cells.

        `forecasts` has unique_id, h and the column.
        """
        located = forecasts.join(
            self.series.select("unique_id").with_row_index("entity_ix"), on="unique_id", how="inner"
        )
        values = np.full(self.is_known.shape, np.nan)
        values[located["entity_ix"].to_numpy(), located["h"].to_numpy() - 1] = located[
            column
        ].to_numpy()
        return np.where(self.is_known, values, 0.0)


@dataclass(frozen=True)
class _Past:
    """What every level's scale is taken from, found once."""

    sold: np.ndarray  # (series, days known at the cutoff), NaN where unknown
    members_known: np.ndarray | None  # as _members_known


def window_after(
    panel: Panel,
    cutoff: date,
    horizon: int,
    levels: list[Level],
    rules: DemandRules,
) -> Window:
    """The actuals of the `horizon` days after the cutoff, from the uncut panel.

    Scale and weights use the days up to the cutoff only, the scale those that count: a closed day
    is a zero nobody forecast, and an unknown one no zero at all. What is known is what features
    learn from (features.dense.units_sold): an absent row is a zero if its feed arrived, and a day
    the store was closed, or sold out for more than `rules.max_stockout_share` of it, is not scored:
    what sold then says little about what was wanted. Nor is a series of which no row had come by
    the cutoff: a store of that day did not know it, and nothing would have been published. A day
    off of a store that keeps days of its own is a zero (features.days_off): what is published is
    expected of the day, open or not.
    """
    first = panel.first_day
    days = Days(first, (cutoff - first).days + 1, horizon, padding=0)
    sales = panel.sales.filter(pl.col("ds") <= cutoff + timedelta(days=horizon))
    known = replace(panel, sales=sales)
    y = units_sold(known, days, rules).astype(np.float64)
    # what sold, also on days sold out: revenue and scale are of what was sold
    sold = y[:, : days.known].copy()
    history = np.nan_to_num(sold)
    future = leave_out_sold_out(y, known, days, rules)[:, days.known :]
    is_off = days_off(known, cutoff + timedelta(days=1), cutoff + timedelta(days=horizon))
    if is_off is not None:
        future[is_off] = 0.0
    was_known = pl.concat(
        [panel.sales.filter(pl.col("ds") <= cutoff)["unique_id"], panel.before["unique_id"]]
    ).unique()
    future[~panel.series["unique_id"].is_in(was_known.implode()).to_numpy()] = np.nan
    price = _recent_price(panel, days)
    revenue = (history[:, -WEIGHT_DAYS:] * np.nan_to_num(price)).sum(axis=1)
    past = _Past(sold, _members_known(sold))
    parts = [_level_window(level, panel.series, past, future, revenue) for level in levels]
    return Window(
        panel.series,
        ~np.isnan(future),
        history,
        _mean_price(price),
        parts,
        _promoted(panel, days),
        is_off,
    )


def scales(history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared and mean absolute change of each row from one day that counts to the next.

    Since its first sale; NaN in `history` is a day that does not count. NaN for a row without such
    a change. Where every day counts it is M5's one-step naive error.
    """
    parts = [
        _scales(history[first : first + ROWS_AT_ONCE])
        for first in range(0, max(len(history), 1), ROWS_AT_ONCE)
    ]
    squared, absolute = (np.concatenate(part) for part in zip(*parts, strict=True))
    return squared, absolute


def _scales(history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `scales`, of a piece of the rows."""
    counts = ~np.isnan(history)
    at = np.where(counts, np.arange(history.shape[1]), 0)
    before = np.maximum.accumulate(at, axis=1)[:, :-1]  # the last day that counts before each
    changes = history[:, 1:] - np.take_along_axis(history, before, axis=1)
    started = (np.cumsum(np.nan_to_num(history) > 0, axis=1) > 0)[:, :-1]
    is_change = started & counts[:, 1:]
    changes = np.where(is_change, changes, 0.0)
    changed = is_change.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (
            np.where(changed > 0, (changes**2).sum(axis=1) / changed, np.nan),
            np.where(changed > 0, np.abs(changes).sum(axis=1) / changed, np.nan),
        )


def _recent_price(panel: Panel, days: Days) -> np.ndarray:
    """(series, WEIGHT_DAYS) prices up to the cutoff, NaN where unknown.

    1 everywhere where no price is known at all.
    """
    if panel.prices["price"].null_count() == panel.prices.height:
        return np.ones((panel.series.height, min(WEIGHT_DAYS, days.known)), dtype=np.float32)
    return spread_over_days(panel, days, "price")[:, : days.known][:, -WEIGHT_DAYS:]


def _promoted(panel: Panel, days: Days) -> np.ndarray | None:
    """(series, horizon) whether a promotion was known to hold; None where none ever did."""
    if not (panel.prices["promo"] > 0).any():
        return None
    held: np.ndarray = spread_over_days(panel, days, "promo")[:, days.known :] > 0  # NaN is not
    return held


def _mean_price(price: np.ndarray) -> np.ndarray:
    known = ~np.isnan(price)
    return np.where(
        known.any(axis=1), np.nansum(price, axis=1) / np.maximum(known.sum(axis=1), 1), 1.0
    )


def _members_known(sold: np.ndarray) -> np.ndarray | None:
    """(series, days) 1 for a known day since the first sale, 0 for an unknown one, NaN before it;
    None where every day since the first sale is known.
    """
    launched = np.logical_or.accumulate(sold > 0, axis=1)  # NaN is not above 0
    is_known = ~np.isnan(sold)
    return np.where(launched, is_known, np.nan) if (launched & ~is_known).any() else None


def _sums_of_days_that_count(past: _Past, group_ix: np.ndarray, groups: int) -> np.ndarray:
    """(groups, days) units sold; NaN where fewer than LEAST_MEMBERS of those on sale are known."""
    sums = sum_by(past.sold, group_ix, groups)[0]
    if past.members_known is None:
        return sums
    known, on_sale = sum_by(past.members_known, group_ix, groups)
    return np.where(known >= LEAST_MEMBERS * on_sale, sums, np.nan)


def _level_window(
    level: Level, series: pl.DataFrame, past: _Past, future: np.ndarray, revenue: np.ndarray
) -> LevelWindow:
    keys = series.select(level.group_key)["group_key"]
    keys = keys if len(keys) == series.height else pl.Series("group_key", [keys[0]] * series.height)
    group_key = keys.unique().sort()
    group_ix = keys.rank("dense").to_numpy().astype(np.int64) - 1
    groups = len(group_key)
    squared, absolute = scales(_sums_of_days_that_count(past, group_ix, groups))
    weight = sum_by(revenue, group_ix, groups)[0]
    y, known_members = sum_by(future, group_ix, groups)
    return LevelWindow(
        level.name,
        group_key,
        group_ix,
        y,
        squared,
        absolute,
        weight / max(weight.sum(), 1e-12),
        known_members > 0,
    )
