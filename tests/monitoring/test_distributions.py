"""Distances between distributions: what they measure and never read, and what raises an alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from contract.days import YEAR
from contract.demand import DemandRules
from contract.params import SignalParams
from monitoring.covariates import PLANNED_DAYS, covariate_signals, one_for_each_covariate
from monitoring.distributions import (
    WINDOW_DAYS,
    share_missing,
    share_repeated,
    share_unseen,
    yearly_distance,
)
from monitoring.finding import Finding, not_judged
from monitoring.judge import judge
from monitoring.what_arrived import arrived

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

PARAMS = SignalParams(
    false_alarms_per_quarter=0.1, watch_days=28, past_days=364, least_past_days=84
)
DAYS = YEAR + WINDOW_DAYS + 150
KNOWN_FUTURE, PAST_ONLY = ["school"], ["customers"]


@pytest.fixture(scope="module")
def panel(make_panel):
    return make_panel(series=8, days=DAYS, seed=5, nasty=False)


def signals_of(panel):
    seen = arrived(panel, DAYS, EVERY_DAY)
    return covariate_signals(seen, panel, KNOWN_FUTURE, PAST_ONLY)


def alerts_of(panel) -> dict[str, str]:
    """The alerts a look would raise, one for a covariate: cause -> what."""
    findings = [finding for signal in signals_of(panel) for finding in judge(signal, PARAMS)]
    return {f.cause: f.what for f in one_for_each_covariate(findings) if f.severity != "ok"}


def with_values(panel, name: str, days: int, value: pl.Expr):
    """The covariate's values changed on the last `days` days of sales, and on all days planned
    after them.
    """
    since = panel.last_day - timedelta(days=days - 1)
    is_hit = (pl.col("name") == name) & (pl.col("ds") >= since)
    changed = panel.covariates.with_columns(value=pl.when(is_hit).then(value).otherwise("value"))
    return replace(panel, covariates=changed.drop_nulls("value"))


def distance_of(now: np.ndarray, year_before: np.ndarray) -> float:
    now, year_before = now.ravel(), year_before.ravel()
    apart = ks_2samp(now[np.isfinite(now)], year_before[np.isfinite(year_before)]).statistic
    return -np.log(1 - apart)


def test_the_distance_is_that_of_kolmogorov_and_smirnov_between_a_day_and_weeks_a_year_before():
    table = np.random.default_rng(3).poisson(3, (20, YEAR + 60)).astype(float)
    table[4, 20:60] = np.nan
    table[:, -10:] += 2
    for day in (YEAR + 30, YEAR + 55):
        around = slice(day - YEAR - WINDOW_DAYS // 2, day - YEAR + WINDOW_DAYS // 2)
        assert yearly_distance(table)[day] == pytest.approx(
            distance_of(table[:, day], table[:, around])
        )


def test_the_distance_knows_no_unit_and_is_whole_where_nothing_is_in_common():
    table = np.random.default_rng(3).normal(10, 2, (5, YEAR + 60))
    assert yearly_distance(table) == pytest.approx(yearly_distance(table * 2 + 32), nan_ok=True)
    table[:, -1] = table[:, -1] * 2 + 32
    assert yearly_distance(table)[-1] == pytest.approx(np.log(WINDOW_DAYS))


def test_without_a_year_or_without_values_there_is_no_distance():
    table = np.ones((5, YEAR + 60))
    assert np.isnan(yearly_distance(table)[:YEAR]).all()
    assert yearly_distance(table)[-1] == 0.0
    table[:, -1] = np.nan
    assert np.isnan(yearly_distance(table)[-1])
    assert np.isnan(yearly_distance(table[:, :200])).all()


def test_what_is_known_ahead_is_read_two_weeks_ahead_and_no_further():
    table = np.zeros((5, YEAR + 60 + PLANNED_DAYS))
    table[:, -1] = 1.0
    for measure in (yearly_distance, share_unseen, share_repeated):
        assert len(measure(table, PLANNED_DAYS)) == YEAR + 60
        assert measure(table, PLANNED_DAYS)[-1] != measure(table, PLANNED_DAYS)[-2]
        assert measure(table)[-2] == measure(table)[-3]


def test_a_value_beyond_the_first_year_is_unseen_and_a_tenth_of_its_range_is_forgiven():
    table = np.tile(np.linspace(0, 10, YEAR), (4, 2))
    table[:, -3:] = np.array([10.9, 11.1, -1.1])
    table[0, -1] = np.nan
    assert share_unseen(table)[-3:].tolist() == [0.0, 1.0, 1.0]
    assert np.isnan(share_unseen(table)[:YEAR]).all()


def test_a_feed_that_stands_still_repeats_and_a_gap_does_not():
    table = np.array([[1.0, 1.0, 2.0, np.nan, 2.0], [3.0, 4.0, 4.0, np.nan, 5.0]])
    np.testing.assert_array_equal(share_repeated(table), [np.nan, 0.5, 0.5, np.nan, np.nan])


def test_only_what_sold_needs_a_value():
    y = np.array([[1.0, 0.0, 2.0], [3.0, np.nan, 0.0]])
    table = np.array([[np.nan, np.nan, 1.0], [1.0, np.nan, np.nan]])
    np.testing.assert_array_equal(share_missing(table, y), [0.5, np.nan, 0.0])


def test_a_clean_panel_raises_no_alert(panel):
    assert alerts_of(panel) == {}


def test_a_covariate_in_another_unit_is_one_alert_by_its_name(panel):
    alerts = alerts_of(with_values(panel, "customers", 7, pl.col("value") * 1000))
    assert list(alerts) == ["drift:covariates:customers"]


def test_a_plan_in_another_unit_raises_an_alert_before_the_first_day_it_is_about(panel):
    alerts = alerts_of(with_values(panel, "school", 0, pl.col("value") * 5 + 3))
    assert "planned 14 days ahead" in alerts["drift:covariates:school"]


def test_a_covariate_that_stands_still_raises_an_alert(panel):
    alerts = alerts_of(with_values(panel, "customers", 7, pl.lit(50.0)))
    assert "repeat the day before" in alerts["drift:covariates:customers"]


def test_a_covariate_that_stops_coming_is_missing_from_what_sold(panel):
    alerts = alerts_of(with_values(panel, "customers", 7, pl.lit(None)))
    assert "has no value of 'customers'" in alerts["drift:covariates:customers"]


def test_no_number_reads_a_later_day_than_it_may(panel):
    cut = panel.last_day - timedelta(days=30)
    for whole, short in zip(signals_of(panel), signals_of(panel.up_to(cut)), strict=True):
        known = whole.up_to(cut).values[:, -40:]
        np.testing.assert_allclose(known, short.values[:, -40:], err_msg=whole.name)


def test_findings_that_are_not_of_a_covariate_are_left_alone():
    ok = Finding("drift", "well", "ok", 1.0, 2.0, slice="covariates:temp:moved")
    loud = Finding("drift", "°F", "warning", 9.0, 6.0, slice="covariates:temp:unseen")
    young = not_judged("drift", "too short", "covariates:rain:moved")
    bias = Finding("bias", "off", "warning", 9.0, 6.0)
    kept = one_for_each_covariate([bias, loud, ok, young])
    assert [(one.cause, one.severity, one.is_judged) for one in kept] == [
        ("bias", "warning", True),
        ("drift:covariates:temp", "warning", True),
        ("drift:covariates:rain", "ok", False),
    ]
