"""Does what `make serve` starts stay flat: memory, open files, processes, for an hour of mornings.

The real server, worker and schedule, with the daily flow every minute instead of every morning, in
a folder and a Prefect home of its own. Before each morning the next day's file is dropped. All are
days of the past, so that the clock is the real one and every file comes late.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import ROOT, Result
from benchmarks.render.markdown import markdown_table
from benchmarks.speed.mornings import HISTORY_DAYS, World, opened
from storage.runs import read_runs
from storage.store import open_store

EVERY_S, LOOK_EVERY_S, PATIENCE_S = 60, 10, 240
ROWS_MIN = 10  # of the table
PARTS = {"server": b" server start ", "worker": b" worker start "}


@dataclass(frozen=True)
class Seen:
    """What one look at all processes of a Prefect home found."""

    minute: float
    server_mb: float
    worker_mb: float
    files: int
    processes: int


def measure(context: Context) -> Result:
    """One row for each ten minutes, and what was left when it was ended."""
    minutes, series = context.options.minutes, context.options.series
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        changes = {"source": {"simulator": {"start": str(_first_day(minutes))}}}
        world = opened(Path(scratch), minutes, series, changes)
        environment = _environment(Path(scratch), world)
        with _served(environment, Path(scratch) / "served.log"):
            seen = list(_lives(world, environment, minutes))
        left = len(_processes(environment))
        with open_store(world.paths.store, 30, read_only=True) as con:
            runs = read_runs(con, "monitor").filter(status="done")
        windows = [
            [one for one in seen if first <= one.minute < first + ROWS_MIN]
            for first in range(0, minutes, ROWS_MIN)
        ]
        return {
            "series": series,
            "every_s": EVERY_S,
            "mornings": runs.height,
            "files_dropped": minutes,
            "files_waiting": len(list(world.paths.inbox.glob("*.csv"))),
            "left_running": left,
            "rows": [_row(window) for window in windows if window],
        }


def table(result: Result) -> str:
    """Medians of ten minutes; open files and processes while no morning runs."""
    names = ["minute", "server_mb", "worker_mb", "files", "processes"]
    head = ["minutes", "server MB", "worker MB", "open files", "processes"]
    return markdown_table(head, [[f"{row[name]:,.0f}" for name in names] for row in result["rows"]])


def _row(window: list[Seen]) -> Result:
    least = min(one.processes for one in window)  # between two mornings
    idle = [one for one in window if one.processes == least]
    return {
        "minute": (window[-1].minute // ROWS_MIN + 1) * ROWS_MIN,
        "server_mb": round(statistics.median(one.server_mb for one in window), 1),
        "worker_mb": round(statistics.median(one.worker_mb for one in window), 1),
        "files": statistics.median(one.files for one in idle),
        "processes": least,
    }


def _first_day(minutes: int) -> date:
    return date.today() - timedelta(days=HISTORY_DAYS + minutes)


def _environment(scratch: Path, world: World) -> dict[str, str]:
    """A home, a port and a plan of its own."""
    daily = {
        "name": "daily",
        "entrypoint": "flows/daily.py:daily",
        "work_pool": {"name": "tillcast"},
        "concurrency_limit": 1,
        "parameters": {"params": str(world.folder.params), "data": str(world.folder.data)},
        "schedules": [{"interval": EVERY_S}],
    }
    plan = scratch / "deployments.yaml"
    with plan.open("w", encoding="utf-8") as file:
        YAML().dump({"name": "tillcast", "deployments": [daily]}, file)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        "PREFECT_HOME": str(scratch / "home"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "TILLCAST_DEPLOYMENTS": str(plan),
        "OMP_WAIT_POLICY": "passive",
    }
    return {**os.environ, **own}


@contextmanager
def _served(environment: dict[str, str], log: Path) -> Iterator[None]:
    """`make serve`, ended as Ctrl-C ends it; whatever it left is killed."""
    command = [sys.executable, str(ROOT / "flows" / "deploy.py")]
    with log.open("w") as out:
        served = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)  # noqa: S603 -- our own command
    try:
        yield
    finally:
        served.send_signal(signal.SIGINT)
        try:
            served.wait(90)
        except subprocess.TimeoutExpired:
            for pid in _processes(environment):
                os.kill(pid, signal.SIGKILL)


def _lives(world: World, environment: dict[str, str], minutes: int) -> Iterator[Seen]:
    """What was seen every ten seconds, from the worker's start on."""
    deadline = time.monotonic() + PATIENCE_S
    while _look(environment, 0.0).worker_mb == 0 and time.monotonic() < deadline:
        time.sleep(1)
    started = time.monotonic()
    for k in range(minutes * 60 // LOOK_EVERY_S):
        if k * LOOK_EVERY_S % EVERY_S == 0:
            world.deliver_next()
        time.sleep(max(0.0, started + k * LOOK_EVERY_S - time.monotonic()))
        yield _look(environment, (time.monotonic() - started) / 60)


def _look(environment: dict[str, str], minute: float) -> Seen:
    found = [_of_process(pid) for pid in _processes(environment)]
    held = {
        name: sum(mb for words, mb, _ in found if mark in words) for name, mark in PARTS.items()
    }
    files = sum(count for *_, count in found)
    return Seen(minute, held["server"], held["worker"], files, len(found))


def _of_process(pid: int) -> tuple[bytes, float, int]:
    """Its words, the MB it holds and the files it has open."""
    folder = Path(f"/proc/{pid}")
    with suppress(OSError):
        words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
        pages = int((folder / "statm").read_text().split()[1])
        held = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        return words, held, len(list((folder / "fd").iterdir()))
    return b"", 0.0, 0


def _processes(environment: dict[str, str]) -> list[int]:
    """Every process that lives in this Prefect home."""
    mark = f"PREFECT_HOME={environment['PREFECT_HOME']}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


BENCHMARK = Benchmark(
    question="Does what `make serve` starts stay flat for an hour of mornings?",
    needs="nothing; an hour",
    measure=measure,
    options=(
        Option("minutes", "minutes, a morning each", 60, int),
        Option("series", "series", 200, int),
    ),
    table=table,
)
