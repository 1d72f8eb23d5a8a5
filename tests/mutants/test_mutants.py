"""The harness of mutants in a checkout of its own, and its lists against the code;
`make mutants` for a run.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CODE = '''"""A module."""


def is_late(days: int, grace: int = 2) -> bool:
    """Whether so many days are too many."""
    return days > grace


NEWEST = "select max(ds) from sales where ds <= $day and y > 0"
'''
STRONG = """
from storage.late import NEWEST, is_late

def test_the_day_after_the_grace_is_late():
    assert [is_late(days) for days in (1, 2, 3)] == [False, False, True]
    assert is_late(3, grace=2) and not is_late(3, grace=3)
    assert NEWEST == "select max(ds) from sales where ds <= $day and y > 0"
"""
WEAK = """
from storage.late import is_late

def test_ten_days_are_late():
    assert is_late(10)
"""
NAMED = """
[[mutant]]
name = "late on the last day of grace"
path = "storage/late.py"
before = "days > grace"
after = "days >= grace"
"""


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """A package of one module under git, and the harness beside it."""
    checkout = tmp_path / "checkout"
    shutil.copytree(root / "tests" / "mutants", checkout / "tests" / "mutants")
    (checkout / "tests" / "mutants" / "test_mutants.py").unlink()
    (checkout / "tests" / "mutants" / "named.toml").write_text(NAMED, encoding="utf-8")
    (checkout / "tests" / "mutants" / "equivalent.toml").write_text("", encoding="utf-8")
    (checkout / "storage").mkdir()
    (checkout / "storage" / "late.py").write_text(CODE, encoding="utf-8")
    (checkout / "tests" / "storage").mkdir()
    settings = (
        "[tool.pytest.ini_options]\npythonpath = ['.']\naddopts = '--import-mode=importlib'\n"
    )
    (checkout / "pyproject.toml").write_text(settings, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=checkout, check=True)  # noqa: S607 -- our own words
    return checkout


def run_of(checkout: Path, tests: str) -> dict:
    """A run with these tests, as it is kept."""
    (checkout / "tests" / "storage" / "test_late.py").write_text(tests, encoding="utf-8")
    command = [
        sys.executable,
        "tests/mutants",
        "--sample",
        "600",
        "--jobs",
        "1",
        "--json",
        "x.json",
    ]
    ended = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)  # noqa: S603
    run = json.loads((checkout / "x.json").read_text(encoding="utf-8"))["runs"][0]
    assert ended.returncode == bool(run["lived"]), ended.stderr
    return run


@pytest.mark.production
def test_what_the_tests_look_at_is_killed_and_what_they_do_not_lives(checkout: Path) -> None:
    strong, weak = run_of(checkout, STRONG), run_of(checkout, WEAK)
    assert strong["lived"] == []
    assert strong["counts"]["killed"] >= 12
    lived = {one["after"] for one in weak["lived"]}
    assert {"days >= grace", "return days >= grace"} <= lived
    assert any("ds < $day" in after for after in lived)
    assert weak["counts"]["killed"] > 0
    assert (checkout / "storage" / "late.py").read_text(encoding="utf-8") == CODE


@pytest.mark.production
def test_one_that_is_listed_with_its_reason_is_equivalent_and_no_survivor(checkout: Path) -> None:
    lived = run_of(checkout, WEAK)["lived"]
    listed = [f"[[mutant]]\nreason = 'a test'\n{_as_toml(one)}" for one in lived]
    named = checkout / "tests" / "mutants" / "equivalent.toml"
    named.write_text("\n".join(listed), encoding="utf-8")
    again = run_of_listed(checkout)
    assert again["counts"]["equivalent"] == len(lived)
    assert {one["became"] for one in again["lived"]} == {"equivalent"}


def run_of_listed(checkout: Path) -> dict:
    command = [
        sys.executable,
        "tests/mutants",
        "--sample",
        "600",
        "--jobs",
        "1",
        "--json",
        "x.json",
    ]
    subprocess.run(command, cwd=checkout, capture_output=True, check=True)  # noqa: S603
    return json.loads((checkout / "x.json").read_text(encoding="utf-8"))["runs"][0]


def _as_toml(one: dict) -> str:
    names = ("path", "where", "before", "after")
    return "".join(f"{name} = {json.dumps(one[name])}\n" for name in names)


def test_every_listed_mutant_is_one_of_the_code_as_it_is(root: Path) -> None:
    command = [sys.executable, "tests/mutants", "--check"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 0, ended.stdout
    assert "named 6, listed" in ended.stdout
