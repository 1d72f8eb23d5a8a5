"""Power cuts: some on every run of the tests; `make powercut KILLS=5000 SEED=9` for more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

KILLS = 100
FOUND_WITHIN = 60  # cuts


def test_no_row_is_lost_doubled_or_forgotten_when_the_power_goes(
    root: Path, tmp_path: Path
) -> None:
    """Entry points and flows killed at random lines, files, statements and moments, restarted, and
    compared with the run nobody killed. Each rule is broken by a planted fault, which is found.
    """
    path = tmp_path / "powercut.json"
    numbers = ["--kills", str(KILLS), "--seed", "20", "--faults", str(FOUND_WITHIN)]
    arguments = [*numbers, "--json", str(path)]
    command = [sys.executable, "tests/powercut/harness.py", *arguments]
    environment = os.environ | {"PYTHONPATH": str(root)}
    ended = subprocess.run(  # noqa: S603 -- our own words
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["kills"] >= KILLS - 1
    assert report["violations"] == []
    assert len(report["faults"]) >= 33
    assert [fault for fault, cuts in report["faults"].items() if cuts is None] == []
    assert set(report["by_kind"]) == {"line", "touch", "statement", "inside", "moment"}
