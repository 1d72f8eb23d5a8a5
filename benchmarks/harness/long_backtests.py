"""A year of cutoffs on small simulated chains, kept: for what a few windows of one chain cannot
show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.pipeline import backtested
from benchmarks.harness.registry import Option
from benchmarks.harness.replay import KEPT
from benchmarks.harness.worlds import SMALL, simulated
from contract.panel import Panel
from contract.params import Params
from forecasting.backtest import cutoffs_of
from forecasting.contenders import CANDIDATE, contenders
from forecasting.forecaster import BASELINE

SERIES, DAYS = 500, 1060  # 612 days before the first cutoff
CUTOFFS, REFIT_EVERY = 16, 4  # the first four teach the fifth: twelve are judged
CHAINS = Option("chains", "WORLD:SEED, such as hard:101 calm:101", [], many=True)


@dataclass(frozen=True)
class LongBacktest:
    """A chain, and every cutoff's forecasts by the small recipe."""

    world: str
    seed: int
    params: Params
    panel: Panel
    forecasts: pl.DataFrame

    @property
    def horizon(self) -> int:
        """Days ahead."""
        return self.params.train.horizon


def long_backtests(chains: list[str]) -> Iterator[LongBacktest]:
    """Each chain's, made where it is not kept; half a minute a chain."""
    for chain in chains:
        world, seed = chain.split(":")
        params = _params_in(world)
        panel = simulated(params, SERIES, DAYS, int(seed))
        path = KEPT / "long" / f"{world}_{seed}.parquet"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _forecasts(params, panel).write_parquet(path)
            print(chain, flush=True)
        yield LongBacktest(world, int(seed), params, panel, pl.read_parquet(path))


def _params_in(world: str) -> Params:
    """The shipped params with the small recipe, in this world of the simulator."""
    params = params_here()
    simulator = params.source.simulator.model_copy(update={"world": world})
    source = params.source.model_copy(update={"simulator": simulator})
    train = params.train.model_copy(update=SMALL)
    return params.model_copy(update={"source": source, "train": train})


def _forecasts(params: Params, panel: Panel) -> pl.DataFrame:
    horizon = params.train.horizon
    evaluate = params.evaluate.model_copy(update={"origins": CUTOFFS})
    every = contenders(params, panel, None)
    sides = {name: every[name] for name in (BASELINE, CANDIDATE)}
    cutoffs = cutoffs_of(panel, evaluate, horizon)
    return backtested(params, panel, sides, cutoffs, horizon, REFIT_EVERY)
