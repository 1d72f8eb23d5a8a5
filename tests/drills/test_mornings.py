"""Mornings disturbed: one of each kind run to the end, the rest is `make drills`."""

from __future__ import annotations

import json

import pytest

from drills.morning_drills import morning_drills
from drills.morning_faults import MORNING_FAULTS
from drills.mornings import Ended
from drills.small_world import small_world

FAULTS = {"held_store", "lost_store", "killed"}


def test_how_a_run_ended_is_said_in_a_few_words():
    assert Ended(0, "INFO done", 1.0).sentence == ""
    assert (
        Ended(3, "INFO x\nrefused: the store is held", 1.0).sentence
        == "exit 3, refused: the store is held"
    )
    assert Ended(-9, "INFO x", 1.0).sentence == "killed by signal 9: INFO x"
    assert (
        "a traceback: KeyError"
        in Ended(1, "Traceback (most recent call last)\nKeyError: 1", 1.0).sentence
    )


@pytest.mark.production
def test_a_morning_disturbed_leaves_yesterdays_table_and_the_next_one_is_as_if_nothing_had_been(
    root, tmp_path
):
    from flows.drill_store import read_state

    world = small_world(root, tmp_path / "world")
    (tmp_path / "mornings").mkdir()
    faults = [fault for fault in MORNING_FAULTS if fault.name in FAULTS]
    results = list(morning_drills(world, tmp_path / "mornings", read_state, faults))
    by_name = {(result["fault"], result["strength"]): result for result in results}
    assert {result["grade"] for result in results} <= {"graceful", "degraded"}, json.dumps(
        results, indent=1
    )
    assert by_name["held_store", "1"]["outcome"] == "yesterday's"
    assert by_name["lost_store", "1"]["manual_steps"] == 1
    assert by_name["killed", "95"]["recovery_s"] > 0
