"""Drills on mornings: the walk disturbed, what it left, and what it takes to have that morning's table after all."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drills.drilling import Result, result_of
from drills.grade import grade_morning
from drills.morning_faults import MORNING_FAULTS, MorningFault
from drills.mornings import Ended, World, cleared, steps_taken, walk


@dataclass(frozen=True)
class Left:
    """What a walk left: hashes of the newest whole table, of all sales and of the laboratory's table; reasons on the rows."""

    table: str
    sales: str
    laboratory: str
    reasons: frozenset[str]


Look = Callable[[Path], Left | None]  # a data folder -> what stands there; None: no table can be read


def morning_drills(
    world: World, scratch: Path, look: Look, faults: Sequence[MorningFault] = MORNING_FAULTS
) -> Iterator[Result]:
    """One result per fault and strength, each on a copy of the world."""
    before = look(world.data)
    undisturbed = world.copied_to(scratch / "undisturbed")
    if (ended := walk(undisturbed)).code:
        raise RuntimeError(f"the undisturbed morning ended with {ended.sentence}")
    clean = look(undisturbed.data)
    cleared(undisturbed.checkout)
    for fault in faults:
        for strength in fault.strengths:
            copy = world.copied_to(scratch / f"{fault.name}_{strength}")
            yield _one_morning(copy, fault, strength, look, before, clean)
            cleared(copy.checkout)


def _one_morning(
    world: World, fault: MorningFault, strength: int, look: Look, before: Left | None, clean: Left | None
) -> Result:
    ended = walk(world, fault.disturb(world, strength))
    outcome = _outcome(look(world.data), before, clean, fault)
    if fault.mend:
        fault.mend(world)
    seconds, again = _brought_back(world, fault)
    told = [f"this morning: {ended.sentence}"] if ended.sentence else []
    found = look(world.data)
    told += [f"on the rows: {reason}" for reason in (sorted(found.reasons) if found and outcome == "fallback" else [])]
    is_recovered = again.code == 0 and found == clean
    return result_of(
        fault.name,
        strength,
        "surroundings",
        fault.what,
        outcome if is_recovered else f"{outcome}, not brought back: {again.sentence or 'another table'}",
        grade_morning(outcome, bool(ended.code) or outcome == "fallback", is_recovered),
        told or (["nothing was lost"] if outcome == "published" else []),
        recovery_s=round(seconds, 1),
        manual_steps=len(fault.steps),
    )


def _outcome(left: Left | None, before: Left | None, clean: Left | None, fault: MorningFault) -> str:
    if left is None:
        return "unreadable"
    if fault.of_laboratory:
        return "published" if left.laboratory == clean.laboratory else "yesterday's"
    if left.table == clean.table:
        return "published"
    if left.table == before.table:
        return "yesterday's"
    return "fallback" if left.reasons else "other"


def _brought_back(world: World, fault: MorningFault) -> tuple[float, Ended]:
    """Seconds of the steps written down and of the next walk; and how that one ended."""
    try:
        seconds = steps_taken(world, fault.steps)
    except subprocess.CalledProcessError as refused:
        return 0.0, Ended(refused.returncode, refused.stderr, 0.0)
    again = walk(world)
    return seconds + again.seconds, again
