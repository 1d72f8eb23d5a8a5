"""Whether doors take what they used to take: the newest run of each against those before it. One
engine for seconds and memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from monitoring.finding import Finding, not_judged

RUNS_COMPARED, FEWEST_RUNS = 30, 5


@dataclass(frozen=True)
class Took:
    """What a door's newest run took, and the median of those before; `newest` None: it does not
    say; `usual` None: too few do.
    """

    door: str
    day: date
    newest: float | None
    usual: float | None


def by_door(runs: pl.DataFrame, column: str) -> list[Took]:
    """One a door that has whole runs, by name. `runs` as the store keeps them: door, started_at,
    ended_at, status, and the column.
    """
    if runs.is_empty():
        return []
    whole = runs.filter(pl.col("ended_at").is_not_null(), status="done").sort("door", "started_at")
    return [_newest(part, column) for part in whole.partition_by("door", maintain_order=True)]


def grown(
    watcher: str, took: Took, max_ratio: float, least: float, words: tuple[str, str]
) -> Finding:
    """A warning where the newest run took over `max_ratio` times the usual and over `least` more.

    `words`: the sentence, with places for door, newest and usual; the advice.
    """
    if took.newest is None or took.usual is None:
        return not_judged(
            watcher,
            f"fewer than {FEWEST_RUNS + 1} runs of {took.door}.py say what they took",
            took.door,
        )
    ratio = took.newest / max(took.usual, 1e-3)
    rings = ratio > max_ratio and took.newest - took.usual > least
    what = words[0].format(door=took.door, newest=took.newest, usual=took.usual)
    return _told(watcher, took, what, rings, (ratio, max_ratio), words[1])


def near_its_end(
    watcher: str, took: Took, end: float | None, max_share: float, words: tuple[str, str]
) -> Finding:
    """A warning where the newest run took over `max_share` of all there is, `end`; None: nobody
    says how much that is.

    `words`: the sentence, with places for door, newest and end; the advice.
    """
    if took.newest is None or end is None:
        return not_judged(
            watcher, f"neither {took.door}.py's newest run nor the system says enough", took.door
        )
    share = took.newest / end
    what = words[0].format(door=took.door, newest=took.newest, end=end)
    return _told(watcher, took, what, share > max_share, (share, max_share), words[1])


def worth_telling(watcher: str, findings: list[Finding]) -> list[Finding]:
    """Every door that rings or could not be judged; where none rings, of the judged ones the one
    nearest to its limit.
    """
    if not findings:
        return [not_judged(watcher, "no door has run yet")]
    loud = [finding for finding in findings if finding.severity != "ok"]
    judged = [finding for finding in findings if finding.is_judged]
    quiet = [max(judged, key=lambda finding: finding.value or 0.0)] if judged and not loud else []
    return [*loud, *quiet, *(finding for finding in findings if not finding.is_judged)]


def _newest(runs: pl.DataFrame, column: str) -> Took:
    """Of one door's runs, oldest first."""
    before = runs[column][:-1].drop_nulls().tail(RUNS_COMPARED)
    usual = float(before.median()) if len(before) >= FEWEST_RUNS else None  # type: ignore[arg-type] -- not empty
    return Took(runs["door"][0], runs["started_at"][-1].date(), runs[column][-1], usual)


def _told(
    watcher: str,
    took: Took,
    what: str,
    rings: bool,
    value_and_limit: tuple[float, float],
    advice: str,
) -> Finding:
    """One door's finding; only one that rings bears the door's name in its cause."""
    severity, slice = ("warning", took.door) if rings else ("ok", "")
    return Finding(
        watcher, what, severity, *value_and_limit, advice if rings else "", took.day, slice
    )
