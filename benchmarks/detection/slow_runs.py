"""How often the runtime watcher alerts for nothing on a noisy machine, and whether it notices an
entry point that got slow.

Noise is measured here: the same piece of work over and over for two minutes, beside whatever else
this machine does, each time as a multiple of the median. An entry point's life is its median times
those multiples, drawn in blocks (a busy spell lasts), or times lognormal ones of a given spread;
each morning the watcher looks at the runs so far, as in production.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.process import seconds_of
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from monitoring.cusum import QUARTER_DAYS
from monitoring.runtime import WATCHER, runtime
from monitoring.steadiness import RUNS_COMPARED

MEDIANS_S = (17, 60, 600, 3600)  # M5's entry points on two cores; a store thirty times as large
QUARTERS = 60
BLOCK_RUNS = 5
MEASURED_S = 120
SLOW_TIMES = (2, 4, 6)  # an entry point that takes so many times its median from one morning on
SPREADS = (0.3, 0.5, 0.8)
FIRST = datetime(2024, 1, 1, 4)
HERE = "this machine"

Noise = Callable[[np.random.Generator, int], np.ndarray]


def measure(_context: Context) -> Result:
    """Measure the machine, live through quarters."""
    max_ratio = params_here().monitor.max_runtime_ratio
    multiples = busy_machine()
    noises: dict[str, Noise] = {HERE: lambda rng, runs: in_blocks(multiples, rng, runs)}
    for spread in SPREADS:
        noises[f"lognormal {spread}"] = partial(lognormal, spread)
    return {
        "max_ratio": max_ratio,
        "noise": {
            "pieces": len(multiples),
            "spread": round(float(np.log(multiples).std()), 3),
            "largest": round(float(multiples.max()), 2),
        },
        "rows": [
            {"noise": name, "median_s": median, **lived(noise, median, max_ratio)}
            for name, noise in noises.items()
            for median in MEDIANS_S
        ],
    }


def table(result: Result) -> str:
    """One row per noise and usual time: false alarms, and how often a run suddenly slow is noticed
    the same morning.
    """
    noise = result["noise"]
    here = (
        f"measured, beside other jobs: spread {noise['spread']}, at most {noise['largest']} times"
    )
    rows = [
        [
            here if one["noise"] == HERE else one["noise"],
            f"{one['median_s']} s",
            f"{one['per_quarter']:.2f}",
            *(f"{share:.0%}" for share in one["noticed"].values()),
        ]
        for one in result["rows"]
    ]
    slow = [f"noticed: {times} times" for times in result["rows"][0]["noticed"]]
    alarms = "false alarms per quarter and entry point"
    return markdown_table(["runs vary", "usually", alarms, *slow], rows)


def busy_machine() -> np.ndarray:
    """Multiples of the median of one piece of work, in the order they were measured."""
    frame = pl.DataFrame({"k": np.arange(400_000) % 997, "y": np.arange(400_000.0)})

    def work() -> None:
        for _ in range(20):
            frame.group_by("k").agg(pl.col("y").sum()).sort("k")

    until, seconds = time.perf_counter() + MEASURED_S, []
    while time.perf_counter() < until:
        seconds.append(seconds_of(work))
    return np.array(seconds) / np.median(seconds)


def lognormal(spread: float, rng: np.random.Generator, runs: int) -> np.ndarray:
    """So many multiples of a given spread."""
    return rng.lognormal(0, spread, runs)


def in_blocks(multiples: np.ndarray, rng: np.random.Generator, runs: int) -> np.ndarray:
    """So many multiples, drawn a block at a time."""
    starts = rng.integers(0, len(multiples) - BLOCK_RUNS, -(-runs // BLOCK_RUNS))
    return np.concatenate([multiples[start : start + BLOCK_RUNS] for start in starts])[:runs]


def lived(noise: Noise, median_s: float, max_ratio: float) -> Result:
    """Alerts a quarter of an entry point that did not change, and the share of first slow mornings
    that are noticed.
    """
    rng = np.random.default_rng(7)
    alerts, noticed = 0, dict.fromkeys(SLOW_TIMES, 0)
    for _ in range(QUARTERS):
        seconds = median_s * noise(rng, RUNS_COMPARED + QUARTER_DAYS)
        ends = range(RUNS_COMPARED + 1, len(seconds) + 1)
        slow = [is_slow(seconds[:k], max_ratio) for k in ends]
        alerts += int((np.diff([0, *slow]) == 1).sum())
        usual = seconds[:RUNS_COMPARED]
        for times in SLOW_TIMES:
            noticed[times] += is_slow(np.append(usual, seconds[RUNS_COMPARED] * times), max_ratio)
    shares = {str(times): round(count / QUARTERS, 2) for times, count in noticed.items()}
    return {"per_quarter": round(alerts / QUARTERS, 2), "noticed": shares}


def is_slow(seconds: np.ndarray, max_ratio: float) -> bool:
    """Whether the watcher alerts after these runs, one a morning."""
    newest = seconds[-RUNS_COMPARED - 1 :]
    started = [FIRST + timedelta(days=k) for k in range(len(newest))]
    ended = [
        start + timedelta(seconds=float(took)) for start, took in zip(started, newest, strict=True)
    ]
    runs = {"door": WATCHER, "started_at": started, "ended_at": ended, "status": "done"}
    return any(finding.severity != "ok" for finding in runtime(pl.DataFrame(runs), max_ratio))


BENCHMARK = Benchmark(
    question="How often does the runtime watcher alert for nothing, and does it see what got slow?",
    needs="nothing; four minutes",
    measure=measure,
    table=table,
)
