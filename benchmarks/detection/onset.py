"""How far off is the day that an alert states: by the first day of the CUSUM's run, as before, and
by the most likely step (monitoring.onset).

Steps of 2, 3 and 5 spreads are added to the signals of what arrived, of clean simulated worlds;
both guesses are taken on the day of the alert.
"""

from __future__ import annotations

import numpy as np

from benchmarks.detection.frozen_feed import COLUMNS
from benchmarks.harness.params import params_here
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.harness.worlds import simulated
from benchmarks.render.markdown import markdown_table
from contract.demand import demand_rules
from contract.params import SignalParams
from monitoring.cusum import SLACK, centre_and_spread, cusum, quarterly_limits, standardised
from monitoring.input_signals import input_signals
from monitoring.onset import onset, persistence_of
from monitoring.what_arrived import arrived

SEEDS, SERIES, DAYS = (31, 32, 33), 500, 1100
SIZES = (2.0, 3.0, 5.0)  # spreads of a day
EVERY_DAYS, EVERY_GROUP = 60, 6
LEFT_OUT = ("missing_prices", "units")  # one never moves, the other is no mean of days


def measure(context: Context) -> Result:
    """Days off by signal: (by the run of the CUSUM, by the step) of every step that was found."""
    params = params_here()
    errors: dict[str, list[tuple[int, int]]] = {}
    for seed in SEEDS:
        seen = arrived(simulated(params, SERIES, DAYS, seed), DAYS, demand_rules(params))
        for signal in input_signals(seen, COLUMNS):
            for values in signal.values[::EVERY_GROUP] if signal.slice not in LEFT_OUT else []:
                known = values[np.isfinite(values).argmax() :]
                found = _steps(known, signal.smallest_spread, params.monitor.signals)
                errors.setdefault(signal.slice, []).extend(found)
    return {name: _summary(found) for name, found in sorted(errors.items())} | {
        "all": _summary([pair for found in errors.values() for pair in found])
    }


def _steps(values: np.ndarray, smallest: float, params: SignalParams) -> list[tuple[int, int]]:
    """Of steps tried along one signal, those found within the days watched: days off of both."""
    watched, found = params.watch_days, []
    for day in range(params.past_days + watched, len(values) - watched, EVERY_DAYS):
        past = values[day - params.past_days - 14 : day - 14]
        limit = quarterly_limits(past[None], watched, smallest, params.false_alarms_per_quarter)[0]
        spread = float(centre_and_spread(past, smallest)[1][0])
        persistence = persistence_of(standardised(past, past, smallest))
        for size in SIZES:
            moved = values.copy()
            moved[day:] += size * spread
            z = standardised(moved, past, smallest)
            path = cusum(z[None], watched)[0]
            late = np.flatnonzero(path[day : day + watched] > limit)
            if path[day - 1] <= limit / 2 and late.size:
                end = day + int(late[0]) + 1
                ago = end - 1 - day
                by_step = onset(z[end - 2 * watched : end], watched, persistence)
                found.append((ago - _first_of_run(z[end - watched : end]), ago - by_step))
    return found


def _first_of_run(z: np.ndarray) -> int:
    """Days before the last one on which the run began that makes the last day's CUSUM."""
    summed = np.concatenate([[0.0], np.cumsum(z - SLACK)])
    first = len(summed) - 1 - int(np.argmin(summed[::-1]))
    return len(z) - 1 - min(first, len(z) - 1)


def _summary(found: list[tuple[int, int]]) -> Result:
    """Steps found; of both guesses the median and the 90th percentile of days off, the earliest."""
    guesses = dict(zip(("run", "step"), np.array(found).reshape(-1, 2).T, strict=True))
    return {"steps": len(found)} | {
        name: {
            "median": float(np.median(np.abs(off))),
            "p90": round(float(np.quantile(np.abs(off), 0.9)), 1),
            "earliest": int(off.min()),
            "within_a_day": round(float((np.abs(off) <= 1).mean()), 2),
        }
        for name, off in guesses.items()
        if off.size
    }


def table(result: Result) -> str:
    """One row per signal: days off as median, 90th percentile, earliest; share within a day."""
    rows = [
        [
            name,
            str(one["steps"]),
            *(
                f"{one[guess]['median']:.0f}, {one[guess]['p90']:.1f}, {one[guess]['earliest']}; "
                f"{one[guess]['within_a_day']:.0%}"
                for guess in ("run", "step")
            ),
        ]
        for name, one in result.items()
    ]
    return markdown_table(["signal", "steps found", "run of the CUSUM", "step"], rows)


BENCHMARK = Benchmark(
    question="How many days off is the day that an alert states?",
    needs="nothing; two minutes",
    measure=measure,
    table=table,
)
