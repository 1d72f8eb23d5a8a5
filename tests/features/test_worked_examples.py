"""Feature values done by hand on series short enough to read."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.errors import BadParams
from contract.panel import panel_of
from features.dense import days_of, demand

MONDAY = date(2024, 1, 1)
KNOWN = datetime(2023, 1, 1)


@pytest.fixture
def panel(sales_of):
    """Series a sells 1, 2, 3 .. 40 on its first forty days from Monday the first of January.

    b is in another department.
    """
    sales = sales_of({"a": [*range(1, 41)], "b": [10.0] * 40}, MONDAY)
    series = pl.DataFrame(
        {
            "unique_id": ["a", "b"],
            "store_id": ["S1", "S1"],
            "dept_id": ["D1", "D2"],
            "item_id": ["i", "j"],
            "state_id": ["AA", "AA"],
        }
    )
    return panel_of(sales, series)


def _tiny(sales_of, units: dict, **frames):
    series = pl.DataFrame({"unique_id": list(units)}).with_columns(
        store_id=pl.lit("S1"),
        dept_id=pl.lit("D1"),
        item_id=pl.col("unique_id"),
        state_id=pl.lit("AA"),
    )
    return panel_of(sales_of(units, MONDAY), series, **frames)


def test_a_lag_counts_back_from_the_origin_not_from_the_target(panel, row_at):
    for h in (1, 7, 28):
        row = row_at(panel, 39, h)
        assert (row["lags_0"], row["lags_1"], row["lags_6"]) == (40, 39, 34)


def test_windows_end_at_the_origin(panel, row_at):
    row = row_at(panel, 39, 1)
    assert row["windows_mean_7"] == 37  # 34 .. 40
    assert row["windows_mean_28"] == 26.5  # 13 .. 40
    assert row["windows_spread_28"] == pytest.approx(np.std(np.arange(13, 41), ddof=1))
    assert row["windows_zeros_28"] == 0


def test_the_weekday_mean_reads_the_weekday_of_the_target(panel, row_at):
    # origin is day 39, a Friday (40 units); h=3 is a Monday: Mondays sold 1, 8, 15, 22, 29, 36
    row = row_at(panel, 39, 3)
    assert row["calendar_weekday"] == 1
    assert row["weekday_mean_1"] == 36
    assert row["weekday_mean_4"] == (36 + 29 + 22 + 15) / 4


def test_the_share_of_zeros_counts_days_not_units(sales_of, row_at):
    row = row_at(_tiny(sales_of, {"a": [5, 0, 0, 1]}), 3, 1)
    assert row["windows_zeros_28"] == 0.5
    assert row["windows_mean_28"] == 1.5


def test_days_before_the_launch_are_unknown_not_zero(sales_of, row_at):
    panel = _tiny(sales_of, {"a": [0, 0, 0, 6, 2], "b": [1, 1, 1, 1, 1]})
    row = row_at(panel, 4, 1)
    assert row["windows_mean_7"] == 4.0
    assert row["lags_6"] is None
    assert row["lifecycle_age"] == 1


def test_an_absent_row_is_a_zero_when_the_feed_arrived_and_unknown_when_it_did_not(
    sales_of, row_at
):
    panel = _tiny(sales_of, {"a": [4, None, None, 2], "b": [1, 1, None, 1]})
    row = row_at(panel, 3, 1)
    assert row["windows_mean_7"] == 2.0  # 4, 0, unknown, 2
    assert row["windows_zeros_28"] == pytest.approx(1 / 3)


def test_an_absent_row_is_always_unknown_where_absence_does_not_mean_zero(sales_of, row_at):
    panel = _tiny(sales_of, {"a": [4, None, None, 2], "b": [1, 1, None, 1]})
    assert row_at(panel, 3, 1, zeros=False)["windows_mean_7"] == 3.0


def test_a_stated_unknown_is_unknown_even_when_the_feed_arrived(sales_of, row_at):
    panel = _tiny(sales_of, {"a": [4, 1, 2], "b": [1, 1, 1]})
    sales = panel.sales.with_columns(
        y=pl.when(unique_id="a", ds=date(2024, 1, 2)).then(None).otherwise("y")
    )
    panel = panel_of(sales, panel.series)
    assert row_at(panel, 2, 1)["windows_mean_7"] == 3.0


def test_a_closed_day_teaches_nothing_whether_the_calendar_or_the_row_says_so(sales_of, row_at):
    calendar = pl.DataFrame(
        {"region": ["*"], "ds": [date(2024, 1, 2)], "known_at": [KNOWN], "is_closed": [True]}
    )
    by_calendar = _tiny(sales_of, {"a": [4, 0, 2]}, calendar=calendar)
    assert row_at(by_calendar, 2, 1)["windows_mean_7"] == 3.0
    by_row = panel_of(
        by_calendar.sales.with_columns(is_open=pl.col("ds") != date(2024, 1, 2)), by_calendar.series
    )
    assert row_at(by_row, 2, 1)["windows_mean_7"] == 3.0


def test_lifecycle_is_age_since_the_first_sale_and_days_since_the_last(sales_of, row_at):
    row = row_at(_tiny(sales_of, {"a": [0, 3, 1, 0, 0]}), 4, 1)
    assert row["lifecycle_age"] == 3
    assert row["lifecycle_days_since_sale"] == 2


def test_a_series_not_yet_launched_has_no_age_even_if_it_launches_later_in_the_panel(
    sales_of, row_at
):
    row = row_at(_tiny(sales_of, {"a": [0, 0, 0, 5], "b": [1, 1, 1, 1]}), 1, 1)
    assert row["lifecycle_age"] is None
    assert row["lifecycle_days_since_sale"] is None


def test_the_year_mean_stands_around_the_day_52_weeks_before_the_target(sales_of, row_at):
    panel = _tiny(sales_of, {"a": [float(k + 1) for k in range(400)]})
    row = row_at(panel, 399, 5)  # target is day 404, 52 weeks before it is day 40, which sold 41
    assert row["year_mean_1"] == 41
    assert row["year_mean_7"] == 41  # 38 .. 44
    assert row["year_mean_28"] == 41.5  # days 27 .. 54 sold 28 .. 55


def test_a_year_before_the_panel_is_unknown(panel, row_at):
    assert row_at(panel, 39, 1)["year_mean_28"] is None


def test_the_calendar_says_what_the_target_day_is(sales_of, row_at):
    # 59 days from 2024-01-01: the target is the leap day
    row = row_at(_tiny(sales_of, {"a": [1.0] * 59}), 58, 1)
    assert (
        row["calendar_weekday"],
        row["calendar_day_of_month"],
        row["calendar_week_of_year"],
    ) == (4, 29, 9)


def test_event_distances_count_to_the_next_and_from_the_last_and_end_at_the_reach(sales_of, row_at):
    calendar = pl.DataFrame(
        {
            "region": ["*", "*"],
            "ds": [date(2024, 1, 5), date(2024, 1, 29)],
            "known_at": [KNOWN] * 2,
            "event": ["a", "b"],
        }
    )
    panel = _tiny(sales_of, {"a": [1.0] * 7}, calendar=calendar)
    seen = {h: row_at(panel, 6, h) for h in (1, 12, 20, 22, 23)}  # origin is the 7th of January
    assert [seen[h]["calendar_days_from_event"] for h in (1, 12, 20, 22, 23)] == [3, 14, 14, 0, 1]
    assert [seen[h]["calendar_days_to_event"] for h in (1, 12, 20, 22, 23)] == [14, 10, 2, 0, 14]
    assert [seen[h]["calendar_event"] for h in (1, 22)] == [0, 2]


def test_an_event_just_past_the_horizon_is_as_near_in_serving_as_it_was_in_training(
    sales_of, row_at
):
    calendar = pl.DataFrame(
        {"region": ["*"], "ds": [date(2024, 2, 7)], "known_at": [KNOWN], "event": ["feast"]}
    )
    serving = _tiny(sales_of, {"a": [1.0] * 7}, calendar=calendar)
    training = _tiny(sales_of, {"a": [1.0] * 30}, calendar=calendar)
    assert row_at(training, 6, 28)["calendar_days_to_event"] == 3  # the 4th of February
    assert row_at(serving, 6, 28)["calendar_days_to_event"] == 3


def test_an_event_of_another_region_does_not_count(sales_of, row_at):
    calendar = pl.DataFrame(
        {"region": ["BB"], "ds": [date(2024, 1, 9)], "known_at": [KNOWN], "event": ["fair"]}
    )
    row = row_at(_tiny(sales_of, {"a": [1.0] * 7}, calendar=calendar), 6, 2)
    assert (row["calendar_event"], row["calendar_days_to_event"]) == (0, 14)


def test_a_local_event_stands_before_one_that_holds_everywhere(sales_of, row_at):
    calendar = pl.DataFrame(
        {
            "region": ["*", "AA"],
            "ds": [date(2024, 1, 9)] * 2,
            "known_at": [KNOWN] * 2,
            "event": ["everywhere", "local"],
        }
    )
    assert row_at(_tiny(sales_of, {"a": [1.0] * 7}, calendar=calendar), 6, 2)["calendar_event"] == 2


def test_pay_days_are_counted_on_the_target_and_in_the_week_that_ends_there(sales_of, row_at):
    days = [date(2024, 1, 10), date(2024, 1, 12)]
    calendar = pl.DataFrame(
        {"region": ["*"] * 2, "ds": days, "known_at": [KNOWN] * 2, "is_payday": [True, True]}
    )
    panel = _tiny(sales_of, {"a": [1.0] * 7}, calendar=calendar)
    # the 12th, the 13th, the 17th
    on, after, week_later = (row_at(panel, 6, h) for h in (5, 6, 10))
    assert (on["calendar_is_payday"], after["calendar_is_payday"]) == (1, 0)
    assert on["calendar_payday_week"] == pytest.approx(2 / 7)
    assert after["calendar_payday_week"] == pytest.approx(2 / 7)
    assert week_later["calendar_payday_week"] == pytest.approx(1 / 7)


def _priced(sales_of, prices: list[tuple[date, date, float, float]]):
    rows = [("a", first, last, KNOWN, price, promo) for first, last, price, promo in prices]
    names = ["unique_id", "from_ds", "to_ds", "known_at", "price", "promo"]
    return _tiny(sales_of, {"a": [1.0] * 28}, prices=pl.DataFrame(rows, schema=names, orient="row"))


def test_a_price_change_compares_the_target_day_with_a_week_before_it(sales_of, row_at):
    panel = _priced(
        sales_of,
        [(MONDAY, date(2024, 1, 28), 4.0, 0.0), (date(2024, 1, 29), date(2024, 2, 29), 3.0, 1.0)],
    )
    row = row_at(panel, 27, 1)  # the 29th, first day of the promotion
    assert row["price_level"] == 3.0
    assert row["price_change_7"] == 0.75
    assert row["price_vs_28"] == pytest.approx(3 / ((27 * 4 + 3) / 28))
    assert row_at(panel, 27, 8)["price_change_7"] == 1.0


def test_promotion_is_read_on_the_target_day_and_its_share_over_the_week_that_ends_there(
    sales_of, row_at
):
    panel = _priced(
        sales_of,
        [(MONDAY, date(2024, 1, 28), 4.0, 0.0), (date(2024, 1, 29), date(2024, 2, 29), 3.0, 1.0)],
    )
    row = row_at(panel, 27, 3)
    assert row["promo_today"] == 1
    assert row["promo_share_7"] == pytest.approx(3 / 7)
    assert row["promo_share_28"] == 0  # at the origin nothing had been promoted


def test_a_hole_in_a_plan_keeps_the_price_and_says_nothing_of_promotions(sales_of, row_at):
    panel = _priced(
        sales_of,
        [(MONDAY, date(2024, 1, 28), 4.0, 1.0), (date(2024, 1, 30), date(2024, 2, 29), 4.0, 1.0)],
    )
    row = row_at(panel, 27, 1)
    assert (row["price_level"], row["promo_today"]) == (4.0, None)


def test_a_past_day_without_a_price_is_unknown_and_without_promotion(sales_of, row_at):
    panel = _priced(
        sales_of,
        [(MONDAY, date(2024, 1, 24), 4.0, 1.0), (date(2024, 1, 26), date(2024, 2, 29), 4.0, 1.0)],
    )
    row = row_at(panel, 20, 4)
    assert (row["price_level"], row["promo_today"]) == (None, 0)


def test_after_the_last_day_of_a_plan_that_stated_every_day_a_promotion_is_unknown(
    sales_of, row_at
):
    row = row_at(_priced(sales_of, [(MONDAY, date(2024, 1, 28), 4.0, 1.0)]), 27, 1)
    assert row["promo_today"] is None
    assert row["promo_share_28"] == 1


def test_a_group_is_read_as_level_trend_and_weekday_free_of_its_size(panel, row_at):
    row = row_at(panel, 39, 3)
    total = {day: (day + 1) + 10.0 for day in range(40)}  # a and b together in store S1
    level = np.mean([total[d] for d in range(12, 40)])
    mondays = np.mean([total[d] for d in (35, 28, 21, 14)])
    assert row["hierarchy_store_id_member_mean"] == pytest.approx(level / 2)
    assert row["hierarchy_store_id_trend_7"] == pytest.approx(
        np.mean([total[d] for d in range(33, 40)]) / level
    )
    assert row["hierarchy_store_id_weekday"] == pytest.approx(mondays / level)
    assert row["hierarchy_store_id_season"] is None  # no year before


def test_covariates_are_read_at_the_target_if_known_ahead_and_at_the_origin_if_not(
    sales_of, row_at
):
    rows = [
        ("a", date(2024, 1, day), name, float(day), KNOWN)
        for day in range(1, 15)
        for name in ("school", "customers")
    ]
    names = ["unique_id", "ds", "name", "value", "known_at"]
    covariates = pl.DataFrame(rows, schema=names, orient="row")
    row = row_at(_tiny(sales_of, {"a": [1.0] * 7}, covariates=covariates), 6, 5)
    assert row["covariates_future_school"] == 12
    assert row["covariates_past_customers"] == 7


def test_static_columns_are_codes_in_alphabetical_order(panel, row_at):
    assert row_at(panel, 39, 1, unique_id="a")["static_dept_id"] == 0
    assert row_at(panel, 39, 1, unique_id="b")["static_dept_id"] == 1


def test_a_grouping_by_a_column_nobody_has_is_refused_with_the_columns_there_are(panel, row_at):
    with pytest.raises(BadParams, match=r"features\.hierarchy names \['aisle'\].*store_id"):
        row_at(panel, 39, 1, hierarchy=[["aisle"]])


def test_one_day_of_history_makes_a_frame(sales_of, row_at):
    row = row_at(_tiny(sales_of, {"a": [3]}), 0, 1)
    assert (row["lags_0"], row["lags_1"], row["windows_mean_28"], row["windows_spread_28"]) == (
        3,
        None,
        3,
        None,
    )


def test_a_series_that_never_sold_has_a_row_of_unknowns(sales_of, row_at):
    row = row_at(_tiny(sales_of, {"a": [0, 0, 0], "b": [1, 1, 1]}), 2, 1)
    assert (row["lags_0"], row["windows_mean_7"], row["lifecycle_age"]) == (None, None, None)
    assert row["calendar_weekday"] == 4


def test_a_day_sold_out_for_most_of_its_hours_teaches_nothing(sales_of):
    panel = _tiny(sales_of, {"a": [4.0] * 10})
    sold_out = pl.when(pl.col("ds") == MONDAY + timedelta(days=3)).then(0.9).otherwise(0.1)
    censored = replace(panel, sales=panel.sales.with_columns(stockout_share=sold_out))
    days = days_of(censored, horizon=0, padding=0)
    y = demand(
        censored, days, DemandRules(absent_means_zero=False, max_stockout_share=0.25, region=None)
    )
    assert np.isnan(y[0]).tolist() == [False] * 3 + [True] + [False] * 6


def test_series_without_any_column_of_few_values_have_a_frame_without_static_codes(
    sales_of, dense_of, frame_at
):
    units = {f"s{k:03d}": [1.0] * 30 for k in range(300)}
    panel = panel_of(
        sales_of(units, MONDAY), pl.DataFrame({"unique_id": list(units), "shop": list(units)})
    )
    frame = frame_at(dense_of(panel, region=None, hierarchy=[]), 20, [1])
    assert frame.height == 300
    assert not [name for name in frame.columns if name.startswith("static_")]
