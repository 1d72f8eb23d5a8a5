"""Simulated demand: the mean of every item-day, the demand drawn around it, and what a stock-out
leaves of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from sources.simulator.calendar import event_pull, payday_pull
from sources.simulator.closures import Openings, openings_of
from sources.simulator.moves import Moved, Moves, moved_of, moves_of
from sources.simulator.prices import PricePlan
from sources.simulator.world import (
    BLOCK_SERIES,
    DEMAND,
    DEPARTMENTS,
    DISPERSION,
    STOCKOUTS,
    World,
    generator,
)

STOCKOUT_MEAN_DAYS = 2.0  # spells last 1, 2 or 3 days, equally often
# of an item's size in the hard world: its median, and the sd of its log. Of M5's series that sell 3
# to 10 a day the variance is 1.3 to 5.9 times the mean, from the first tenth to the last
ITEM_SIZE, ITEM_SIZE_SPREAD = 3.0, 1.0


@dataclass(frozen=True)
class Chain:
    """Log effects every series of a store, state or department shares, per day."""

    world: World
    plan: PricePlan
    weekday: np.ndarray  # (days,) Monday is 0
    year: np.ndarray  # (departments, days)
    event: np.ndarray  # (categories, days)
    payday: np.ndarray  # (states, categories, days)
    openings: Openings
    moves: Moves | None  # None in the calm world
    item_size: np.ndarray | None  # (items,) of the negative binomial; None: drawn by series


@dataclass(frozen=True)
class Block:
    """Up to BLOCK_SERIES neighbouring series over all simulated days, (series, days)."""

    first: int  # code of its first series
    on_sale: np.ndarray  # bool; between launch and end
    is_open: np.ndarray  # bool; of its store
    expected: np.ndarray  # mean of the demand
    demand: np.ndarray  # what customers wanted, units
    stockout_share: np.ndarray  # share of the day without stock
    y: np.ndarray  # what was sold, units
    moved: Moved | None  # None in the calm world


def chain_of(world: World, plan: PricePlan) -> Chain:
    """The effects that series share."""
    days, is_hard = world.days, world.params.world == "hard"
    return Chain(
        world=world,
        plan=plan,
        weekday=np.array([day.weekday() for day in days]),
        year=_year_effect(days),
        event=event_pull(days),
        payday=payday_pull(days),
        openings=openings_of(world),
        moves=moves_of(world) if is_hard else None,
        item_size=_item_sizes(world) if is_hard else None,
    )


def demand_blocks(chain: Chain) -> Iterator[Block]:
    """Every block of series in order; memory is that of one block."""
    for first in range(0, chain.world.params.series, BLOCK_SERIES):
        yield _block(chain, first)


def _block(chain: Chain, first: int) -> Block:
    world = chain.world
    chosen = slice(first, min(first + BLOCK_SERIES, world.params.series))
    item, store = world.item[chosen], world.store[chosen]
    block = first // BLOCK_SERIES
    rng = generator(world.params.seed, DEMAND, block)
    day = np.arange(len(world.days))
    on_sale = (day >= world.launch_day[item][:, None]) & (day < world.end_day[item][:, None])
    own_level = rng.normal(0, 0.35, (len(item), 1))
    spread = rng.uniform(0.8, 3.0, len(item))
    is_open = chain.openings.is_open[store]
    sellable = on_sale & is_open
    log_mean = _log_mean(chain, item, store) + own_level
    moved = moved_of(chain.moves, world, chosen) if chain.moves else None
    if moved:
        log_mean += moved.effect
    expected = np.where(sellable, np.exp(log_mean), 0.0)
    of_item = None if chain.item_size is None else chain.item_size[item]
    demand = _negative_binomial(expected, _sizes(expected, spread, of_item), rng)
    # a generator of their own: how many numbers the demand took must not move the stock-outs
    rng = generator(world.params.seed, STOCKOUTS, block)
    share = _stockouts(sellable, world.params.stockout_share, rng)
    y = _sold(demand, share, rng)
    return Block(first, on_sale, is_open, expected, demand, share, y, moved)


def _log_mean(chain: Chain, item: np.ndarray, store: np.ndarray) -> np.ndarray:
    """Log of the mean demand, (series, days), if on sale and open."""
    world, plan = chain.world, chain.plan
    cat, state = world.cat[item], world.state[store]
    price = np.log(plan.price / world.base_price[:, None])
    by_week = world.elasticity[:, None] * price + world.display[:, None] * plan.promo
    log_mean: np.ndarray = by_week[item][:, plan.week]
    log_mean += (np.log(world.rate[item]) + world.size[store])[:, None]
    if chain.moves is None:
        log_mean += world.growth[store][:, None] * (np.arange(len(world.days)) / 365.25)
    log_mean += world.weekday[store][:, chain.weekday]
    log_mean += chain.year[world.dept[item]]
    log_mean += chain.event[cat]
    log_mean += chain.payday[state, cat]
    return log_mean


def _item_sizes(world: World) -> np.ndarray:
    rng = generator(world.params.seed, DISPERSION)
    sizes: np.ndarray = ITEM_SIZE * np.exp(rng.normal(0, ITEM_SIZE_SPREAD, len(world.rate)))
    return sizes


def _sizes(mean: np.ndarray, spread: np.ndarray, of_item: np.ndarray | None) -> np.ndarray:
    """(series,) size of the negative binomial; it grows with what a series sells. Where items have
    their own it grows less: M5's faster series are the more dispersed.
    """
    usual = 1 + mean.mean(axis=1)
    sizes: np.ndarray = spread * usual if of_item is None else of_item * np.sqrt(usual)
    return sizes


def _negative_binomial(mean: np.ndarray, size: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Counts with this mean and variance `mean + mean^2 / size`."""
    gamma = rng.standard_gamma(np.broadcast_to(size[:, None], mean.shape))
    counts: np.ndarray = rng.poisson(gamma * (mean / size[:, None]))
    return counts


def _stockouts(sellable: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Share of each day without stock: spells of 1 to 3 days, on about `share` of the sellable
    item-days.
    """
    chance, length, depth = rng.random(
        (sellable.shape[0], 3, sellable.shape[1]), dtype=np.float32
    ).swapaxes(0, 1)
    starts = chance < share / STOCKOUT_MEAN_DAYS
    out = starts.copy()
    out[:, 1:] |= (starts & (length > 1 / 3))[:, :-1]
    out[:, 2:] |= (starts & (length > 2 / 3))[:, :-2]
    return np.where(out & sellable, np.round(0.1 + 0.9 * depth.astype(float), 2), 0.0)


def _sold(demand: np.ndarray, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a stock-out leaves: a unit wanted is sold if its customer came while there was stock."""
    sold = demand.copy()
    hit = share > 0
    sold[hit] = rng.binomial(demand[hit], 1 - share[hit])
    return sold


def _year_effect(days: list[date]) -> np.ndarray:
    """Yearly season of each department: one wave, its height and peak fixed by the department's
    place in the list.
    """
    angle = 2 * np.pi * np.array([day.timetuple().tm_yday for day in days]) / 365.25
    heights = np.linspace(0.06, 0.22, len(DEPARTMENTS))
    peaks = np.linspace(0, 2 * np.pi, len(DEPARTMENTS), endpoint=False)
    return heights[:, None] * np.cos(angle[None, :] - peaks[:, None])
