"""Power cuts: some on every run of the tests; `make powercut KILLS=5000 SEED=9` for more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

KILLS = 160


def test_no_row_is_lost_doubled_or_forgotten_when_the_power_goes(
    root: Path, tmp_path: Path
) -> None:
    """Doors killed at random lines, files, statements and moments, restarted, and compared with the
    run nobody killed.
    """
    told = tmp_path / "powercut.json"
    command = [
        sys.executable,
        "tests/powercut/harness.py",
        "--kills",
        str(KILLS),
        "--seed",
        "20",
        "--json",
        str(told),
    ]
    environment = os.environ | {"PYTHONPATH": str(root)}
    walked = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert walked.returncode == 0, walked.stdout + walked.stderr
    report = json.loads(told.read_text(encoding="utf-8"))
    assert report["kills"] >= KILLS - 1
    assert report["violations"] == []
    assert set(report["by_kind"]) == {"line", "touch", "statement", "inside", "moment"}
