"""Runtime: whether a door took much longer than it used to.

From when it was asked to begin: in the daily flow that is the flow's own start. Only doors that
leave a run in the store are timed. Its false alarms by how much runs vary:
benchmarks/slow_doors.py, in monitoring.md.
"""

from __future__ import annotations

import polars as pl

from monitoring.finding import Finding
from monitoring.steadiness import by_door, grown, worth_telling

WATCHER = "runtime"
DAY_SECONDS = 86_400
LEAST_SECONDS = 60.0  # below, nobody waits

_WORDS = (
    "{door}.py took {newest:.0f} s, usually {usual:.0f} s",
    "Look what else runs on the machine, and whether history or series grew; the window ends at 06:00.",
)


def runtime(runs: pl.DataFrame, max_ratio: float) -> list[Finding]:
    """One finding for each door whose newest whole run took `max_ratio` times the median of the
    runs before it, and a minute more.

    `runs` as the store keeps them: door, started_at, ended_at, status.
    """
    seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_milliseconds() / 1000
    took = runs.with_columns(seconds=seconds).filter(
        pl.col("seconds").is_between(0, DAY_SECONDS)
    )  # a run made `--now` another day tells nothing
    return worth_telling(
        WATCHER,
        [grown(WATCHER, one, max_ratio, LEAST_SECONDS, _WORDS) for one in by_door(took, "seconds")],
    )
