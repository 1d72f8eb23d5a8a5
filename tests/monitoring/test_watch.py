"""Every watcher over one moment's evidence: which look, and by signal or by fixed limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.demand import DemandRules
from contract.panel import Panel, panel_of
from contract.params import Params
from forecasting.actuals import with_actuals
from monitoring.finding import Finding
from monitoring.freshness import last_days
from monitoring.outcome_signals import daily_sums
from monitoring.watch import Evidence, causes_before_truth, group_columns, watch

FIRST, DAYS = date(2024, 1, 1), 90
LAST = FIRST + timedelta(days=DAYS - 1)
WEEK_AGO = LAST - timedelta(days=7)
NOW = datetime(2024, 3, 31, 6)
RULES = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)
SERIES = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", "S2"]})
BATCHES = pl.DataFrame(
    {
        "batch_id": [1],
        "fact": ["sales"],
        "name": ["till.csv"],
        "status": ["accepted"],
        "rows_in": [100],
        "rows_refused": [0],
        "received_at": [NOW],
        "reason": pl.Series([None], dtype=pl.String),
    }
)
QUARANTINE = pl.DataFrame(schema={"batch_id": pl.Int64, "reason": pl.String, "lines": pl.Int64})
RUNS = pl.DataFrame(
    schema={
        "run_id": pl.String,
        "door": pl.String,
        "status": pl.String,
        "started_at": pl.Datetime("us"),
        "ended_at": pl.Datetime("us"),
        "peak_mb": pl.Float64,
    }
)


def sold(first: date, days: int, times: float = 1.0) -> dict[str, list[float]]:
    """Units from a day on; those of `a` so many times as usual."""
    shape = [1.5 if (first + timedelta(days=k)).weekday() == 5 else 1.0 for k in range(days)]
    return {"a": [400 * times * one for one in shape], "b": [600 * one for one in shape]}


def ahead(origin: date, times: float = 1.0) -> dict[str, list[float]]:
    """What a table of two weeks should say."""
    return sold(origin + timedelta(days=1), 14, times)


@pytest.fixture
def panel(sales_of: Callable[..., pl.DataFrame]) -> Panel:
    """Two series that sell 400 and 600 units, half as much more on Saturdays."""
    return panel_of(sales=sales_of(sold(FIRST, DAYS), FIRST), series=SERIES)


@pytest.fixture
def evidence(panel: Panel, forecasts_of: Callable[..., pl.DataFrame]) -> Evidence:
    """A champion ten days old, a table of today and one of a week ago, no past of errors."""
    newest = forecasts_of(ahead(LAST), LAST)
    past = forecasts_of(ahead(WEEK_AGO), WEEK_AGO)
    nothing = with_actuals(past.clear(), panel, RULES)
    return Evidence(
        now=NOW,
        panel=panel,
        batches=BATCHES,
        quarantine=QUARANTINE,
        runs=RUNS,
        newest=newest,
        past=past,
        weekly=daily_sums(nothing, SERIES, ["store_id"]),
        expected_wape={1: 0.3, 2: 0.3},
        champion_cutoff=LAST - timedelta(days=10),
        serves=None,
        refused="",
        rules=RULES,
        feeds=last_days(panel),
    )


def look(evidence: Evidence, params: Params) -> dict[str, Finding]:
    actuals = with_actuals(evidence.past, evidence.panel, evidence.rules)
    findings = watch(evidence, actuals, params.monitor)
    assert len({finding.cause for finding in findings}) == len(findings)
    return {finding.cause: finding for finding in findings}


def alerts(found: dict[str, Finding]) -> set[str]:
    return {cause for cause, one in found.items() if one.severity in ("warning", "error")}


def test_a_quiet_morning_has_every_watcher_and_no_alert(evidence: Evidence, params: Params) -> None:
    found = look(evidence, params)
    watchers = {finding.watcher for finding in found.values()}
    assert {
        *("freshness", "quality", "forecast_age", "sanity", "churn", "fallback", "model_age"),
        *("runtime", "memory", "memory_limit", "accuracy", "bias", "calibration"),
        *("drift", "repeats"),
    } <= watchers
    assert alerts(found) == set()


def test_without_a_champion_there_is_one_cause_and_what_serves_is_named(
    evidence: Evidence, params: Params
) -> None:
    none = replace(evidence, champion_cutoff=None)
    found = look(none, params)
    assert {"fallback", "model_age"} & found.keys() == set()
    assert found["champion"].severity == "error"
    held_back = replace(none, serves="seasonal_naive", refused="too biased")
    found = look(held_back, params)
    assert found["champion"].severity == "warning"
    assert "too biased" in found["champion"].what


def test_without_a_past_of_errors_the_limits_are_fixed_ones(
    evidence: Evidence, params: Params, forecasts_of: Callable[..., pl.DataFrame]
) -> None:
    """Store S1 twice too high, S2 right: the group's bias, and no signal, says so."""
    high = forecasts_of(ahead(WEEK_AGO, times=2), WEEK_AGO)
    found = look(replace(evidence, past=high), params)
    assert "bias:store_id:S1" in alerts(found)
    assert "bias:store_id:S2" not in alerts(found)
    assert "accuracy" in alerts(found)


def test_what_is_late_wrong_or_a_fallback_has_its_cause_before_any_day_has_actuals(
    panel: Panel, params: Params, forecasts_of: Callable[..., pl.DataFrame]
) -> None:
    usual = forecasts_of(ahead(LAST), LAST)

    def causes(table: pl.DataFrame, now: datetime = NOW) -> list[str]:
        return causes_before_truth(panel, table, now, params.monitor, None)

    assert causes(usual) == []
    assert causes(usual, NOW + timedelta(days=9)) == ["freshness"]
    assert causes(forecasts_of(ahead(LAST), LAST, reason="short history")) == ["fallback"]
    assert causes(usual.filter(pl.col("unique_id") == "a")) == ["sanity"]


def test_groups_are_watched_one_by_one_up_to_sixty() -> None:
    def stores(count: int) -> pl.DataFrame:
        names = [f"s{k}" for k in range(count)]
        return pl.DataFrame({"unique_id": names, "store_id": names, "dept_id": "D"})

    assert group_columns(stores(60)) == ["store_id", "dept_id"]
    assert group_columns(stores(61)) == ["dept_id"]
    assert group_columns(SERIES) == ["store_id"]
