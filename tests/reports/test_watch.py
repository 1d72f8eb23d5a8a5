"""The page of alarms and drills: alerts stand first, by word and sign, not by colour alone; names
stay text.
"""

from __future__ import annotations

import json
import re

import pytest

from drills.result import Drill, result_of
from reports.watch import measured, render_watch, write_watch_page

NASTY = "<script>alert(1)</script>"


def finding(cause: str, severity: str) -> dict:
    return {
        "cause": cause,
        "severity": severity,
        "what": f"{cause} happened",
        "value": 1.25,
        "threshold": None,
        "advice": "Call.",
    }


def look(*findings: dict) -> dict:
    retrain = {"is_needed": True, "reason": "bias"}
    weeks = [{"week": 1, "y": 12.0, "wape": 0.5, "bias": -0.1}]
    return {
        "now": "2024-06-01 06:00",
        "worst": "error",
        "findings": list(findings),
        "retrain": retrain,
        "by_week": weeks,
    }


def test_alerts_stand_before_what_is_well():
    page = render_watch(
        look(finding("fine", "ok"), finding("late", "warning"), finding("gone", "error")), []
    )
    paths = [page.index(f"{cause} happened") for cause in ("gone", "late", "fine")]
    assert paths == sorted(paths)
    assert "✖ error" in page
    assert "▲ warning" in page
    assert "-10.0%" in page


def test_the_worst_drill_stands_first():
    drills = [drill("mild", "graceful"), drill("bad", "catastrophic")]
    page = render_watch(look(), drills)
    assert page.index("<td>bad</td>") < page.index("<td>mild</td>")


def drill(fault: str, grade: str) -> dict:
    """A row as the drills write it."""
    return result_of(
        Drill(fault, 2, "input", "something"), "table", grade, ["watched"], loss=0.1, coverage=0.9
    )


def test_a_watcher_that_had_nothing_to_measure_is_not_called_well():
    page = render_watch(look(finding("fine", "ok"), finding("young", "ok") | {"value": None}), [])
    assert re.findall(r"<b>(\d+)</b><span>(watched and well|not judged)", page) == [
        ("1", "watched and well"),
        ("1", "not judged"),
    ]
    assert page.count("○ not judged") == 1


@pytest.mark.parametrize(
    ("cause", "value", "written"),
    [
        ("freshness:CA_1", 3.0, "3 days"),
        ("model_age", 1.0, "1 day"),
        ("sanity", 0.0, "0 rows"),
        ("fallback", 0.05, "5.0%"),
        ("churn", 0.35, "35.0%"),
        ("churn:level", 2.0, "2.00 times"),
        ("runtime:train", 3.0, "3.00 times"),
        ("quality:trend", 6.5, "6.5"),
        ("drift:mix", 15.1, "15.1"),
        ("runtime", None, ""),
        ("memory:inference", 3.0, "3.00 times"),
        ("memory_limit:monitor", 0.85, "85.0%"),
    ],
)
def test_a_number_stands_with_its_unit(cause, value, written):
    assert measured(cause, value) == written


def test_a_limit_from_below_says_so():
    assert measured("churn:shape", 0.3, is_limit=True) == "at least 0.30 times"
    assert measured("churn:shape", 0.6) == "0.60 times"


def test_a_catastrophe_stands_with_its_reason_and_graceful_drills_are_folded():
    drills = [drill("mild", "graceful"), drill("bad", "catastrophic")]
    page = render_watch(
        look(), drills, None, {f"bad {drills[1]['strength']}": "It looks like a feast."}
    )
    assert "Why it is let be: It looks like a feast." in page
    opened = re.findall(r"<details( open)?><summary><span class=\"mark (\w+)", page)
    assert opened == [(" open", "catastrophic"), ("", "graceful")]


def test_names_are_text():
    assert NASTY not in render_watch(look(finding(NASTY, "error")), [drill(NASTY, "degraded")])


def test_before_the_first_look_the_page_says_what_to_run(tmp_path):
    page = write_watch_page(tmp_path).read_text(encoding="utf-8")
    assert "python monitor.py" in page
    assert "make drills" in page
    (tmp_path / "drills.json").write_text(json.dumps([{"fault": "old"}]), encoding="utf-8")
    assert "make drills" in write_watch_page(tmp_path).read_text(encoding="utf-8")
    (tmp_path / "drills.json").write_text(
        json.dumps({"drills": [drill("bad", "degraded")]}), encoding="utf-8"
    )
    (tmp_path / "monitor.json").write_text(
        json.dumps(look(finding("late", "warning"))), encoding="utf-8"
    )
    page = write_watch_page(tmp_path).read_text(encoding="utf-8")
    assert "late happened" in page
    assert "<td>bad</td>" in page


def test_what_changed_since_the_last_table_is_shown_with_its_sign():
    row = {"group": NASTY, "before": 10.0, "now": 7.5, "moved": -2.5}
    changes = {"since": "2024-05-30", "origin": "2024-05-31", "days": 27, "has_other_methods": True}
    page = render_watch(look(), [], changes | {"groups": {"store_id": [row]}, "series": []})
    assert "-2.5" in page
    assert "Other methods made the rows" in page
    assert NASTY not in page
    assert "no earlier table" in render_watch(look(), [], {"since": None})
