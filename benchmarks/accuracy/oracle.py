"""Whether the true mean is the best forecast by every score: by squared error it is, by WAPE a
median is better. The median here is that of a Poisson with the true mean, which needs no more
knowledge than the oracle has.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from scipy import stats

from benchmarks.harness.long_backtests import CHAINS
from benchmarks.harness.params import params_here
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.harness.worlds import chain_params
from benchmarks.render.markdown import markdown_table
from sources.simulator import simulate

SERIES, DAYS, SCORED_DAYS = 500, 760, 112


def measure(context: Context) -> Result:
    """By world, mean of its seeds: WAPE and root mean squared error of the mean and the median."""
    by_world: dict[str, list[Result]] = {}
    for chain in context.options.chains:
        world, seed = chain.split(":")
        by_world.setdefault(world, []).append(_scores(world, int(seed)))
    found = {
        world: {name: round(sum(one[name] for one in ones) / len(ones), 4) for name in ones[0]}
        for world, ones in by_world.items()
    }
    return context.before() | found


def table(result: Result) -> str:
    """A row per world."""
    names = ["WAPE, mean", "WAPE, median", "RMSE, mean", "RMSE, median"]
    rows = [
        [world, *(f"{scores[name]:.3f}" for name in names)]
        for world, scores in result.items()
        if world != "machine"
    ]
    return markdown_table(["world", *names], rows)


def _scores(world: str, seed: int) -> Result:
    """Of the last days on which a series could sell."""
    made = simulate(
        chain_params(params_here(), SERIES, DAYS, seed).model_copy(update={"world": world})
    )
    sold = made.sales.join(made.truth.select("unique_id", "ds", "expected"), on=["unique_id", "ds"])
    last = sold.select(pl.col("ds").filter(pl.col("y").is_not_null()).max()).item()
    scored = sold.filter(pl.col("ds") > last - timedelta(days=SCORED_DAYS), pl.col("ds") <= last)
    scored = scored.drop_nulls(["y", "expected"]).filter(pl.col("expected") > 0)
    y, mean = (scored[name].to_numpy() for name in ("y", "expected"))
    found = {}
    for name, forecast in (("mean", mean), ("median", stats.poisson.ppf(0.5, mean))):
        found[f"WAPE, {name}"] = float(abs(forecast - y).sum() / y.sum())
        found[f"RMSE, {name}"] = float(((forecast - y) ** 2).mean() ** 0.5)
    return found


BENCHMARK = Benchmark(
    question="Is the true mean the best forecast by every score?",
    needs="nothing; seconds a chain",
    measure=measure,
    options=(CHAINS,),
    table=table,
)
