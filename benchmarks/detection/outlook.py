"""The error of forecasts guessed on the day they were made, against what came: three guesses side
by side.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.replay import WORLDS, World, replayed, world_of
from benchmarks.harness.results import Result
from benchmarks.harness.scores import WAPE
from benchmarks.render.markdown import markdown_table
from monitoring.outlook import expected_absolute_error

WHOLE_WEEKS = 4  # a table is known that long after it was made
GUESSES = ("by_quantiles", "by_last_table", "by_mean")


def measure(context: Context) -> Result:
    """World by world."""
    return {name: of_world(replayed(world_of(name))) for name in context.options.worlds}


def table(result: Result) -> str:
    """One row per world."""
    rows = [
        [
            world,
            str(one["tables"]),
            f"{one['mean_wape']:.3f}",
            *(f"{one[guess]:.4f}" for guess in GUESSES),
        ]
        for world, one in result.items()
    ]
    guesses = ["missed by: own quantiles", "last table known", "mean of all known"]
    return markdown_table(["world", "tables", "WAPE that came", *guesses], rows)


def of_world(world: World) -> Result:
    """Mean distance between guessed and true WAPE of a weekly table's 28 days."""
    by_table = (
        world.scored(world.tables)
        .group_by("origin")
        .agg(
            came=WAPE,
            expected=expected_absolute_error().sum() / pl.col("y_hat").sum(),
            days=pl.col("ds").n_unique(),
        )
    )
    whole = by_table.filter(pl.col("days") >= 7 * WHOLE_WEEKS - 2).sort("origin")
    came, expected = whole["came"].to_numpy(), whole["expected"].to_numpy()
    known, later = came[:-WHOLE_WEEKS], came[WHOLE_WEEKS:]
    means = np.cumsum(known) / np.arange(1, len(known) + 1)
    guesses = zip(GUESSES, (expected[WHOLE_WEEKS:], known, means), strict=True)
    missed = {name: round(float(np.abs(guess - later).mean()), 4) for name, guess in guesses}
    return {"tables": len(later), "mean_wape": round(float(later.mean()), 4), **missed}


BENCHMARK = Benchmark(
    question="How near is the error that monitoring expects to the one that comes?",
    needs="replayed worlds (made where they are not); minutes",
    measure=measure,
    options=(WORLDS,),
    table=table,
)
