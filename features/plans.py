"""How far ahead the panel's plans reach: what ends with the sales was never a plan."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from contract.panel import Panel
from contract.params import FeatureParams
from features.dense import Days, locate
from features.price import spread_over_days

RECENT_DAYS = 28
REACHES = 0.5  # share of what is stated of recent days that must be stated of the days to forecast
# share of recent series and days from which a promotion not stated is not known, below it is none
DENSE = 0.5
EVENTS = "events"  # what the calendar says beyond the date: feasts and pay days
WHY_LEFT_OUT = (
    "known until the last sales day, not ahead of it: bring the days ahead (source.files.plans, "
    "or .calendar for events)"
)


def plannable(params: FeatureParams, panel: Panel, horizon: int) -> tuple[FeatureParams, list[str]]:
    """The features without plans that end with the sales, and the names of what was left out.

    A promotion known for every past day and for none to come teaches a model what it will never
    learn of a day ahead: its backtest would look ahead, and its forecast would fall back. Both go
    without, so that what is scored is what is published.
    """
    gone = _ending_with_sales(panel, horizon) | (
        {EVENTS} if _calendar_ends(panel, horizon) else set()
    )
    kept = {
        "known_future": [name for name in params.known_future if name not in gone],
        "price": params.price and "price" not in gone,
        "promo": params.promo and "promo" not in gone,
        "calendar": "dates" if params.calendar and EVENTS in gone else params.calendar,
    }
    read = (
        set(params.known_future)
        | ({"price"} if params.price else set())
        | ({"promo"} if params.promo else set())
    )
    read |= {EVENTS} if params.calendar is True else set()
    left_out = sorted(gone & read)
    return (params.model_copy(update=kept), left_out) if left_out else (params, [])


def promo_over_days(panel: Panel, days: Days) -> np.ndarray:
    """Promotions as a (series, width) table.

    Not stated is none, but unknown ahead of a plan that stated most recent days and ran out.

    Else a plan that did not come would read as a month without promotions.
    """
    promo = spread_over_days(panel, days, "promo")
    last = days.padding + days.known
    recent, ahead = _stated(promo[:, max(last - RECENT_DAYS, 0) : last]), _stated(promo[:, last:])
    stated: np.ndarray = np.nan_to_num(promo)
    if recent >= DENSE and ahead < REACHES * recent:
        stated[:, last:] = promo[:, last:]
    return stated


def _ending_with_sales(panel: Panel, horizon: int) -> set[str]:
    """Plans that state recent days and too few of the days to forecast, or ended long ago."""
    days = Days(panel.last_day - timedelta(days=RECENT_DAYS - 1), RECENT_DAYS, horizon, 0)
    tables = {value: spread_over_days(panel, days, value) for value in ("price", "promo")}
    for name in panel.covariates["name"].unique():
        of_name = locate(panel.covariates.filter(pl.col("name") == name), panel.series, days)
        tables[name] = days.scatter(of_name, panel.series.height, "value")
    return {
        name
        for name, table in tables.items()
        if _stated(table[:, RECENT_DAYS:]) < REACHES * _stated(table[:, :RECENT_DAYS])
        or (not _stated(table) and _was_stated(panel, name))
    }


def _calendar_ends(panel: Panel, horizon: int) -> bool:
    """Whether the calendar knows feasts or pay days of the past alone.

    With a row a day, by the same rule as other plans; a list of feasts, which may have none in the
    horizon, if it says nothing of any later day.
    """
    if panel.calendar.filter(pl.col("event").is_not_null() | pl.col("is_payday")).is_empty():
        return False
    ahead = (panel.calendar["ds"].unique() - panel.last_day).dt.total_days()
    recent = len(ahead.filter(ahead.is_between(1 - RECENT_DAYS, 0))) / RECENT_DAYS
    if recent < DENSE:
        return not (ahead > 0).any()
    return len(ahead.filter(ahead.is_between(1, horizon))) / horizon < REACHES * recent


def _was_stated(panel: Panel, name: str) -> bool:
    """Whether a plan that states nothing now ever did; promotions are too rare to say."""
    return name != "promo" and (
        name != "price" or panel.prices["price"].null_count() < panel.prices.height
    )


def _stated(table: np.ndarray) -> float:
    return float((~np.isnan(table)).mean()) if table.size else 0.0
