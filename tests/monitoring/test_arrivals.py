"""What was noted of a file raises an alert the next morning, one for each day, for a week."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitoring.arrivals import noted
from monitoring.decide import to_close
from monitoring.finding import Finding

NOW = datetime(2026, 11, 20, 6)


def page(
    name: str,
    worst: float,
    code: str = "day_restated",
    age_days: int = 0,
    rows: int = 180,
    reason: str | None = None,
) -> dict:
    rule = {
        "code": code,
        "sentence": "A wrong date?",
        "broken_rows": rows,
        "first_day": "2026-11-18",
        "worst": worst,
    }
    return {
        "name": name,
        "received_at": str(NOW - timedelta(days=age_days)),
        "reason": reason,
        "rules": [rule],
    }


def test_a_restated_day_raises_an_alert_with_how_much_and_what_to_do():
    (finding,) = noted([page("sales_19.csv", 0.48)], NOW)
    assert (finding.cause, finding.severity, finding.value) == (
        "noted:day_restated:2026-11-18",
        "warning",
        0.48,
    )
    assert "180 rows" in finding.what
    assert "48%" in finding.what
    assert "touched --file sales_19.csv" in finding.advice


def test_the_file_that_mends_the_day_raises_no_second_alert():
    (finding,) = noted([page("right.csv", 0.5), page("wrong.csv", 0.48, age_days=1)], NOW)
    assert "right.csv" in finding.what


def test_what_is_old_or_refused_or_fine_is_left_in_peace():
    well = [
        page("a", 0.5, age_days=8),
        page("b", 0.5, reason="half a file"),
        page("c", 0.1, rows=0),
        page("d", 3.0, "volume_unusual"),
    ]
    assert noted(well, NOW) == []


def test_the_alert_is_closed_when_the_week_is_over():
    well = [Finding("quality", "0% refused", "ok", 0.0, 0.05)]
    assert to_close(well, ["noted:day_restated:2026-11-18"]) == ["noted:day_restated:2026-11-18"]
