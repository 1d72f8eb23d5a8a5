"""Watchers of what arrives: freshness, quality, drift, model age."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.panel import Panel, panel_of
from monitoring.drift import drift, psi, velocity_mix
from monitoring.finding import Finding
from monitoring.freshness import freshness, last_days
from monitoring.model_age import model_age, no_champion
from monitoring.quality import quality

FIRST = date(2024, 1, 1)
SERIES = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", "S2"]})
NOW = datetime(2024, 3, 1, 6)


def newest(panel: Panel, today: date, max_days: int) -> list[Finding]:
    return freshness(last_days(panel), today, max_days)


def test_sales_of_yesterday_are_fresh(sales_of):
    finding = newest(
        panel_of(sales_of({"a": [1, 2], "b": [1, 2]}, FIRST), SERIES), date(2024, 1, 3), max_days=2
    )
    assert [(f.severity, f.value, f.cause) for f in finding] == [("ok", 1.0, "freshness")]


def test_all_feeds_late_is_one_error_and_not_one_for_each(sales_of):
    findings = newest(
        panel_of(sales_of({"a": [1, 2], "b": [1, 2]}, FIRST), SERIES), date(2024, 1, 6), max_days=2
    )
    assert [(f.cause, f.severity, f.value) for f in findings] == [("freshness", "error", 4.0)]


def test_one_late_feed_is_a_warning_that_names_it_and_its_first_missing_day(sales_of):
    sales = sales_of({"a": [1] * 10, "b": [1] * 6}, FIRST)
    overall, one = newest(panel_of(sales, SERIES), date(2024, 1, 11), max_days=2)
    assert overall.severity == "ok"
    assert (one.cause, one.severity, one.value, one.since) == (
        "freshness:S2",
        "warning",
        4.0,
        date(2024, 1, 7),
    )


def test_the_last_day_of_grace_is_fresh_and_the_next_is_late(sales_of):
    sales = sales_of({"a": [1, 2], "b": [1, 2]}, FIRST)
    severity = {
        today: newest(panel_of(sales, SERIES), today, max_days=2)[0].severity
        for today in (date(2024, 1, 4), date(2024, 1, 5))
    }
    assert list(severity.values()) == ["ok", "error"]


def test_a_feed_is_behind_the_others_from_the_day_after_its_grace(sales_of):
    late = {
        days: [f.cause for f in newest(panel, date(2024, 1, 11), max_days=2)[1:]]
        for days in (2, 3)
        for panel in [panel_of(sales_of({"a": [1] * 10, "b": [1] * (10 - days)}, FIRST), SERIES)]
    }
    assert late == {2: [], 3: ["freshness:S2"]}


def test_a_store_without_any_sale_is_not_judged(sales_of):
    assert [f.is_judged for f in newest(panel_of(sales_of({}), SERIES), FIRST, 2)] == [False]


def ledger(*lines: tuple) -> pl.DataFrame:
    """Ledger lines: batch_id, name, status, rows_in, rows_refused, days before NOW."""
    names = ["batch_id", "name", "status", "rows_in", "rows_refused", "days"]
    received_at = pl.lit(NOW) - pl.duration(days="days")
    return pl.DataFrame(lines, schema=names, orient="row").with_columns(
        received_at=received_at, reason=pl.lit("no"), fact=pl.lit("sales")
    )


NO_LINES = pl.DataFrame(schema={"batch_id": pl.Int64, "reason": pl.String, "lines": pl.Int64})


def causes_of(batches: pl.DataFrame, resolved: dict | None = None) -> list[str]:
    return [f.cause for f in quality(batches, NO_LINES, NOW, 0.02, resolved or {})]


def test_the_refused_share_is_that_of_the_last_seven_days_with_its_reasons():
    batches = ledger((1, "old.csv", "accepted", 100, 100, 8), (2, "new.csv", "accepted", 100, 3, 1))
    quarantine = pl.DataFrame(
        {"batch_id": [1, 2], "reason": ["units_absurd", "units_negative"], "lines": [100, 3]}
    )
    (finding,) = quality(batches, quarantine, NOW, 0.02, {})
    assert (finding.severity, finding.value) == ("warning", 0.03)
    assert "units_negative 3" in finding.what
    assert "units_absurd" not in finding.what


def test_a_file_refused_whole_keeps_its_alert_until_a_mended_one_of_its_name_came():
    refused = ledger((1, "a.csv", "refused", 0, 0, 2), (2, "b.csv", "accepted", 10, 0, 2))
    assert causes_of(refused) == [
        "quality",
        "refused_file:a.csv",
    ]
    mended = pl.concat([refused, ledger((3, "a.csv", "accepted", 10, 0, 1))])
    assert causes_of(mended) == ["quality"]
    # a sender whose files always bear one name
    again = pl.concat([mended, ledger((4, "a.csv", "refused", 0, 0, 0))])
    assert causes_of(again) == [
        "quality",
        "refused_file:a.csv",
    ]


@pytest.mark.parametrize(
    ("mended", "is_mended"),
    [
        ("sales_2024-05-01_fixed.csv", True),
        ("20240501 sales.csv", True),
        ("sales_2024-05-02.csv", False),
        ("sales_2024-05-01_2024-05-02.csv", False),
        ("sales.csv", False),
    ],
)
def test_a_mended_file_of_another_name_is_known_by_the_days_it_names(mended, is_mended):
    lines = [(1, "sales_2024-05-01.csv", "refused", 0, 0, 2), (2, mended, "accepted", 10, 0, 1)]
    alert = "refused_file:sales_2024-05-01.csv"
    assert (alert not in causes_of(ledger(*lines))) == is_mended
    plans = ledger(*lines).with_columns(fact=pl.Series(["sales", "prices"]))
    assert len(causes_of(plans)) == 2  # prices of that day mend no sales


def test_a_refused_file_that_somebody_resolved_is_raised_again_only_if_it_comes_again():
    refused = ledger((1, "a.csv", "refused", 0, 0, 2), (2, "b.csv", "accepted", 10, 0, 2))
    resolved = {"refused_file:a.csv": NOW - timedelta(days=1)}
    assert causes_of(refused, resolved) == ["quality"]
    again = pl.concat([refused, ledger((3, "a.csv", "refused", 0, 0, 0))])
    assert len(causes_of(again, resolved)) == 2


def test_psi_of_a_mix_by_hand():
    assert psi({"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}) == 0
    by_hand = (0.8 - 0.5) * math.log(0.8 / 0.5) + (0.2 - 0.5) * math.log(0.2 / 0.5)
    assert psi({"a": 0.5, "b": 0.5}, {"a": 0.8, "b": 0.2}) == pytest.approx(by_hand)
    assert psi({"a": 1.0}, {"b": 1.0}) == pytest.approx(psi({"b": 1.0}, {"a": 1.0}))


def test_velocity_counts_only_series_with_a_row_there(sales_of):
    sales = sales_of(
        {"zero": [0, 0], "slow": [1, 0], "medium": [2, 2], "fast": [9, 9], "gone": [None, None]},
        FIRST,
    )
    assert velocity_mix(sales, FIRST, FIRST + timedelta(days=1)) == dict.fromkeys(
        ("zero", "slow", "medium", "fast"), 0.25
    )


def test_a_season_is_no_drift_and_a_collapse_is(sales_of):
    def judged(recent: float) -> dict[str, str]:
        year = [2.0] * 28 + [7.0] * 336
        sales = sales_of({name: [*year, *[recent] * 28] for name in "abcdefgh"}, FIRST)
        panel = panel_of(
            sales, pl.DataFrame({"unique_id": list("abcdefgh"), "cat_id": list("xxxxyyyy")})
        )
        return {f.slice: f.severity for f in drift(panel, max_psi=0.25)}

    # the weeks before sold 7 a day: only the season changed
    assert judged(2.0) == {"velocity": "ok", "cat_id": "ok"}
    assert judged(0.0)["velocity"] == "warning"


def test_without_a_year_the_weeks_before_are_taken_and_said_so(sales_of):
    panel = panel_of(sales_of({"a": [2.0] * 90}, FIRST), pl.DataFrame({"unique_id": ["a"]}))
    assert "season not taken out" in drift(panel, 0.25)[0].what
    short = panel_of(sales_of({"a": [2.0] * 40}, FIRST), pl.DataFrame({"unique_id": ["a"]}))
    assert [f.is_judged for f in drift(short, 0.25)] == [False]


def test_a_model_ages_by_days_of_sales():
    assert model_age(date(2024, 1, 1), date(2024, 2, 20), 45).severity == "warning"
    assert model_age(date(2024, 1, 1), date(2024, 2, 10), 45).severity == "ok"


def test_without_a_champion_the_alert_says_who_serves_and_what_the_gate_had_against_the_candidate():
    unjudged = no_champion(None, "")
    assert (unjudged.cause, unjudged.severity) == ("champion", "error")
    refused = no_champion("window_average", "better with 70% confidence, 95% needed")
    assert (refused.cause, refused.severity) == ("champion", "warning")
    assert "better with 70% confidence, 95% needed" in refused.what
    assert "window_average serves" in refused.what
