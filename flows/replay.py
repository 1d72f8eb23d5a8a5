"""A life in minutes: the daily and weekly flows over simulated days, one line a day, nobody waits
for the clock.

run     python flows/replay.py [--days 90] [--series 120] [--data data/replay]     (make replay
DAYS=90)

writes  a world of its own under --data: store, journal, archive, models, reports. The checkout's
own data/ is not touched.

The simulator sends a history, then a file a day: some late, some restated, some with broken rows.
On top, planned: one day comes as half a file (refused, sent whole the next morning), and for three
days the factory stands still. Every morning at 06:30 the daily flow, on Sundays the weekly one with
the laboratory's stages by hand (no DVC: nothing here is versioned).
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import time as clock_time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

# run by path, flows/ stands first on sys.path
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contract.params_file import load_params
from flows import daily, weekly
from flows.engine import plainly
from flows.tasks import run_stages
from runtime.paths import Paths
from sources.simulator.arriving import arriving
from storage.batches import read_batches
from storage.store import open_store

HISTORY_DAYS = 400  # a year and a month: what happened 52 weeks ago is known
MORNING, SUNDAY = time(6, 30), 6
OUTAGE_DAYS = 3
SMALL = {
    "train.rounds": 60,
    "train.leaves": 31,
    "train.max_rows": 150_000,
    "evaluate.origins": 3,
    "train.threads": 2,
}


@dataclass
class World:
    """Where the replay lives, what is still to arrive, and what it has counted."""

    params_file: Path
    paths: Paths
    coming: list[tuple[datetime, Path]]
    half_day: date
    silent: set[date]
    counts: Counter = field(default_factory=Counter)

    @property
    def first_morning(self) -> date:
        """The day the history arrives."""
        return self.coming[0][0].date()


def replay(days: int, series: int, root: Path, base: Path) -> dict[str, Any]:
    """Walk the days; what happened, in counts."""
    started = clock_time.monotonic()
    world = _world(days, series, root, base)
    mornings = [world.first_morning + timedelta(days=k + 1) for k in range(days)]
    _begin(world)
    for day in mornings:
        print(_one_day(world, day), flush=True)
    return {
        **world.counts,
        "rows_restated": _restated(world),
        "seconds": round(clock_time.monotonic() - started),
        "world": str(root),
    }


def _world(days: int, series: int, root: Path, base: Path) -> World:
    """A fresh folder with params and all files that will ever arrive, still outside the inbox."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    start = date(2024, 1, 1)
    simulator = {
        "series": series,
        "days": HISTORY_DAYS + days,
        "start": str(start),
        "daily_files": days,
    }
    values = {f"source.simulator.{name}": value for name, value in simulator.items()} | {
        "source.kind": "simulator"
    }
    params_file = root / "params.yaml"
    _write_params(params_file, base, values | SMALL)
    coming = arriving(load_params(params_file).source.simulator, root / "supplier")
    paths = Paths(root / "data")
    paths.inbox.mkdir(parents=True)
    first = coming[0][0].date()
    half, silent = first + timedelta(days=days // 3), first + timedelta(days=days // 2)
    return World(
        params_file, paths, coming, half, {silent + timedelta(days=k) for k in range(OUTAGE_DAYS)}
    )


def _write_params(target: Path, base: Path, values: dict[str, Any]) -> None:
    """The params of the checkout with these values, named by their path."""
    from ruamel.yaml import YAML

    editor = YAML()
    raw = editor.load(base.read_text(encoding="utf-8"))
    for path, value in values.items():
        *sections, name = path.split(".")
        section = raw
        for inner in sections:
            section = section[inner]
        section[name] = value
    with target.open("w", encoding="utf-8") as file:
        editor.dump(raw, file)


def _begin(world: World) -> None:
    """The history taken in and the first model made, before the first morning."""
    now = datetime.combine(world.first_morning, MORNING)
    _deliver(world, now)
    daily.take_inbox.fn(world.params_file, world.paths.root, now)
    told = _week(world, now)
    print(f"{world.first_morning} history  {told}", flush=True)


def _one_day(world: World, day: date) -> str:
    now = datetime.combine(day, MORNING)
    world.counts["days"] += 1
    _deliver(world, now)
    if day in world.silent:
        world.counts["days_standing_still"] += 1
        return f"{day:%Y-%m-%d %a}  the factory stands still; {len(list(world.paths.inbox.iterdir()))} files wait"
    told = daily.plain(world.params_file, world.paths.root, now)
    line = f"{day:%Y-%m-%d %a}  {_told(world, told)}"
    return (
        line
        if day.weekday() != SUNDAY
        else f"{line}\n{'':14}  weekly: {_week(world, now.replace(hour=8))}"
    )


def _deliver(world: World, now: datetime) -> None:
    """What has arrived by now, into the inbox; on the planned day the second half of the file is
    missing until the next morning.
    """
    while world.coming and world.coming[0][0] <= now:
        _, path = world.coming.pop(0)
        target = world.paths.inbox / path.name
        if path.name == f"sales_{world.half_day}.csv" and world.counts["half_files"] == 0:
            world.counts["half_files"] += 1
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            target.write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")
            world.coming.insert(0, (now + timedelta(hours=23), path))
        else:
            shutil.copy(path, target)


def _week(world: World, now: datetime) -> str:
    """The weekly flow; what the gate said."""
    before = world.counts["promotions"]
    told = weekly.week(plainly, world.params_file, world.paths.root, now, run_stages)
    if "repro" not in told:
        return f"no refit: {told['retrain']['reason']}"
    decision = told["repro"]["decision"]
    world.counts["weekly_runs"] += 1
    world.counts["promotions"] += bool(decision["promote"])
    word = "promoted" if world.counts["promotions"] > before else "kept the champion"
    return f"{word}: {'; '.join(decision['reasons'])}"


def _restated(world: World) -> int:
    """Rows that a later file said otherwise, as the ledger counts them."""
    with open_store(world.paths.store, read_only=True) as con:
        return int(read_batches(con)["rows_restated"].sum())


def _told(world: World, told: dict[str, Any]) -> str:
    """A day in one line, and into the counts."""
    ingest, table, watched = told["ingest"], told["inference"], told["monitor"]
    raised, closed = set(watched["raised"]), set(watched["closed"])
    world.counts.update(
        files=ingest["files"], files_refused=ingest["refused"], rows=ingest["rows_out"], rows_refused=ingest["rows_refused"],
        tables=1, retraining_asked=bool(watched["retrain"]["is_needed"]), alerts_closed=len(closed),
    )  # fmt: skip
    world.counts.update({f"days with {cause.split(':')[0]}": 1 for cause in raised})
    files = (
        f"{ingest['files']} files {ingest['rows_out']:>5} rows, {ingest['rows_refused']} refused"
    )
    rings = f"rings: {', '.join(sorted(raised))}" if raised else "quiet"
    gone = f"; over: {', '.join(sorted(closed))}" if closed else ""
    return f"{files:<32}| {table['units']:>8,.0f} units from {table['origin']} | {rings}{gone}"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--days", type=int, default=90, help="simulated mornings (default: %(default)s)"
    )
    parser.add_argument(
        "--series", type=int, default=120, help="item-store series (default: %(default)s)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data/replay"),
        help="folder of the replay's world; emptied first",
    )
    parser.add_argument(
        "--params", type=Path, default=Path("params.yaml"), help="params the world starts from"
    )
    parser.add_argument("--verbose", action="store_true", help="the doors' log lines, too")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Parse, walk, say what happened."""
    arguments = _arguments(argv)
    if not arguments.verbose:
        logging.disable()  # refusals and alarms are planned here, and told in the day's line
    told = replay(arguments.days, arguments.series, arguments.data, arguments.params)
    print("\n" + "\n".join(f"{name:<24}{value}" for name, value in told.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
