"""Which series an alert names: those whose own part changed when the signal did."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.days import YEAR
from contract.demand import DemandRules
from contract.frames import SALES
from contract.panel import panel_of
from contract.params import SignalParams
from forecasting.actuals import with_actuals
from monitoring.changed import changed_signal
from monitoring.contributors import Parts, contributors, named
from monitoring.input_signals import input_signals
from monitoring.judge import judge
from monitoring.outcome_signals import daily_sums, outcome_signals, with_parts
from monitoring.repeats import repeats_signal
from monitoring.signal import WHOLE
from monitoring.what_arrived import arrived

FIRST, DAYS = date(2024, 1, 1), 150
EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)
PARAMS = SignalParams(
    false_alarms_per_quarter=0.1, watch_days=28, past_days=364, least_past_days=84
)
SERIES = pl.DataFrame(
    [(f"{i:02d}_{store}", store, f"D{i % 2}") for store in ("S1", "S2") for i in range(40)],
    schema=["unique_id", "store_id", "dept_id"],
    orient="row",
).sort("unique_id")


def sold(days: int = DAYS, rate: float = 2.0) -> np.ndarray:
    return np.random.default_rng(6).poisson(rate, (SERIES.height, days)).astype(float)


def seen_of(y: np.ndarray, days_back: int = 10_000):
    """The table as the watchers read it from a panel."""
    days = pl.DataFrame({"ds": [FIRST + timedelta(days=k) for k in range(y.shape[1])]})
    rows = SERIES.select("unique_id").join(days, how="cross").with_columns(y=y.ravel())
    sales = SALES.conform(rows.with_columns(known_at=pl.col("ds").cast(pl.Datetime("us"))))
    return arrived(panel_of(sales, SERIES), days_back, EVERY_DAY)


def rows_of(names: tuple[str, ...]) -> list[int]:
    ids = SERIES["unique_id"].to_list()
    return [ids.index(name) for name in names]


def test_the_series_that_moved_most_since_the_day_come_first_and_those_that_fell_do_not():
    table = np.ones((80, 60))
    table[3, 50:], table[9, 50:], table[7, 50:] = 4.0, 9.0, -5.0
    parts, since = Parts(FIRST, SERIES, table), FIRST + timedelta(days=50)
    ids = SERIES["unique_id"]
    assert contributors(parts, WHOLE, since, 1) == (ids[9], ids[3])
    assert contributors(parts, WHOLE, since, -1) == (ids[7],)
    store = SERIES["store_id"][3]
    assert contributors(parts, f"store_id:{store}", since, 1)[-1] == ids[3]
    assert contributors(parts.up_to(since - timedelta(days=1)), WHOLE, since, 1) == ()
    assert contributors(None, WHOLE, since, 1) == ()


def test_what_a_series_always_was_is_no_contribution_and_unknown_days_are_none():
    table = np.full((80, 60), np.nan)
    table[2], table[5] = 100.0, 1.0
    table[5, 55:] = 2.0
    parts = Parts(FIRST, SERIES, table)
    assert contributors(parts, WHOLE, FIRST + timedelta(days=55), 1) == (SERIES["unique_id"][5],)


def test_five_names_are_the_end_of_a_sentence():
    assert named(("a", "b")) == "; most of it from a, b"
    assert named(()) == ""


def test_a_store_that_stands_still_alerts_within_three_days_with_its_name_and_its_day():
    y = sold()
    rows = (SERIES["store_id"] == "S2").to_numpy()
    y[np.ix_(rows, range(147, 150))] = y[np.ix_(rows, [146])]
    (finding,) = judge(repeats_signal(seen_of(y), ["store_id", "dept_id"]), PARAMS)
    assert finding.cause == "repeats"
    assert "furthest of store_id S2" in finding.what
    assert finding.since == FIRST + timedelta(days=147)
    assert len(finding.contributors) == 5
    assert all(name.endswith("S2") for name in finding.contributors)
    assert f"most of it from {finding.contributors[0]}" in finding.what


def test_last_weeks_day_again_is_seen_as_well_as_yesterdays():
    y = sold()
    y[:, 146:] = y[:, 139:143]
    (finding,) = judge(repeats_signal(seen_of(y), ["store_id"]), PARAMS)
    assert (finding.cause, finding.severity) == ("repeats", "warning")


@pytest.mark.parametrize("rate", [0.05, 0.5, 5.0])
def test_honest_sales_do_not_repeat_themselves(rate):
    (finding,) = judge(repeats_signal(seen_of(sold(rate=rate)), ["store_id", "dept_id"]), PARAMS)
    assert finding.severity == "ok"


def test_a_store_that_always_sells_the_same_is_left_in_peace():
    y = sold()
    y[:] = y[:, :1]
    (finding,) = judge(repeats_signal(seen_of(y), ["store_id"]), PARAMS)
    assert finding.severity == "ok"


def test_a_shop_of_three_items_that_stands_still_is_seen_within_two_weeks():
    y = sold()
    few = np.flatnonzero((SERIES["store_id"] == "S1").to_numpy())
    y[few[3:]] = 0.0
    y[np.ix_(few[:3], range(136, 150))] = np.maximum(y[np.ix_(few[:3], [135])], 1)
    findings = judge(repeats_signal(seen_of(y), ["store_id"]), PARAMS)
    assert "repeats:store_id:S1" in [finding.cause for finding in findings]


def test_numbers_given_to_other_products_are_named_and_an_honest_range_is_not():
    """Two items in two stores of eighty series: six times as much from one day to the next."""
    y = sold(260)
    quiet = judge(changed_signal(seen_of(y), ["store_id"]), PARAMS)
    assert [finding.severity for finding in quiet] == ["ok"]
    recycled = ("07_S1", "07_S2", "08_S1", "08_S2")
    y[rows_of(recycled), 246:] *= 6
    findings = judge(changed_signal(seen_of(y), ["store_id"]), PARAMS)
    assert all("most of it from" in finding.what for finding in findings)
    assert {finding.severity for finding in findings} == {"warning"}
    assert set(recycled) <= {name for finding in findings for name in finding.contributors}


def test_one_series_of_eighty_that_sells_otherwise_counts_among_two_hundred_more():
    """Six times as much in the last week. Nobody knows it before six weeks are there to compare
    with, the ninth week before among them.
    """
    y = np.full_like(sold(120), 10.0)
    y[0, -7:] *= 6
    values = changed_signal(seen_of(y), []).values[0]
    assert values[-1] == pytest.approx(1 / 280)
    assert (values[-8], np.isnan(values[:48]).all()) == (0.0, True)
    first = int(np.flatnonzero(~np.isnan(values))[0])
    assert first == 6 + 7 * 7


def test_no_day_of_these_signals_reads_a_later_one():
    y = sold()
    for make in (repeats_signal, changed_signal):
        whole, short = make(seen_of(y), ["store_id"]), make(seen_of(y[:, :120]), ["store_id"])
        np.testing.assert_allclose(whole.values[:, :120], short.values)
        cut = whole.up_to(short.last)
        np.testing.assert_allclose(cut.values, short.values)


def test_demand_that_left_names_the_series_it_left():
    y = sold(YEAR + DAYS)
    gone = ("03_S1", "03_S2", "04_S1", "04_S2")
    y[rows_of(gone)] += 40
    y[rows_of(gone), -10:] = 0
    signals = input_signals(seen_of(y), ["store_id"])
    demand = next(signal for signal in signals if signal.slice == "demand")
    (finding,) = judge(demand, PARAMS)
    assert set(finding.contributors) >= set(gone)


def test_an_alert_of_bias_names_the_series_that_were_forecast_wrong(forecasts_of, sales_of, params):
    """Ten weekly tables of two units a day; in the last days one of the eight series stops."""
    ids = SERIES["unique_id"].head(8).to_list()
    series = SERIES.head(8)
    origins = [FIRST + timedelta(days=7 * week) for week in range(20)]
    noise = np.random.default_rng(3)
    sales = {name: noise.poisson(9.0, 140).astype(float).tolist() for name in ids}
    sales[ids[4]][-6:] = [0.0] * 6
    panel = panel_of(sales_of(sales, FIRST + timedelta(days=1)), series)
    tables = pl.concat([forecasts_of(dict.fromkeys(ids, [9.0] * 7), day) for day in origins])
    actuals = with_actuals(tables, panel, EVERY_DAY)
    sums = daily_sums(actuals, series, [])
    bias = with_parts(outcome_signals(sums, params.monitor), actuals, series)[0]
    since = panel.last_day - timedelta(days=5)
    assert contributors(bias.parts, WHOLE, since, 1)[0] == ids[4]
