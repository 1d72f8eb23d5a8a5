"""Weeks in a checkout of its own: the weekly flow learns what arrived, and every week's data, model
and scores come back by their tag.

Minutes (DVC runs every stage as a process), so not part of `make test`: `make production`.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from contract.params_file import load_params
from sources.simulator.drop import write_day
from sources.simulator.simulation import simulate

pytestmark = pytest.mark.production


def test_a_week_learns_what_arrived_and_an_older_week_comes_back_by_its_tag(checkout, tmp_path):
    checkout.dvc("remote", "add", "-d", "shelf", str(tmp_path / "shelf"))
    checkout.run(sys.executable, "ingest.py", "fill")
    checkout.run(sys.executable, "flows/weekly.py", "--plain")
    first = checkout.tagged("week-1")

    simulation = simulate(load_params(checkout.folder / "params.yaml").source.simulator)
    write_day(simulation, simulation.last_day + timedelta(days=1), checkout.folder / "data/inbox")
    checkout.run(sys.executable, "ingest.py")
    checkout.run(sys.executable, "flows/weekly.py", "--plain")
    second = checkout.tagged("week-2")
    tomorrow = str(simulation.last_day + timedelta(days=1))
    # not the panel of DVC's run cache
    assert (second["last_day"], second["cutoff"]) == (tomorrow, tomorrow)
    assert second["model"] != first["model"]
    assert "didn't change" in checkout.dvc("repro")

    # what a tag names stays
    checkout.dvc("gc", "--all-tags", "--all-branches", "--cloud", "--force")
    fresh = checkout.cloned(tmp_path / "fresh")
    fresh.dvc("pull", "-q")
    assert fresh.held() == second
    fresh.run("git", "checkout", "-q", "week-1")
    fresh.dvc("pull", "-q")
    assert fresh.held() == first
    assert "didn't change" in fresh.dvc("repro", "--dry")
