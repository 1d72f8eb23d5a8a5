"""The ML Test Score: 28 checks, each from evidence that is there; a claim without evidence scores
nothing.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks.robustness.ml_test_evidence import (
    CHECKS,
    Check,
    Made,
    Measured,
    Passed,
    evidence_of,
)
from benchmarks.robustness.ml_test_score import SECTIONS, judged, outcomes_of, scored

PASSED = {"tests/a.py::test_one": True, "tests/a.py::test_two": False}


@pytest.fixture
def tree(tmp_path):
    """A checkout with one test file, one result, one stage."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.py").write_text("")
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "benchmarks" / "results" / "r.json").write_text('{"wape": 0.5}')
    (tmp_path / "dvc.lock").write_text(
        "stages:\n  train:\n    outs:\n    - path: data/m\n      md5: abc\n"
    )
    return tmp_path


def test_there_are_28_seven_in_each_section_and_what_is_not_whole_says_why():
    assert [check.number for check in CHECKS] == list(range(1, 29))
    assert [len(numbers) for numbers in SECTIONS.values()] == [7, 7, 7, 7]
    assert [check.number for check in CHECKS if not check.always and not check.why_not_whole] == []


def named_in(checks: tuple[Check, ...]) -> list[str]:
    """The tests that checks rest on, by node id."""
    evidence = [one for check in checks for one in (*check.always, *check.by_hand)]
    return sorted({one.node for one in evidence if isinstance(one, Passed)})


def is_there(root: Path, node: str) -> bool:
    """Whether the file stands there and, where the id names one, defines the test."""
    file, _, name = node.partition("::")
    if not (root / file).exists():
        return False
    body = ast.parse((root / file).read_text(encoding="utf-8")).body
    return not name or name in {part.name for part in body if isinstance(part, ast.FunctionDef)}


def test_every_test_named_as_evidence_exists(root):
    """Those listed here were renamed or deleted: ml_test_checks.yaml must follow."""
    assert [node for node in named_in(CHECKS) if not is_there(root, node)] == []


def test_a_test_that_is_gone_is_seen(tree):
    (tree / "tests" / "a.py").write_text("def test_one(): ...\n")
    nodes = ["tests/a.py", "tests/a.py::test_one", "tests/a.py::test_two", "tests/b.py"]
    checks = (Check(1, "", tuple(Passed(node) for node in nodes[:2])),)
    assert named_in(checks) == nodes[:2]
    assert [node for node in nodes if not is_there(tree, node)] == nodes[2:]


def test_a_line_of_the_checks_is_a_test_an_output_or_a_result():
    assert evidence_of("tests/a.py::test_one") == Passed("tests/a.py::test_one")
    assert evidence_of("dvc train data/m") == Made("train", "data/m")
    measured = evidence_of("result gate: null and power")
    assert (measured.name, measured.claim) == ("gate", "null and power")


def test_evidence_holds_only_where_it_was_made(tree):
    assert Passed("tests/a.py::test_one").holds(tree, PASSED)
    assert not Passed("tests/a.py::test_two").holds(tree, PASSED)
    assert not Passed("tests/a.py").holds(tree, PASSED)  # one of its tests failed
    assert not Passed("tests/gone.py").holds(tree, PASSED)
    assert Made("train", "data/m").holds(tree, {})
    assert not Made("train", "data/other").holds(tree, {})
    assert Measured("r", lambda result: result["wape"] < 1, "").holds(tree, {})
    assert not Measured("r", lambda result: result["wape"] > 1, "").holds(tree, {})
    assert not Measured("nobody_ran_it", lambda result: True, "").holds(tree, {})


def test_a_machine_every_time_is_one_by_hand_is_a_half_a_claim_is_nothing(tree):
    passes, fails, kept = (
        Passed("tests/a.py::test_one"),
        Passed("tests/a.py::test_two"),
        Made("train", "data/m"),
    )
    assert judged(Check(1, "", (passes, kept)), PASSED, tree).score == 1
    assert judged(Check(1, "", (passes, fails), (kept,)), PASSED, tree).score == 0.5
    assert judged(Check(1, "", (), (kept,)), PASSED, tree).score == 0.5
    assert judged(Check(1, "", (fails,)), PASSED, tree).score == 0
    assert judged(Check(1, ""), PASSED, tree).score == 0


def test_the_score_is_the_lowest_section(tree):
    always = (Passed("tests/a.py::test_one"),)
    result = scored(
        [judged(Check(n, "", always if n != 20 else ()), PASSED, tree) for n in range(1, 29)]
    )
    assert result["sections"] == {"Data": 7, "Model": 7, "Infrastructure": 6, "Monitoring": 7}
    assert result["score"] == 6


def test_a_report_of_pytest_is_read_all_parameters_together(tmp_path):
    cases = (
        '<testcase classname="tests.a" name="test_x[1]"/>'
        '<testcase classname="tests.a" name="test_x[2]"><failure/></testcase>'
        '<testcase classname="tests.a" name="test_y"/>'
        '<testcase classname="tests.a" name="test_z"><skipped/></testcase>'
    )
    (tmp_path / "j.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    outcomes = outcomes_of(tmp_path / "j.xml")
    assert outcomes == {
        "tests/a.py::test_x": False,
        "tests/a.py::test_y": True,
        "tests/a.py::test_z": False,
    }
