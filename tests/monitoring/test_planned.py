"""A day ticked closed for everybody looks like a feast: an alert unless the calendar names one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from monitoring.planned import planned_closed


@pytest.fixture
def panel(make_panel):
    """Eight series, 70 days, no plan."""
    panel = make_panel(series=8, days=70, seed=3)
    return replace(panel, calendar=panel.calendar.filter(~pl.col("is_closed")))


def with_calendar(panel, days, event=None):
    """The calendar says that all are closed on these days."""
    known_at = panel.sales["known_at"].max()
    closed = pl.DataFrame(
        {"region": "*", "ds": days, "known_at": known_at, "is_closed": True, "event": event},
        strict=False,
    )
    kept = panel.calendar.filter(~pl.col("ds").is_in(days))
    types = {name: kept.schema[name] for name in closed.columns}
    return replace(
        panel, calendar=pl.concat([kept, closed.cast(types)], how="diagonal").sort("region", "ds")
    )


def findings_of(panel, ahead=28):
    return planned_closed(panel, panel.last_day + timedelta(days=ahead), None)


def test_a_day_closed_for_all_without_a_reason_raises_an_alert_with_the_way_out(panel):
    day = panel.last_day + timedelta(days=3)
    (finding,) = findings_of(with_calendar(panel, [day]))
    assert (finding.cause, finding.severity, finding.value) == (
        f"planned_closed:{day}",
        "warning",
        1.0,
    )
    assert f"mute planned_closed:{day}" in finding.advice


def test_a_named_feast_does_not(panel):
    day = panel.last_day + timedelta(days=3)
    assert findings_of(with_calendar(panel, [day], event="Christmas")) == []


def test_neither_does_a_panel_without_plans_a_past_day_or_one_beyond_the_table(panel):
    assert findings_of(panel) == []
    assert findings_of(with_calendar(panel, [panel.last_day])) == []
    assert findings_of(with_calendar(panel, [panel.last_day + timedelta(days=9)]), ahead=8) == []


def test_a_weekday_on_which_everybody_is_closed_anyway_does_not(panel):
    """The shop never opens on this weekday: the plan says what habit says."""
    day = panel.last_day + timedelta(days=1)
    rests = panel.sales.filter(pl.col("ds").dt.weekday() - 1 != day.weekday())
    assert findings_of(with_calendar(replace(panel, sales=rests), [day])) == []
