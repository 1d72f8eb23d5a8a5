"""What simulated planners are worth: two of them override the forecast every morning of a replay,
through the daily flow, and are scored by the store when the days have come true.

ada knows what a store will sell on the day, give or take 10%; bob changes another store's forecast
by anything from -60% to +100%. Whoever scores them must tell them apart.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import ROOT, Result
from contract.params_file import load_params
from flows import daily, weekly
from flows.engine import plainly
from flows.replay_world import ReplayWorld, build_world
from flows.tasks import run_stages, take_inbox
from queries.overrides import overrides
from runtime.paths import Paths
from stages.overrides import Request, override
from storage.series import read_series
from storage.store import open_store

MORNING = time(6, 30)
NOISE, LEAST, MOST = 0.1, -60.0, 100.0  # share; percent
DAYS = Option("days", "mornings on which they override", 21, int)
SERIES = Option("series", "of the simulated retailer", 60, int)


def measure(context: Context) -> Result:
    """Live through the mornings; the tables of value added."""
    days = context.options.days
    folder = ROOT / "data" / "replays" / "planners"
    world = build_world(folder, ROOT / "params.yaml", days + 2, context.options.series)
    params, paths = load_params(world.params_file), Paths(world.paths.root)
    first = datetime.combine(world.first_day, MORNING)
    world.deliver(first)
    plainly(take_inbox, world.params_file, paths.root, first)
    weekly.week(plainly, world.params_file, paths.root, first + timedelta(hours=1), run_stages)
    with open_store(paths.store, read_only=True) as con:
        stores = read_series(con)["store_id"].unique().sort().to_list()
    chance = np.random.default_rng(1)
    for k in range(1, days + 1):
        now = first + timedelta(days=k)
        world.deliver(now)
        daily.plain(world.params_file, paths.root, now)
        for one in _wanted(world, stores, now, chance):
            override(params, paths, one, now=now)
    late = first + timedelta(days=days + 2)
    world.deliver(late)
    daily.plain(world.params_file, paths.root, late)
    tables = overrides(params, paths)["value_added"]
    return {"days": days, "series": context.options.series, **tables}


def _wanted(
    world: ReplayWorld, stores: list[str], now: datetime, chance: np.random.Generator
) -> list[Request]:
    """What both say of today, each of a store that changes from day to day."""
    today, k = now.date(), (now.date() - world.first_day).days
    hers, his = stores[k % len(stores)], stores[(k + 1) % len(stores)]
    days = {"from_ds": today, "to_ds": today}
    ada = {"kind": "units", "by": "ada", "reason": "knows the store"}
    bob = {"kind": "percent", "by": "bob", "reason": "a feeling"}
    known = _sold(world.paths.root.parent / "supplier", today, hers) * chance.normal(1, NOISE)
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
