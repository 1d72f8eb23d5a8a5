"""The engine of signals and river's Page-Hinkley and ADWIN in one shape: which rows are
shifted_groups on which day, and since when.

river (https://riverml.xyz) is the extra `peers` of pyproject.toml: `make extras` brings it, the
lock leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.detection.sequential_streams import BIAS, BY_GROUP, Stream, engine_slack
from monitoring.judge import past_of, shifted_groups

Detected = np.ndarray  # (rows, days): the day number since when it is so; NaN while quiet
Rival = Callable[[Stream, int], Detected]  # a stream, and the day number from which days are given
Made = Callable[[str], Any]  # "both" or "up" -> a fresh detector

RECENT_DAYS = 28
HAS_RIVER = find_spec("river") is not None
NO_RIVER = "river, whose detectors are compared here, is not installed; `make extras` brings it"


@dataclass(frozen=True)
class Kind:
    """A detector of river: how sensitive it is made by one knob, most sensitive first, and another
    choice to be made once.
    """

    name: str
    make: Callable[[float, float], Made]
    knob: np.ndarray
    others: tuple[float, ...]
    knob_is: str
    other_is: str


def by_engine(stream: Stream, first: int) -> Detected:
    """The engine as it runs every morning: its own past, its limits of the week; with the slack of
    the stream.
    """
    days = stream.z.shape[1]
    detected = np.full((len(stream.z), days - first), np.nan)
    for k in range(first, days):
        cut = stream.signal.up_to(stream.signal.first + timedelta(days=k))
        with engine_slack(stream.slack):
            shifts = shifted_groups(
                cut, past_of(cut, stream.params), stream.limits_on(k), stream.params.watch_days
            )
        for shift in shifts:
            detected[cut.groups.index(shift.group), k - first] = (shift.since - cut.first).days
    return detected


def by_river(made: dict[str, Made], stream: Stream, first: int) -> Detected:
    """A detector a row, fed every standardised day since the signal began; river begins anew after
    each detection.
    """
    make, sides = made[stream.name], stream.signal.sides
    return np.array([_days_of(make(sides), row, sides) for row in stream.z])[:, first:]


def defaults() -> dict[str, Rival]:
    """Both detectors as river makes them."""
    from river.drift import ADWIN, PageHinkley

    names = [BIAS, BY_GROUP, "accuracy", "calibration:95"]
    plain = {"Page-Hinkley": lambda sides: PageHinkley(mode=sides), "ADWIN": lambda _sides: ADWIN()}
    return {
        f"{name}, defaults": partial(by_river, dict.fromkeys(names, make))
        for name, make in plain.items()
    }


def kinds() -> list[Kind]:
    """What of each detector is tuned: Page-Hinkley's threshold and slack, ADWIN's confidence and
    how often it looks.
    """
    from river.drift import ADWIN, PageHinkley

    def page_hinkley(threshold: float, slack: float) -> Made:
        return lambda sides: PageHinkley(threshold=threshold, delta=slack, mode=sides)

    def adwin(delta: float, clock: float) -> Made:
        return lambda _sides: ADWIN(delta=delta, clock=int(clock))

    return [
        Kind(
            "Page-Hinkley",
            page_hinkley,
            np.geomspace(2, 400, 80),
            (0.005, 0.25, 0.5, 1.0),
            "threshold",
            "slack",
        ),
        Kind("ADWIN", adwin, np.geomspace(0.99, 1e-30, 120), (1, 32), "delta", "clock"),
    ]


def _days_of(detector: Any, z: np.ndarray, sides: str) -> np.ndarray:
    """(days,) since when, on the days of a detection. Page-Hinkley gives no beginning: the day
    itself is all it says.
    """
    detected, begun = np.full(len(z), np.nan), 0
    for k, value in enumerate(z.tolist()):
        detector.update(value)
        if detector.drift_detected:
            since = k + 1 - int(getattr(detector, "width", 1))
            if sides == "both" or _rose(z[begun : k + 1]):
                detected[k] = since
            begun = k + 1
    return detected


def _rose(z: np.ndarray) -> bool:
    """Whether the newest weeks lie higher. ADWIN has no sides; where only growth is an alert, its
    falls are not held against it.
    """
    newest = min(RECENT_DAYS, len(z) // 2)
    return bool(z[-newest:].mean() > z[:-newest].mean())
