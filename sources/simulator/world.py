"""The simulated chain: which states, stores and items there are, and how each of them sells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.random import Generator, Philox, SeedSequence

from contract.days import days_between
from contract.params import SimulatorParams

STATES = ("CA", "TX", "WI")
# departments and their share of the assortment, as in M5
DEPARTMENTS = {
    "FOODS_1": 0.07,
    "FOODS_2": 0.13,
    "FOODS_3": 0.27,
    "HOBBIES_1": 0.14,
    "HOBBIES_2": 0.05,
    "HOUSEHOLD_1": 0.17,
    "HOUSEHOLD_2": 0.17,
}
LEVELS = ("state_id", "store_id", "cat_id", "dept_id", "item_id")
CATEGORIES = ("FOODS", "HOBBIES", "HOUSEHOLD")
BEYOND_DAYS = 60  # calendar, prices, truth and future reach this far past the last sales day
# series drawn from one generator; a value depends on its block alone, never on how blocks are
# chunked
BLOCK_SERIES = 256

# what a generator is for: the first word of its key, so that two purposes never share draws
ITEMS, STORES, ITEM_PRICES, DEMAND, STOCKOUTS, DROP = range(6)
# of the hard world and of options, so that none of them moves a draw of the calm one
MOVES, OWN_DRIFTS, CLOSURES, DISPERSION, FROZEN = range(6, 11)
STOCK = 11  # of what is in hand, so that no sale depends on it


@dataclass(frozen=True)
class World:
    """Everything drawn once: per series the codes of its item and store, per item and store how
    they sell.
    """

    params: SimulatorParams
    # one row per series: unique_id and the hierarchy, in the order of the codes below
    series: pl.DataFrame
    item: np.ndarray  # (series,) item code
    store: np.ndarray  # (series,) store code
    dept: np.ndarray  # (items,) department code
    cat: np.ndarray  # (items,) category code
    state: np.ndarray  # (stores,) state code
    rate: np.ndarray  # (items,) units a day in a store of size one, at the usual price
    elasticity: np.ndarray  # (items,) change of log demand by log price, negative
    display: np.ndarray  # (items,) log uplift of a promotion beyond its price
    base_price: np.ndarray  # (items,)
    launch_day: np.ndarray  # (items,) day index of the first sale; 0 or less: always there
    end_day: np.ndarray  # (items,) day index after the last sale
    size: np.ndarray  # (stores,) log size
    growth: np.ndarray  # (stores,) log growth a year, of the calm world
    weekday: np.ndarray  # (stores, 7) log effect, Monday first

    @property
    def days(self) -> list[date]:
        """Every simulated day, those beyond the last sales day included."""
        first = self.params.start
        return days_between(first, first + timedelta(days=self.params.days + BEYOND_DAYS - 1))


def generator(seed: int, purpose: int, block: int = 0) -> Generator:
    """The random numbers of one purpose and block, the same wherever and whenever drawn."""
    return Generator(Philox(SeedSequence((seed, purpose, block))))


def build_world(params: SimulatorParams) -> World:
    """The chain of a seed: `params.series` series, item by item, each item in every store until
    they are enough.
    """
    stores = _store_count(params.series)
    items = -(-params.series // stores)
    dept = _departments(items)
    code = np.arange(params.series)
    item, store = code // stores, code % stores
    state = np.sort(np.arange(stores) % len(STATES))
    names = _names(item, store, dept, state)
    cat_of_dept = np.array([CATEGORIES.index(name.rsplit("_", 1)[0]) for name in DEPARTMENTS])
    return World(
        params=params,
        series=names,
        item=item,
        store=store,
        dept=dept,
        cat=cat_of_dept[dept],
        state=state,
        **_item_manners(params, cat_of_dept[dept]),
        **_store_manners(params, stores),
    )


def _store_count(series: int) -> int:
    return min(10, max(2, series // 20)) if series <= 30_490 else series // 3_049


def _departments(items: int) -> np.ndarray:
    """Department code of each item, ascending, in the shares above."""
    edges = np.cumsum(list(DEPARTMENTS.values()))
    return np.searchsorted(edges / edges[-1], (np.arange(items) + 0.5) / items)


def _item_manners(params: SimulatorParams, cat: np.ndarray) -> dict[str, np.ndarray]:
    rng = generator(params.seed, ITEMS)
    items = len(cat)
    ends = rng.random(items) < 0.06
    launches = rng.random(items) < 0.12
    day = rng.random((2, items))
    return {
        # median 0.6 units a day, one item in a hundred above 10: most item-days are zero, as in M5
        "rate": np.exp(rng.normal(np.array([0.0, -0.9, -0.6])[cat], 1.2)),
        "elasticity": -rng.uniform(0.6, 2.6, items),
        "display": rng.uniform(0.05, 0.4, items),
        "base_price": np.round(np.exp(rng.normal(np.array([1.1, 1.7, 1.6])[cat], 0.5)), 2) + 0.48,
        "launch_day": np.where(launches, (0.1 + 0.85 * day[0]) * params.days, 0).astype(int),
        "end_day": np.where(
            ends & ~launches, (0.3 + 0.65 * day[1]) * params.days, 2**31 - 1
        ).astype(int),
    }


def _store_manners(params: SimulatorParams, stores: int) -> dict[str, np.ndarray]:
    rng = generator(params.seed, STORES)
    weekend = np.array([-0.08, -0.14, -0.14, -0.10, 0.03, 0.22, 0.21])
    return {
        "size": rng.normal(0, 0.3, stores),
        "growth": rng.normal(0.03, 0.04, stores),
        "weekday": weekend * rng.uniform(0.6, 1.5, (stores, 1)) + rng.normal(0, 0.02, (stores, 7)),
    }


def _names(
    item: np.ndarray, store: np.ndarray, dept: np.ndarray, state: np.ndarray
) -> pl.DataFrame:
    """unique_id and hierarchy of every series; numbers are padded, so that the text order is the
    code order.
    """
    dept_names = np.array(list(DEPARTMENTS))
    number = np.arange(len(dept)) - np.searchsorted(dept, dept) + 1
    rank = np.arange(len(state)) - np.searchsorted(state, state) + 1
    width = len(str(rank.max()))
    items = np.array([f"{dept_names[d]}_{n:04d}" for d, n in zip(dept, number, strict=True)])
    stores = np.array([f"{STATES[s]}_{r:0{width}d}" for s, r in zip(state, rank, strict=True)])
    frame = pl.DataFrame(
        {
            "state_id": np.array(STATES)[state][store],
            "store_id": stores[store],
            "cat_id": np.array([name.rsplit("_", 1)[0] for name in dept_names])[dept][item],
            "dept_id": dept_names[dept][item],
            "item_id": items[item],
        }
    )
    return frame.select(
        pl.concat_str("item_id", "store_id", separator="_").alias("unique_id"), pl.all()
    )
