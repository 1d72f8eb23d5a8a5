"""One engine for every signal: does it still wander as it used to, and if not, since when and
where.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from contract.params import SignalParams
from monitoring.cusum import (
    began,
    centre_and_spread,
    cusum,
    highest,
    quarterly_limits,
    standardised,
)
from monitoring.finding import Finding, Severity, not_judged
from monitoring.signal import WHOLE, Signal, in_words

MOST_GROUPS_NAMED = 5  # a person reads no more; the others stand in monitor.json


@dataclass(frozen=True)
class Shift:
    """One group of a signal whose CUSUM stands above its limit."""

    group: str
    cusum: float
    limit: float
    since: date
    now: float  # mean of the signal since then
    usual: float
    spread: float  # of a day, one standard deviation


def judge(signal: Signal, params: SignalParams, limits: np.ndarray | None = None) -> list[Finding]:
    """The whole if it rings, else the loudest groups; one ok finding if nothing does. Not judged on
    too short a past.

    `limits` None: resampled from the past, so that `params.false_alarms_per_quarter` is what it
    says.
    """
    past = past_of(signal, params)
    if known_days(past) < params.least_past_days:
        return [_short(signal, known_days(past), params)]
    limits = limits_of(signal, params) if limits is None else limits
    shifts = shifted_groups(signal, past, limits, params.watch_days)
    if not shifts:
        return [_quiet(signal, past, limits, params.watch_days)]
    whole = [shift for shift in shifts if shift.group == WHOLE]
    return [_finding(signal, shift) for shift in (whole or shifts[:MOST_GROUPS_NAMED])]


def limits_of(signal: Signal, params: SignalParams) -> np.ndarray:
    """For each group the CUSUM that the clean past exceeds in so many quarters; the same all week
    (`past_of`).
    """
    past, has_whole = past_of(signal, params), signal.groups[0] == WHOLE
    return quarterly_limits(
        past,
        params.watch_days,
        signal.smallest_spread,
        params.false_alarms_per_quarter,
        signal.sides,
        has_whole,
    )


def days_looked_at(params: SignalParams) -> int:
    """How far back a signal is read: the days watched, what they are compared with, and the days an
    alert may linger.
    """
    return 2 * params.watch_days + params.past_days + 7


def past_of(signal: Signal, params: SignalParams) -> np.ndarray:
    """(groups, days) up to `past_days` before the days that are watched. It moves on Mondays, and
    the limit with it.
    """
    weekday = signal.last.weekday()
    ends = signal.values.shape[1] - params.watch_days - weekday
    return signal.values[:, max(ends - params.past_days, 0) : max(ends, 0)]


def known_days(past: np.ndarray) -> int:
    """Days on which at least half of the groups say anything."""
    return int((np.isfinite(past).mean(axis=0) >= 0.5).sum()) if past.size else 0


def shifted_groups(
    signal: Signal, past: np.ndarray, limits: np.ndarray, watch_days: int
) -> list[Shift]:
    """The groups above their limits, loudest first. A group that rang stays until its CUSUM fell
    below half of its limit.
    """
    recent = signal.values[:, -2 * watch_days :]
    z = standardised(recent, past, signal.smallest_spread)
    found = []
    for side in (1, -1) if signal.sides == "both" else (1,):
        paths = cusum(side * z, watch_days)[:, -watch_days:]
        for group in np.flatnonzero(
            [_is_still_above(*pair) for pair in zip(paths, limits, strict=True)]
        ):
            height, limit = float(paths[group, -1]), float(limits[group])
            found.append(
                _shift(signal, group, side * z[group, -watch_days:], past[group], height, limit)
            )
    return sorted(found, key=lambda shift: -shift.cusum / shift.limit)


def _is_still_above(path: np.ndarray, limit: float) -> bool:
    above = np.flatnonzero(path > limit)
    return bool(above.size) and bool(path[above[-1] :].min() > limit / 2)


def _shift(
    signal: Signal, group: int, z: np.ndarray, past: np.ndarray, height: float, limit: float
) -> Shift:
    first = began(z)
    values = signal.values[group, -len(z) :]
    centre, spread = centre_and_spread(past, signal.smallest_spread)
    return Shift(
        group=signal.groups[group],
        cusum=height,
        limit=limit,
        since=signal.last - timedelta(days=len(z) - 1 - min(first, len(z) - 1)),
        now=float(np.nanmean(values[first:]))
        if np.isfinite(values[first:]).any()
        else float("nan"),
        usual=float(centre[0]),
        spread=float(spread[0]),
    )


def _finding(signal: Signal, shift: Shift) -> Finding:
    return Finding(
        signal.watcher,
        signal.saying.format(
            group=in_words(shift.group), now=shift.now, usual=shift.usual, spread=shift.spread
        )
        + f" since {shift.since}",
        _severity(signal, shift),
        shift.cusum,
        shift.limit,
        signal.advice,
        shift.since,
        signal.slice_of(shift.group),
    )


def _severity(signal: Signal, shift: Shift) -> Severity:
    is_large = signal.error_beyond is not None and abs(shift.now - signal.aim) > signal.error_beyond
    return "error" if is_large and shift.group == WHOLE else "warning"


def _quiet(signal: Signal, past: np.ndarray, limits: np.ndarray, watch_days: int) -> Finding:
    z = standardised(signal.values[:, -watch_days:], past, signal.smallest_spread)
    heights = highest(z, watch_days, signal.sides)[:, -1]
    nearest = int(np.argmax(heights / limits))
    height, limit = float(heights[nearest]), float(limits[nearest])
    what = f"{signal.name} wanders as it used to: CUSUM {height:.1f}, rings above {limit:.1f}"
    return Finding(signal.watcher, what, "ok", height, limit, "", None, signal.slice)


def _short(signal: Signal, days: int, params: SignalParams) -> Finding:
    why = f"{signal.name} has {days} days of its own to compare with; it needs {params.least_past_days}"
    return not_judged(signal.watcher, why, signal.slice)
