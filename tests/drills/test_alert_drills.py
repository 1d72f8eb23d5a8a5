"""Drills on alerts, over the watch's own signals: who stands still or is another product is found,
named and dated; and the written rule of their grades.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from drills.alert_drills import ALERT_FAULTS, MORNINGS, Alarm, AlertFault, alert_drills
from drills.grade import grade_alert
from flows.drill_watchers import look_of


@pytest.fixture(scope="module")
def panel(make_panel):
    return make_panel(series=100, days=230, seed=8, nasty=False)


def test_a_feed_that_stands_still_and_recycled_numbers_are_found_named_and_dated(panel, params):
    """A chain of 100 series in its first year: all of it, a half, one store; ten numbers given to
    other products.
    """
    wanted = {"frozen_accepted": (50, 100), "frozen_group": (0,), "recycled": (10,)}
    faults = [
        AlertFault(fault.name, fault.what, wanted[fault.name], fault.apply)
        for fault in ALERT_FAULTS
        if fault.name in wanted
    ]
    results = list(alert_drills(panel, look_of(params), 5, faults))
    by_drill = {(result["fault"], result["strength"]): result for result in results}
    assert {result["grade"] for result in results} <= {"graceful", "degraded"}
    whole = by_drill["frozen_accepted", "100"]
    assert whole["grade"] == "graceful"
    assert whole["seen_by"].startswith(("after 1 days: repeats", "after 3 days: repeats"))
    assert all(", named" in result["outcome"] for result in results)


def test_no_alert_is_a_catastrophe_and_a_clean_panels_alerts_do_not_count(panel):
    always = Alarm("drift:old", panel.last_day, ())
    results = list(alert_drills(panel, lambda _panel: [always], 5, ALERT_FAULTS[:1]))
    assert {(result["outcome"], result["grade"]) for result in results} == {
        ("no alert", "catastrophic")
    }


def test_the_day_an_alert_states_is_graded(panel):
    """Five days too early, named nevertheless."""
    first = panel.last_day - timedelta(days=MORNINGS[-1] - 1)
    names = tuple(panel.series["unique_id"])

    def look(known):
        is_broken = not known.sales.equals(panel.up_to(known.last_day).sales)
        return [Alarm("repeats", first - timedelta(days=5), names)] if is_broken else []

    fault = AlertFault("x", "all stand still", (100,), ALERT_FAULTS[0].apply)
    (result,) = alert_drills(panel, look, 5, [fault])
    assert (result["outcome"], result["grade"]) == ("alert, dated 5 days off, named", "degraded")


@pytest.mark.parametrize(
    ("mornings", "days_off", "is_named", "grade"),
    [
        (3, 0, True, "graceful"),
        (7, 3, True, "graceful"),
        (14, 0, True, "degraded"),
        (3, 4, True, "degraded"),
        (3, 0, False, "degraded"),
        (None, 0, False, "catastrophic"),
    ],
)
def test_the_rule_for_alerts(mornings, days_off, is_named, grade):
    assert grade_alert(mornings, days_off, is_named) == grade


@pytest.mark.parametrize("fault", ALERT_FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_nothing_up_to_its_day(panel, fault):
    import numpy as np

    day = panel.last_day - timedelta(days=10)
    broken, _ = fault.apply(panel, day, fault.strengths[-1], np.random.default_rng(3))
    columns = ["unique_id", "ds", "y"]
    before = [one.sales.filter(pl.col("ds") <= day).select(columns) for one in (panel, broken)]
    assert before[0].sort(columns).equals(before[1].sort(columns))
    assert not broken.sales.select(columns).equals(panel.sales.select(columns))
