"""Drills on mornings: the walk disturbed, what it left, and what it takes to have that morning's
table after all.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from drills.drilling import Result, result_of
from drills.grade import grade_morning
from drills.morning_faults import MORNING_FAULTS, MorningFault
from drills.mornings import Ended, How, World, cleared, steps_taken, walk


@dataclass(frozen=True)
class Left:
    """What a walk left: hashes of the newest whole table, of all sales and of the laboratory's
    table; reasons on the rows.
    """

    table: str
    sales: str
    laboratory: str
    reasons: frozenset[str]


# a data folder -> what stands there; None: no table can be read
Look = Callable[[Path], Left | None]


def morning_drills(
    world: World,
    scratch: Path,
    look: Look,
    faults: Sequence[MorningFault] = MORNING_FAULTS,
    at_once: int = 2,
) -> Iterator[Result]:
    """One result per fault and strength, each on a copy of the world, so many of them at a time."""
    before = look(world.data)
    undisturbed = world.copied_to(scratch / "undisturbed")
    if (ended := walk(undisturbed, How(die_at=0))).code:
        raise RuntimeError(f"the undisturbed morning ended with {ended.sentence}")
    counted = replace(world, touches=json.loads(ended.said.splitlines()[-1])["touches"])
    one = partial(_one_morning, counted, scratch, look, before, look(undisturbed.data))
    asked = [(fault, strength) for fault in faults for strength in fault.strengths]
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda drill: one(*drill), asked)


def _one_morning(
    undisturbed: World,
    scratch: Path,
    look: Look,
    before: Left | None,
    clean: Left | None,
    fault: MorningFault,
    strength: int,
) -> Result:
    world = undisturbed.copied_to(scratch / f"{fault.name}_{strength}")
    ended = walk(world, fault.disturb(world, strength))
    left = look(world.data)
    outcome = _outcome(left, before, clean, fault)
    if fault.mend:
        fault.mend(world)
    seconds, again = _brought_back(world, fault)
    told = [f"this morning: {ended.sentence}"] if ended.sentence else []
    found = look(world.data)
    told += [
        f"on the rows: {reason}"
        for reason in (sorted(left.reasons) if left and outcome == "fallback" else [])
    ]
    is_recovered = again.code == 0 and found == clean
    cleared(world.checkout)
    return result_of(
        fault.name,
        strength,
        "surroundings",
        fault.what,
        outcome
        if is_recovered
        else f"{outcome}, not brought back: {again.sentence or 'another table'}",
        grade_morning(outcome, bool(ended.code) or outcome == "fallback", is_recovered),
        told or (["nothing was lost"] if outcome == "published" else []),
        recovery_s=round(seconds, 1),
        manual_steps=len(fault.steps),
    )


def _outcome(
    left: Left | None, before: Left | None, clean: Left | None, fault: MorningFault
) -> str:
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
