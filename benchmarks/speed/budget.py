"""What an entry point said it would hold, what it held, and what a memory budget changes: estimate,
measured peak, seconds.

Each is a process of its own over a folder that was filled, fitted and promoted before; its estimate
is read from its log. A budget below the estimate must be refused before the work starts.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import entry_points as entry
from benchmarks.harness.params import FAST, simulated_folder
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table

SIZES = ((1_000, 800), (10_000, 400), (30_000, 400))  # series, days
SHARES = (None, 1.0, 0.8, 0.5)  # of what was said without a budget
SAID = re.compile(r"memory about ([\d,]+) MB")
DONE, REFUSED = 0, 2


def measure(context: Context) -> Result:
    """Every folder, entry point and budget."""
    rows: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="budget-") as scratch:
        for series, days in SIZES:
            folder = Path(scratch) / str(series)
            name = f"simulator, {series:,} series, {days} days"
            rows += _each(name, _filled(folder, series, days))
            shutil.rmtree(folder)
        if data := context.options.m5:
            copy = Path(scratch) / "m5"
            shutil.copytree(data, copy / "data")
            shutil.copy(data.resolve().parent / "params.yaml", copy / "params.yaml")
            rows += _each("M5", entry.in_folder(copy))
    return {"rows": rows}


def table(result: Result) -> str:
    """One row per run."""
    rows = [
        [
            row["world"],
            f"`{row['entry_point']}.py`",
            f"{row['budget_mb']:,}" if row["budget_mb"] else "none",
            f"{row['said_mb']:,.0f}" if row["said_mb"] else "more",
            f"{row['peak_mb']:,}",
            row["ended"],
            f"{row['seconds']:.0f}",
        ]
        for row in result["rows"]
    ]
    head = ["world", "entry point", "budget", "said", "held", "ended", "seconds"]
    return markdown_table(head, rows)


def _filled(path: Path, series: int, days: int) -> entry.Folder:
    folder = simulated_folder(path, series, days, FAST)
    for words in (entry.FILL, entry.TRAIN, entry.EVALUATE):
        entry.run(words, folder)
    return folder


def _each(name: str, folder: entry.Folder) -> Iterator[Result]:
    for words in (entry.TRAIN, entry.FORECAST):
        said = 0.0
        for share in SHARES:
            budget = None if share is None else round(said * share)
            row = _under(budget, words, folder)
            said = said or row["said_mb"]
            entry_point = Path(words[0]).stem
            yield {"world": name, "entry_point": entry_point, "budget_mb": budget, **row}


def _under(budget: int | None, words: entry.Command, folder: entry.Folder) -> Result:
    """said_mb, peak_mb, seconds, ended: done, or refused before the work."""
    limited = words if budget is None else (*words, "--memory-budget", str(budget))
    used = entry.tried(limited, folder)
    if used.exit not in (DONE, REFUSED):
        raise SystemExit(f"{limited} ended with {used.exit}:\n{used.log[-2000:]}")
    said = SAID.search(used.log)
    return {
        "said_mb": float(said.group(1).replace(",", "")) if said else 0.0,
        "peak_mb": used.peak_mb,
        "seconds": used.seconds,
        "ended": "done" if used.exit == DONE else "refused",
    }


BENCHMARK = Benchmark(
    question="How near is the memory an entry point says it will hold to what it holds?",
    needs="nothing, or a finished M5 run as well; tens of minutes",
    measure=measure,
    options=(Option("m5", "data folder of a finished M5 run", kind=Path),),
    table=table,
)
