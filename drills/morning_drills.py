"""Drills on mornings: the daily run disturbed, what it left, and what it takes to have that
morning's table after all.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from drills.grade import grade_morning
from drills.morning_faults import MORNING_FAULTS, MorningFault
from drills.mornings import Disturbance, Ended, World, cleared, run_in, steps_taken
from drills.result import Drill, Result, result_of


@dataclass(frozen=True)
class WorldState:
    """Hashes of a world's newest whole table, of all its sales and of its offline table; the
    reasons on the rows of the first.
    """

    table: str
    sales: str
    offline_table: str
    reasons: frozenset[str]


# a data folder -> its state; None: no table can be read
ReadState = Callable[[Path], WorldState | None]


@dataclass(frozen=True)
class Undisturbed:
    """What a disturbed morning is held against: the world, its state before and after that
    morning undisturbed.
    """

    world: World
    before: WorldState
    after: WorldState


def morning_drills(
    world: World,
    scratch: Path,
    read_state: ReadState,
    faults: Sequence[MorningFault] = MORNING_FAULTS,
    at_once: int = 2,
) -> Iterator[Result]:
    """One result per fault and strength, each on a copy of the world, so many of them at a time."""
    before = read_state(world.data)
    copied = world.copied_to(scratch / "undisturbed")
    if (ended := run_in(copied, Disturbance(die_at=0))).code:
        raise RuntimeError(f"the undisturbed morning ended with {ended.sentence}")
    counted = replace(world, touches=json.loads(ended.stderr.splitlines()[-1])["touches"])
    after = read_state(copied.data)
    if before is None or after is None:
        raise RuntimeError(f"no table can be read of the undisturbed world in {scratch}")
    undisturbed = Undisturbed(counted, before, after)

    def one(drill: tuple[MorningFault, int]) -> Result:
        return _one_morning(undisturbed, scratch, read_state, *drill)

    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(
            one, [(fault, strength) for fault in faults for strength in fault.strengths]
        )


def _one_morning(
    undisturbed: Undisturbed,
    scratch: Path,
    read_state: ReadState,
    fault: MorningFault,
    strength: int,
) -> Result:
    world = undisturbed.world.copied_to(scratch / f"{fault.name}_{strength}")
    ended = run_in(world, fault.disturb(world, strength))
    state = read_state(world.data)
    outcome = _outcome(state, undisturbed, fault)
    if fault.mend:
        fault.mend(world)
    seconds, again = _brought_back(world, fault)
    is_recovered = again.code == 0 and read_state(world.data) == undisturbed.after
    cleared(world.checkout)
    lost = f"{outcome}, not brought back: {again.sentence or 'another table'}"
    return result_of(
        Drill(fault.name, strength, "surroundings", fault.what),
        outcome if is_recovered else lost,
        grade_morning(outcome, bool(ended.code) or outcome == "fallback", is_recovered),
        _seen_by(ended, outcome, state),
        recovery_s=round(seconds, 1),
        manual_steps=len(fault.steps),
    )


def _outcome(state: WorldState | None, undisturbed: Undisturbed, fault: MorningFault) -> str:
    if state is None:
        return "unreadable"
    before, after = undisturbed.before, undisturbed.after
    if fault.is_offline:
        return "published" if state.offline_table == after.offline_table else "yesterday's"
    if state.table == after.table:
        return "published"
    if state.table == before.table:
        return "yesterday's"
    return "fallback" if state.reasons else "other"


def _seen_by(ended: Ended, outcome: str, state: WorldState | None) -> list[str]:
    """The refusal, then the reasons on the rows; or that nothing was lost."""
    reasons = sorted(state.reasons) if state and outcome == "fallback" else []
    seen_by = [f"this morning: {ended.sentence}"] if ended.sentence else []
    seen_by += [f"on the rows: {reason}" for reason in reasons]
    return seen_by or (["nothing was lost"] if outcome == "published" else [])


def _brought_back(world: World, fault: MorningFault) -> tuple[float, Ended]:
    """Seconds of the steps written down and of the next run; and how that one ended."""
    try:
        seconds = steps_taken(world, fault.steps)
    except subprocess.CalledProcessError as refused:
        return 0.0, Ended(refused.returncode, refused.stderr, 0.0)
    again = run_in(world)
    return seconds + again.seconds, again
