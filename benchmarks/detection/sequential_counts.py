"""How alerts are counted and shifts called found: one rule for the engine and its rivals.

An alert is open while its cause is detected and until it was quiet for `HOLD_DAYS`; a detector that
speaks on one day and begins anew is so counted as one that goes on. The open whole mutes its
groups. A shift is found on the first of `WATCHED_DAYS` on which its row is open; runs in whose days
the same row is open undisturbed are left out, as what is detected there may be chance.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from benchmarks.detection.sequential_rivals import Detected, Kind, Rival, by_river
from benchmarks.detection.sequential_streams import (
    BIAS,
    BY_GROUP,
    SIZES,
    WATCHED_DAYS,
    Stream,
    shifted,
)

HOLD_DAYS = 28


@dataclass(frozen=True)
class Run:
    """One row moved from one day on: days until it was found, and how far off the day was that it
    was said to begin; or None.
    """

    stream: str
    start: str
    moved_by: float
    delay: int | None
    days_off: int | None

    @property
    def size(self) -> float:
        """Spreads, whichever way."""
        return abs(self.moved_by)


def is_open(detected: Detected) -> np.ndarray:
    """(rows, days): whether anything was detected on the day or the `HOLD_DAYS` - 1 before it."""
    detections = np.pad(np.isfinite(detected), ((0, 0), (HOLD_DAYS - 1, 0)))
    return np.lib.stride_tricks.sliding_window_view(detections, HOLD_DAYS, axis=1).any(axis=-1)


def alerts(detected: Detected, whole_open: np.ndarray | None = None) -> int:
    """Alerts raised: rows that are open and were not the day before. What is detected while the
    whole is open does not count.
    """
    counted = detected if whole_open is None else np.where(whole_open, np.nan, detected)
    return int((np.diff(is_open(counted).astype(int), axis=1, prepend=0) == 1).sum())


def detected_of(streams: list[Stream], rival: Rival) -> dict[str, Detected]:
    """Every stream over its watched days, undisturbed."""
    return {stream.name: rival(stream, stream.watched_from) for stream in streams}


def false_alarms(detected: dict[str, Detected]) -> dict[str, int]:
    """Alerts by stream of a clean replay."""
    whole = is_open(detected[BIAS]) if BY_GROUP in detected else None
    return {
        name: alerts(days, whole if name == BY_GROUP else None) for name, days in detected.items()
    }


def runs_of(stream: Stream, rival: Rival, detected: Detected, starts: list[int]) -> list[Run]:
    """Every row moved by every size from every start where it is quiet undisturbed, as `detected`
    of the clean stream says.
    """
    clean, runs = is_open(detected), []
    for start in starts:
        moved = shifted(stream, start)
        found, since = rival(moved.stream, start), start - stream.watched_from
        opened = is_open(np.hstack([detected[moved.rows, :since], found]))[:, since:]
        is_quiet = ~clean[moved.rows, since : since + WATCHED_DAYS].any(axis=1)
        day = str(stream.signal.first + timedelta(days=start))
        rows = zip(moved.moved_by[is_quiet], opened[is_quiet], found[is_quiet], strict=True)
        runs += [_run(stream.name, day, start, *row) for row in rows]
    return runs


def together(runs: list[Run]) -> list[Run]:
    """The three signals of the whole moved at once by as many spreads: the first to be found; one
    open anyway finds nothing.
    """
    whole = [run for run in runs if run.stream != BY_GROUP]
    keys = sorted({(run.start, run.moved_by) for run in whole})
    joined = (
        [run for run in whole if run.start == start and _joins(run, moved_by)]
        for start, moved_by in keys
    )
    return [min(moved, key=_delay) for moved in joined]


def share_open(detected: Detected) -> float:
    """Share of rows and days of a clean replay on which an alert is open."""
    return round(float(is_open(detected).mean()), 4)


def by_size(runs: list[Run]) -> dict[str, Any]:
    """Size -> share found, and the median of days until then, a run not found counted as later than
    all: None where most are.
    """
    rows = {}
    for size in SIZES:
        same = [run for run in runs if run.size == size]
        delays = [_delay(run) for run in same]
        median = statistics.median(delays) if delays else np.inf
        rows[str(size)] = {
            "runs": len(same),
            "share": round(float(np.isfinite(delays).mean()), 3) if delays else None,
            "days": median if np.isfinite(median) else None,
        }
    return rows


def days_off(runs: list[Run]) -> float | None:
    """Median days between the day a shift began and the day it was said to, of those found."""
    off = [run.days_off for run in runs if run.days_off is not None]
    return float(statistics.median(off)) if off else None


def tuned_knobs(
    streams: list[Stream], kind: Kind, other: float, wanted: dict[str, int]
) -> dict[str, float]:
    """Stream -> the most sensitive knob from which on no setting raises more alerts on the clean
    replay than wanted.
    """
    chosen: dict[str, float] = {}
    whole = None
    for stream in streams:
        detected = [_detected(stream, kind, knob, other) for knob in kind.knob]
        muted_by = whole if stream.name == BY_GROUP else None
        is_loud = [alerts(days, muted_by) > wanted[stream.name] for days in detected]
        at = min(int(np.flatnonzero([True, *is_loud])[-1]), len(detected) - 1)
        whole = is_open(detected[at]) if stream.name == BIAS else whole
        chosen[stream.name] = float(kind.knob[at])
    return chosen


def _detected(stream: Stream, kind: Kind, knob: float, other: float) -> Detected:
    return by_river({stream.name: kind.make(knob, other)}, stream, stream.watched_from)


def _delay(run: Run) -> float:
    return np.inf if run.delay is None else run.delay


def _joins(run: Run, moved_by: float) -> bool:
    """Accuracy and calibration are moved upwards only: they join a bias of either sign."""
    return run.moved_by == (moved_by if run.stream == BIAS else abs(moved_by))


def _run(
    name: str, day: str, start: int, moved_by: float, opened: np.ndarray, since: np.ndarray
) -> Run:
    if not opened.any():
        return Run(name, day, float(moved_by), None, None)
    found = int(np.argmax(opened))
    said = since[: found + 1][np.isfinite(since[: found + 1])]
    return Run(
        name, day, float(moved_by), found + 1, int(abs(said[-1] - start)) if said.size else None
    )
