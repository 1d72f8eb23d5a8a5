"""Weeks in a checkout of its own: the weekly flow learns what arrived, and every week's data, model and scores come back by their tag.

Minutes (DVC runs every stage as a process), so not part of `make test`: `make factory`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from contract.params import load_params
from sources.simulator.drop import write_day
from sources.simulator.simulation import simulate

pytestmark = pytest.mark.factory


@pytest.fixture
def checkout(root: Path, tmp_path: Path, finished) -> Path:
    """The code as it stands, with the small laboratory's params, under git and dvc."""
    here = tmp_path / "checkout"
    here.mkdir()
    tracked = run(["git", "ls-files", "-z"], root).split("\0")
    for name in (
        name for name in tracked if name and not name.startswith((".dvc", "dvc.lock", "tests/", "benchmarks/"))
    ):
        if (root / name).exists():
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, here / name)
    shutil.copy(finished.params_file, here / "params.yaml")
    run(["git", "init", "-q"], here)
    dvc(here, "init", "-q")
    dvc(here, "config", "core.analytics", "false")
    dvc(here, "remote", "add", "-d", "shelf", str(tmp_path / "shelf"))
    run(["git", "add", "-A"], here)
    run(["git", "commit", "-qm", "start"], here)  # DVCLive names the commit it ran on
    return here


def run(command: list[str], here: Path) -> str:
    own = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_WAIT_POLICY": "passive"}
    names = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    whole = {**os.environ, **own, **names}
    done = subprocess.run(command, cwd=here, env=whole, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def dvc(here: Path, *arguments: str) -> str:
    return run([sys.executable, "-m", "dvc", *arguments], here)


def tagged(here: Path, tag: str) -> dict[str, str]:
    """Commit and tag what DVC pinned, push the bytes; what the checkout holds."""
    run(["git", "add", "-A"], here)
    run(["git", "commit", "-qm", tag], here)
    run(["git", "tag", tag], here)
    dvc(here, "push", "-q")
    return held(here)


def held(here: Path) -> dict[str, str]:
    card = json.loads((here / "data/models/candidate/card.json").read_text())
    panel = json.loads((here / "data/panel/panel.json").read_text())
    board = json.loads((here / "data/scores/leaderboard.json").read_text())
    return {
        "model": card["model_id"],
        "cutoff": card["cutoff"],
        "last_day": panel["last_day"],
        "board": json.dumps(board),
    }


def test_a_week_learns_what_arrived_and_an_older_week_comes_back_by_its_tag(checkout, tmp_path):
    run([sys.executable, "ingest.py", "--fill"], checkout)
    run([sys.executable, "flows/weekly.py", "--plain"], checkout)
    first = tagged(checkout, "week-1")

    simulation = simulate(load_params(checkout / "params.yaml").source.simulator)
    write_day(simulation, simulation.last_day + timedelta(days=1), checkout / "data/inbox")
    run([sys.executable, "ingest.py"], checkout)
    run([sys.executable, "flows/weekly.py", "--plain"], checkout)
    second = tagged(checkout, "week-2")
    tomorrow = str(simulation.last_day + timedelta(days=1))
    assert (second["last_day"], second["cutoff"]) == (tomorrow, tomorrow)  # not the panel of DVC's run cache
    assert second["model"] != first["model"]
    assert "didn't change" in dvc(checkout, "repro")

    dvc(checkout, "gc", "--all-tags", "--all-branches", "--cloud", "--force")  # what a tag names stays
    fresh = tmp_path / "fresh"
    run(["git", "clone", "-q", str(checkout), str(fresh)], tmp_path)
    dvc(fresh, "pull", "-q")
    assert held(fresh) == second
    run(["git", "checkout", "-q", "week-1"], fresh)
    dvc(fresh, "pull", "-q")
    assert held(fresh) == first
    assert "didn't change" in dvc(fresh, "repro", "--dry")
