"""Memory: whether a door held much more than it used to, and whether the machine ends soon.

What a run's peak means where several doors share a process: runtime.memory.peak_mb. Steady doors'
peaks, measured: monitoring.md.
"""

from __future__ import annotations

import polars as pl

from monitoring.finding import Finding
from monitoring.steadiness import by_door, grown, near_its_end, worth_telling

WATCHER = "memory"
LIMIT_WATCHER = "memory_limit"
LEAST_MB = 256.0  # a machine that runs the doors has it to spare

_GROWN = (
    "{door}.py's process held {newest:,.0f} MB at most, usually {usual:,.0f} MB",
    "The run ended well. By day: look whether history or series grew, what changed in the code, whether it was walked in "
    "another way (by hand, in the flow). Where inference and monitor ring together, inference grew: they share a process.",
)
_NEAR = (
    "{door}.py's process held {newest:,.0f} MB at most, of {end:,.0f} MB that a process here can hold",
    "The next growth kills it. Give the machine (or its cgroup) more before the next run, end what else runs on it, or "
    "work in smaller pieces (`inference.py --memory-budget MB`).",
)


def memory(runs: pl.DataFrame, max_ratio: float) -> list[Finding]:
    """One finding for each door whose newest whole run held `max_ratio` times the median of the
    runs before it, and LEAST_MB more.

    `runs` as the store keeps them: door, started_at, ended_at, status, peak_mb. A newest run that
    says no peak is not judged.
    """
    return worth_telling(
        WATCHER,
        [grown(WATCHER, one, max_ratio, LEAST_MB, _GROWN) for one in by_door(runs, "peak_mb")],
    )


def memory_limit(runs: pl.DataFrame, machine_mb: float | None, max_share: float) -> list[Finding]:
    """One finding for each door whose newest whole run held more than `max_share` of what a process
    here can hold.

    Assumption: doors run on the machine of the look, `machine_mb` as runtime.memory.machine_mb;
    None: the system does not tell.
    """
    near = [
        near_its_end(LIMIT_WATCHER, one, machine_mb, max_share, _NEAR)
        for one in by_door(runs, "peak_mb")
    ]
    return worth_telling(LIMIT_WATCHER, near)
