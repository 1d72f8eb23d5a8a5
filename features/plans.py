"""How far ahead the panel's plans reach: what ends with the sales was never a plan."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from contract.panel import Panel
from contract.params import FeatureParams
from features.dense import Days, locate
from features.price import spread_over_days

MOSTLY_KNOWN = 0.5  # share of the series and days to forecast
WHY_LEFT_OUT = "known until the last sales day, not ahead of it: bring the days ahead (source.files.plans)"


def plannable(params: FeatureParams, panel: Panel, horizon: int) -> tuple[FeatureParams, list[str]]:
    """The features without those read from plans that end with the sales, and the names of what was left out.

    A promotion known for every past day and for none to come teaches a model what it will never be told: its backtest would
    look ahead, and its forecast would fall back. Both go without, so that what is scored is what is published.
    """
    gone = _ending_with_sales(panel, horizon)
    kept = {
        "known_future": [name for name in params.known_future if name not in gone],
        "price": params.price and "price" not in gone,
        "promo": params.promo and "promo" not in gone,
    }
    read = set(params.known_future) | ({"price"} if params.price else set()) | ({"promo"} if params.promo else set())
    left_out = sorted(gone & read)
    return (params.model_copy(update=kept), left_out) if left_out else (params, [])


def _ending_with_sales(panel: Panel, horizon: int) -> set[str]:
    """Prices, promotions and covariates known in the past and not for most of the days to forecast."""
    after = Days(panel.last_day + timedelta(days=1), horizon, 0, 0)
    gone = {value for value in ("price", "promo") if _is_stated(panel, value) and not _reaches(panel, after, value)}
    covered = locate(panel.covariates, panel.series, after).filter(pl.col("day_ix").is_between(0, horizon - 1))
    counts = dict(covered.group_by("name").len().rows())
    least = MOSTLY_KNOWN * panel.series.height * horizon
    return gone | {name for name in panel.covariates["name"].unique() if counts.get(name, 0) < least}


def _is_stated(panel: Panel, value: str) -> bool:
    return panel.prices[value].null_count() < panel.prices.height


def _reaches(panel: Panel, after: Days, value: str) -> bool:
    return float(np.isnan(spread_over_days(panel, after, value)).mean()) <= 1 - MOSTLY_KNOWN
