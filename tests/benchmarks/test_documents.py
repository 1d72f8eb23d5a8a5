"""Generated blocks and pages: what stands in a document is what the result files say, not typed."""

from __future__ import annotations

import pytest

from benchmarks.harness.results import ROOT
from benchmarks.render.blocks import blocks, pages
from benchmarks.render.documents import BLOCK, MAKER, documents, rendered
from benchmarks.render.markdown import markdown_table

WITH_BLOCKS = [path for path in documents() if BLOCK.search(path.read_text(encoding="utf-8"))]
TERMINAL_ONLY = {  # tables that are printed when measured, and of which documents quote a figure
    "bad_quarter",  # the page generated whole
    "censoring",
    "judging",
    "search_m5",
    "serving",
    "start_up",
    "store",
    "stress",
}
TEXT = f"before\n<!-- gate: begin, made by {MAKER} -->\nold\n<!-- gate: end -->\nafter\n"


@pytest.fixture(scope="module")
def by_name():
    return blocks()


@pytest.mark.parametrize("path", WITH_BLOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_of_a_document_is_up_to_date(path, by_name):
    """Run `python -m benchmarks render` after a benchmark."""
    text = path.read_text(encoding="utf-8")
    assert rendered(text, by_name) == text


def test_every_block_that_is_made_stands_in_one_document_or_on_the_terminal_alone(by_name):
    texts = [path.read_text(encoding="utf-8") for path in WITH_BLOCKS]
    written = [match["name"] for text in texts for match in BLOCK.finditer(text)]
    assert sorted(written) == sorted(by_name.keys() - TERMINAL_ONLY)
    assert by_name.keys() >= TERMINAL_ONLY


@pytest.mark.parametrize("name", sorted(name for name in pages() if name.endswith(".md")))
def test_every_page_that_is_generated_whole_is_up_to_date(name):
    page = ROOT / "docs" / "results" / name
    assert page.read_text(encoding="utf-8") == pages()[name]()


def test_the_pages_generated_whole_are_these():
    assert {name for name in pages() if name.endswith(".md")} == {
        "bad_quarter.md",
        "calibration.md",
        "leaderboards.md",
    }


def test_only_what_stands_between_the_marks_is_replaced():
    table = markdown_table(["a"], [["1"]])
    assert rendered(TEXT, {"gate": lambda: table}) == TEXT.replace("old", "| a |\n| --- |\n| 1 |")


def test_a_mark_that_names_another_maker_is_written_anew():
    older = TEXT.replace(MAKER, "somebody")
    assert rendered(older, {"gate": lambda: "old"}) == TEXT


def test_an_empty_block_is_filled():
    assert rendered(TEXT.replace("old\n", ""), {"gate": lambda: "old"}) == TEXT


def test_a_block_that_nobody_makes_is_named_with_those_there_are():
    with pytest.raises(LookupError, match=r"'gate'; there are cadence, models"):
        rendered(TEXT, {"models": str, "cadence": str})
