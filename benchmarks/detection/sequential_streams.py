"""What sequential tests are compared on: the daily signals of a clean replay, and the same signals
moved from a day on.

A shift is laid on the signal itself, not on the sales behind it: its day and its size are known, no
forecast is made again, and no refit reacts to it. (The kept drifted runs hold alerts, not the
signals behind them.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from benchmarks.harness.replay import World
from benchmarks.harness.watching import Limits
from contract.days import days_between
from contract.params import MonitorParams, SignalParams
from monitoring import cusum
from monitoring.cusum import centre_and_spread, standardised
from monitoring.judge import past_of
from monitoring.outcome_signals import daily_sums, outcome_signals
from monitoring.signal import WHOLE, Signal
from monitoring.watch import group_columns

SIZES = (
    0.25,
    0.5,
    1.0,
    2.0,
)  # spreads of a usual day, by the engine's own past of the day it begins
WATCHED_DAYS = 56
BIAS, BY_GROUP = (
    "bias",
    "bias by group",
)  # two streams: the engine gives the whole and its groups a limit each


@dataclass(frozen=True, eq=False)
class Stream:
    """Rows of one signal that share a threshold, as the watcher of each day sees them.

    `z` (rows, days): each day in spreads of the past the engine compares that day with, clipped;
    days before `watched_from` by the past of that day, all of them behind it: a detector's warm-up.
    `limits`: the Monday of a week -> (rows,).
    """

    name: str
    signal: Signal
    z: np.ndarray
    limits: dict[date, np.ndarray]
    watched_from: int
    params: SignalParams
    slack: float = cusum.SLACK

    def limits_on(self, k: int) -> np.ndarray:
        """(rows,) limits of the week of day number k; they move on Mondays."""
        day = self.signal.first + timedelta(days=k)
        return self.limits[day - timedelta(days=day.weekday())]


@dataclass(frozen=True)
class Shifted:
    """A stream that ends `WATCHED_DAYS` after `start`; its rows are `rows` of the clean one, moved
    by `moved_by` spreads since.
    """

    stream: Stream
    start: int
    rows: np.ndarray
    moved_by: np.ndarray


def streams_of(world: World, slack: float = cusum.SLACK) -> list[Stream]:
    """Bias of the whole, bias of its groups, accuracy, calibration over all days of a replay, the
    whole first.
    """
    series, streams = world.panel.series, []
    sums = daily_sums(world.first_weeks(world.tables), series, group_columns(series))
    for signal in outcome_signals(sums, world.params.monitor):
        with engine_slack(slack):
            limits = _weekly_limits(signal, world.first_watched, world.params.monitor)
        is_whole = np.array([group == WHOLE for group in signal.groups])
        for name, rows in ((signal.name, is_whole), (f"{signal.name} by group", ~is_whole)):
            if rows.any():
                streams.append(_stream(name, signal, np.flatnonzero(rows), limits, world))
    return [replace(stream, slack=slack) for stream in streams]


@contextmanager
def engine_slack(slack: float) -> Iterator[None]:
    """The engine's constant, another one for as long as an experiment lasts."""
    usual, cusum.SLACK = cusum.SLACK, slack
    try:
        yield
    finally:
        cusum.SLACK = usual


def starts_of(stream: Stream, step_days: int) -> list[int]:
    """Day numbers on which shifts begin: every `step_days`, from when watching begins, while
    `WATCHED_DAYS` follow.
    """
    return list(
        range(stream.watched_from + step_days, stream.z.shape[1] - WATCHED_DAYS + 1, step_days)
    )


@lru_cache(maxsize=400)  # every rival is given the same shifts
def shifted(stream: Stream, start: int) -> Shifted:
    """Every row moved by every size; bias both ways, errors and misses upwards, as they hurt."""
    sizes = [*SIZES, *(-size for size in SIZES)] if stream.name in (BIAS, BY_GROUP) else list(SIZES)
    rows, moved_by = np.repeat(np.arange(len(stream.z)), len(sizes)), np.tile(sizes, len(stream.z))
    clean, end = stream.signal, start + WATCHED_DAYS
    past = past_of(_until(clean, start), stream.params)
    values = clean.values[rows, :end].copy()
    values[:, start:] += moved_by[:, None] * centre_and_spread(past, clean.smallest_spread)[1][rows]
    moved = replace(clean, groups=tuple(map(str, range(len(rows)))), values=values)
    z = np.hstack(
        [stream.z[rows, :start], _standardised_daily(moved, range(start, end), stream.params)]
    )
    limits = {monday: of_clean[rows] for monday, of_clean in stream.limits.items()}
    return Shifted(replace(stream, signal=moved, z=z, limits=limits), start, rows, moved_by)


def _weekly_limits(
    signal: Signal, first_watched: date, params: MonitorParams
) -> dict[date, np.ndarray]:
    """Monday -> the limits of all groups, resampled once a week as the watcher does."""
    known, weekly = Limits(), {}
    for day in days_between(first_watched, signal.last):
        limits = known.of(signal.up_to(day), params)
        if limits is None:
            raise ValueError(f"{signal.name} has too short a past on {day}; watch a longer replay")
        weekly[day - timedelta(days=day.weekday())] = limits
    return weekly


def _stream(
    name: str, signal: Signal, rows: np.ndarray, limits: dict[date, np.ndarray], world: World
) -> Stream:
    few = replace(
        signal, groups=tuple(signal.groups[row] for row in rows), values=signal.values[rows]
    )
    params, first = world.params.monitor.signals, (world.first_watched - signal.first).days
    past = past_of(_until(few, first + 1), params)
    warm_up = standardised(few.values[:, :first], past, few.smallest_spread)
    z = np.hstack([warm_up, _standardised_daily(few, range(first, few.values.shape[1]), params)])
    return Stream(
        name, few, z, {monday: of_all[rows] for monday, of_all in limits.items()}, first, params
    )


def _standardised_daily(signal: Signal, days: range, params: SignalParams) -> np.ndarray:
    """(rows, days) each day by the past that the watcher of that day had."""
    z = [
        standardised(
            signal.values[:, k : k + 1],
            past_of(_until(signal, k + 1), params),
            signal.smallest_spread,
        )
        for k in days
    ]
    return np.hstack(z)


def _until(signal: Signal, days: int) -> Signal:
    return replace(signal, values=signal.values[:, :days])
