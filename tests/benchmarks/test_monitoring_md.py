"""monitoring.md against the watchers there are, and against numbers that are typed."""

from __future__ import annotations

import re

import pytest

from monitoring.decide import FIRST_CALL


@pytest.fixture(scope="module")
def text(root) -> str:
    """The document."""
    return (root / "monitoring.md").read_text(encoding="utf-8")


def test_every_watcher_stands_in_the_first_table(text):
    assert [watcher for watcher in FIRST_CALL if not re.search(rf"`{watcher}[`:]", text)] == []


def test_outside_the_marks_no_measured_number_is_typed(text):
    """Rates, delays and shares live between the marks alone: the prose has no percent sign with a
    number, no decimal.
    """
    prose = re.sub(r"<!-- (\w+): begin.*?<!-- \1: end -->", "", text, flags=re.DOTALL)
    prose = re.sub(r"```.*?```", "", prose, flags=re.DOTALL)
    assert set(re.findall(r"\d+\.\d+|\d+%", prose)) <= {
        "0.25",
        "0.05",
        "95%",
    }  # the plain tests' limits, an interval's name
