"""One engine for every signal: does it still wander as it used to; if not, since when and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import numpy as np

from contract.params import SignalParams
from contract.severity import Severity
from monitoring.contributors import contributors, named
from monitoring.cusum import (
    centre_and_spread,
    cusum,
    highest,
    quarterly_limits,
    standardised,
)
from monitoring.finding import Finding, not_judged
from monitoring.onset import onset, persistence_of
from monitoring.signal import WHOLE, Signal, in_words

MOST_GROUPS_NAMED = 5  # a person reads no more


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
    side: int  # 1: it rose, -1: it fell


def judge(signal: Signal, params: SignalParams, limits: np.ndarray | None = None) -> list[Finding]:
    """The whole if it is above its limit, with the group furthest above its own, else the groups
    furthest above theirs; one ok finding if nothing is. Not judged on too short a past.

    `limits` None: resampled from the past, so that `params.false_alarms_per_quarter` is what it
    says.
    """
    past = past_of(signal, params)
    if known_days(past) < params.least_past_days:
        why = (
            f"{signal.name} has {known_days(past)} days of its own to compare with; "
            f"it needs {params.least_past_days}"
        )
        return [not_judged(signal.watcher, why, signal.slice)]
    whole = signal.whole.within(signal.name)
    if limits is None:
        limits = whole.once("limits", lambda: {"of": limits_of(signal, params)})["of"]
    shifts = shifted_groups(signal, past, limits, params.watch_days)
    if not shifts:
        return [_no_shift(signal, past, limits, params.watch_days)]
    of_all = [shift for shift in shifts if shift.group == WHOLE]
    others = [shift for shift in shifts if shift.group != WHOLE]
    if of_all:
        return [_finding(signal, of_all[0], others[:1])]
    named_groups = others[:MOST_GROUPS_NAMED]
    made = [whole.attempt(partial(_finding, signal, shift, [])) for shift in named_groups]
    return [finding() for finding in made]


def limits_of(signal: Signal, params: SignalParams) -> np.ndarray:
    """For each group the CUSUM that the clean past exceeds in so many quarters; the same all week,
    as `past_of` is.
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


def past_of(signal: Signal, params: SignalParams) -> np.ndarray:
    """(groups, days) up to `past_days` before the days that are watched.

    It moves on Mondays, and the limit with it.
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
    """The groups above their limits, furthest first. A group that was above stays until its CUSUM
    fell below half of its limit.
    """
    recent = signal.values[:, -2 * watch_days :]
    z = standardised(recent, past, signal.smallest_spread)
    shifts = []
    for side in (1, -1) if signal.sides == "both" else (1,):
        paths = cusum(side * z, watch_days)[:, -watch_days:]
        for group, (path, limit) in enumerate(zip(paths, limits, strict=True)):
            if _is_still_above(path, limit):
                days_ago = _days_ago(side * z[group], past[group], path, signal.smallest_spread)
                heights = float(path[-1]), float(limit)
                shifts.append(_shift(signal, group, past[group], heights, days_ago, side))
    # of those alike but for rounding, the first
    return sorted(shifts, key=lambda shift: -round(shift.cusum / shift.limit, 9))


def _is_still_above(path: np.ndarray, limit: float) -> bool:
    above = np.flatnonzero(path > limit)
    return bool(above.size) and bool(path[above[-1] :].min() > limit / 2)


def _days_ago(z: np.ndarray, past: np.ndarray, path: np.ndarray, smallest: float) -> int:
    """How many days before the last one a group's shift began: read up to the height of its CUSUM,
    as what came after that is the shift's end.
    """
    after = len(path) - 1 - int(np.argmax(path))
    known = past[np.isfinite(past)]
    persistence = persistence_of(standardised(known, known, smallest))
    return after + onset(z[: len(z) - after], len(path) - after, persistence)


def _shift(
    signal: Signal,
    group: int,
    past: np.ndarray,
    heights: tuple[float, float],
    days_ago: int,
    side: int,
) -> Shift:
    """`heights`: the CUSUM and its limit; `days_ago`: the shift's first day."""
    since_then = signal.values[group, -1 - days_ago :]
    centre, spread = centre_and_spread(past, signal.smallest_spread)
    return Shift(
        group=signal.groups[group],
        cusum=heights[0],
        limit=heights[1],
        since=signal.last - timedelta(days=days_ago),
        now=float(np.nanmean(since_then)) if np.isfinite(since_then).any() else float("nan"),
        usual=float(centre[0]),
        spread=float(spread[0]),
        side=side,
    )


def _finding(signal: Signal, shift: Shift, within: list[Shift]) -> Finding:
    """`within`: of the whole's groups the one furthest above its limit, if any."""
    sentence = signal.sentence.format(
        group=in_words(shift.group), now=shift.now, usual=shift.usual, spread=shift.spread
    )
    where = "".join(f", furthest{in_words(group.group)}" for group in within)
    whole = signal.whole.within(signal.name)
    series = contributors(signal.parts, shift.group, shift.since, shift.side, whole)
    return Finding(
        signal.watcher,
        f"{sentence} since {shift.since}{where}{named(series)}",
        _severity(signal, shift),
        shift.cusum,
        shift.limit,
        signal.advice,
        shift.since,
        signal.slice_of(shift.group),
        series,
    )


def _severity(signal: Signal, shift: Shift) -> Severity:
    is_large = signal.error_beyond is not None and abs(shift.now - signal.aim) > signal.error_beyond
    return "error" if is_large and shift.group == WHOLE else "warning"


def _no_shift(signal: Signal, past: np.ndarray, limits: np.ndarray, watch_days: int) -> Finding:
    z = standardised(signal.values[:, -watch_days:], past, signal.smallest_spread)
    heights = highest(z, watch_days, signal.sides)[:, -1]
    nearest = int(np.argmax(heights / limits))
    height, limit = float(heights[nearest]), float(limits[nearest])
    what = f"{signal.name} wanders as it used to: CUSUM {height:.1f}, alerts above {limit:.1f}"
    return Finding(signal.watcher, what, "ok", height, limit, "", None, signal.slice)
