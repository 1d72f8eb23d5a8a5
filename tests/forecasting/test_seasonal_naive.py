"""The baseline against a hand-rolled repeat."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.demand import DemandRules
from contract.errors import NotEnoughHistory
from contract.panel import panel_of
from forecasting.forecaster import days_late
from forecasting.seasonal_naive import SeasonalNaive

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

MONDAY = date(2024, 1, 1)


def _forecast(panel, origin: date, horizon: int) -> dict[tuple[str, int], float | None]:
    rows = SeasonalNaive(7, EVERY_DAY).fit(panel).forecast(panel, origin, horizon)
    return {(one, h): y_hat for one, h, y_hat in rows.select("unique_id", "h", "y_hat").iter_rows()}


def test_next_tuesday_sells_what_last_tuesday_sold(sales_of):
    panel = panel_of(
        sales_of({"a": [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17]}),
        pl.DataFrame({"unique_id": ["a"]}),
    )
    rows = _forecast(panel, date(2024, 1, 14), 9)
    assert [rows["a", h] for h in range(1, 10)] == [11, 12, 13, 14, 15, 16, 17, 11, 12]


def test_every_series_equals_a_hand_rolled_repeat(make_panel):
    panel = make_panel(series=8, days=60, seed=12)
    origin = panel.last_day
    rows = _forecast(panel, origin, 20)
    for one in panel.series["unique_id"]:
        for h in range(1, 21):
            assert rows[one, h] == _by_hand(panel, one, origin, h)


def _by_hand(panel, one: str, origin: date, h: int) -> float:
    """The same weekday last week; if closed or its feed was missing, one before, four at most."""
    store = dict(panel.series.select("unique_id", "store_id").iter_rows())
    sold = {(r["unique_id"], r["ds"]): r["y"] for r in panel.sales.iter_rows(named=True)}
    arrived = {(store[name], day) for name, day in sold}
    closed = set(panel.calendar.filter("is_closed")["ds"])
    if origin + timedelta(days=h) in closed:
        return 0.0
    for week in range(4):
        day = origin + timedelta(days=h - 7 * -(-h // 7) - 7 * week)
        if day not in closed and (store[one], day) in arrived:
            return sold.get((one, day), 0.0)
    return 0.0


def test_a_late_feed_repeats_the_last_known_week(sales_of):
    panel = panel_of(
        sales_of({"a": [float(k) for k in range(1, 15)]}), pl.DataFrame({"unique_id": ["a"]})
    )
    on_time, late = _forecast(panel, date(2024, 1, 14), 5), _forecast(panel, date(2024, 1, 16), 3)
    assert [late["a", h] for h in (1, 2, 3)] == [on_time["a", h] for h in (3, 4, 5)]


def test_sales_after_the_origin_are_not_looked_at(sales_of):
    panel = panel_of(sales_of({"a": [1.0] * 14 + [99.0] * 7}), pl.DataFrame({"unique_id": ["a"]}))
    assert set(_forecast(panel, date(2024, 1, 14), 7).values()) == {1.0}


def test_a_day_without_a_row_is_no_sale_and_a_series_without_rows_has_no_forecast(sales_of):
    panel = panel_of(
        sales_of({"a": [5, None] * 7, "b": [1] * 14}),
        pl.DataFrame({"unique_id": ["a", "b", "never"]}),
    )
    rows = _forecast(panel, date(2024, 1, 13), 7)
    assert sorted({rows["a", h] for h in range(1, 8)}) == [0.0, 5.0]
    assert all(rows["never", h] is None for h in range(1, 8))


@pytest.mark.parametrize(("zeros", "monday"), [(True, 0), (False, 6)])
def test_a_day_of_which_nothing_is_known_takes_the_same_weekday_of_an_earlier_week(
    sales_of, zeros, monday
):
    """In the second week a has no row on Monday, when b has one, and nobody has one on Tuesday."""
    a, b = [6, 4, 9, 9, 9, 9, 9, None, None, 7, 9, 9, 9, 9], [1] * 8 + [None] + [1] * 5
    panel = panel_of(sales_of({"a": a, "b": b}), _series("a", "b"))
    rows = SeasonalNaive(7, replace(EVERY_DAY, absent_means_zero=zeros)).forecast(
        panel, date(2024, 1, 14), 3
    )
    assert rows.filter(unique_id="a")["y_hat"].to_list() == [monday, 4, 7]


def test_a_day_closed_ahead_is_no_sale_for_a_series_without_history_too(sales_of):
    known_at = datetime(2023, 1, 1)
    calendar = pl.DataFrame(
        {"region": ["*"], "ds": [date(2024, 1, 16)], "known_at": [known_at], "is_closed": [True]}
    )
    panel = panel_of(sales_of({"a": [5] * 14}), _series("a", "never"), calendar)
    rows = _forecast(panel, date(2024, 1, 14), 3)
    assert [rows["a", h] for h in (1, 2, 3)] == [5, 0, 5]
    assert [rows["never", h] for h in (1, 2, 3)] == [None, 0, None]


def test_a_feast_last_week_is_not_repeated(sales_of):
    panel = panel_of(sales_of({"a": [5] * 7 + [0] + [5] * 6}), _series("a"))
    shut = panel.sales.with_columns(is_open=pl.col("ds") != date(2024, 1, 8))
    assert _forecast(panel_of(shut, panel.series), date(2024, 1, 14), 1)["a", 1] == 5


def _series(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"unique_id": list(names)})


def test_one_day_of_history_is_enough_for_a_forecast(sales_of):
    panel = panel_of(sales_of({"a": [5]}), pl.DataFrame({"unique_id": ["a"]}))
    rows = _forecast(panel, MONDAY, 7)
    assert [rows["a", h] for h in range(1, 8)] == [0, 0, 0, 0, 0, 0, 5]


def test_a_series_that_sold_before_the_tail_alone_is_known_to_sell_nothing_as_in_the_whole_panel(
    sales_of,
):
    whole = panel_of(
        sales_of({"a": [1] * 60, "gone": [3] * 5 + [None] * 55}), _series("a", "gone", "never")
    )
    tail = whole.since(date(2024, 1, 20), 0.25)
    rows = _forecast(tail, tail.last_day, 7)
    assert rows == _forecast(whole, whole.last_day, 7)
    assert {rows["gone", h] for h in range(1, 8)} == {0.0}
    assert {rows["never", h] for h in range(1, 8)} == {None}


def test_a_panel_past_the_origin_is_refused_by_whoever_counts_its_lateness(sales_of):
    panel = panel_of(sales_of({"a": [1, 2, 3]}), pl.DataFrame({"unique_id": ["a"]}))
    assert days_late(panel, date(2024, 1, 5)) == 2
    with pytest.raises(
        NotEnoughHistory, match=r"runs to 2024-01-03, past the origin 2024-01-02.*panel\.up_to"
    ):
        days_late(panel, date(2024, 1, 2))


def test_an_origin_before_the_first_sale_is_refused(sales_of):
    panel = panel_of(sales_of({"a": [1, 2, 3]}), pl.DataFrame({"unique_id": ["a"]}))
    with pytest.raises(NotEnoughHistory, match="no sales row"):
        _forecast(panel, date(2023, 12, 31), 7)
