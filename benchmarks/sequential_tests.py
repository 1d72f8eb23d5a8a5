"""The engine of signals beside river's Page-Hinkley and ADWIN on the same daily numbers: alarms for nothing, shifts found, delay.

Input: bias (whole and groups), accuracy and calibration of kept clean walks; shifts of known day and size are laid on the signals
themselves (benchmarks.sequential_streams). River's detectors stand twice: as river makes them, and with threshold or confidence
tuned, stream by stream, until they raise as few alerts as the engine does on the world before `--`. Only that world is looked at in
tuning. A peer's package, not in the lock: river is the extra `peers` (`make extras`).

run     python -m benchmarks.replay sim:11:lightgbm sim:21:lightgbm sim:23:lightgbm sim:24:lightgbm m5:../shared/data/m5     once
        python -m benchmarks.sequential_tests sim:11:lightgbm -- sim:21:lightgbm sim:23:lightgbm sim:24:lightgbm m5:../shared/data/m5
"""

from __future__ import annotations

import sys
from functools import partial
from importlib.metadata import version
from itertools import groupby
from typing import Any

import numpy as np

from benchmarks.false_alarms import kind_of
from benchmarks.measured import keep
from benchmarks.replay import World, world_of
from benchmarks.sequential_counts import (
    HOLD_DAYS,
    Run,
    by_size,
    days_off,
    false_alarms,
    heard_of,
    runs_of,
    share_open,
    together,
    tuned_knobs,
)
from benchmarks.sequential_rivals import (
    HAS_RIVER,
    NO_RIVER,
    Kind,
    Rival,
    by_engine,
    by_river,
    defaults,
    kinds,
)
from benchmarks.sequential_streams import SIZES, WATCHED_DAYS, Stream, starts_of, streams_of
from monitoring.cusum import QUARTER_DAYS

OURS, EAGER = "ours", "ours, slack 0.5"
EAGER_SLACK = 0.5  # spreads: what the engine would do if it added up shifts of half the size it is made for
STEP_DAYS = 10  # between the starts of shifts: no whole weeks, so that weekdays and ages of a fit are mixed


def main() -> None:
    """Tune on the worlds before --, report all, keep."""
    if not HAS_RIVER:
        sys.exit(NO_RIVER)
    names = sys.argv[1:]
    if names[1:2] != ["--"]:
        sys.exit("name one world to tune on, then --, then those held out")
    streams = streams_of(walked(names[0]))
    wanted = false_alarms(heard_of(streams, by_engine))
    rivals: dict[str, Rival] = {OURS: by_engine, **defaults()}
    tuned = {kind.name: tuned_on(streams, kind, wanted) for kind in kinds()}
    rivals |= {f"{name}, tuned": told.pop("rival") for name, told in tuned.items()}
    worlds = {f"{kind_of(names[0])}, tuned": [judged(names[0], rivals)]}
    for kind, of_kind in groupby(names[2:], kind_of):
        worlds[f"{kind}, held out"] = [judged(name, rivals) for name in of_kind]
    asked = {"sizes": SIZES, "watched_days": WATCHED_DAYS, "hold_days": HOLD_DAYS, "step_days": STEP_DAYS}
    told = {kind: summed(of_kind) for kind, of_kind in worlds.items()}
    keep("sequential_tests", {"river": version("river"), **asked, "tuned": tuned, "worlds": told})


def walked(name: str) -> World:
    """A walk that is kept; nothing is forecast here."""
    world = world_of(name)
    if not (world.folder / "tables.parquet").exists():
        sys.exit(f"{name} is not walked yet: python -m benchmarks.replay {name}")
    return world


def tuned_on(streams: list[Stream], kind: Kind, wanted: dict[str, int]) -> dict[str, Any]:
    """A detector with its knobs set to the engine's alerts here; of its other choice the one that then finds most here."""
    best: dict[str, Any] = {"found": -1.0}
    for other in kind.others:
        knobs = tuned_knobs(streams, kind, other, wanted)
        rival = partial(by_river, {name: kind.make(knob, other) for name, knob in knobs.items()})
        found = mean_share(_runs(streams, rival))
        print(kind.name, kind.other_is, other, {name: f"{knob:.3g}" for name, knob in knobs.items()}, found, flush=True)
        if found > best["found"]:
            best = {"found": found, kind.other_is: other, kind.knob_is: knobs, "rival": rival}
    return best


def judged(name: str, rivals: dict[str, Rival]) -> dict[str, Any]:
    """One world: quarters watched, and of every rival the false alarms by stream and all runs with a shift."""
    world = walked(name)
    streams = streams_of(world)
    told = {rival_name: _judged(name, streams, rival_name, rival) for rival_name, rival in rivals.items()}
    told[EAGER] = _judged(name, streams_of(world, EAGER_SLACK), EAGER, by_engine)
    return {
        "world": world.folder.name,
        "quarters": (streams[0].z.shape[1] - streams[0].watched_from) / QUARTER_DAYS,
        "starts": len(starts_of(streams[0], STEP_DAYS)),
        "rivals": told,
    }


def summed(worlds: list[dict[str, Any]]) -> dict[str, Any]:
    """Worlds of one kind as one: alarms per quarter, and share found and days until then by stream and size."""
    quarters, rivals = sum(world["quarters"] for world in worlds), {}
    for rival in worlds[0]["rivals"]:
        parts = [world["rivals"][rival] for world in worlds]
        alarms = {name: sum(part["alarms"][name] for part in parts) for name in parts[0]["alarms"]}
        runs = {name: [run for part in parts for run in part["runs"] if run.stream == name] for name in alarms}
        runs["together"] = [run for part in parts for run in together(part["runs"])]
        alarms["together"] = sum(alarms.values())
        opened = {name: float(np.mean([part["open"][name] for part in parts])) for name in parts[0]["open"]}
        rivals[rival] = {
            name: {
                "alarms": alarms[name],
                "per_quarter": round(alarms[name] / quarters, 2),
                "share_open": opened.get(name),
                "found": by_size(of_name),
                "days_off": days_off(of_name),
            }
            for name, of_name in runs.items()
        }
    starts = sum(world["starts"] for world in worlds)
    return {"worlds": [world["world"] for world in worlds], "quarters": quarters, "starts": starts, "rivals": rivals}


def mean_share(runs: list[Run]) -> float:
    """Share found, each stream counted alike."""
    streams = {run.stream for run in runs}
    return round(float(np.mean([np.mean([r.delay is not None for r in runs if r.stream == s]) for s in streams])), 4)


def _judged(name: str, streams: list[Stream], rival_name: str, rival: Rival) -> dict[str, Any]:
    heard, runs = heard_of(streams, rival), _runs(streams, rival)
    alarms, opened = false_alarms(heard), {stream: share_open(of_stream) for stream, of_stream in heard.items()}
    print(name, rival_name, alarms, mean_share(runs), flush=True)
    return {"alarms": alarms, "open": opened, "runs": runs}


def _runs(streams: list[Stream], rival: Rival) -> list[Run]:
    heard = heard_of(streams, rival)
    return [
        run for stream in streams for run in runs_of(stream, rival, heard[stream.name], starts_of(stream, STEP_DAYS))
    ]


if __name__ == "__main__":
    main()
