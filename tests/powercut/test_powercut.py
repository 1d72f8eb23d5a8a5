"""Power cuts: some on every run of the tests; `make powercut KILLS=5000 SEED=9` for more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = 100
FOUND_WITHIN = 60  # cuts


def harness(root: Path, path: Path, *arguments: str) -> dict[str, Any]:
    """The report of a run of the harness, kept in a file."""
    command = [sys.executable, "tests/powercut", *arguments, "--json", str(path)]
    environment = os.environ | {"PYTHONPATH": str(root)}
    ended = subprocess.run(  # noqa: S603 -- our own words
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert report["violations"] == []
    return report


def test_no_row_is_lost_doubled_or_forgotten_when_the_power_goes(
    root: Path, tmp_path: Path
) -> None:
    """Entry points and flows killed at random lines, files, statements and moments, restarted, and
    compared with the run nobody killed. Each rule is broken by a planted fault, which is found.
    """
    numbers = ["--kills", str(KILLS), "--seed", "20", "--faults", str(FOUND_WITHIN)]
    report = harness(root, tmp_path / "powercut.json", *numbers)
    assert report["kills"] >= KILLS - 1
    assert len(report["faults"]) >= 36
    assert [fault for fault, cuts in report["faults"].items() if cuts is None] == []
    assert set(report["by_kind"]) == {"line", "touch", "statement", "inside", "moment"}


@pytest.mark.production
def test_make_repro_and_the_week_come_to_what_a_run_nobody_killed_leaves(
    root: Path, tmp_path: Path
) -> None:
    """Their processes killed in a checkout, minutes a kill."""
    report = harness(root, tmp_path / "powercut.json", "--kills", "1", "--checkouts", "6")
    assert report["by_kind"]["processes"] >= 4
