"""Where the time of the three hot paths goes, function by function: a day's file in, all forecasts
out, a fit.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness.entry_points import FORECAST, TAKE_INBOX, TRAIN
from benchmarks.harness.process import sampled
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from benchmarks.speed.daily_path import morning

LEAST_SHARE = 0.02  # of an entry point's time; what takes less is put together


def measure(context: Context) -> Result:
    """Each entry point once over a copy of the folder."""
    entry_points = {}
    with tempfile.TemporaryDirectory(prefix="sampled-") as scratch:
        folder = morning(context, Path(scratch))
        shared = ("--params", str(folder.params), "--data", str(folder.data))
        for words in (TAKE_INBOX, FORECAST, TRAIN):
            seconds = sampled(Path(scratch) / "samples.json", *words, *shared)
            entry_points[words[0]] = _largest(seconds)
    return {"series": context.panel.series.height, "entry_points": entry_points}


def table(result: Result) -> str:
    """One row per entry point and function."""
    rows = [
        [
            f"`{name}`, {took['seconds']:.1f} s",
            f"`{place}`" if "." in place else place,
            f"{seconds:.1f}",
            f"{seconds / took['seconds']:.0%}",
        ]
        for name, took in result["entry_points"].items()
        for place, seconds in took["by"].items()
    ]
    return markdown_table(["entry point", "in", "seconds", "share"], rows)


def _largest(seconds: dict[str, float]) -> Result:
    """What takes its share, largest first, and the rest."""
    total = sum(seconds.values())
    large = {
        place: round(value, 2) for place, value in seconds.items() if value >= LEAST_SHARE * total
    }
    rest = round(total - sum(large.values()), 2)
    return {"seconds": round(total, 1), "by": large | {"everything else": rest}}


BENCHMARK = Benchmark(
    question="In which of our functions does the time of the hot paths go?",
    needs="a data folder after make repro; a minute on M5",
    measure=measure,
    table=table,
    by_source=True,
)
