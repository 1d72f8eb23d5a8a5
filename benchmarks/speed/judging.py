"""The rules of a batch, applied by Great Expectations or as Polars expressions: seconds and memory
of the same judgement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

from benchmarks.harness.params import params_here
from benchmarks.harness.process import measured
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.harness.retailer import FIRST, SERIES, assortment, received, sales
from benchmarks.render.markdown import markdown_table
from expectations.judge import judge
from expectations.suite import Context as SuiteContext
from expectations.suites import SUITES
from expectations.usual import levels_compared

RUNS = 3
SIZES = (30_490, 304_900, 1_000_000)
SIDES = ("great", "polars")


def measure(_context: Context) -> Result:
    """Both sides at every size, each in a process of its own."""
    return {
        f"{side} {rows}": asdict(measured(prepared, RUNS, side, rows))
        for rows in SIZES
        for side in SIDES
    }


def prepared(side: str, count: int) -> Callable[[], Result]:
    """In the measured process: one side, one size."""
    params, series = params_here(), assortment()
    days = -(-count // SERIES)
    batch = received(sales(series, FIRST, days).head(count), series)
    levels = levels_compared(params.source.levels, series, params.ingest.whole_days)
    today = FIRST + timedelta(days=days)
    context = SuiteContext(params.ingest, today, series=series, levels=levels)

    def work() -> Result:
        judgement = judge(batch, SUITES["sales"], context, by_great_expectations=side == "great")
        refused = judgement.refused.height
        return {"rows": count, "rules": len(judgement.results), "refused": refused}

    return work


def table(result: Result) -> str:
    """One row per size."""
    rows = []
    for count in SIZES:
        great, polars = (result[f"{side} {count}"] for side in SIDES)
        cost = [f"{one['median_s']:.2f} s, {one['rss_mb']} MB" for one in (great, polars)]
        rules = str(great["result"]["rules"])
        times = f"{great['median_s'] / polars['median_s']:.0f}x"
        rows.append([f"{count:,}", rules, *cost, times])
    return markdown_table(["rows", "rules", "Great Expectations", "Polars", "faster"], rows)


BENCHMARK = Benchmark(
    question="What do Great Expectations cost beside the same rules in Polars?",
    needs="nothing; a minute",
    measure=measure,
    table=table,
)
