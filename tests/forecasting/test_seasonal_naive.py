"""The baseline against a hand-rolled repeat."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from contract.errors import NotEnoughHistory
from contract.panel import panel_of
from forecasting.forecaster import days_late
from forecasting.seasonal_naive import SeasonalNaive

MONDAY = date(2024, 1, 1)


def _forecast(panel, origin: date, horizon: int) -> dict[tuple[str, int], float | None]:
    told = SeasonalNaive(7).fit(panel).forecast(panel, origin, horizon)
    return {(one, h): y_hat for one, h, y_hat in told.select("unique_id", "h", "y_hat").iter_rows()}


def test_next_tuesday_sells_what_last_tuesday_sold(sales_of):
    panel = panel_of(
        sales_of({"a": [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17]}), pl.DataFrame({"unique_id": ["a"]})
    )
    told = _forecast(panel, date(2024, 1, 14), 9)
    assert [told["a", h] for h in range(1, 10)] == [11, 12, 13, 14, 15, 16, 17, 11, 12]


def test_every_series_equals_a_hand_rolled_repeat(make_panel):
    panel = make_panel(series=8, days=60, seed=12)
    origin = panel.last_day
    sold = {(r["unique_id"], r["ds"]): r["y"] for r in panel.sales.iter_rows(named=True)}
    told = _forecast(panel, origin, 20)
    for one in panel.series["unique_id"]:
        for h in range(1, 21):
            day = origin + timedelta(days=h - 7 * -(-h // 7))
            assert told[one, h] == sold.get((one, day), 0.0)


def test_a_late_feed_repeats_the_last_known_week(sales_of):
    panel = panel_of(sales_of({"a": [float(k) for k in range(1, 15)]}), pl.DataFrame({"unique_id": ["a"]}))
    on_time, late = _forecast(panel, date(2024, 1, 14), 5), _forecast(panel, date(2024, 1, 16), 3)
    assert [late["a", h] for h in (1, 2, 3)] == [on_time["a", h] for h in (3, 4, 5)]


def test_sales_after_the_origin_are_not_looked_at(sales_of):
    panel = panel_of(sales_of({"a": [1.0] * 14 + [99.0] * 7}), pl.DataFrame({"unique_id": ["a"]}))
    assert set(_forecast(panel, date(2024, 1, 14), 7).values()) == {1.0}


def test_a_day_without_a_row_is_no_sale_and_a_series_without_rows_has_no_answer(sales_of):
    panel = panel_of(sales_of({"a": [5, None] * 7}), pl.DataFrame({"unique_id": ["a", "never"]}))
    told = _forecast(panel, date(2024, 1, 13), 7)
    assert sorted({told["a", h] for h in range(1, 8)}) == [0.0, 5.0]
    assert all(told["never", h] is None for h in range(1, 8))


def test_one_day_of_history_is_enough_for_an_answer(sales_of):
    panel = panel_of(sales_of({"a": [5]}), pl.DataFrame({"unique_id": ["a"]}))
    told = _forecast(panel, MONDAY, 7)
    assert [told["a", h] for h in range(1, 8)] == [0, 0, 0, 0, 0, 0, 5]


def test_a_panel_past_the_origin_is_refused_by_whoever_counts_its_lateness(sales_of):
    panel = panel_of(sales_of({"a": [1, 2, 3]}), pl.DataFrame({"unique_id": ["a"]}))
    assert days_late(panel, date(2024, 1, 5)) == 2
    with pytest.raises(NotEnoughHistory, match=r"runs to 2024-01-03, past the origin 2024-01-02.*panel\.up_to"):
        days_late(panel, date(2024, 1, 2))


def test_an_origin_before_the_first_sale_is_refused(sales_of):
    panel = panel_of(sales_of({"a": [1, 2, 3]}), pl.DataFrame({"unique_id": ["a"]}))
    with pytest.raises(NotEnoughHistory, match="no sales row"):
        _forecast(panel, date(2023, 12, 31), 7)
