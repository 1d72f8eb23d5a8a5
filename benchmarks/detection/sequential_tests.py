"""The engine of signals beside river's Page-Hinkley and ADWIN on the same daily numbers: alarms for
nothing, shifts found, delay.

Input: bias (whole and groups), accuracy and calibration of clean replays; shifts of known day and
size are laid on the signals themselves (sequential_streams). River's detectors stand twice: as
river makes them, and with threshold or confidence tuned, stream by stream, until they raise as few
alerts as the engine does on the world that is tuned on. Only that world is looked at in tuning. A
peer's package, not in the lock: river is the extra `peers` (`make extras`).
"""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from itertools import groupby

import numpy as np

from benchmarks.detection.sequential_counts import (
    HOLD_DAYS,
    Run,
    by_size,
    days_off,
    detected_of,
    false_alarms,
    runs_of,
    share_open,
    together,
    tuned_knobs,
)
from benchmarks.detection.sequential_rivals import (
    HAS_RIVER,
    NO_RIVER,
    Kind,
    Rival,
    by_engine,
    by_river,
    defaults,
    kinds,
)
from benchmarks.detection.sequential_streams import (
    SIZES,
    WATCHED_DAYS,
    Stream,
    starts_of,
    streams_of,
)
from benchmarks.detection.sequential_tests_table import table
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.replay import kind_of, replayed, world_of
from benchmarks.harness.results import Result
from monitoring.cusum import QUARTER_DAYS

OURS, EAGER = "ours", "ours, slack 0.5"
EAGER_SLACK = 0.5  # spreads: the engine if it added up shifts of half the size it is made for
STEP_DAYS = (
    10  # between starts of shifts: no whole weeks, so that weekdays and ages of a fit are mixed
)


def measure(context: Context) -> Result:
    """Tune on one world, report all."""
    if not HAS_RIVER:
        raise SystemExit(NO_RIVER)
    tuned_world, held_out = context.options.tuned, context.options.held_out
    streams = streams_of(replayed(world_of(tuned_world)))
    wanted = false_alarms(detected_of(streams, by_engine))
    rivals: dict[str, Rival] = {OURS: by_engine, **defaults()}
    tuned = {}
    for kind in kinds():
        rivals[f"{kind.name}, tuned"], tuned[kind.name] = tuned_on(streams, kind, wanted)
    worlds = {f"{kind_of(tuned_world)}, tuned": [judged(tuned_world, rivals)]}
    for of_kind, names in groupby(held_out, kind_of):
        worlds[f"{of_kind}, held out"] = [judged(name, rivals) for name in names]
    days = {"watched_days": WATCHED_DAYS, "hold_days": HOLD_DAYS, "step_days": STEP_DAYS}
    return {
        "river": version("river"),
        "sizes": SIZES,
        **days,
        "tuned": tuned,
        "worlds": {kind: summed(judged_ones) for kind, judged_ones in worlds.items()},
    }


def tuned_on(streams: list[Stream], kind: Kind, wanted: dict[str, int]) -> tuple[Rival, Result]:
    """A detector with its knobs set to the engine's alerts here; of its other choice the one that
    then finds most here.
    """
    best: tuple[float, Rival, Result] = (-1.0, by_engine, {})
    for other in kind.others:
        knobs = tuned_knobs(streams, kind, other, wanted)
        rival = partial(by_river, {name: kind.make(knob, other) for name, knob in knobs.items()})
        found = mean_share(_runs(streams, rival))
        print(kind.name, kind.other_is, other, knobs, found, flush=True)
        if found > best[0]:
            best = (found, rival, {"found": found, kind.other_is: other, kind.knob_is: knobs})
    return best[1:]


def judged(name: str, rivals: dict[str, Rival]) -> Result:
    """One world: quarters watched, and of every rival the false alarms by stream and all runs with
    a shift.
    """
    world = replayed(world_of(name))
    streams = streams_of(world)
    results = {called: _judged(streams, rival) for called, rival in rivals.items()}
    results[EAGER] = _judged(streams_of(world, EAGER_SLACK), by_engine)
    for called, result in results.items():
        print(name, called, result["alarms"], mean_share(result["runs"]), flush=True)
    return {
        "world": world.folder.name,
        "quarters": (streams[0].z.shape[1] - streams[0].watched_from) / QUARTER_DAYS,
        "starts": len(starts_of(streams[0], STEP_DAYS)),
        "rivals": results,
    }


def summed(worlds: list[Result]) -> Result:
    """Worlds of one kind as one: alarms per quarter, and share found and days until then by stream
    and size.
    """
    quarters = sum(world["quarters"] for world in worlds)
    names = worlds[0]["rivals"]
    rivals = {
        name: _summed([world["rivals"][name] for world in worlds], quarters) for name in names
    }
    return {
        "worlds": [world["world"] for world in worlds],
        "quarters": quarters,
        "starts": sum(world["starts"] for world in worlds),
        "rivals": rivals,
    }


def mean_share(runs: list[Run]) -> float:
    """Share found, each stream counted alike."""
    by_stream = {
        stream: [r.delay is not None for r in runs if r.stream == stream]
        for stream in {r.stream for r in runs}
    }
    return round(float(np.mean([np.mean(found) for found in by_stream.values()])), 4)


def _summed(parts: list[Result], quarters: float) -> Result:
    alarms = {name: sum(part["alarms"][name] for part in parts) for name in parts[0]["alarms"]}
    runs = {
        name: [run for part in parts for run in part["runs"] if run.stream == name]
        for name in alarms
    }
    runs["together"] = [run for part in parts for run in together(part["runs"])]
    alarms["together"] = sum(alarms.values())
    opened = {
        name: float(np.mean([part["open"][name] for part in parts])) for name in parts[0]["open"]
    }
    return {
        name: {
            "alarms": alarms[name],
            "per_quarter": round(alarms[name] / quarters, 2),
            "share_open": opened.get(name),
            "found": by_size(of_name),
            "days_off": days_off(of_name),
        }
        for name, of_name in runs.items()
    }


def _judged(streams: list[Stream], rival: Rival) -> Result:
    detected = detected_of(streams, rival)
    opened = {name: share_open(days) for name, days in detected.items()}
    return {"alarms": false_alarms(detected), "open": opened, "runs": _runs(streams, rival)}


def _runs(streams: list[Stream], rival: Rival) -> list[Run]:
    detected = detected_of(streams, rival)
    return [
        run
        for stream in streams
        for run in runs_of(stream, rival, detected[stream.name], starts_of(stream, STEP_DAYS))
    ]


BENCHMARK = Benchmark(
    question="Is the engine of signals better than river's detectors on the same days?",
    needs="river (make extras) and replayed worlds (made where they are not); ten minutes",
    measure=measure,
    options=(
        Option("tuned", "the world that river's detectors are tuned on", "sim:11:lightgbm"),
        Option("held_out", "worlds held out, those of one kind side by side", [], many=True),
    ),
    table=table,
)
