"""The ML Test Score (Breck et al., IEEE Big Data 2017) of this project, each of the 28 points
computed from what a machine made.

A test is 1 if all of its `always` evidence holds (what CI, `dvc repro` or every morning makes), 0.5
if only its `by_hand` evidence does (a benchmark somebody ran and kept, or a part of what is
wanted), else
0. The score is the lowest section's sum, as in the paper.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import ROOT, Result
from benchmarks.render.markdown import markdown_table
from benchmarks.robustness.ml_test_evidence import CHECKS, Check, Evidence, Passed

SECTIONS = {
    "Data": range(1, 8),
    "Model": range(8, 15),
    "Infrastructure": range(15, 22),
    "Monitoring": range(22, 29),
}


@dataclass(frozen=True)
class Judged:
    """One check with its score (0, 0.5, 1) and each piece of evidence with whether it holds."""

    check: Check
    score: float
    evidence: list[tuple[Evidence, bool]]


def measure(context: Context) -> Result:
    """Run the evidence's tests, or read a run that was; judge."""
    junit = context.options.junit
    outcomes = outcomes_of(junit) if junit else _run_now()
    return scored([judged(check, outcomes) for check in CHECKS])


def table(result: Result) -> str:
    """One row per test with its evidence; then the sections' sums and the score, which is the
    lowest.
    """
    rows = []
    for test in result["tests"]:
        evidence = "; ".join(
            f"{one['what']}{'' if one['holds'] else ' (does not hold)'}" for one in test["evidence"]
        )
        why = f" *{test['why_not_whole']}*" if test["why_not_whole"] else ""
        rows.append(
            [str(test["number"]), test["question"], f"{test['score']:g}", f"{evidence}{why}"]
        )
    sums = ", ".join(f"{name} {points:g}" for name, points in result["sections"].items())
    rows.append(["", "**lowest section**", f"**{result['score']:g}**", sums])
    return markdown_table(["#", "question", "score", "evidence, and what is missing"], rows)


def judged(check: Check, outcomes: dict[str, bool], root: Path = ROOT) -> Judged:
    """A check against the tree and the outcomes of tests (node id without parameters -> passed)."""
    always = [(one, one.holds(root, outcomes)) for one in check.always]
    by_hand = [(one, one.holds(root, outcomes)) for one in check.by_hand]
    is_whole = bool(always) and all(holds for _, holds in always)
    is_part = bool(by_hand) and all(holds for _, holds in by_hand)
    return Judged(check, 1.0 if is_whole else 0.5 if is_part else 0.0, always + by_hand)


def scored(checks: list[Judged]) -> Result:
    """Every test with its evidence, the sum of each section, and the lowest of them."""
    by_number = {one.check.number: one.score for one in checks}
    sections = {
        name: sum(by_number[number] for number in numbers) for name, numbers in SECTIONS.items()
    }
    tests = [
        {
            "number": one.check.number,
            "question": one.check.question,
            "score": one.score,
            "evidence": [
                {"what": evidence.words, "holds": holds} for evidence, holds in one.evidence
            ],
            "why_not_whole": one.check.why_not_whole if one.score < 1 else "",
        }
        for one in checks
    ]
    return {"score": min(sections.values()), "sections": sections, "tests": tests}


def outcomes_of(junit: Path) -> dict[str, bool]:
    """By node id without parameters whether it passed, all of its parameters together; a skipped
    one did not.
    """
    outcomes: dict[str, bool] = {}
    for case in ElementTree.parse(junit).iter("testcase"):  # noqa: S314 -- our own pytest wrote it
        file = f"{case.get('classname', '').replace('.', '/')}.py"
        node = f"{file}::{case.get('name', '').partition('[')[0]}"
        passed = all(case.find(kind) is None for kind in ("failure", "error", "skipped"))
        outcomes[node] = outcomes.get(node, True) and passed
    return outcomes


def _run_now() -> dict[str, bool]:
    nodes = sorted(
        {
            one.node
            for check in CHECKS
            for one in (*check.always, *check.by_hand)
            if isinstance(one, Passed)
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "", f"--junitxml={junit}", *nodes]
        subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 -- ours
        return outcomes_of(junit)


BENCHMARK = Benchmark(
    question="How many of the 28 points of the ML Test Score rest on something a machine made?",
    needs="the results of the other benchmarks; minutes, or seconds with --junit",
    measure=measure,
    options=(Option("junit", "report of a test run (pytest --junitxml FILE) to read", kind=Path),),
    table=table,
)
