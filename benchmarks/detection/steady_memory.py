"""How much the peak memory of entry points varies that did not change: morning after morning, one
by one and in the daily flow.

Every morning brings a new day of the simulator's, in a process of its own; the peaks are those that
the runs say (`runs.peak_mb`).
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from benchmarks.harness import entry_points as entry
from benchmarks.harness.params import FAST, simulated_folder
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.params_file import load_params
from monitoring.memory import LEAST_MB
from runtime.paths import Paths
from sources.simulator.drop import write_day
from sources.simulator.simulation import simulate
from storage.runs import read_runs
from storage.store import open_store

SERIES, DAYS, MORNINGS = 1_000, 400, 10
MEASURED = ("inference", "monitor")
CLOCK = "--now"  # a command that ends so is given the morning's hour
WAYS: dict[str, tuple[entry.Command, ...]] = {
    "a process each": (entry.TAKE_INBOX, entry.FORECAST, (*entry.MONITOR, CLOCK)),
    "daily flow, --plain": ((*entry.DAILY_PLAIN, CLOCK),),
    "daily flow, Prefect": ((*entry.DAILY, CLOCK),),
}
FIRST = (
    entry.FILL,
    entry.TRAIN,
    entry.EVALUATE,
    entry.FORECAST_FROM_PANEL,
    entry.CHECK_PANEL,
    entry.REPORT,
    entry.PUBLISH,
)


def measure(_context: Context) -> Result:
    """Every way and entry point."""
    with tempfile.TemporaryDirectory(prefix="steady-") as scratch:
        rows = list(_rows(_filled(Path(scratch) / "world"), scratch))
    return {"mornings": MORNINGS, "least_mb": LEAST_MB, "rows": rows}


def table(result: Result) -> str:
    """One row per way and entry point: the median peak, and how far from it peaks lay."""
    rows = [
        [f"{one['series']:,}", one["way"], one["entry_point"], f"{one['median_mb']:,} MB"]
        + [f"{one[name]:.2f} times" for name in ("lowest", "highest")]
        for one in result["rows"]
    ]
    mornings = f"{result['mornings']} mornings, as"
    head = ["series", mornings, "entry point", "median peak", "lowest", "highest"]
    return markdown_table(head, rows)


def _rows(folder: entry.Folder, prefect_home: str) -> Iterator[Result]:
    """Of each way and entry point its peaks, their median, and the lowest and highest as multiples
    of it.
    """
    simulation = simulate(load_params(folder.params).source.simulator)
    days = (simulation.last_day + timedelta(days=k + 1) for k in range(len(WAYS) * MORNINGS))
    for way, commands in WAYS.items():
        peaks: dict[str, list[float]] = {name: [] for name in MEASURED}
        for _ in range(MORNINGS):
            day = next(days)
            write_day(simulation, day, Paths(folder.data).inbox)
            for words in commands:
                entry.run(_at(words, day), folder, {"PREFECT_HOME": prefect_home})
            for name in MEASURED:
                peaks[name].append(_newest_peak(folder, name))
        for name in MEASURED:
            yield {"series": SERIES, "way": way, "entry_point": name, **_spread(peaks[name])}


def _filled(place: Path) -> entry.Folder:
    """A folder with a champion and its first table."""
    folder = simulated_folder(place, SERIES, DAYS, FAST)
    for words in FIRST:
        entry.run(words, folder)
    return folder


def _at(words: entry.Command, day: date) -> entry.Command:
    morning = datetime.combine(day + timedelta(days=1), time(6)).isoformat()
    return (*words, morning) if words[-1] == CLOCK else words


def _newest_peak(folder: entry.Folder, name: str) -> float:
    with open_store(Paths(folder.data).store, 20, read_only=True) as con:
        return float(read_runs(con, name).sort("ended_at")["peak_mb"][-1])


def _spread(peaks: list[float]) -> Result:
    median = statistics.median(peaks)
    times = {"lowest": round(min(peaks) / median, 3), "highest": round(max(peaks) / median, 3)}
    return {"peaks_mb": [round(peak) for peak in peaks], "median_mb": round(median), **times}


BENCHMARK = Benchmark(
    question="How much does the peak memory of an entry point vary that did not change?",
    needs="nothing; ten minutes",
    measure=measure,
    table=table,
)
