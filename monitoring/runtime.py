"""Runtime: whether an entry point took much longer than it used to.

From when it was to begin: in the daily flow that is the flow's own start. Only entry points that
leave a run in the store are timed. Its false alarms by how much runs vary:
docs/results/detection.md.
"""

from __future__ import annotations

import polars as pl

from monitoring.finding import Finding
from monitoring.steadiness import Words, grown, newest_runs, worth_reporting

WATCHER = "runtime"
DAY_SECONDS = 86_400
LEAST_SECONDS = 60.0  # below, nobody waits

_GROWN = Words(
    "{entry_point}.py took {value:.0f} s, usually {usual:.0f} s",
    "Look what else runs on the machine, and whether history or series grew; "
    "the window ends at 06:00.",
)


def runtime(runs: pl.DataFrame, max_ratio: float) -> list[Finding]:
    """One finding for each entry point whose newest whole run took `max_ratio` times the median of
    the runs before it, and a minute more.

    `runs` as the store keeps them: `door`, started_at, ended_at, status.
    """
    seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_milliseconds() / 1000
    # a run made `--now` another day says nothing of how long it took
    timed = runs.with_columns(seconds=seconds).filter(pl.col("seconds").is_between(0, DAY_SECONDS))
    newest = newest_runs(timed, "seconds")
    findings = [grown(WATCHER, run, max_ratio, LEAST_SECONDS, _GROWN) for run in newest]
    return worth_reporting(WATCHER, findings)
