"""Runtime: whether a door took much longer than it used to.

From when it was asked to begin: in the daily flow that is the flow's own start. Only doors that leave a run in the store are timed.
Its false alarms by how much runs vary: benchmarks/slow_doors.py, in monitoring.md.
"""

from __future__ import annotations

import polars as pl

from monitoring.finding import Finding, not_judged

WATCHER = "runtime"
RUNS_COMPARED, FEWEST_RUNS = 30, 5
DAY_SECONDS = 86_400
LEAST_SECONDS = 60.0  # below, nobody waits


def runtime(runs: pl.DataFrame, max_ratio: float) -> list[Finding]:
    """One finding for each door whose newest whole run took `max_ratio` times the median of the runs before it, and a minute more.

    `runs` as the store keeps them: door, started_at, ended_at, status.
    """
    took = runs.filter(pl.col("ended_at").is_not_null(), status="done").with_columns(
        seconds=(pl.col("ended_at") - pl.col("started_at")).dt.total_milliseconds() / 1000
    )
    took = took.filter(pl.col("seconds").is_between(0, DAY_SECONDS))  # a run made `--now` another day tells nothing
    doors = [part.sort("started_at").tail(RUNS_COMPARED + 1) for part in took.partition_by("door", maintain_order=True)]
    judged = [_one(part, max_ratio) for part in doors if part.height > FEWEST_RUNS]
    if not judged:
        return [not_judged(WATCHER, f"no door has run {FEWEST_RUNS + 1} times yet")]
    slow = [finding for finding in judged if finding.severity != "ok"]
    return slow or [max(judged, key=lambda finding: finding.value or 0.0)]


def _one(runs: pl.DataFrame, max_ratio: float) -> Finding:
    door, newest = runs["door"][0], float(runs["seconds"][-1])
    usual = float(runs["seconds"][:-1].median())
    ratio = newest / max(usual, 1e-3)
    is_slow = ratio > max_ratio and newest - usual > LEAST_SECONDS
    return Finding(
        WATCHER,
        f"{door}.py took {newest:.0f} s, usually {usual:.0f} s",
        "warning" if is_slow else "ok",
        ratio,
        max_ratio,
        "Look what else runs on the machine, and whether history or series grew; the window ends at 06:00."
        if is_slow
        else "",
        runs["started_at"][-1].date(),
        door if is_slow else "",
    )
