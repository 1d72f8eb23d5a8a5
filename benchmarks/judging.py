"""The rules of a batch, asked by Great Expectations or as Polars expressions: seconds and memory of the same question.

run     python -m benchmarks.judging great|polars ROWS
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.measured import ROOT, run_here
from benchmarks.retailer import FIRST, SERIES, assortment, received, sales
from contract.params_file import load_params
from expectations.judge import judge
from expectations.suite import Context
from expectations.suites import SUITES
from expectations.usual import levels_compared

RUNS = 3


def main() -> None:
    """One side, one size."""
    side, count = sys.argv[1], int(sys.argv[2])
    params, series = load_params(Path(ROOT / "params.yaml")), assortment()
    days = -(-count // SERIES)
    batch = received(sales(series, FIRST, days).head(count), series)
    today = FIRST + timedelta(days=days)
    levels = levels_compared(params.source.levels, series, params.ingest.whole_days)
    context = Context(params.ingest, today, series=series, levels=levels)

    def work() -> dict[str, Any]:
        judgement = judge(batch, SUITES["sales"], context, by_great_expectations=side == "great")
        return {"rows": count, "rules": len(judgement.results), "refused": judgement.refused.height}

    run_here(work, RUNS)


if __name__ == "__main__":
    main()
