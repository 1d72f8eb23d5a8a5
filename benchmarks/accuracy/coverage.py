"""Whether intervals hold over many windows: twelve cutoffs on each of several chains that nothing
was chosen on, each learned from the four before it.

Three windows of one chain know the coverage of its total to within ten points: one level that
drifts decides a third of them. The spread over chains says how well these know it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.accuracy.calibration import scored_parts
from benchmarks.harness.long_backtests import CHAINS, LongBacktest, long_backtests
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.quantiles import QUANTILES

JUDGED = 12  # cutoffs, the last ones
SIDES = ("before", "after")
KINDS = ("level", "week", "velocity", "dispersion")
SHOWN = ("coverage_50", "coverage_95", *(f"below_{name}" for name in QUANTILES), "mean_inside_50")


def measure(context: Context) -> Result:
    """By world: each part's scores, mean of its chains, and their standard error over chains."""
    rows = [_of_chain(chain) for chain in long_backtests(context.options.chains)]
    measured = pl.concat(rows)
    result = context.before()
    for (world,), of_world in measured.group_by("world", maintain_order=True):
        seeds = of_world["seed"].unique().sort().to_list()
        result[str(world)] = {"seeds": seeds, "cutoffs": JUDGED, "parts": _parts(of_world)}
    return result


def table(result: Result) -> str:
    """A table a world: coverage and the tails, before and after, of levels and classes."""
    return "\n\n".join(_of_world(world, found) for world, found in _worlds(result).items())


def _worlds(result: Result) -> Result:
    return {name: one for name, one in result.items() if name != "machine"}


def _of_chain(chain: LongBacktest) -> pl.DataFrame:
    """(kind, level, part, side) and its scores, mean of the judged cutoffs."""
    rows = pl.DataFrame(list(scored_parts(chain.panel, chain.forecasts, chain.params)))
    judged = rows["cutoff"].unique().sort().tail(JUDGED)
    kept = rows.filter(pl.col("cutoff").is_in(judged.implode()), pl.col("kind").is_in(KINDS))
    means = kept.group_by("kind", "level", "part", "side", maintain_order=True).agg(
        pl.col(SHOWN).mean(), pl.col("wspl").mean()
    )
    return means.with_columns(world=pl.lit(chain.world), seed=pl.lit(chain.seed))


def _parts(of_world: pl.DataFrame) -> list[Result]:
    score = pl.col(*SHOWN, "wspl")
    error = (score.std() / pl.len().sqrt()).round(4).name.suffix("_error")
    grouped = of_world.group_by("kind", "level", "part", "side", maintain_order=True)
    return grouped.agg(score.mean().round(4), error).to_dicts()


def _of_world(world: str, found: Result) -> str:
    chains = f"{world} world, {len(found['seeds'])} chains, {found['cutoffs']} cutoffs"
    tails = ["below 2.5%", "below 25%", "below 75%", "below 97.5%"]
    covered = [f"{what}, {side}" for what in ("95%", "50%") for side in SIDES]
    head = [chains, *covered, *tails, "mean inside 50%", "WSPL, before", "after"]
    by_part: dict[tuple[str, str, str], dict[str, Result]] = {}
    for part in found["parts"]:
        if part["side"] in SIDES:
            key = (part["kind"], part["level"], part["part"])
            by_part.setdefault(key, {})[part["side"]] = part
    rows = [[_name(*key), *_cells(sides)] for key, sides in by_part.items()]
    return markdown_table(head, rows)


def _name(kind: str, level: str, part: str) -> str:
    names = {"level": part, "week": f"{level}, week {part}"}
    return names.get(kind, f"series: {part}").replace("_id", "")


def _cells(sides: dict[str, Result]) -> list[str]:
    before, after = (sides[side] for side in SIDES)
    cells = []
    for name in ("coverage_95", "coverage_50"):
        error = 100 * after[f"{name}_error"]
        cells += [_share(before[name]), f"{_share(after[name])} ± {error:.1f}"]
    cells += [_share(after[f"below_{name}"]) for name in ("q025", "q250", "q750", "q975")]
    cells.append(_share(after["mean_inside_50"]))
    losses = [side["wspl"] for side in (before, after)]
    return cells + ["" if loss is None else f"{loss:.4f}" for loss in losses]


def _share(value: float) -> str:
    return "" if not np.isfinite(value) else f"{100 * value:.1f}"


BENCHMARK = Benchmark(
    question="Do intervals hold on every level and velocity over a year of cutoffs?",
    needs="a minute a chain and world",
    measure=measure,
    options=(CHAINS,),
    table=table,
)
