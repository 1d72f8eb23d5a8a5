"""Is the simulated chain as restless as a real one? The calm and the hard world beside M5.

Chains of M5's size, over three seeds; M5 in its last days, as many, and in as many before. Without
stock-outs: M5 does not state them. M5's series are known of the last 447 days alone.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.world_statistics import (
    Chain,
    Statistics,
    chain_statistics,
    item_statistics,
)
from benchmarks.render.markdown import markdown_table
from contract.params import SimulatorParams
from sources.simulator.calendar import PAYDAYS, events_of
from sources.simulator.demand import chain_of, demand_blocks
from sources.simulator.simulation import simulate
from sources.simulator.world import DEPARTMENTS

SEEDS = (7, 8, 9)
DAYS = 760
LEVEL = 9  # M5's store and department


def measure(context: Context) -> Result:
    """Simulate each world, add the real chain where its files are given."""
    base, series = params_here().source.simulator, context.options.series
    worlds = {}
    for world in ("calm", "hard"):
        size = {"series": series, "days": DAYS, "stockout_share": 0.0, "world": world}
        made = [of_seed(base.model_copy(update=size | {"seed": seed})) for seed in SEEDS]
        worlds[world] = {name: float(np.mean([one[name] for one in made])) for name in made[0]}
    real = context.options.m5
    found = _real(Path(real)) if real else context.before().get("worlds", {})
    kept = {name: of for name, of in found.items() if name not in worlds}
    rounded = {
        name: {what: round(value, 3) for what, value in of.items()}
        for name, of in (worlds | kept).items()
    }
    return {"series": series, "days": DAYS, "seeds": SEEDS, "worlds": rounded}


def table(result: Result) -> str:
    """A row per statistic, a column per chain."""
    worlds = result["worlds"]
    rows = [
        [what, *(f"{of[what]:.3f}" if what in of else "" for of in worlds.values())]
        for what in worlds["hard"]
    ]
    return markdown_table(["", *worlds], rows)


def of_seed(params: SimulatorParams) -> Statistics:
    """The statistics of one simulated chain."""
    simulation = simulate(params)
    world, days = simulation.world, simulation.world.days[: params.days]
    chain = chain_of(world, simulation.plan)
    units = np.zeros((len(world.state), len(DEPARTMENTS), len(days)))
    parts = []
    for block in demand_blocks(chain):
        sold = block.y[:, : len(days)]
        chosen = slice(block.first, block.first + len(sold))
        np.add.at(units, (world.store[chosen], world.dept[world.item[chosen]]), sold)
        parts.append(sold.astype(np.float32))
    paydays = np.array([[day.day in of for day in days] for of in PAYDAYS.values()], dtype=float)
    events = [day for year in {day.year for day in days} for day in events_of(year)]
    is_open = chain.openings.is_open[:, : len(days)]
    return chain_statistics(Chain(units, is_open, days, events, paydays)) | item_statistics(
        np.concatenate(parts)
    )


def _real(folder: Path) -> dict[str, Statistics]:
    """M5's last days, and as many before them; of a folder with m5/ and m5_long/."""
    levels = pl.read_parquet(folder / "m5_long" / "levels1to9*.parquet")
    calendar = pl.read_parquet(folder / "m5" / "calendar.parquet")
    series = pl.read_parquet(folder / "m5" / "sales_train_evaluation.parquet")
    last = levels.width - 3  # days, after level and two keys
    newest = _real_chain(levels, calendar, slice(last - DAYS, last))
    earlier = _real_chain(levels, calendar, slice(last - 2 * DAYS, last - DAYS))
    of_series = item_statistics(series.select("^d_.*$").to_numpy())
    return {
        f"M5 to {newest.days[-1]}": chain_statistics(newest) | of_series,
        f"M5 to {earlier.days[-1]}": chain_statistics(earlier),
    }


def _real_chain(levels: pl.DataFrame, calendar: pl.DataFrame, chosen: slice) -> Chain:
    by_group = levels.filter(pl.col("level") == LEVEL).sort("agg1", "agg2")
    units = by_group.select("^d_.*$").to_numpy().astype(float)[:, chosen]
    stores = by_group["agg1"].n_unique()
    at = calendar[chosen.start : chosen.stop]
    days = at["date"].to_list()
    christmas = np.array([(day.month, day.day) == (12, 25) for day in days])
    events = calendar.filter(pl.col("event_name_1").is_not_null())["date"].to_list()
    return Chain(
        units.reshape(stores, -1, len(days)),
        np.tile(~christmas, (stores, 1)),
        days,
        [day for day in events if day >= days[0] - timedelta(days=1)],
        at.select("^snap_.*$").to_numpy().T.astype(float),
    )


BENCHMARK = Benchmark(
    question="Is the simulated chain as restless as a real one?",
    needs="nothing, or M5's files; two minutes",
    measure=measure,
    options=(
        Option("series", "number of series", 30_490, int),
        Option("m5", "folder with m5/ and m5_long/; without it M5's column is kept"),
    ),
    table=table,
)
