"""The engine of signals beside river's Page-Hinkley and ADWIN, on the same daily numbers.

Signals: `bias`, `accuracy` and `calibration:95` of the whole chain, of clean walks; a shift of so many daily spreads is laid on the
numbers themselves from a day on. The rivals read the number in spreads from the engine's own past, one day after the other, and start
anew when they have found something. As shipped, and with their one threshold set so that on the tuned worlds they ring as often
as the engine does there; both are reported on the held-out worlds. Found: within eight weeks, on a day without alarm when undisturbed.

run     python -m benchmarks.sequential_tests sim:11:lightgbm sim:11 sim:12 -- sim:21:lightgbm sim:23:lightgbm sim:24:lightgbm sim:22
needs   river (`make extras`); the worlds walked before (benchmarks.replay)
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import keep
from benchmarks.replay import World, world_of
from benchmarks.watching import Limits
from contract.days import WEEK, days_between
from contract.params import SignalParams
from forecasting.came_true import came_true
from monitoring.cusum import QUARTER_DAYS, centre_and_spread, standardised
from monitoring.judge import judge, past_of
from monitoring.outcome_signals import daily_sums, outcome_signals
from monitoring.signal import Signal
from reports.tables import text_table

SIZES = (0.5, 1.0, 2.0, 4.0)  # daily spreads
FOUND_DAYS, START_STEP_DAYS = 56, 84
DELTAS = (0.005, 1.0)  # of Page-Hinkley, in spreads: what river ships, and the engine's slack
THRESHOLDS = np.geomspace(3, 400, 40)  # river ships 50
CONFIDENCES = np.geomspace(1e-15, 0.3, 40)  # of ADWIN; river ships 0.002

Alarms = Callable[..., set[int]]  # (watched, since) -> numbers of days
Detector = Callable[[str], Any]  # by the sides a signal rings on


@dataclass(frozen=True)
class Watched:
    """One signal of one world from the first watched day on: the signal itself and its numbers in spreads from its past."""

    signal: Signal
    days: list[date]
    z: np.ndarray
    params: Any  # MonitorParams

    def shifted(self, start: int, size: float) -> Watched:
        """The same with `size` daily spreads added from a watched day on, cut when nobody asks any more."""
        first, last = self.days[start], self.days[min(start + FOUND_DAYS, len(self.days)) - 1]
        at = (first - self.signal.first).days
        _, spread = centre_and_spread(
            past_of(self.signal.up_to(first), self.params.signals), self.signal.smallest_spread
        )
        values = self.signal.values.copy()
        values[:, at:] += size * spread
        z = self.z.copy()
        z[start:] += size
        return replace(
            self, signal=replace(self.signal, values=values).up_to(last), days=self.days[: start + FOUND_DAYS], z=z
        )


def main() -> None:
    """Tune on the worlds before `--`, report on those after it; print; keep."""
    split = sys.argv.index("--")
    tuned = [one for name in sys.argv[1:split] for one in watched(world_of(name))]
    held_out = [one for name in sys.argv[split + 1 :] for one in watched(world_of(name))]
    asked = sum(len(engine(one)) for one in tuned)
    rivals = {"CUSUM, limit resampled (ours)": engine} | _rivals(tuned, asked)
    told = {name: _told(rings, held_out) for name, rings in rivals.items()}
    lines = [[name, f"{one['false_alarms']:.2f}", *map(str, one["found"].values())] for name, one in told.items()]
    print(text_table(["detector", "false alarms a quarter", *map(str, SIZES)], lines))
    keep("sequential_tests", {"tuned": sys.argv[1:split], "held_out": sys.argv[split + 1 :], "detectors": told})


def watched(world: World) -> list[Watched]:
    """The whole chain's outcome signals of a world."""
    params, days = world.params.monitor, days_between(world.first_watched, world.panel.last_day)
    told = came_true(world.tables.filter(pl.col("h") <= WEEK), world.panel, *world.known_by)
    return [
        Watched(one, days, _in_spreads(one, days, params.signals), params)
        for one in outcome_signals(daily_sums(told, world.panel.series, []), params)
    ]


def engine(one: Watched, since: int = 0) -> set[int]:
    """The watched days (numbers) on which an alert is raised: it rings, and did not the day before."""
    rings, limits = [], Limits({})
    for day in one.days[since:]:
        cut = one.signal.up_to(day)
        limit = limits.of(cut, one.params)
        rings.append(
            limit is not None and any(found.severity != "ok" for found in judge(cut, one.params.signals, limit))
        )
    return {since + k for k, loud in enumerate(rings) if loud and not (k and rings[k - 1])}


def of_river(one: Watched, detector: Detector, since: int = 0) -> set[int]:
    """The watched days on which river's detector finds a drift."""
    made, found = detector(one.signal.sides), set()
    for k, value in enumerate(one.z):
        made.update(float(value))
        if made.drift_detected:
            found.add(k)
    return found


def _rivals(tuned: list[Watched], asked: int) -> dict[str, Alarms]:
    """River's, as shipped and at the threshold whose alarms on the tuned worlds are nearest to those asked."""
    rivals: dict[str, Alarms] = {"Page-Hinkley, as shipped": partial(of_river, detector=_page_hinkley(50.0, 0.005))}
    rivals |= {
        f"Page-Hinkley, delta {delta:g}, tuned": _nearest(tuned, asked, partial(_page_hinkley, delta=delta), THRESHOLDS)
        for delta in DELTAS
    }
    rivals["ADWIN, as shipped"] = partial(of_river, detector=_adwin(0.002))
    return rivals | {"ADWIN, tuned": _nearest(tuned, asked, _adwin, CONFIDENCES)}


def _nearest(tuned: list[Watched], asked: int, kind: Callable[[float], Detector], grid: np.ndarray) -> Alarms:
    rung = {value: sum(len(of_river(one, kind(value))) for one in tuned) for value in grid}
    return partial(of_river, detector=kind(min(grid, key=lambda value: abs(rung[value] - asked))))


def _page_hinkley(threshold: float, delta: float) -> Detector:
    from river.drift import PageHinkley

    return lambda sides: PageHinkley(threshold=float(threshold), delta=delta, mode=sides)


def _adwin(confidence: float) -> Detector:
    from river.drift import ADWIN

    return lambda _sides: ADWIN(delta=float(confidence))


def _told(rings: Alarms, worlds: list[Watched]) -> dict[str, Any]:
    """Alarms a quarter and signal without any shift; by size of the shift how many starts, the share found, the median day."""
    quiet = [rings(one) for one in worlds]
    quarters = sum(len(one.days) for one in worlds) / QUARTER_DAYS
    found = {}
    for size in SIZES:
        delays = [delay for one, known in zip(worlds, quiet, strict=True) for delay in _delays(rings, one, known, size)]
        heard = [delay for delay in delays if delay is not None]
        delay = statistics.median(heard) if heard else None
        found[f"{size:g}"] = {"starts": len(delays), "rate": round(len(heard) / len(delays), 2), "delay": delay}
    return {"false_alarms": round(sum(map(len, quiet)) / quarters, 3), "found": found}


def _delays(rings: Alarms, one: Watched, quiet: set[int], size: float) -> Iterable[int | None]:
    for start in range(START_STEP_DAYS, len(one.days) - FOUND_DAYS, START_STEP_DAYS):  # a rival has to learn first
        loud = rings(one.shifted(start, size), since=start) - quiet
        yield next((k - start + 1 for k in sorted(loud) if start <= k < start + FOUND_DAYS), None)


def _in_spreads(signal: Signal, days: list[date], params: SignalParams) -> np.ndarray:
    """Each watched day's number as the engine reads it: spreads from the past of that Monday, clipped; unknown is usual."""
    told = []
    for day in days:
        cut = signal.up_to(day)
        past = past_of(cut, params)
        is_known = past.size and np.isfinite(past).any()
        told.append(float(standardised(cut.values[:, -1:], past, signal.smallest_spread)[0, 0]) if is_known else 0.0)
    return np.array(told)


if __name__ == "__main__":
    main()
