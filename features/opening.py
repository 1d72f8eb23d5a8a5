"""Closed days: as the calendar says; ahead also by plan, by habit, or when a feed ended."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.agreement import OPENING
from contract.days import WEEK
from contract.feeds import FEED_COLUMN
from contract.panel import Panel
from features.calendar import closed_days, regions_of
from features.dense import Days, feed_arrived, locate

WEEKS_OF_HABIT = 4
# of the 28: five days a week but for two holidays; of a rarer feed a day without rows says nothing,
# unless it is rare by weekday: a stall that comes on Fridays and Saturdays
FEWEST_DAYS_ARRIVED = 18
LEAST_REGULAR = 0.75  # of the weeks, on the mean of those weekdays on which rows ever came
# a feed is late by days, lost for weeks (drill `lost_feed`: four), never for two months
WEEKS_WITHOUT_ROWS = 8


def closed_table(panel: Panel, days: Days, region: str | None) -> np.ndarray:
    """(series, width) of booleans: days on which a series cannot sell, as known at the last day."""
    regions, region_ix = regions_of(panel.series, region)
    closed: np.ndarray = closed_days(panel, days, regions)[region_ix] | _shut_ahead(panel, days)
    return closed


def closed_ahead(panel: Panel, origin: date, horizon: int, region: str | None) -> np.ndarray:
    """(series, horizon) of booleans: days after the origin on which a series cannot sell.

    The origin is the panel's last day, or later.
    """
    days = _days_up_to(panel, origin, horizon)
    return closed_table(panel, days, region)[:, days.width - horizon :]


def habit_ahead(panel: Panel, origin: date, horizon: int) -> np.ndarray:
    """(series, horizon) of booleans: days after the origin on whose weekday it is closed by habit,
    whatever calendar and plans say.
    """
    days = _days_up_to(panel, origin, horizon)
    weekday = np.arange(days.ahead - horizon, days.ahead) % WEEK
    ahead: np.ndarray = _shut_by_habit(panel, days)[:, weekday]
    return ahead


def _days_up_to(panel: Panel, origin: date, horizon: int) -> Days:
    """The weeks of habit, and the days from the last known one to the horizon's end."""
    span, steps = WEEKS_OF_HABIT * WEEK, (origin - panel.last_day).days + horizon
    return Days(panel.last_day - timedelta(days=span - 1), span, steps, padding=0)


def feed_ended(panel: Panel) -> np.ndarray:
    """(series,) of booleans: those of a store that sent rows once, but none for eight weeks.

    That is, up to the panel's last day, the last on which any store sent some.
    """
    if FEED_COLUMN not in panel.series.columns:
        return np.zeros(panel.series.height, dtype=bool)
    first = panel.last_day - timedelta(days=WEEKS_WITHOUT_ROWS * WEEK - 1)
    ended: np.ndarray = ~_of_feeds(panel, panel.sales.filter(pl.col("ds") >= first)["unique_id"])
    if ended.any():
        ever = pl.concat([panel.sales["unique_id"].unique(), panel.before["unique_id"]])
        ended &= _of_feeds(panel, ever)
    return ended


def _of_feeds(panel: Panel, arrived: pl.Series) -> np.ndarray:
    """(series,) of booleans: whether any of these unique_ids is of the same store."""
    feeds = panel.series.filter(pl.col("unique_id").is_in(arrived.unique().implode()))[FEED_COLUMN]
    return panel.series[FEED_COLUMN].is_in(feeds.unique().implode()).to_numpy()


def _shut_ahead(panel: Panel, days: Days) -> np.ndarray:
    """True only after the last known day: closed by plan, else by habit or an ended feed."""
    shut = np.zeros((panel.series.height, days.width), dtype=bool)
    ahead = slice(days.padding + days.known, days.width)
    shut[:, ahead] = (
        _shut_by_habit(panel, days)[:, np.arange(days.ahead) % WEEK] | feed_ended(panel)[:, None]
    )
    planned = panel.covariates.filter(pl.col("name") == OPENING)
    if planned.height:
        located = locate(planned, panel.series, days)
        is_open = days.scatter(located, panel.series.height, "value")[:, ahead]
        shut[:, ahead] = np.where(np.isnan(is_open), shut[:, ahead], is_open == 0)
    return shut


def _shut_by_habit(panel: Panel, days: Days) -> np.ndarray:
    """(series, 7) of booleans: closed on this weekday in each of the last four weeks.

    The first is the weekday after the last known day.

    Closed is what the row says, or a store of which no row came at all, though most days of these
    weeks it did, or most of the days of its weekdays.
    """
    count, span = panel.series.height, WEEKS_OF_HABIT * WEEK
    if days.known < span:
        return np.zeros((count, WEEK), dtype=bool)
    last = days.padding + days.known
    newest = panel.sales.filter(pl.col("ds") >= days.first + timedelta(days=days.known - span))
    recent = locate(newest, panel.series, days)
    is_open = days.scatter(recent, count, "is_open")[:, last - span : last]
    y = days.scatter(recent, count, "y")
    arrived = feed_arrived(panel, days, y)[:, last - span : last]
    without_rows = ~arrived & _is_regular(arrived)[:, None]
    closed = ((is_open == 0) | without_rows).reshape(count, WEEKS_OF_HABIT, WEEK)
    every_week: np.ndarray = closed.all(axis=1)
    return every_week


def _is_regular(arrived: np.ndarray) -> np.ndarray:
    """(series,) of booleans: whether a day without rows means anything, of (series, days of the
    weeks of habit) days on which rows came.
    """
    share = arrived.reshape(-1, WEEKS_OF_HABIT, WEEK).mean(axis=1)
    own_days = np.maximum((share > 0).sum(axis=1), 1)
    comes_often = arrived.sum(axis=1) >= FEWEST_DAYS_ARRIVED
    is_regular: np.ndarray = comes_often | (share.sum(axis=1) / own_days >= LEAST_REGULAR)
    return is_regular
