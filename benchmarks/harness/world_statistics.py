"""How restless a chain's sales are: what is left of them when weekday, season, trend, pay days and
events are taken out, by the same steps for a simulated chain and a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from contract.days import WEEK, YEAR

MONTH = 28
HARMONICS = 3  # of the yearly season
FEWEST_DAYS = 4  # of a week, events and closed days left out
WEEKS_OF_LEVEL, WEEKS_AHEAD = 4, (1, 4, 8)
BEFORE_EVENT, AFTER_EVENT = 3, 1  # days that are left out around an event
PACES = {"1 to 3": (1, 3), "3 to 10": (3, 10)}  # units a day
NORMAL_MEDIAN = 0.455  # of a squared standard normal

Statistics = dict[str, float]


@dataclass(frozen=True)
class Chain:
    """Daily units of a chain by store and department, and what its calendar knows."""

    units: np.ndarray  # (stores, departments, days)
    is_open: np.ndarray  # (stores, days) bool
    days: list[date]
    events: list[date]
    paydays: np.ndarray  # (regions, days) of 0 and 1

    def levels(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """By name of the level: (groups, days) units, and whether its stores are open."""
        every = self.is_open.all(axis=0)
        departments = self.units.shape[1]
        return {
            "total": (self.units.sum(axis=(0, 1))[None], every),
            "store": (self.units.sum(axis=1), self.is_open),
            "department": (self.units.sum(axis=0), every),
            "store-department": (
                self.units.reshape(-1, len(self.days)),
                np.repeat(self.is_open, departments, axis=0),
            ),
        }


class Residuals(NamedTuple):
    """(groups, days) logs; the slow part is a mean of about a month around the day."""

    all: np.ndarray
    slow: np.ndarray

    @property
    def day(self) -> np.ndarray:
        """What is the day's own."""
        rest: np.ndarray = self.all - self.slow
        return rest


def chain_statistics(chain: Chain) -> Statistics:
    """Of every level how it moves from week to week and away from a forecast that stays; of days
    how far they are off and together.
    """
    found: Statistics = {}
    residuals = {}
    for level, (units, is_open) in chain.levels().items():
        residuals[level] = _residuals(chain, units, is_open)
        found |= {f"{level}: {name}": value for name, value in _by_week(residuals[level]).items()}
    total, store = residuals["total"].day, residuals["store"].day
    return found | {
        "day, total: sd": float(np.nanstd(total)),
        "day, total: correlation with the day before": _correlation(total[0, 1:], total[0, :-1]),
        "day, store: sd": float(np.nanstd(store)),
        "day, store: correlation of two stores": _between(store),
        **_growth(chain.units.reshape(-1, len(chain.days))),
    }


def item_statistics(units: np.ndarray) -> Statistics:
    """Of (series, days) units of a year: variance over mean within months, and how far a level is
    off a quarter later beyond what counts explain. Series that sold in every month alone.
    """
    year = units[:, -13 * MONTH :].astype(np.float64)
    months = year.reshape(len(year), 13, MONTH)
    mean = months.mean(axis=2)
    weekday = year.reshape(len(year), 52, WEEK).mean(axis=1)
    weekday /= np.maximum(weekday.mean(axis=1, keepdims=True), 1e-9)
    squares = (year - np.repeat(mean, MONTH, axis=1) * np.tile(weekday, 52)) ** 2
    above = squares.sum(axis=1) / (13 * (MONTH - 1.5)) / np.maximum(mean.mean(axis=1), 1e-9)
    steady, found = (mean > 0).all(axis=1), {}
    for name, (low, high) in PACES.items():
        at_pace = above[steady & (mean.mean(axis=1) >= low) & (mean.mean(axis=1) < high)]
        for share in (0.1, 0.5, 0.9):
            label = f"series of {name} a day: variance over mean, {share:.0%} quantile"
            found[label] = float(np.quantile(at_pace, share))
    moving = steady & (mean.mean(axis=1) >= 1)
    found["series of 1 a day or more: level a quarter later, sd"] = _quarter(
        months[moving].sum(axis=2), above[moving]
    )
    return found


def _residuals(chain: Chain, units: np.ndarray, is_open: np.ndarray) -> Residuals:
    """Logs less their fit on what is known ahead; NaN near events and where shut."""
    known = _known_ahead(chain)
    counts = (units > 0) & is_open & ~_near_events(chain)
    rest = np.full(units.shape, np.nan)
    for group, at in enumerate(counts):
        logs = np.log(units[group, at])
        fit, *_ = np.linalg.lstsq(known[:, at].T, logs, rcond=None)
        rest[group, at] = logs - fit @ known[:, at]
    half, width = MONTH // 2, rest.shape[1]
    slow = [_mean(rest[:, max(k - half, 0) : k + half + 1]) for k in range(width)]
    return Residuals(rest, np.stack(slow, axis=1))


def _known_ahead(chain: Chain) -> np.ndarray:
    """(terms, days): weekdays, waves of the year, a trend, pay days."""
    weekday = np.array([day.weekday() for day in chain.days])
    angle = 2 * np.pi * np.array([day.timetuple().tm_yday for day in chain.days]) / 365.25
    waves = [wave(k * angle) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]
    trend = np.linspace(-1, 1, len(chain.days))
    return np.vstack([*(weekday == k for k in range(WEEK)), *waves, trend, chain.paydays])


def _near_events(chain: Chain) -> np.ndarray:
    """(days,) whether an event is near."""
    days, events = (np.array(of, dtype="datetime64[D]") for of in (chain.days, chain.events))
    after = (days[:, None] - events[None, :]).astype(int)
    near: np.ndarray = ((after >= -BEFORE_EVENT) & (after <= AFTER_EVENT)).any(axis=1)
    return near


def _by_week(residuals: Residuals) -> Statistics:
    """sd of week-to-week changes, and of the error of the last weeks' level so many weeks ahead."""
    weeks = residuals.all.shape[1] // WEEK
    days = residuals.all[:, -weeks * WEEK :].reshape(-1, weeks, WEEK)
    enough = np.isfinite(days).sum(axis=2) >= FEWEST_DAYS
    week = np.where(enough, _mean(days.reshape(-1, WEEK)).reshape(enough.shape), np.nan)
    found = {"change of a week, sd": _size(np.diff(week))}
    origins = range(WEEKS_OF_LEVEL, weeks - max(WEEKS_AHEAD) + 1)
    level = np.stack([_mean(week[:, k - WEEKS_OF_LEVEL : k]) for k in origins], axis=1)
    for ahead in WEEKS_AHEAD:
        target = week[:, [k + ahead - 1 for k in origins]]
        found[f"level of four weeks, error in week {ahead} after"] = _size(target - level)
    return found


def _growth(units: np.ndarray) -> Statistics:
    """How the last two years of groups differ."""
    years = units[:, -2 * YEAR :].reshape(len(units), 2, YEAR).sum(axis=2)
    growth = np.log(years[:, 1] / years[:, 0])
    return {
        "growth of a year, store-department: sd": float(growth.std()),
        "growth of a year, store-department: share that shrinks": float((growth < 0).mean()),
    }


def _quarter(months: np.ndarray, dispersion: np.ndarray) -> float:
    """sd of the log ratio of months a quarter apart, by its median, less what counts explain."""
    by_counts = dispersion[:, None] / months
    squares = np.log(months[:, 3:] / months[:, :-3]) ** 2
    counts = np.median(by_counts[:, 3:] + by_counts[:, :-3])
    return float(np.sqrt(max(np.median(squares) / NORMAL_MEDIAN - counts, 0)))


def _mean(groups: np.ndarray) -> np.ndarray:
    """(groups,) mean of what is known; NaN where nothing is."""
    known = np.isfinite(groups).sum(axis=1)
    mean: np.ndarray = np.where(known, np.nansum(groups, axis=1) / np.maximum(known, 1), np.nan)
    return mean


def _size(errors: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(errors**2)))


def _between(groups: np.ndarray) -> float:
    """Mean correlation of two groups."""
    pairs = [_correlation(groups[a], groups[b]) for a in range(len(groups)) for b in range(a)]
    return float(np.mean(pairs))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[both], other[both])[0, 1])
