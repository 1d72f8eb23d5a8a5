"""Tables of measured results in documents: what stands there is what the result files say, never
typed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import calibration_page, leaderboards_page, monitoring_tables
from benchmarks.bad_quarter_page import page_of
from benchmarks.markdown import markdown_table
from benchmarks.rendered import replaced
from benchmarks.rendered import sections as sections_by_document


def made_blocks() -> dict[str, str]:
    """Name of the marks -> what stands between them, of every result that is kept."""
    return {
        name: text
        for sections in (*sections_by_document().values(), monitoring_tables.sections())
        for name, text in sections.items()
    }


def written_blocks(root: Path) -> dict[str, str]:
    """Name of the marks -> what stands between them, in whatever document it stands."""
    block = re.compile(
        r"<!-- (\w+): begin, made by [^>]*? -->\n(.*?)\n<!-- \1: end -->", flags=re.DOTALL
    )
    documents = [*root.glob("*.md"), *root.glob("docs/**/*.md")]
    return {
        found[1]: found[2]
        for path in documents
        for found in block.finditer(path.read_text(encoding="utf-8"))
    }


def test_every_block_of_a_document_is_that_of_its_result_file(root):
    """Run `python -m benchmarks render` after a benchmark."""
    made, written = made_blocks(), written_blocks(root)
    assert sorted(written) == sorted(made)
    assert [name for name in made if written[name] != made[name]] == []


def test_the_page_of_the_bad_quarter_is_that_of_its_result_file(root):
    made = json.loads(
        (root / "benchmarks" / "results" / "bad_quarter.json").read_text(encoding="utf-8")
    )
    assert page_of(made) == (root / "docs" / "results" / "bad_quarter.md").read_text(
        encoding="utf-8"
    )


def test_the_page_of_the_quantiles_is_that_of_its_result_file(root):
    made = json.loads(
        (root / "benchmarks" / "results" / "calibration.json").read_text(encoding="utf-8")
    )
    assert calibration_page.page_of(made) == (
        root / "docs" / "results" / "calibration.md"
    ).read_text(encoding="utf-8")


def test_the_page_of_leaderboards_is_that_of_its_result_files(root):
    page = leaderboards_page.page_of(leaderboards_page.kept_boards())
    assert page == (root / "docs" / "results" / "leaderboards.md").read_text(encoding="utf-8")


def test_only_what_stands_between_the_marks_is_replaced():
    text = (
        "before\n<!-- gate: begin, made by benchmarks.rendered -->\nold\n<!-- gate: end -->\nafter"
    )
    shown = replaced(text, "gate", markdown_table(["a"], [["1"]]))
    assert shown == text.replace("old", "| a |\n| --- |\n| 1 |")
    with pytest.raises(KeyError, match="no marks"):
        replaced(text, "cadence", "")
