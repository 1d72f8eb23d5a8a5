"""Families read from plans: price and promotion, both known ahead of their day."""

from __future__ import annotations

import numpy as np
import polars as pl

from contract.days import WEEK
from contract.panel import Panel
from features.dense import Days, locate
from features.feature import Feature
from features.sales import TABLE
from features.windows import Window

LONGEST_WINDOW = 112
PERIODS_AT_ONCE = 20_000  # spread together; bounds memory
PRICE, PROMO = pl.col("price"), pl.col("promo")
_NOT_FREE = pl.when(PRICE > 0).then(PRICE)  # nothing is so many times free goods


def price_features(group_table: str | None) -> list[Feature]:
    """Price on the target day, alone and against its own past and its department's.

    `group_table` holds the mean price of the series' department, if there is one.
    """
    level = Feature("price_level", "price", TABLE, "target", PRICE)
    features = [
        level,
        Feature("price_change_7", "price", TABLE, "target", PRICE / _NOT_FREE.shift(WEEK)),
        *(_against_own(days) for days in (28, LONGEST_WINDOW)),
    ]
    if group_table is not None:
        group = Feature("price_group", "price", group_table, "target", PRICE)
        features.append(Feature("price_vs_group", "price", TABLE, "target", PRICE, over=group))
    return features


def promo_features() -> list[Feature]:
    """Promotion on the target day, in the week that ends there, and in the recent sales."""
    return [
        Feature("promo_today", "promo", TABLE, "target", PROMO),
        Feature("promo_share_7", "promo", TABLE, "target", PROMO, window=Window(WEEK)),
        Feature("promo_share_28", "promo", TABLE, "origin", PROMO, window=Window(28)),
    ]


def _against_own(days: int) -> Feature:
    past = Feature(f"price_mean_{days}", "price", TABLE, "target", PRICE, window=Window(days))
    return Feature(f"price_vs_{days}", "price", TABLE, "target", PRICE, over=past)


def spread_over_days(panel: Panel, days: Days, value: str) -> np.ndarray:
    """A column of `panel.prices` as a (series, width) table; NaN where no period holds.

    Each period's value stands on each of its days.
    """
    table = days.blank(panel.series.height)
    last = days.known + days.ahead - 1
    periods = (
        locate(panel.prices.filter(pl.col(value).is_not_null()), panel.series, days, "from_ds")
        .with_columns(
            end=days.index(pl.col("to_ds")).clip(upper_bound=last), start=pl.col("day_ix").clip(0)
        )
        .filter(pl.col("start") <= pl.col("end"))
    )
    for part in periods.iter_slices(PERIODS_AT_ONCE):
        start, length = part["start"].to_numpy(), (part["end"] - part["start"] + 1).to_numpy()
        entity = np.repeat(part["entity_ix"].to_numpy(), length)
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        day = np.repeat(start, length) + within
        table[entity, day + days.padding] = np.repeat(
            part[value].cast(pl.Float32).to_numpy(), length
        )
    return table
