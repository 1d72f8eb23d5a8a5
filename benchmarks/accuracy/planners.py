"""What simulated planners are worth: two override the forecast every morning, and are scored
by the store when the days have come true.

ada knows what a store will sell on the day, give or take 10%; bob changes another store's forecast
by anything from -60% to +100%. Whoever scores them must tell them apart.
"""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.speed.mornings import World, morning, opened
from queries.overrides import overrides
from stages.overrides import Request, override
from storage.series import read_series
from storage.store import open_store

NOISE, LEAST, MOST = 0.1, -60.0, 100.0  # share; percent
DAYS = Option("days", "mornings on which they override", 21, int)
SERIES = Option("series", "of the simulated retailer", 60, int)


def measure(context: Context) -> Result:
    """Live through the mornings; the tables of value added."""
    days = context.options.days
    with tempfile.TemporaryDirectory(prefix="planners-") as scratch:
        world = opened(Path(scratch), days + 2, context.options.series)
        with open_store(world.paths.store, read_only=True) as con:
            stores = read_series(con)["store_id"].unique().sort().to_list()
        chance = np.random.default_rng(1)
        for k in range(1, days + 1):
            now = _lived_through(world, k)
            for one in _wanted(Path(scratch) / "supplier", stores, (k, now.date()), chance):
                override(world.params, world.paths, one, now=now)
        _lived_through(world, days + 2)  # late enough for the last of them to have come true
        tables = overrides(world.params, world.paths)["value_added"]
    return {"days": days, "series": context.options.series, **tables}


def _lived_through(world: World, k: int) -> datetime:
    """The k-th morning, as the daily flow does it."""
    now = world.opening + timedelta(days=k)
    world.deliver(now)
    morning(world.params, world.paths, now)
    return now


def _wanted(
    supplier: Path, stores: list[str], day: tuple[int, date], chance: np.random.Generator
) -> list[Request]:
    """What both say of the day of the k-th morning, each of a store that changes from day to
    day.
    """
    k, today = day
    hers, his = stores[k % len(stores)], stores[(k + 1) % len(stores)]
    days = {"from_ds": today, "to_ds": today}
    ada = {"kind": "units", "by": "ada", "reason": "knows the store"}
    bob = {"kind": "percent", "by": "bob", "reason": "a feeling"}
    known = _sold(supplier, today, hers) * chance.normal(1, NOISE)
    return [
        Request(where={"store_id": hers}, value=max(float(known), 0.0), **days, **ada),
        Request(where={"store_id": his}, value=float(chance.uniform(LEAST, MOST)), **days, **bob),
    ]


def _sold(supplier: Path, day: object, store: str) -> float:
    """What a store will sell on a day, from the file that is still to come."""
    rows = pl.read_csv(supplier / f"sales_{day}.csv", infer_schema=False).filter(store_id=store)
    return float(rows["y"].cast(pl.Float64, strict=False).clip(lower_bound=0.0).sum())


BENCHMARK = Benchmark(
    question="Does value added tell a planner who knows from one who does not?",
    needs="minutes",
    measure=measure,
    options=(DAYS, SERIES),
)
