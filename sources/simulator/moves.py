"""What moves in the hard world and nobody knows ahead: growth, levels that drift and break, shocks
of a day.

The strengths are set so that the world's figures lie beside M5's (docs/results/simulator.md). On
the scale of units every drift, break and shock has mean one: a level is expected to stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sources.simulator.world import (
    BLOCK_SERIES,
    DEPARTMENTS,
    MOVES,
    OWN_DRIFTS,
    World,
    generator,
)

# log growth a year, mean and sd. M5's store-departments differ by 0.2 from year to year, drifts and
# breaks among it, and one in four shrinks
STORE_GROWTH, DEPARTMENT_GROWTH = (0.03, 0.08), (0.0, 0.08)
SLOPE_DAYS = 550  # a slope lasts so long on average: growth of successive M5 years is uncorrelated
# sd of a day's step of the log level: 6% to 13% in a year
STORE_DRIFT, DEPARTMENT_DRIFT, STORE_DEPARTMENT_DRIFT = 0.003, 0.005, 0.007
# of an item in all its stores, and in one. M5's faster series move by a quarter in three months
# beyond what their counts explain, half of it together
ITEM_DRIFT = SERIES_DRIFT = 0.012
BREAK_DAYS = 550  # so often a store's department is arranged anew, or meets a rival
BREAK = 0.2  # sd of the log step, which stays
# sd of a day's log shock of the chain, a store, a store's department. M5's residuals of a day have
# an sd of 0.046 in total and 0.08 by store, with a correlation of 0.32 between stores
CHAIN_SHOCK, STORE_SHOCK, STORE_DEPARTMENT_SHOCK = 0.04, 0.035, 0.12
PERSISTENCE = 0.4  # of a shock from day to day, as of M5's total: weather lasts two or three days
SHOCK_VARIANCE = CHAIN_SHOCK**2 + STORE_SHOCK**2 + STORE_DEPARTMENT_SHOCK**2


@dataclass(frozen=True)
class Moves:
    """Log effects per day, (stores, departments, days) but for `item`."""

    level: np.ndarray  # growth, drifts and breaks: what stays
    slope: np.ndarray  # of the level, a day
    shock: np.ndarray  # around zero, gone again within days
    item: np.ndarray  # (items, days) drift of an item in all stores


@dataclass(frozen=True)
class Moved:
    """Where series stand in what moves: logs, (series, days)."""

    level: np.ndarray
    slope: np.ndarray
    shock: np.ndarray

    @property
    def effect(self) -> np.ndarray:
        """On the log of the mean demand; a shock lifts the mean of many days by nothing."""
        effect: np.ndarray = self.level + self.shock - SHOCK_VARIANCE / 2
        return effect


def moves_of(world: World) -> Moves:
    """The moves of a seed."""
    rng = generator(world.params.seed, MOVES)
    stores, departments, days = len(world.state), len(DEPARTMENTS), len(world.days)
    slope = _slopes(rng, stores, days, STORE_GROWTH)[:, None]
    slope = slope + _slopes(rng, departments, days, DEPARTMENT_GROWTH)
    both = stores * departments
    own = _drift(rng, both, days, STORE_DEPARTMENT_DRIFT) + _breaks(rng, both, days)
    level = np.cumsum(slope, axis=-1) + own.reshape(slope.shape)
    level += _drift(rng, stores, days, STORE_DRIFT)[:, None]
    level += _drift(rng, departments, days, DEPARTMENT_DRIFT)
    shock = _shocks(rng, both, days, STORE_DEPARTMENT_SHOCK).reshape(slope.shape)
    shock += _shocks(rng, stores, days, STORE_SHOCK)[:, None]
    shock += _shocks(rng, 1, days, CHAIN_SHOCK)
    return Moves(level, slope, shock, item=_drift(rng, len(world.rate), days, ITEM_DRIFT))


def moved_of(moves: Moves, world: World, chosen: slice) -> Moved:
    """Where a block's series stand: what moves their store, department and item, and a drift of
    their own.
    """
    item, store = world.item[chosen], world.store[chosen]
    dept = world.dept[item]
    rng = generator(world.params.seed, OWN_DRIFTS, chosen.start // BLOCK_SERIES)
    own = _drift(rng, len(item), len(world.days), SERIES_DRIFT)
    return Moved(
        level=moves.level[store, dept] + moves.item[item] + own,
        slope=moves.slope[store, dept],
        shock=moves.shock[store, dept],
    )


def _slopes(rng: Generator, groups: int, days: int, growth: tuple[float, float]) -> np.ndarray:
    """(groups, days) growth a day, drawn anew now and then."""
    drawn = rng.normal(*growth, (groups, days)) / 365.25
    anew = rng.random((groups, days)) < 1 / SLOPE_DAYS
    since = np.maximum.accumulate(np.where(anew, np.arange(days), 0), axis=1)
    return np.take_along_axis(drawn, since, axis=1)


def _drift(rng: Generator, groups: int, days: int, step: float) -> np.ndarray:
    """(groups, days) random drift from zero; on the scale of units its mean stays at one."""
    steps = rng.normal(-(step**2) / 2, step, (groups, days))
    steps[:, 0] = 0
    drift: np.ndarray = np.cumsum(steps, axis=1)
    return drift


def _breaks(rng: Generator, groups: int, days: int) -> np.ndarray:
    """(groups, days) sum of rare steps, each of which stays."""
    sizes = rng.normal(-(BREAK**2) / 2, BREAK, (groups, days))
    breaks: np.ndarray = np.cumsum(sizes * (rng.random((groups, days)) < 1 / BREAK_DAYS), axis=1)
    return breaks


def _shocks(rng: Generator, groups: int, days: int, height: float) -> np.ndarray:
    """(groups, days) shocks of this sd, each day keeping `PERSISTENCE` of the day before."""
    shock = rng.normal(0, height, (groups, days))
    fresh = np.sqrt(1 - PERSISTENCE**2)
    for day in range(1, days):
        shock[:, day] = PERSISTENCE * shock[:, day - 1] + fresh * shock[:, day]
    return shock
