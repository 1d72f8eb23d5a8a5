"""How a thing is measured: in a process of its own, several times, the median quoted."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.harness.results import ROOT
from runtime import memory
from runtime.process import path_with_python

Made = TypeVar("Made")

CHILD = "benchmarks.harness.child"
PASSIVE = {"OMP_WAIT_POLICY": "passive"}  # idle threads sleep instead of spinning


@dataclass(frozen=True)
class Timed:
    """Seconds of each run, the median, the peak memory of the process (MB), what the work said."""

    seconds: list[float]
    median_s: float
    rss_mb: float
    result: dict[str, Any]


@dataclass(frozen=True)
class Used:
    """A command that ended: its exit code, what it took, its JSON summary and its log."""

    exit: int
    seconds: float
    cpu_s: float
    peak_mb: float
    summary: dict[str, Any]
    log: str


def peak_mb() -> float:
    """The MB this process held at most; `ru_maxrss`, which may begin at its parent's, elsewhere."""
    return memory.peak_mb() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held_mb() -> float:
    """The MB this process holds now; at most, where the system does not say."""
    return memory.linux_mb(Path("/proc/self/status"), "VmRSS") or peak_mb()


def timed(work: Callable[[], Made]) -> tuple[Made, float]:
    """What one call makes, and its seconds."""
    started = time.perf_counter()
    made = work()
    return made, time.perf_counter() - started


def seconds_of(work: Callable[[], Any]) -> float:
    """Seconds of one call."""
    return timed(work)[1]


def measured(work: Callable[..., Any], runs: int, *arguments: Any) -> Timed:
    """Work made by `work(*arguments)` in a fresh process: once to warm up, then `runs` times."""
    name, given = f"{work.__module__}:{work.__qualname__}", [json.dumps(one) for one in arguments]
    said = json.loads(_child("work", name, str(runs), *given, cwd=ROOT).stdout.splitlines()[-1])
    seconds = said["seconds"]
    return Timed(seconds, statistics.median(seconds or [0.0]), said["rss_mb"], said["result"])


def command(*words: str, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> Used:
    """A Python command, started from a small process: Linux counts a child's peak from what its
    parent held at the start, so one that holds a panel must not be the parent."""
    done = _child("command", sys.executable, *words, cwd=cwd, environment=environment)
    used, said = (
        json.loads(done.stdout),
        [line for line in done.stderr.splitlines() if line.startswith("{")],
    )
    return Used(**used, summary=json.loads(said[-1]) if said else {}, log=done.stderr)


def sampled(file: Path, script: str, *arguments: str) -> dict[str, float]:
    """Seconds by function of a script of this checkout, run once."""
    _child("sample", str(file), script, *arguments, cwd=ROOT)
    return json.loads(file.read_text(encoding="utf-8"))


def start_up(words: list[str], runs: int) -> float:
    """Median seconds of a whole Python command that must do its work, process start included."""
    python = [sys.executable, *words]

    def work() -> None:
        done = subprocess.run(  # noqa: S603 -- ours
            python, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr}")

    return round(statistics.median(seconds_of(work) for _ in range(runs)), 3)


def _child(
    *words: str, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    around = {
        **os.environ,
        **PASSIVE,
        "PATH": path_with_python(),
        "PYTHONPATH": str(cwd),
        **(environment or {}),
    }
    child = [sys.executable, "-m", CHILD, *words]
    done = subprocess.run(  # noqa: S603 -- our own command
        child, cwd=cwd, env=around, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(
            f"{' '.join(words[:3])} ended with {done.returncode}:\n{done.stderr[-2000:]}"
        )
    return done
