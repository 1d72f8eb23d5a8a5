"""Memory: whether an entry point held much more than it used to, and whether the machine ends soon.

What a run's peak means where several entry points share a process: runtime.memory.peak_mb. Steady
entry points' peaks, measured: docs/results/detection.md.
"""

from __future__ import annotations

import polars as pl

from monitoring.finding import Finding
from monitoring.steadiness import Words, grown, near_its_end, newest_runs, worth_reporting

WATCHER = "memory"
LIMIT_WATCHER = "memory_limit"
LEAST_MB = 256.0  # a machine that runs the entry points has it to spare

_GROWN = Words(
    "{entry_point}.py's process held {value:,.0f} MB at most, usually {usual:,.0f} MB",
    "The run ended well. By day: look whether history or series grew, what changed in the code, "
    "whether it was run in another way (by hand, in the flow). Where inference and monitor raise "
    "an alert together, inference grew: they share a process.",
)
_NEAR = Words(
    "{entry_point}.py's process held {value:,.0f} MB at most, "
    "of {end:,.0f} MB that a process here can hold",
    "The next growth kills it. Give the machine (or its cgroup) more before the next run, end what "
    "else runs on it, or work in smaller pieces (`inference.py --memory-budget MB`).",
)


def memory(runs: pl.DataFrame, max_ratio: float) -> list[Finding]:
    """One finding for each entry point whose newest whole run held `max_ratio` times the median of
    the runs before it, and LEAST_MB more.

    `runs` as the store keeps them: `door`, started_at, ended_at, status, peak_mb. A newest run that
    says no peak is not judged.
    """
    newest = newest_runs(runs, "peak_mb")
    findings = [grown(WATCHER, run, max_ratio, LEAST_MB, _GROWN) for run in newest]
    return worth_reporting(WATCHER, findings)


def memory_limit(runs: pl.DataFrame, machine_mb: float | None, max_share: float) -> list[Finding]:
    """One finding for each entry point whose newest whole run held more than `max_share` of what a
    process here can hold.

    Assumption: entry points run on the machine of the look, `machine_mb` as
    runtime.memory.machine_mb; None: the system does not say.
    """
    newest = newest_runs(runs, "peak_mb")
    findings = [near_its_end(LIMIT_WATCHER, run, machine_mb, max_share, _NEAR) for run in newest]
    return worth_reporting(LIMIT_WATCHER, findings)
