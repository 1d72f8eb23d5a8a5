"""Daily signals: what they measure, that they read no later day, and when the engine alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.days import YEAR
from contract.demand import DemandRules
from contract.panel import panel_of
from contract.params import SignalParams
from forecasting.actuals import with_actuals
from monitoring.cusum import (
    CLIP,
    LEAST_LIMIT,
    SLACK,
    cusum,
    highest,
    quarterly_limits,
    standardised,
)
from monitoring.input_signals import input_signals
from monitoring.judge import judge, past_of
from monitoring.outcome_signals import daily_sums, outcome_signals, weekly_origins
from monitoring.outlook import expected_absolute_error
from monitoring.signal import WHOLE, Signal
from monitoring.what_arrived import arrived

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

FIRST = date(2022, 1, 3)
PARAMS = SignalParams(
    false_alarms_per_quarter=0.1, watch_days=28, past_days=364, least_past_days=84
)


def signal(values: np.ndarray, groups: tuple[str, ...] = (WHOLE,), **changes) -> Signal:
    flat = Signal(
        "bias",
        "",
        FIRST,
        groups,
        np.atleast_2d(values),
        0.01,
        "forecasts{group} {now:+.1%} off",
        "look",
    )
    return replace(flat, **changes)


def noise(groups: int = 1, days: int = 300, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, (groups, days))


def test_a_fall_adds_up_as_a_rise_does_unless_only_rises_matter():
    """Two days three spreads below the usual, each less the slack of one."""
    falling = np.array([[0.0, -3.0, -3.0], [0.0, 3.0, 3.0]])
    assert highest(falling, 28, "both")[:, -1].tolist() == [4.0, 4.0]
    assert highest(falling, 28, "up")[:, -1].tolist() == [0.0, 4.0]


def test_an_alert_says_the_mean_since_the_shift_began():
    """Three days off after a year of none: by 10, 10 and 40%."""
    values = np.zeros(300)
    values[-3:] = [0.1, 0.1, 0.4]
    (finding,) = judge(signal(values), PARAMS)
    assert "forecasts +20.0% off" in finding.what
    assert finding.since == FIRST + timedelta(days=297)


def test_a_limit_is_of_both_sides_unless_only_rises_matter():
    restless = np.cumsum(np.random.default_rng(3).normal(0, 1, (1, 300)), axis=1)
    both, unsaid, up = (
        quarterly_limits(restless, 28, 0.01, 0.5, **sides)[0]
        for sides in ({"sides": "both"}, {}, {"sides": "up"})
    )
    assert unsaid == both > up


def test_the_range_counts_what_began_or_ceased_within_four_weeks(sales_of):
    """Ten series: one begins on day 100, one sells last on day 120."""
    days = 200
    units = {f"s{k}": [1.0] * days for k in range(8)}
    units |= {"begins": [0.0] * 100 + [1.0] * 100, "ceases": [1.0] * 121 + [0.0] * 79}
    series = pl.DataFrame({"unique_id": sorted(units)})
    seen = arrived(panel_of(sales_of(units, FIRST), series), days, EVERY_DAY)
    (found,) = [one for one in input_signals(seen, []) if one.slice == "assortment"]
    share = dict(enumerate(found.values[0][-days:]))
    assert (share[99], share[100] > 0, share[127] > 0, share[128]) == (0.0, True, True, 0.0)
    assert (share[147], share[148] > 0, share[175] > 0, share[176]) == (0.0, True, True, 0.0)
    assert share[110] == pytest.approx(1 / 10)


def test_the_whole_and_its_groups_share_one_budget_of_false_alarms():
    """Each has half of it: the limit it would have alone, with half as many alarms."""
    restless = np.cumsum(np.random.default_rng(3).normal(0, 1, (4, 300)), axis=1)

    def limits(past: np.ndarray, alarms: float, has_whole: bool = False) -> list[float]:
        return quarterly_limits(past, 28, 0.01, alarms, has_whole=has_whole).tolist()

    whole, others = limits(restless[:1], 0.5)[0], limits(restless[1:], 0.5)[0]
    assert limits(restless, 1.0, has_whole=True) == [whole, others, others, others]
    assert whole > limits(restless[:1], 1.0)[0] > LEAST_LIMIT
    assert others > limits(restless[1:], 1.0)[0]


def test_the_cusum_is_the_largest_sum_of_a_run_that_ends_today():
    z = np.random.default_rng(1).normal(0, 1, 60)

    def naive(day: int, watch_days: int) -> float:
        runs = (
            z[start : day + 1] - SLACK for start in range(max(day - watch_days + 1, 0), day + 1)
        )
        return max(0.0, *(float(run.sum()) for run in runs))

    assert cusum(z, 20) == pytest.approx([naive(day, 20) for day in range(60)])


def test_a_shift_of_three_spreads_adds_two_a_day():
    z = np.concatenate([np.zeros(10), np.full(5, 3.0)])
    assert cusum(z, 15)[-5:] == pytest.approx([2, 4, 6, 8, 10])


def test_one_holiday_is_clipped_and_an_unknown_day_counts_as_usual():
    past = noise()
    z = standardised(np.array([[99.0, np.nan]]), past, 0.01)
    assert z[0].tolist() == [CLIP, 0.0]


def test_a_limit_is_exceeded_about_as_often_as_set_on_noise_of_the_same_kind():
    """Weekly means of noise, as the engine judges: 1 - exp(-0.5) = 39% of quarters, the mean of ten
    pasts of a year.
    """
    week = np.ones(7) / 7
    past, fresh = (
        np.apply_along_axis(np.convolve, 1, noise(*shape), week, "valid")
        for shape in ((10, 370), (200, 125, 9))
    )
    exceeded = []
    for one in past:
        limit = quarterly_limits(one[None], 28, 0.001, 0.5)[0]
        z = standardised(fresh, one[None], 0.001)
        exceeded.append(
            (np.maximum(cusum(z, 28), cusum(-z, 28))[:, 28:].max(axis=1) > limit).mean()
        )
    assert 0.2 < np.mean(exceeded) < 0.6


def test_many_groups_raise_no_more_alerts_than_one():
    few, many = (
        quarterly_limits(noise(groups, 364), 28, 0.01, 0.1, has_whole=True) for groups in (2, 40)
    )
    assert many[1] > few[1]
    assert many[0] == pytest.approx(few[0], rel=0.35)  # the whole keeps a limit of its own


def test_a_signal_that_never_moved_raises_an_alert_at_its_first_two_days_off():
    values = np.zeros(200)
    assert quarterly_limits(values[None, :100], 28, 0.01, 0.1).tolist() == [LEAST_LIMIT]


def test_noise_raises_no_alert_and_a_shift_does_with_its_day_its_size_and_its_group():
    values = noise(3)
    quiet = judge(signal(values, (WHOLE, "CA_1", "CA_2")), PARAMS)
    assert [(f.severity, f.cause) for f in quiet] == [("ok", "bias")]
    values[2, -14:] += 0.4
    (finding,) = judge(signal(values, (WHOLE, "CA_1", "CA_2")), PARAMS)
    assert (finding.cause, finding.severity) == ("bias:CA_2", "warning")
    assert abs((finding.since - (FIRST + timedelta(days=286))).days) <= 3
    assert "forecasts of CA_2 +" in finding.what
    assert finding.value > finding.threshold


def test_an_alert_of_the_whole_speaks_for_its_groups_and_a_large_shift_is_an_error():
    values = noise(3)
    values[:, -14:] += 0.4
    (finding,) = judge(signal(values, (WHOLE, "CA_1", "CA_2"), error_beyond=0.1), PARAMS)
    assert (finding.cause, finding.severity) == ("bias", "error")
    assert (
        judge(signal(values, (WHOLE, "CA_1", "CA_2"), error_beyond=0.9), PARAMS)[0].severity
        == "warning"
    )


def test_a_signal_that_may_only_grow_raises_no_alert_when_it_falls():
    values = noise()
    values[:, -14:] -= 0.4
    assert judge(signal(values), PARAMS)[0].severity == "warning"
    assert judge(signal(values, sides="up"), PARAMS)[0].severity == "ok"


def test_an_alert_lingers_until_the_cusum_fell_to_half_and_then_closes():
    values = noise(days=330)
    values[:, 270:284] += 0.4
    by_day = [judge(signal(values[:, :end]), PARAMS)[0].severity for end in range(271, 330)]
    is_open = np.array(by_day) != "ok"
    assert is_open.any()
    assert not is_open[-1]
    assert (np.diff(is_open.astype(int)) != 0).sum() == 2  # opened once, closed once


def test_a_short_past_is_not_judged_and_says_what_it_needs():
    (finding,) = judge(signal(noise(days=100)), PARAMS)
    assert not finding.is_judged
    assert "needs 84" in finding.what


def test_the_past_ends_before_the_days_watched_and_moves_on_mondays():
    values = np.arange(300.0)[None]
    ends = [past_of(signal(values[:, :days]), PARAMS)[0, -1] for days in range(281, 289)]
    assert len(set(ends)) == 2  # a week of days share a past
    assert max(ends) < 288 - PARAMS.watch_days


@pytest.mark.parametrize(
    ("days_of_the_week", "chosen"),
    [((0, 1, 2, 3, 4, 5, 6), [5, 12, 19]), ((0, 1, 2, 3, 4, 5), [4, 11, 18]), ((2,), [1, 8, 15])],
)
def test_weekly_tables_are_the_last_ones_of_each_week(days_of_the_week, chosen):
    """Forecast daily, forecast daily without Sundays, forecast on Wednesdays alone; 2024-05-01 is a
    Wednesday.
    """
    may = [date(2024, 5, day) for day in range(1, 20)]
    origins = [day for day in may if day.weekday() in days_of_the_week]
    assert weekly_origins(origins) == [date(2024, 5, day) for day in chosen]


def test_bias_by_group_and_outcomes_outside_are_sums_of_the_day(forecasts_of, sales_of, params):
    series = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", "S2"]})
    sales = sales_of({"a": [2.0] * 3, "b": [2.0] * 3}, date(2024, 2, 1))
    actuals = with_actuals(
        forecasts_of({"a": [3.0] * 3, "b": [2.0] * 3}), panel_of(sales, series), EVERY_DAY
    )
    bias, accuracy, calibration = outcome_signals(
        daily_sums(actuals, series, ["store_id"]), params.monitor
    )
    assert bias.groups == (WHOLE, "store_id:S1", "store_id:S2")
    assert bias.values[:, 0] == pytest.approx([1 / 5, 1 / 3, 0.0])
    assert calibration.values[0, 0] == 0.0  # 2 lies on the edge of 3 - 1
    expected = actuals.select(expected_absolute_error())[:, 0].sum() / 3
    assert accuracy.values[0, 0] == pytest.approx(1 / expected)


def test_a_store_and_a_department_of_one_name_are_two_groups_of_a_signal(
    forecasts_of, sales_of, params
):
    """Store A holds departments A and B: under one name its sums and those of department A would be
    one row.
    """
    series = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["A", "A"], "dept_id": ["A", "B"]})
    sales = sales_of({"a": [2.0] * 3, "b": [2.0] * 3}, date(2024, 2, 1))
    panel = panel_of(sales, series)
    actuals = with_actuals(forecasts_of({"a": [3.0] * 3, "b": [2.0] * 3}), panel, EVERY_DAY)
    bias, *_ = outcome_signals(daily_sums(actuals, series, ["store_id", "dept_id"]), params.monitor)
    assert dict(zip(bias.groups, bias.values[:, 0], strict=True)) == pytest.approx(
        {WHOLE: 1 / 5, "store_id:A": 1 / 5, "dept_id:A": 1 / 3, "dept_id:B": 0.0}
    )
    assert bias.slice_of("dept_id:A") == "dept_id:A"
    demand = next(
        s
        for s in input_signals(arrived(panel, 3, EVERY_DAY), ["store_id", "dept_id"])
        if s.slice == "demand"
    )
    assert demand.groups == (WHOLE, "store_id:A", "dept_id:A", "dept_id:B")


def test_the_error_a_table_expects_is_the_mean_distance_of_its_quantiles(forecasts_of):
    """A table whose quantiles lie one below and one above the mean expects an error of one, but
    for the median's share.
    """
    (expected,) = forecasts_of({"a": [5.0]}).select(expected_absolute_error())[:, 0]
    assert expected == pytest.approx(1 - (0.625 - 0.375))


@pytest.fixture(scope="module")
def year_and_a_half(make_panel):
    return make_panel(series=8, days=YEAR + 120, seed=5, nasty=False)


def test_no_signal_reads_a_later_day(year_and_a_half):
    """Cutting the panel at a day changes no value of that day or before."""
    panel, cut = year_and_a_half, year_and_a_half.last_day - timedelta(days=30)
    whole = input_signals(arrived(panel, 400, EVERY_DAY), ["store_id"])
    short = input_signals(arrived(panel.up_to(cut), 400, EVERY_DAY), ["store_id"])
    assert [one.name for one in whole] == [one.name for one in short]
    for one, other in zip(whole, short, strict=True):
        known = one.up_to(cut).values[:, -other.values.shape[1] :]
        np.testing.assert_allclose(known[:, -60:], other.values[:, -60:], err_msg=one.name)


def test_demand_is_compared_with_the_same_weekday_a_year_before(year_and_a_half):
    panel = year_and_a_half
    demand = next(
        s for s in input_signals(arrived(panel, 400, EVERY_DAY), []) if s.slice == "demand"
    )
    units = panel.sales.group_by("ds").agg(pl.col("y").sum())
    of = dict(units.iter_rows())
    expected = np.log(of[panel.last_day] / of[panel.last_day - timedelta(days=YEAR)])
    assert demand.values[0, -1] == pytest.approx(expected)
    assert np.isnan(demand.values[0, 0])


def test_prices_are_compared_within_series_and_what_sold_without_one_is_counted(year_and_a_half):
    panel = year_and_a_half
    dearer = panel.prices.with_columns(
        price=pl.when(pl.col("from_ds") > panel.last_day - timedelta(days=8))
        .then(pl.col("price") * 1.5)
        .otherwise("price")
    )
    signals = {
        s.slice: s
        for s in input_signals(arrived(replace(panel, prices=dearer), 400, EVERY_DAY), [])
    }
    before = {s.slice: s for s in input_signals(arrived(panel, 400, EVERY_DAY), [])}
    assert signals["prices"].values[0, -1] - before["prices"].values[0, -1] == pytest.approx(
        np.log(1.5), abs=1e-3
    )
    none = replace(
        panel,
        prices=panel.prices.with_columns(
            price=pl.when(pl.col("unique_id") > "I").then(None).otherwise("price")
        ),
    )
    assert "prices" not in {s.slice for s in input_signals(arrived(none, 400, EVERY_DAY), [])}
