"""Watchers of what was forecast: today's table, and past tables beside their actuals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from contract.demand import DemandRules
from contract.levels import levels_of
from contract.panel import panel_of
from forecasting.actuals import with_actuals
from forecasting.window import window_after
from monitoring.accuracy import accuracy, bias, expected_wape_by_week
from monitoring.calibration import calibration, coverage
from monitoring.service import fallback, forecast_age, sanity

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

ORIGIN = date(2024, 1, 31)
SERIES = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", "S2"]})


@pytest.fixture
def actuals(forecasts_of, sales_of):
    """Ten days: a forecast of 3 where 2 sold in S1, of 1 where 2 sold in S2."""
    sales = sales_of({"a": [2.0] * 10, "b": [2.0] * 10}, ORIGIN + timedelta(days=1))
    forecasts = forecasts_of({"a": [3.0] * 14, "b": [1.0] * 14}, ORIGIN)
    return with_actuals(forecasts, panel_of(sales, SERIES), EVERY_DAY)


def test_only_days_that_came_have_actuals_and_too_much_is_positive(actuals):
    assert actuals.height == 20
    assert actuals.filter(unique_id="a")["error"].unique().to_list() == [1.0]
    assert actuals.group_by("week").len().sort("week").rows() == [(1, 14), (2, 6)]


def test_an_absent_row_is_a_zero_if_its_feed_arrived_and_nothing_if_it_did_not(
    forecasts_of, sales_of
):
    series = pl.DataFrame({"unique_id": ["a", "b", "c"], "store_id": ["S1", "S1", "S2"]})
    sales = sales_of(
        {"a": [4.0, 4.0], "b": [None, 1.0], "c": [None, 1.0]}, ORIGIN + timedelta(days=1)
    )
    actuals = with_actuals(
        forecasts_of({n: [1.0, 1.0] for n in "abc"}, ORIGIN), panel_of(sales, series), EVERY_DAY
    )
    assert actuals.filter(unique_id="b")["y"].to_list() == [0.0, 1.0]
    assert actuals.filter(unique_id="c")["y"].to_list() == [1.0]


def test_a_day_sold_out_for_longer_than_the_limit_is_no_more_judged_here_than_in_the_backtest(
    forecasts_of, sales_of
):
    """Sold out for half of the second day: what sold then is not what was wanted; a tenth of the
    third is nothing.
    """
    # the first day is the origin
    shares = pl.Series("stockout_share", [None, None, 0.5, 0.1], pl.Float64)
    sales = sales_of({"a": [4.0, 4.0, 0.0, 4.0]}, ORIGIN).with_columns(shares)
    panel, rules = (
        panel_of(sales, SERIES.filter(unique_id="a")),
        replace(EVERY_DAY, max_stockout_share=0.25),
    )
    actuals = with_actuals(forecasts_of({"a": [4.0] * 3}, ORIGIN), panel, rules)
    assert actuals["h"].to_list() == [1, 3]
    judged = window_after(panel, ORIGIN, 3, levels_of(()), rules).is_known
    assert judged.tolist() == [[True, False, True]]


def test_accuracy_is_measured_against_the_backtest_of_the_same_weeks(actuals):
    # 28 units sold in week 1, 12 in week 2: 7 + 6 units of error expected, 20 came
    finding = accuracy(actuals, {1: 0.25, 2: 0.5}, max_wape_ratio=1.25)
    assert (finding.value, finding.severity) == (pytest.approx(20 / 13), "error")
    assert accuracy(actuals, {1: 0.5}, 1.25).severity == "ok"


def test_accuracy_is_not_judged_on_less_than_a_week_or_without_a_backtest(actuals):
    assert not accuracy(actuals.filter(pl.col("h") < 7), {1: 0.5}, 1.25).is_judged
    assert not accuracy(actuals, {}, 1.25).is_judged


def test_biases_that_cancel_out_in_total_raise_alerts_by_store(actuals):
    (total,) = bias(actuals, SERIES, 0.1)
    assert (total.severity, total.value) == ("ok", 0.0)
    by_store = bias(actuals, SERIES, 0.1, "store_id")
    assert [(f.cause, f.severity, f.value) for f in by_store] == [
        ("bias:store_id:S1", "warning", 0.5),
        ("bias:store_id:S2", "warning", -0.5),
    ]


def test_a_store_and_a_department_of_one_name_are_two_causes(actuals):
    both = SERIES.with_columns(dept_id=pl.Series(["S2", "S1"]))
    findings = [*bias(actuals, both, 0.1, "store_id"), *bias(actuals, both, 0.1, "dept_id")]
    assert [(f.cause, f.value) for f in findings] == [
        ("bias:store_id:S1", 0.5),
        ("bias:store_id:S2", -0.5),
        ("bias:dept_id:S1", -0.5),
        ("bias:dept_id:S2", 0.5),
    ]
    assert "forecasts of dept_id S2 were +50.0%" in findings[-1].what


def test_a_small_groups_limit_is_wider_and_what_moves_the_whole_is_the_wholes(actuals):
    """Two units a day: 10% + 1 / sqrt(2) is 81%, so 50% off is no news. And 50% off where all are
    50% off is one alert, not two.
    """
    assert bias(actuals, SERIES, 0.1, "store_id", by_size=1.0) == []
    assert len(bias(actuals, SERIES, 0.1, "store_id", by_size=0.5)) == 2  # 45%
    everywhere = actuals.with_columns(error=pl.lit(1.0))
    assert bias(everywhere, SERIES, 0.1)[0].value == 0.5
    assert bias(everywhere, SERIES, 0.1, "store_id") == []


def test_a_bias_that_two_odd_days_explain_raises_no_alert(actuals):
    odd = actuals.filter(unique_id="a").with_columns(
        error=pl.when(pl.col("h") == 1).then(9.0).otherwise(0.0)
    )
    (finding,) = bias(odd, SERIES, 0.1)
    assert (finding.value, finding.severity) == (pytest.approx(9 / 20), "ok")


def test_the_expected_wape_is_the_mean_over_cutoffs_by_week():
    row = {"run_id": "r", "model": "m", "level": "series", "metric": "wape"}
    rows = [
        row | {"cutoff": k, "slice": s, "value": v}
        for k, s, v in ((1, "week_1", 0.4), (2, "week_1", 0.6), (1, "all", 9.0))
    ]
    assert expected_wape_by_week(pl.DataFrame(rows), "m") == {1: 0.5}


def test_coverage_by_hand_and_its_error_counts_days_not_rows(actuals):
    assert coverage(actuals, 0.95) == (1.0, 0.0)  # 2 lies on the edge of 3 - 1 and of 1 + 1: inside
    half = actuals.with_columns(y=pl.when(pl.col("h") % 2 == 0).then(99.0).otherwise("y"))
    share, error = coverage(half, 0.95)
    assert share == 0.5
    assert error == pytest.approx(half["h"].n_unique() ** -0.5 * (0.25 * 10 / 9) ** 0.5)


def test_only_the_wide_interval_raises_an_alert(actuals):
    never = actuals.with_columns(y=pl.lit(99.0))
    assert [f.severity for f in calibration(never, 0.08)] == ["ok", "warning"]
    assert {f.since for f in calibration(never, 0.08)} == {never["ds"].min()}
    assert [f.severity for f in calibration(actuals, 0.08)] == ["ok", "ok"]


def test_the_share_of_fallback_rows_raises_an_alert_with_its_reasons(forecasts_of):
    table = pl.concat(
        [forecasts_of({"a": [1.0] * 9}), forecasts_of({"b": [1.0]}, reason="no_history")]
    )
    finding = fallback(table, max_share=0.05)
    assert (finding.severity, finding.value) == ("warning", 0.1)
    assert "no_history 1" in finding.what
    assert fallback(forecasts_of({"a": [1.0]}, reason="no_model"), 0.05).severity == "error"


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (pl.col("y_hat") * -1, "negative"),
        (pl.lit(None, pl.Float64).alias("y_hat"), "null"),
        (pl.lit(float("nan")).alias("y_hat"), "null"),
        (pl.col("q975").alias("q025"), "crossing"),
    ],
)
def test_rows_that_must_not_exist_are_an_error(forecasts_of, broken, word):
    table = forecasts_of({"a": [3.0] * 3, "b": [3.0] * 3})
    assert sanity(table, SERIES).severity == "ok"
    finding = sanity(table.with_columns(broken), SERIES)
    assert finding.severity == "error"
    assert word in finding.what


def test_a_missing_series_is_an_error_and_an_old_table_too(forecasts_of):
    table = forecasts_of({"a": [3.0] * 3})
    assert "missing" in sanity(table, SERIES).what
    assert forecast_age(table, ORIGIN, 2).severity == "ok"
    assert forecast_age(table, ORIGIN + timedelta(days=3), 2).severity == "error"


def test_nothing_forecast_yet_is_not_judged(forecasts_of):
    empty = forecasts_of({"a": [1.0]}).clear()
    assert [
        f.is_judged
        for f in (fallback(empty, 0.1), sanity(empty, SERIES), forecast_age(empty, ORIGIN, 2))
    ] == [False] * 3
