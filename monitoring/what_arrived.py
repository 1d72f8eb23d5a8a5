"""What arrived, as dense tables, of a panel or of one of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, partial

import numpy as np
import polars as pl

from contract.days import YEAR
from contract.demand import DemandRules
from contract.panel import Panel
from contract.whole import ALONE, Whole, numbers_among
from features.dense import Days, locate, units_sold
from features.price import spread_over_days
from forecasting.slices import RECENT_DAYS

SAMPLED_SERIES = 2_000  # whose values make a distribution


@dataclass(frozen=True)
class Arrived:
    """Dense (series, days) tables from `first` on, each made when it is first read: units (NaN
    unknown), price, promo, share of the day sold out. `whole`: where they are of a part's series.
    """

    first: date
    series: pl.DataFrame
    last: date
    made: Mapping[str, Callable[[], np.ndarray]]
    whole: Whole = ALONE

    @cached_property
    def y(self) -> np.ndarray:
        """Units."""
        return self.made["y"]()

    @cached_property
    def price(self) -> np.ndarray:
        """Money a unit."""
        return self.made["price"]()

    @cached_property
    def promo(self) -> np.ndarray:
        """1 on promotion."""
        return self.made["promo"]()

    @cached_property
    def sold_out(self) -> np.ndarray:
        """Share of the day."""
        return self.made["sold_out"]()

    @cached_property
    def on_range(self) -> np.ndarray:
        """Known days of a series between its first sale and RECENT_DAYS after its newest one so
        far.
        """
        day = np.arange(self.y.shape[1])
        sold = np.nan_to_num(self.y) > 0
        last_sale = np.maximum.accumulate(np.where(sold, day, -RECENT_DAYS), axis=1)
        on_range: np.ndarray = np.isfinite(self.y) & (day - last_sale < RECENT_DAYS)
        return on_range

    def with_units(self, y: np.ndarray) -> Arrived:
        """The same where other units had arrived, from the first day on."""
        last = self.first + timedelta(days=y.shape[1] - 1)
        return replace(self, last=last, made={**self.made, "y": lambda: y})


def arrived(panel: Panel, days_back: int, rules: DemandRules) -> Arrived:
    """The last `days_back` days of a panel, and the year before them."""
    first = max(panel.last_day - timedelta(days=days_back + YEAR - 1), panel.first_day)
    days = Days(first, (panel.last_day - first).days + 1, 0, padding=0)
    recent = replace(panel, sales=panel.sales.filter(pl.col("ds") >= first))

    def sold_out() -> np.ndarray:
        located = locate(recent.sales, panel.series, days)
        return days.scatter(located, panel.series.height, "stockout_share")

    made: dict[str, Callable[[], np.ndarray]] = {
        "y": partial(units_sold, recent, days, rules),
        "price": partial(spread_over_days, panel, days, "price"),
        "promo": partial(spread_over_days, panel, days, "promo"),
        "sold_out": sold_out,
    }
    return Arrived(first, panel.series, panel.last_day, made, panel.whole)


def sampled(seen: Arrived) -> np.ndarray:
    """The rows of those of SAMPLED_SERIES series, every n-th of all, that are here: a share of more
    values is no truer.
    """
    count = seen.whole.series(seen.series).height
    drawn = np.unique(np.linspace(0, count - 1, SAMPLED_SERIES).astype(int))
    return np.flatnonzero(np.isin(numbers_among(seen.whole, seen.series), drawn))
