"""Whether entry points take what they used to take: the newest run of each against those before it.

One engine for seconds and memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from monitoring.finding import Finding, not_judged

RUNS_COMPARED, FEWEST_RUNS = 30, 5


@dataclass(frozen=True)
class NewestRun:
    """What an entry point's newest run took, and the median of those before.

    `value` None: the run does not say; `usual` None: too few of those before do.
    """

    entry_point: str
    day: date
    value: float | None
    usual: float | None


@dataclass(frozen=True)
class Words:
    """How a shift is described: a sentence with places for {entry_point}, {value}, and {usual} or
    {end}; and the advice.
    """

    sentence: str
    advice: str


def newest_runs(runs: pl.DataFrame, column: str) -> list[NewestRun]:
    """One for each entry point that has whole runs, by name.

    `runs` as the store keeps them: `door` (the entry point), started_at, ended_at, status, and the
    column.
    """
    if runs.is_empty():
        return []
    whole = runs.filter(pl.col("ended_at").is_not_null(), status="done").sort("door", "started_at")
    return [_newest(part, column) for part in whole.partition_by("door", maintain_order=True)]


def grown(watcher: str, run: NewestRun, max_ratio: float, least: float, words: Words) -> Finding:
    """A warning where the run took over `max_ratio` times the usual and over `least` more."""
    name = run.entry_point
    if run.value is None or run.usual is None:
        why = f"fewer than {FEWEST_RUNS + 1} runs of {name}.py say what they took"
        return not_judged(watcher, why, name)
    ratio = run.value / max(run.usual, 1e-3)
    what = words.sentence.format(entry_point=name, value=run.value, usual=run.usual)
    is_out = ratio > max_ratio and run.value - run.usual > least
    return _finding(watcher, run, what, (ratio, max_ratio), words.advice if is_out else None)


def near_its_end(
    watcher: str, run: NewestRun, end: float | None, max_share: float, words: Words
) -> Finding:
    """A warning where the run took over `max_share` of all there is, `end`; None: nobody says how
    much that is.
    """
    name = run.entry_point
    if run.value is None or end is None:
        why = f"neither {name}.py's newest run nor the system says enough"
        return not_judged(watcher, why, name)
    share = run.value / end
    what = words.sentence.format(entry_point=name, value=run.value, end=end)
    advice = words.advice if share > max_share else None
    return _finding(watcher, run, what, (share, max_share), advice)


def worth_reporting(watcher: str, findings: list[Finding]) -> list[Finding]:
    """Every entry point that raises an alert or could not be judged; without an alert, of the
    judged ones the one nearest to its limit.
    """
    if not findings:
        return [not_judged(watcher, "no entry point has run yet")]
    alerts = [finding for finding in findings if finding.severity != "ok"]
    judged = [finding for finding in findings if finding.is_judged]
    nearest = [max(judged, key=lambda finding: finding.value or 0.0)] if judged else []
    return [*(alerts or nearest), *(finding for finding in findings if not finding.is_judged)]


def _newest(runs: pl.DataFrame, column: str) -> NewestRun:
    """Of one entry point's runs, oldest first."""
    before = runs.select(column).head(-1).drop_nulls().tail(RUNS_COMPARED)
    median = before.select(pl.median(column)).item()
    return NewestRun(
        entry_point=runs["door"][0],
        day=runs["started_at"][-1].date(),
        value=runs[column][-1],
        usual=float(median) if before.height >= FEWEST_RUNS else None,
    )


def _finding(
    watcher: str,
    run: NewestRun,
    what: str,
    value_and_limit: tuple[float, float],
    advice: str | None,
) -> Finding:
    """One entry point's finding; an alert (`advice` not None) bears its name in the cause."""
    value, limit = value_and_limit
    if advice is None:
        return Finding(watcher, what, "ok", value, limit, "", run.day)
    return Finding(watcher, what, "warning", value, limit, advice, run.day, run.entry_point)
