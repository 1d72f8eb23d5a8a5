"""How alerts are counted and shifts called found: one rule for the engine and its rivals.

An alert is open while its cause rings and until it was silent for `HOLD_DAYS`; a detector that tells one day and begins anew is so
counted as one that rings on. The open whole silences its groups. A shift is found on the first of `WATCHED_DAYS` on which its row is
open; runs in whose days the same row is open undisturbed are left out, as what rings there may be chance.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from benchmarks.sequential_rivals import Heard, Kind, Rival, by_river
from benchmarks.sequential_streams import BIAS, BY_GROUP, SIZES, WATCHED_DAYS, Stream, shifted

HOLD_DAYS = 28


@dataclass(frozen=True)
class Run:
    """One row moved from one day on: days until it was found, and how far off the day was that it was said to begin; or None."""

    stream: str
    start: str
    moved_by: float
    delay: int | None
    days_off: int | None

    @property
    def size(self) -> float:
        """Spreads, whichever way."""
        return abs(self.moved_by)


def is_open(heard: Heard) -> np.ndarray:
    """(rows, days): whether anything rang on the day or in the `HOLD_DAYS` - 1 before it."""
    rings = np.pad(np.isfinite(heard), ((0, 0), (HOLD_DAYS - 1, 0)))
    return np.lib.stride_tricks.sliding_window_view(rings, HOLD_DAYS, axis=1).any(axis=-1)


def alerts(heard: Heard, whole_open: np.ndarray | None = None) -> int:
    """Alerts raised: rows that are open and were not the day before. What rings while the whole is open is not told."""
    told = heard if whole_open is None else np.where(whole_open, np.nan, heard)
    return int((np.diff(is_open(told).astype(int), axis=1, prepend=0) == 1).sum())


def heard_of(streams: list[Stream], rival: Rival) -> dict[str, Heard]:
    """Every stream over its watched days, undisturbed."""
    return {stream.name: rival(stream, stream.watched_from) for stream in streams}


def false_alarms(heard: dict[str, Heard]) -> dict[str, int]:
    """Alerts by stream of a clean walk."""
    return {name: alerts(told, is_open(heard[BIAS]) if name == BY_GROUP else None) for name, told in heard.items()}


def runs_of(stream: Stream, rival: Rival, heard: Heard, starts: list[int]) -> list[Run]:
    """Every row moved by every size from every start where it is silent undisturbed, as `trim_to_last_sale` of the clean stream says."""
    clean, runs = is_open(heard), []
    for start in starts:
        moved = shifted(stream, start)
        told, since = rival(moved.stream, start), start - stream.watched_from
        opened = is_open(np.hstack([heard[moved.rows, :since], told]))[:, since:]
        is_silent = ~clean[moved.rows, since : since + WATCHED_DAYS].any(axis=1)
        day = str(stream.signal.first + timedelta(days=start))
        rows = zip(moved.moved_by[is_silent], opened[is_silent], told[is_silent], strict=True)
        runs += [_run(stream.name, day, start, *row) for row in rows]
    return runs


def together(runs: list[Run]) -> list[Run]:
    """The three signals of the whole moved at once by as many spreads: the first to be found; one that rang anyway finds nothing."""
    whole = [run for run in runs if run.stream != BY_GROUP]
    keys = sorted({(run.start, run.moved_by) for run in whole})
    joined = ([run for run in whole if run.start == start and _joins(run, moved_by)] for start, moved_by in keys)
    return [min(moved, key=_delay) for moved in joined]


def share_open(heard: Heard) -> float:
    """Share of rows and days of a clean walk on which an alert is open."""
    return round(float(is_open(heard).mean()), 4)


def by_size(runs: list[Run]) -> dict[str, Any]:
    """Size -> share found, and the median of days until then, a run not found counted as later than all: None where most are."""
    told = {}
    for size in SIZES:
        same = [run for run in runs if run.size == size]
        delays = [_delay(run) for run in same]
        median = statistics.median(delays) if delays else np.inf
        told[str(size)] = {
            "runs": len(same),
            "share": round(float(np.isfinite(delays).mean()), 3) if delays else None,
            "days": median if np.isfinite(median) else None,
        }
    return told


def days_off(runs: list[Run]) -> float | None:
    """Median days between the day a shift began and the day it was said to, of those found."""
    off = [run.days_off for run in runs if run.days_off is not None]
    return float(statistics.median(off)) if off else None


def tuned_knobs(streams: list[Stream], kind: Kind, other: float, wanted: dict[str, int]) -> dict[str, float]:
    """Stream -> the most sensitive knob from which on no setting raises more alerts on the clean walk than wanted."""
    chosen: dict[str, float] = {}
    whole = None
    for stream in streams:
        heard = [_heard(stream, kind, knob, other) for knob in kind.knob]
        silenced_by = whole if stream.name == BY_GROUP else None
        is_loud = [alerts(told, silenced_by) > wanted[stream.name] for told in heard]
        at = min(int(np.flatnonzero([True, *is_loud])[-1]), len(heard) - 1)
        whole = is_open(heard[at]) if stream.name == BIAS else whole
        chosen[stream.name] = float(kind.knob[at])
    return chosen


def _heard(stream: Stream, kind: Kind, knob: float, other: float) -> Heard:
    return by_river({stream.name: kind.make(knob, other)}, stream, stream.watched_from)


def _delay(run: Run) -> float:
    return np.inf if run.delay is None else run.delay


def _joins(run: Run, moved_by: float) -> bool:
    """Accuracy and calibration are moved upwards only: they join a bias of either sign."""
    return run.moved_by == (moved_by if run.stream == BIAS else abs(moved_by))


def _run(name: str, day: str, start: int, moved_by: float, opened: np.ndarray, told: np.ndarray) -> Run:
    if not opened.any():
        return Run(name, day, float(moved_by), None, None)
    found = int(np.argmax(opened))
    said = told[: found + 1][np.isfinite(told[: found + 1])]
    return Run(name, day, float(moved_by), found + 1, int(abs(said[-1] - start)) if said.size else None)
