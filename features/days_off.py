"""Stores that keep days of their own: which days they sent no rows on, and how likely they open.

A day off is one without any row of a store, between two with rows that are less than a week apart,
while most of its chain sent theirs. A longer gap is a renovation or a feed that was lost; a day on
which the chain sent nothing is a holiday or a feed, too; both stay unknown. A store of which a day
in twenty is off keeps days of its own. Of a single store nobody can tell: it is its whole chain.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.agreement import OPENING
from contract.days import WEEK, YEAR
from contract.feeds import feed_index, feed_names
from contract.panel import Panel
from features.dense import Days, locate

WEEKS_READ = 16  # of the past: a share of eight same weekdays is noisier, and no truer
LEAST_WEEKS = 4
OWN_DAYS = 0.05  # of a store's days; a lost file now and then, or a regional holiday, is less
WHY_WITHOUT_ROWS = "closed or lost is not known: a calendar or plans can say (source.files)"
MOST_OF_CHAIN = 0.5  # of the stores that send rows on such a weekday


def days_off(panel: Panel, first: date, last: date) -> np.ndarray | None:
    """(series, days) of booleans from `first` to `last`: closed, by the habit of its store.

    None where no store keeps days of its own. A gap that is still open at the panel's end is
    unknown.
    """
    sent = _sent(panel, last)
    if sent is None:
        return None
    off = _off(sent) & _keeps_own_days(sent)[:, None]
    width = (last - first).days + 1
    table = np.zeros((len(off), width), dtype=bool)
    both = min(width, off.shape[1])
    table[:, width - both :] = off[:, off.shape[1] - both :]
    return table[_stores(panel)] if table.any() else None


def open_share(panel: Panel, origin: date, horizon: int) -> np.ndarray | None:
    """(series, horizon) shares of such weekdays on which a series' store opened.

    1 where a plan says that it opens, and for stores without days of their own; None where all of
    them are. The panel ends at the origin or before.
    """
    sent = _sent(panel, panel.last_day)
    if sent is None:
        return None
    off = _off(sent)
    keeps = _keeps_own_days(sent)
    if not keeps.any():
        return None
    ahead = (origin - panel.last_day).days + np.arange(horizon)
    by_weekday = np.where(keeps[:, None], _opened(sent, off), 1.0)
    share: np.ndarray = by_weekday[:, ahead % WEEK][_stores(panel)]
    share[_planned(panel, origin, horizon)] = 1.0
    return share if (share < 1).any() else None


def days_without_rows(panel: Panel) -> list[date]:
    """Days of the last year without a row of any store, on weekdays that mostly have some.

    Closed or lost, nobody can tell: a calendar must say, or the forecast takes them for open.
    """
    first = max(panel.first_day, panel.last_day - timedelta(days=YEAR - 1))
    days = pl.date_range(first, panel.last_day, eager=True).alias("ds").to_frame()
    rows = panel.daily.select("ds").unique().with_columns(sent=True)
    calendar = days.join(rows, on="ds", how="left").with_columns(pl.col("sent").fill_null(False))
    usually = pl.col("sent").mean().over(pl.col("ds").dt.weekday()) > MOST_OF_CHAIN
    return calendar.filter(~pl.col("sent") & usually)["ds"].sort().to_list()


def _sent(panel: Panel, last: date) -> np.ndarray | None:
    """(stores, days) of booleans up to `last`: whether any row came. None of a single store.

    WEEKS_READ of days, or fewer whole weeks where the panel is shorter.
    """
    weeks = min(WEEKS_READ, ((last - panel.first_day).days + 1) // WEEK)
    chain = _chain(panel)
    if len(chain) < 2 or weeks < LEAST_WEEKS:
        return None
    days = Days(last - timedelta(days=weeks * WEEK - 1), weeks * WEEK, 0, padding=0)
    is_recent = pl.col("ds").is_between(days.first, last)
    sent = np.zeros((len(chain), days.known), dtype=bool)
    if panel.arrivals is None:
        recent = panel.sales.select("unique_id", "ds").filter(is_recent)
        located = locate(recent, panel.series, days)
        stores = _stores(panel)[located["entity_ix"].to_numpy()]
        sent[stores, located["day_ix"].to_numpy()] = True
    else:
        arrived = panel.arrivals.filter(is_recent).select("feed", day=days.index(pl.col("ds")))
        sent[chain.search_sorted(arrived["feed"]).to_numpy(), arrived["day"].to_numpy()] = True
    return sent


def _chain(panel: Panel) -> pl.Series:
    """The stores of the whole, in order."""
    own = feed_names(panel.series)
    if panel.arrivals is None:
        return own
    return pl.concat([own, panel.arrivals["feed"].unique()]).unique().sort()


def _stores(panel: Panel) -> np.ndarray:
    """For each series its store's place in the chain."""
    own = _chain(panel).search_sorted(feed_names(panel.series)).to_numpy()
    of_series: np.ndarray = own[feed_index(panel.series)]
    return of_series


def _off(sent: np.ndarray) -> np.ndarray:
    """(stores, days) of booleans: in a short gap, on a day on which the chain sent its rows."""
    at = np.arange(sent.shape[1])
    before = np.maximum.accumulate(np.where(sent, at, -WEEK), axis=1)
    after = np.minimum.accumulate(np.where(sent, at, np.inf)[:, ::-1], axis=1)[:, ::-1]
    is_short = (after - before <= WEEK) & (before >= 0)
    count = sent.sum(axis=0).reshape(-1, WEEK)
    chain_sent = (count > MOST_OF_CHAIN * np.median(count, axis=0)).ravel()
    off: np.ndarray = ~sent & is_short & chain_sent
    return off


def _keeps_own_days(sent: np.ndarray) -> np.ndarray:
    """(stores,) of booleans: too many days off for holidays and lost files.

    A weekday that is always off is the habit of `features.opening`, and counts for nothing here.
    """
    off = _off(sent)
    off &= np.tile(_by_weekday(sent).any(axis=1), sent.shape[1] // WEEK)
    keeps: np.ndarray = off.sum(axis=1) >= OWN_DAYS * (off | sent).sum(axis=1)
    return keeps & off.any(axis=1)


def _opened(sent: np.ndarray, off: np.ndarray) -> np.ndarray:
    """(stores, 7) shares of known days with rows, by weekday from that after the last day on."""
    opened, known = _by_weekday(sent).sum(axis=1), _by_weekday(sent | off).sum(axis=1)
    return np.where(known > 0, opened / np.maximum(known, 1), 1.0)


def _by_weekday(table: np.ndarray) -> np.ndarray:
    """(stores, weeks, 7) of whole weeks up to the last day."""
    return table.reshape(len(table), -1, WEEK)


def _planned(panel: Panel, origin: date, horizon: int) -> np.ndarray:
    """(series, horizon) of booleans: where a plan says whether the store opens."""
    days = Days(origin + timedelta(days=1), horizon, 0, padding=0)
    planned = panel.covariates.filter(pl.col("name") == OPENING)
    table = days.scatter(locate(planned, panel.series, days), panel.series.height, "value")
    is_planned: np.ndarray = ~np.isnan(table)
    return is_planned
