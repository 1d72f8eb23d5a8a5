"""Tables of measured results in documents: what stands there is what the result files say, never typed."""

from __future__ import annotations

import json

import pytest

from benchmarks import calibration_page, leaderboards_page
from benchmarks.bad_quarter_page import page_of
from benchmarks.markdown import markdown_table
from benchmarks.rendered import rendered, replaced


@pytest.mark.parametrize("document", ["system_design.md", "README.md", "docs/tutorial.md", "postmortem.md"])
def test_the_tables_of_a_document_are_those_of_the_result_files(root, document):
    """Run `python -m benchmarks.rendered` after a benchmark."""
    text = (root / document).read_text(encoding="utf-8")
    assert rendered(text, document) == text


def test_the_page_of_the_bad_quarter_is_that_of_its_result_file(root):
    made = json.loads((root / "benchmarks" / "results" / "bad_quarter.json").read_text(encoding="utf-8"))
    assert page_of(made) == (root / "docs" / "bad_quarter.md").read_text(encoding="utf-8")


def test_the_page_of_the_quantiles_is_that_of_its_result_file(root):
    made = json.loads((root / "benchmarks" / "results" / "calibration.json").read_text(encoding="utf-8"))
    assert calibration_page.page_of(made) == (root / "docs" / "calibration.md").read_text(encoding="utf-8")


def test_the_page_of_leaderboards_is_that_of_its_result_files(root):
    page = leaderboards_page.page_of(leaderboards_page.kept_boards())
    assert page == (root / "docs" / "leaderboards.md").read_text(encoding="utf-8")


def test_only_what_stands_between_the_marks_is_replaced():
    text = "before\n<!-- gate: begin, made by benchmarks.rendered -->\nold\n<!-- gate: end -->\nafter"
    told = replaced(text, "gate", markdown_table(["a"], [["1"]]))
    assert told == text.replace("old", "| a |\n| --- |\n| 1 |")
    with pytest.raises(KeyError, match="no marks"):
        replaced(text, "cadence", "")
