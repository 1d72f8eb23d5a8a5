"""What follows from findings."""

from __future__ import annotations

import pytest

from contract.severity import WORST_FIRST, rank, worst
from monitoring.decide import FIRST_CALL, decide_retraining, escalation, to_close, to_raise
from monitoring.finding import Finding, not_judged


def finding(
    watcher: str, severity: str = "ok", value: float | None = 1.0, slice: str = ""
) -> Finding:
    return Finding(watcher, f"{watcher} said so", severity, value, 1.0, "", None, slice)


@pytest.mark.parametrize(
    ("findings", "trigger"),
    [
        ([finding("model_age", value=3.0)], "none"),
        ([finding("model_age", value=28.0)], "schedule"),
        ([finding("model_age", "warning", 50.0)], "age"),
        ([finding("champion", "error", 0.0)], "age"),
        ([finding("model_age", "warning", 50.0), finding("bias", "error")], "accuracy"),
        ([finding("freshness", "error"), finding("quality", "warning")], "none"),
        ([finding("bias", "warning", slice="CA_4")], "none"),
        ([finding("model_age", value=13.0), finding("bias", "error")], "none"),
        ([finding("model_age", value=14.0), finding("bias", "error")], "accuracy"),
    ],
)
def test_accuracy_speaks_before_age_and_age_before_the_schedule(findings, trigger):
    decision = decide_retraining(findings, every_days=28)
    assert (decision.trigger, decision.is_needed) == (trigger, trigger != "none")
    assert decision.reason


def test_a_cause_is_raised_once_and_closed_when_its_watcher_no_longer_names_it():
    findings = [
        finding("bias", "error"),
        finding("freshness"),
        finding("drift", "warning", slice="cat_id"),
    ]
    assert [f.cause for f in to_raise(findings)] == ["bias", "drift:cat_id"]
    assert to_close(findings, ["bias", "freshness:S1", "freshness", "drift:velocity"]) == [
        "freshness:S1",
        "freshness",
        "drift:velocity",
    ]


def test_an_alert_stays_open_while_nothing_can_be_judged():
    assert to_close([not_judged("accuracy", "too early")], ["accuracy"]) == []


def test_a_mended_file_and_a_new_champion_close_alerts_though_their_watchers_have_no_finding():
    gone = ["refused_file:a.csv", "champion"]
    assert to_close([finding("quality"), finding("model_age")], gone) == gone
    assert to_close([not_judged("quality", "no row")], ["refused_file:a.csv"]) == []


def test_errors_are_called_now_and_warnings_passed_on_within_the_day():
    assert "now" in escalation(finding("sanity", "error"))
    assert "within the working day" in escalation(finding("drift", "warning"))


def test_every_watcher_has_somebody_to_call(root):
    import re

    named = {
        name
        for path in (root / "monitoring").glob("*.py")
        for name in re.findall(
            r'(?:Finding\(\s*|not_judged\(|WATCHER = )"(\w+)"', path.read_text(encoding="utf-8")
        )
    }
    assert named
    assert named == set(FIRST_CALL)


def test_the_loudest_severity_counts():
    assert worst([]) == "ok"
    assert worst(["error", "warning", "ok"]) == "error"
    assert [rank(severity) for severity in WORST_FIRST] == [2, 1, 0]
