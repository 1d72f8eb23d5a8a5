"""How a thing is measured: in a process of its own, several times in turn with what it is compared to, the median quoted."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from runtime import memory

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = ("polars", "duckdb", "lightgbm", "statsforecast", "mlforecast", "great-expectations", "prefect", "dvc")


@dataclass(frozen=True)
class Timed:
    """Seconds of each run, the median, and the peak memory of the process (MB)."""

    seconds: list[float]
    median_s: float
    rss_mb: float
    told: dict[str, Any]


def run_here(work: Callable[[], dict[str, Any]], runs: int) -> None:
    """In the measured process: warm up once, run, print one JSON line."""
    told = work()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        told = work()
        seconds.append(round(time.perf_counter() - started, 4))
    print(json.dumps({"seconds": seconds, "rss_mb": round(peak_mb()), "told": told}))


def peak_mb() -> float:
    """The MB this process held at most; where Linux' own count is not told, what may begin at its parent's (`ru_maxrss`)."""
    return memory.peak_mb() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held_mb() -> float:
    """The MB this process holds now; at most, where the system does not tell."""
    return memory.linux_mb(Path("/proc/self/status"), "VmRSS") or peak_mb()


def measured(module: str, *arguments: str) -> Timed:
    """`python -m module arguments` in a fresh process that ends with `run_here`."""
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    line = json.loads(done.stdout.splitlines()[-1])
    return Timed(line["seconds"], statistics.median(line["seconds"]), line["rss_mb"], line["told"])


def keep(name: str, told: dict[str, Any]) -> Path:
    """The file in results/ that now holds what was measured, and where."""
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**told, "machine": machine()}, indent=1, default=str) + "\n", encoding="utf-8")
    return path


def kept(name: str) -> dict[str, Any] | None:
    """What `keep` last wrote under this name; None where that benchmark never ran."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def start_up(command: list[str], runs: int) -> float:
    """Median seconds of a whole command, process start included."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, check=True)  # noqa: S603
        seconds.append(time.perf_counter() - started)
    return round(statistics.median(seconds), 3)


def machine() -> dict[str, Any]:
    """Where this was measured: processor, cores, memory, Python, packages, commit."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory_gb, 1),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "commit": commit.stdout.strip() or None,
    }
