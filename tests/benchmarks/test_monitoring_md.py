"""monitoring.md against the watchers there are, and against the pages of results it leads to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitoring.decide import FIRST_CALL

TABLES = {  # page -> its generated tables, held to the result files by test_documents.py
    "detection": [
        "false_alarms",
        "drift_curves",
        "sequential_tests",
        "remedies",
        "covariate_drift",
        "slow_runs",
        "steady_memory",
        "outlook",
        "recalibration",
        "frozen_feed",
        "onset",
    ],
    "ml_test_score": ["ml_test_score"],
}


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    """The document."""
    return (root / "monitoring.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", TABLES)
def test_every_measured_table_stands_on_a_page_the_document_leads_to(root, text, page):
    assert f"(docs/results/{page}.md" in text
    there = (root / "docs" / "results" / f"{page}.md").read_text(encoding="utf-8")
    ended = re.findall(r"<!-- (\w+): end -->", there)
    assert ended == re.findall(r"<!-- (\w+): begin", there)
    assert set(ended) == set(TABLES[page])


def test_every_watcher_stands_in_the_first_table(text):
    first = text[text.index("| watcher |") : text.index("The drift signals")]
    assert [watcher for watcher in FIRST_CALL if not re.search(rf"`{watcher}[`:]", first)] == []


def test_every_watcher_stands_in_the_escalation_plan(text):
    plan = text[text.index("## Escalation plan") :]
    assert [watcher for watcher in FIRST_CALL if f"`{watcher}`" not in plan] == []


def test_the_document_has_strategy_metrics_triggers_and_escalation(text):
    parts = ["Strategy", "Metrics", "Retraining triggers", "Escalation plan"]
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == parts


def test_no_measured_number_is_typed(text):
    """Rates, delays and shares stand in docs/results alone: the prose has no percent sign with a
    number, no decimal.
    """
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert set(re.findall(r"\d+\.\d+|\d+%", prose)) <= {"95%"}  # an interval's name
