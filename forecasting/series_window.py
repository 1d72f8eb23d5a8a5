"""The days after a cutoff, series by series: what was sold, and what a score needs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.panel import Panel
from contract.whole import Arrays, numbers_of_all
from features.days_off import days_off
from features.dense import Days, leave_out_sold_out, units_sold
from features.price import spread_over_days
from forecasting.dispersion import dispersion_of
from forecasting.slices import lifecycle_states, velocity_classes
from forecasting.yardsticks import Past, past_of, scales

# revenue of the last 28 days known at the cutoff weighs a group (M5 competitors' guide, 2020)
WEIGHT_DAYS = 28


@dataclass(frozen=True)
class SeriesWindow:
    """One cutoff's target days of every series of a panel, or of a part of one."""

    future: np.ndarray  # (series, horizon) units, NaN where unknown or not to be scored
    # (series,) money of the last WEIGHT_DAYS; and a unit's price, their mean, 1 where none is known
    revenue: np.ndarray
    price: np.ndarray
    # (series,) how unsteadily it sold up to the cutoff; every model's quantiles read it
    dispersion: np.ndarray
    lifecycle: np.ndarray  # (series,) as forecasting.slices
    velocity: np.ndarray
    squared_scale: np.ndarray  # (series,) as forecasting.yardsticks.scales
    absolute_scale: np.ndarray
    # (series, horizon) whether a promotion held; None where the panel knows of none
    promoted: np.ndarray | None = None
    # (series, horizon) which known cells are days off of stores that keep days of their own:
    # zeros nobody could sell on. None where there are none
    is_off: np.ndarray | None = None

    @property
    def kinds(self) -> dict[str, np.ndarray]:
        """The labels that slices are made by (forecasting.slices)."""
        return {"lifecycle": self.lifecycle, "velocity": self.velocity}

    @property
    def arrays(self) -> Arrays:
        """What it holds by name, None left out."""
        return {name: values for name, values in vars(self).items() if values is not None}


def in_order(parts: Sequence[tuple[np.ndarray, Arrays]]) -> SeriesWindow:
    """The windows of parts (the numbers of their series among all, `SeriesWindow.arrays`) as one.

    What some parts know nothing of holds nowhere in them.
    """
    count = sum(len(numbers) for numbers, _ in parts)
    together: dict[str, Any] = {}
    for name in [field.name for field in fields(SeriesWindow)]:
        known = [own[name] for _, own in parts if name in own]
        if not known:
            continue
        kind = np.result_type(*known)
        together[name] = np.zeros((count, *known[0].shape[1:]), dtype=kind)
        for numbers, own in parts:
            if name in own:
                together[name][numbers] = own[name]
    return SeriesWindow(**together)


def series_window(
    panel: Panel, cutoff: date, horizon: int, rules: DemandRules
) -> tuple[SeriesWindow, Past]:
    """The `horizon` days after the cutoff, from the uncut panel; and the past of its series, which
    the scales of groups are taken from.

    Scale and weights use the days up to the cutoff only, the scale those that count: a closed day
    is a zero nobody forecast, and an unknown one no zero at all. What is known is what features
    learn from (features.dense.units_sold): an absent row is a zero if its feed arrived, and a day
    the store was closed, or sold out for more than `rules.max_stockout_share` of it, is not scored:
    what sold then says little about what was wanted. Nor is a series of which no row had come by
    the cutoff: a store of that day did not know it, and nothing would have been published. A day
    off of a store that keeps days of its own is a zero (features.days_off): what is published is
    expected of the day, open or not.
    """
    days, known = _days(panel, cutoff, horizon), panel.up_to(cutoff + timedelta(days=horizon))
    y = units_sold(known, days, rules).astype(np.float64)
    # what sold, also on days sold out: revenue and scale are of what was sold
    sold = y[:, : days.known].copy()
    future = leave_out_sold_out(y, known, days, rules)[:, days.known :]
    is_off = days_off(known, cutoff + timedelta(days=1), cutoff + timedelta(days=horizon))
    if is_off is not None:
        future[is_off] = 0.0
    was_known = pl.concat(
        [panel.sales.filter(pl.col("ds") <= cutoff)["unique_id"], panel.before["unique_id"]]
    ).unique()
    future[~panel.series["unique_id"].is_in(was_known.implode()).to_numpy()] = np.nan
    history, price = np.nan_to_num(sold), _recent_price(panel, days)
    past = past_of(sold, says_known=panel.whole.is_part)
    squared, absolute = scales(_days_of_series(past))
    window = SeriesWindow(
        future,
        (history[:, -WEIGHT_DAYS:] * np.nan_to_num(price)).sum(axis=1),
        _mean_price(price),
        dispersion_of(history),
        lifecycle_states(history),
        velocity_classes(history),
        squared,
        absolute,
        _promoted(panel, days),
        is_off,
    )
    return window, past


def history_before(panel: Panel, cutoff: date, rules: DemandRules) -> np.ndarray:
    """(series, days known at the cutoff) units sold, 0 before launch and where unknown."""
    days = _days(panel, cutoff, ahead=0)
    sold = units_sold(panel.up_to(cutoff), days, rules).astype(np.float64)
    history: np.ndarray = np.nan_to_num(sold)
    return history


def _days(panel: Panel, cutoff: date, ahead: int) -> Days:
    first = panel.first_day
    return Days(first, (cutoff - first).days + 1, ahead, padding=0)


def _days_of_series(past: Past) -> np.ndarray:
    """(series, days) units as a level of single series sums them: 0 before the first sale."""
    units: np.ndarray = np.nan_to_num(past.sold)
    if past.members_known is not None:
        units[past.members_known == 0] = np.nan
    return units


def _recent_price(panel: Panel, days: Days) -> np.ndarray:
    """(series, WEIGHT_DAYS) prices up to the cutoff, NaN where unknown.

    1 everywhere where no price of any series is known at all.
    """
    own = panel.prices.join(panel.series, on="unique_id", how="semi")
    known = {"known": own["price"].count()}
    if not numbers_of_all(panel.whole, "prices known", known)["known"]:
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
