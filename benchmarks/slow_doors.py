"""How often the runtime watcher rings for nothing on a noisy machine, and whether it hears a door that got slow.

Noise is measured here: the same piece of work over and over for two minutes, beside whatever else this machine does, each time
as a multiple of the median. A door's life is its median times those multiples, drawn in blocks (a busy spell lasts), or times
lognormal ones of a given spread; each morning the watcher looks at the runs so far, as the door does.

run     python -m benchmarks.slow_doors        about four minutes
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import ROOT, keep
from contract.params_file import load_params
from monitoring.cusum import QUARTER_DAYS
from monitoring.runtime import WATCHER, runtime
from monitoring.steadiness import RUNS_COMPARED

MEDIANS_S = (17, 60, 600, 3600)  # M5's doors on two cores; a store thirty times as large
QUARTERS = 60
BLOCK_RUNS = 5
MEASURED_S = 120
SLOW_TIMES = (2, 4, 6)  # a door that takes so many times its median from one morning on
FIRST = datetime(2024, 1, 1, 4)

Noise = Callable[[np.random.Generator, int], np.ndarray]


def main() -> None:
    """Measure the machine, live through quarters, keep."""
    max_ratio = load_params(ROOT / "params.yaml").monitor.max_runtime_ratio
    measured = busy_machine()
    noises = {
        "this machine": lambda rng, runs: in_blocks(measured, rng, runs),
        "lognormal 0.3": lambda rng, runs: rng.lognormal(0, 0.3, runs),
        "lognormal 0.5": lambda rng, runs: rng.lognormal(0, 0.5, runs),
        "lognormal 0.8": lambda rng, runs: rng.lognormal(0, 0.8, runs),
    }
    told = {
        "max_ratio": max_ratio,
        "machine": {
            "pieces": len(measured),
            "spread": round(float(np.log(measured).std()), 3),
            "largest": round(float(measured.max()), 2),
        },
        "rows": [
            {"noise": name, "median_s": median, **lived(noise, median, max_ratio)}
            for name, noise in noises.items()
            for median in MEDIANS_S
        ],
    }
    keep("slow_doors", told)


def busy_machine() -> np.ndarray:
    """Multiples of the median of one piece of work, in the order they were measured."""
    frame = pl.DataFrame({"k": np.arange(400_000) % 997, "y": np.arange(400_000.0)})
    until, seconds = time.perf_counter() + MEASURED_S, []
    while time.perf_counter() < until:
        started = time.perf_counter()
        for _ in range(20):
            frame.group_by("k").agg(pl.col("y").sum()).sort("k")
        seconds.append(time.perf_counter() - started)
    return np.array(seconds) / np.median(seconds)


def in_blocks(measured: np.ndarray, rng: np.random.Generator, runs: int) -> np.ndarray:
    """So many multiples, drawn a block at a time."""
    starts = rng.integers(0, len(measured) - BLOCK_RUNS, -(-runs // BLOCK_RUNS))
    return np.concatenate([measured[start : start + BLOCK_RUNS] for start in starts])[:runs]


def lived(noise: Noise, median_s: float, max_ratio: float) -> dict[str, Any]:
    """Alerts a quarter of a door that did not change, and the share of first slow mornings that ring."""
    rng = np.random.default_rng(7)
    alerts, heard = 0, dict.fromkeys(SLOW_TIMES, 0)
    for _ in range(QUARTERS):
        seconds = median_s * noise(rng, RUNS_COMPARED + QUARTER_DAYS)
        rings = [is_slow(seconds[:k], max_ratio) for k in range(RUNS_COMPARED + 1, len(seconds) + 1)]
        alerts += int((np.diff([0, *rings]) == 1).sum())
        for times in SLOW_TIMES:
            heard[times] += is_slow(np.append(seconds[:RUNS_COMPARED], seconds[RUNS_COMPARED] * times), max_ratio)
    return {
        "per_quarter": round(alerts / QUARTERS, 2),
        "heard": {str(times): round(count / QUARTERS, 2) for times, count in heard.items()},
    }


def is_slow(seconds: np.ndarray, max_ratio: float) -> bool:
    """Whether the watcher rings after these runs, one a morning."""
    newest = seconds[-RUNS_COMPARED - 1 :]
    started = [FIRST + timedelta(days=k) for k in range(len(newest))]
    ended = [start + timedelta(seconds=float(took)) for start, took in zip(started, newest, strict=True)]
    runs = pl.DataFrame({"door": WATCHER, "started_at": started, "ended_at": ended, "status": "done"})
    return any(finding.severity != "ok" for finding in runtime(runs, max_ratio))


if __name__ == "__main__":
    main()
