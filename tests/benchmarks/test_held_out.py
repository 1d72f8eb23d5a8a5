"""Held-out data are looked at once a release."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.accuracy import held_out
from benchmarks.harness.registry import Context

BOARD = {
    "global_lightgbm": {"wrmsse": 0.5, "wrmsse_spread": 0.01, "bias": -0.02} | {"bias_spread": 0.0}
}


@pytest.fixture
def context(monkeypatch, tmp_path):
    """Results kept in a folder of the test, the pipeline replaced by a board."""
    monkeypatch.setattr("benchmarks.harness.results.RESULTS", tmp_path)
    monkeypatch.setattr(held_out, "_simulator", lambda *_: {"board": BOARD})
    monkeypatch.setattr(held_out, "release", lambda: "9.9.9")
    return Context(held_out.BENCHMARK, tmp_path, Namespace(shared=Path("/nowhere")))


def test_a_release_reports_its_data_once(context):
    kept = held_out.measure(context)
    assert kept["releases"]["9.9.9"][held_out.SIMULATOR]["board"] == BOARD
    with pytest.raises(SystemExit, match=r"release 9\.9\.9 has reported"):
        held_out.measure(context)


def test_the_next_release_looks_again_and_the_one_before_stays(context, monkeypatch):
    held_out.measure(context)
    monkeypatch.setattr(held_out, "release", lambda: "10.0.0")
    kept = held_out.measure(context)
    assert list(kept["releases"]) == ["9.9.9", "10.0.0"]
    assert held_out.table(kept).count("0.500 ± 0.010") == 2


def test_seeds_differ_by_release_and_were_never_looked_at():
    seeds = [held_out.seed_of(f"0.{minor}.0") for minor in range(200)]
    assert len(set(seeds)) == 200
    assert min(seeds) >= held_out.CHOSEN_SEEDS
