"""The frozen panel against every rule: what breaks one is counted by its code."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from contract.frames import FACTS
from contract.panel import Panel, panel_of
from contract.params import Params
from expectations.panel import broken_by_panel
from expectations.suites import SUITES

DAYS = [date(2024, 3, day) for day in range(1, 5)]


def panel(units: list[float]) -> Panel:
    known = datetime(2024, 3, 9)
    sales = pl.DataFrame({"unique_id": "a", "ds": DAYS, "y": units, "known_at": known})
    return panel_of(sales=sales, series=pl.DataFrame({"unique_id": ["a"]}))


def test_a_panel_that_keeps_every_rule_has_no_count(params: Params) -> None:
    assert broken_by_panel(panel([1.0, 2.0, 0.0, 4.0]), params.ingest, DAYS[-1]) == {
        fact: {} for fact in FACTS
    }


@pytest.mark.parametrize(("units", "code"), [(-1.0, "units_negative"), (1e9, "units_absurd")])
def test_rows_that_break_a_rule_are_counted_by_its_code(
    params: Params, units: float, code: str
) -> None:
    broken = broken_by_panel(panel([units, units, 1.0, 1.0]), params.ingest, DAYS[-1])
    assert broken["sales"] == {code: 2}
    assert broken["calendar"] == {}


def test_no_rule_about_an_arrival_and_no_note_is_counted_of_a_panel(params: Params) -> None:
    left_out = {
        rule.code
        for rule in SUITES["sales"].rules(params.ingest)
        if rule.is_of_arrival or rule.severity == "note"
    }
    assert left_out
    broken = broken_by_panel(panel([-1.0, 1e9, 1e9, 0.5]), params.ingest, DAYS[-1])["sales"]
    assert not left_out & broken.keys()
    assert set(broken) == {"units_negative", "units_absurd"}
