"""Does it grow for ever: the disk, the seconds and the memory of a year of mornings.

One process lives through them as the daily flow does: the files of a day into the inbox (late,
restated, with broken rows), table, orders, look, the dashboards' copy. On Sundays it runs
`ingest.py compact`, or never. The champion is fitted once, before, in processes of its own. A copy
that was replaced counts as unread at once: the mornings are seconds apart here.
"""

from __future__ import annotations

import json
import logging
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ingest
from benchmarks.harness import entry_points as entry
from benchmarks.harness.params import FAST, simulated_folder
from benchmarks.harness.process import held_mb, measured
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.params import Params
from contract.params_file import lay_over, load_params
from runtime.paths import Paths
from sources.simulator.arriving import arriving

NEVER, WEEKLY = "never compacted", "compacted weekly"
MEASURED = ("store_mb", "copies_mb", "journal_mb", "other_mb", "seconds", "cpu_s", "held_mb")
HISTORY_DAYS, EVERY_DAYS, SUNDAY = 400, 28, 6
TO_A_CHAMPION = (  # the offline stages, in DVC's order
    ("ingest.py", "freeze"),
    ("evaluate.py", "incumbent"),
    entry.CHECK_PANEL,
    ("train.py", "profile"),
    ("evaluate.py", "choose"),
    entry.TRAIN,
    entry.EVALUATE,
    entry.FORECAST_FROM_PANEL,
    entry.REPORT,
)


@dataclass
class World:
    """A data folder, and what is still to arrive in its inbox."""

    folder: entry.Folder
    coming: list[tuple[datetime, Path]]
    opening: datetime

    @property
    def params(self) -> Params:
        """Read anew every morning, as every entry point does."""
        return load_params(self.folder.params)

    @property
    def paths(self) -> Paths:
        """The folder's parts."""
        return Paths(self.folder.data)

    def deliver(self, now: datetime) -> None:
        """What has arrived by now, into the inbox."""
        self.paths.inbox.mkdir(parents=True, exist_ok=True)
        while self.coming and self.coming[0][0] <= now:
            shutil.copy(self.coming.pop(0)[1], self.paths.inbox)

    def deliver_next(self) -> None:
        """The files of the next day that brings any."""
        if self.coming:
            self.deliver(self.coming[0][0])


def measure(context: Context) -> Result:
    """The chosen way's rows; those of the other as kept before."""
    options = context.options
    way = NEVER if options.never_compacted else WEEKLY
    with tempfile.TemporaryDirectory(prefix="mornings-") as scratch:
        lived = measured(lives, 0, scratch, options.mornings, options.series, way == WEEKLY)
    size = {"series": options.series, "every_days": EVERY_DAYS}
    return context.before() | size | {way: lived.result["rows"]}


def table(result: Result) -> str:
    """One row per way and four weeks: the disk at their end, the median morning."""
    rows = [
        [way, str(row["day"]), *(f"{row[name]:,.{_digits(name)}f}" for name in MEASURED)]
        for way in (NEVER, WEEKLY)
        for row in result.get(way, [])
    ]
    disk = ["store MB", "dashboards' copies MB", "journal MB", "all else MB"]
    head = ["way", "mornings", *disk, "seconds", "CPU seconds", "held MB"]
    return markdown_table(head, rows)


def lives(scratch: str, mornings: int, series: int, is_compacted: bool) -> Callable[[], Result]:
    """In the measured process: the mornings, one after another."""
    from storage import snapshot

    logging.disable()
    snapshot.UNREAD_AFTER_S = 0
    world = opened(Path(scratch), mornings, series)

    def work() -> Result:
        days = []
        with (Path(scratch) / "days.jsonl").open("w", encoding="utf-8") as file:
            for k in range(mornings):
                days.append({"day": k + 1} | _day(world, k + 1, is_compacted))
                print(json.dumps(days[-1]), file=file, flush=True)  # for whoever waits
        weeks = [days[k : k + EVERY_DAYS] for k in range(0, len(days), EVERY_DAYS)]
        return {"rows": [_row(four) for four in weeks]}

    return work


def opened(
    scratch: Path, mornings: int, series: int, changes: dict[str, Any] | None = None
) -> World:
    """A history taken in, a champion and its first table."""
    from stages.publish import publish

    files = {"source": {"simulator": {"daily_files": mornings}}}
    laid = lay_over(lay_over(FAST, files), changes or {})
    folder = simulated_folder(scratch / "world", series, HISTORY_DAYS + mornings, laid)
    coming = arriving(load_params(folder.params).source.simulator, scratch / "supplier")
    world = World(folder, coming, coming[0][0] + timedelta(hours=1))
    world.deliver(world.opening)
    ingest.ingest(world.params, world.paths, now=world.opening)
    for words in TO_A_CHAMPION:
        entry.run(words, folder)
    publish(world.params, world.paths, now=world.opening)
    return world


def _day(world: World, k: int, is_compacted: bool) -> Result:
    """The k-th morning: what it took, and what it left."""
    from stages.compact import compact

    now = world.opening + timedelta(days=k)
    world.deliver(now)
    started, cpu_s = time.perf_counter(), time.process_time()
    morning(world.params, world.paths, now)
    took = {"seconds": time.perf_counter() - started, "cpu_s": time.process_time() - cpu_s}
    if is_compacted and now.weekday() == SUNDAY:
        compact(world.params, world.paths, now=now)
    return took | {"held_mb": held_mb(), **_disk(world.paths)}


def morning(params: Params, paths: Paths, now: datetime) -> None:
    """What flows/daily.py does, in its order."""
    import inference
    import monitor
    from queries.changes import changes
    from queries.export import snapshot
    from stages.order import order

    ingest.ingest(params, paths, now=now)
    inference.infer(params, paths, now=now)
    order(params, paths, now=now)
    monitor.monitor(params, paths, now=now)
    changes(params, paths)
    snapshot(params, paths)


def _disk(paths: Paths) -> Result:
    parts = {"store_mb": paths.store, "copies_mb": paths.snapshot.parent}
    parts["journal_mb"] = paths.root / "journal"
    sizes = {name: _mb(path) for name, path in parts.items()}
    return sizes | {"other_mb": _mb(paths.root) - sum(sizes.values())}


def _mb(path: Path) -> float:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def _row(days: list[Result]) -> Result:
    """Of some mornings in a row: what the last left on the disk and in memory, and the medians."""
    last = days[-1] | {
        name: statistics.median(day[name] for day in days) for name in ("seconds", "cpu_s")
    }
    return {"day": last["day"]} | {name: round(last[name], 2) for name in MEASURED}


def _digits(name: str) -> int:
    return 1 if name in ("seconds", "cpu_s") else 0


BENCHMARK = Benchmark(
    question="Do the disk, the seconds and the memory of a year of mornings grow?",
    needs="nothing; an hour and a half, 5 GB of disk where never compacted",
    measure=measure,
    options=(
        Option("mornings", "mornings", 365, int),
        Option("series", "series", 1_000, int),
        Option("never-compacted", "the way it was", kind=bool),
    ),
    table=table,
)
