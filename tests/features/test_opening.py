"""Which days ahead are closed: by calendar, plan, four weeks' habit, or a feed without rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.panel import Panel, panel_of
from features.dense import Days
from features.opening import closed_ahead, closed_table, habit_ahead

MONDAY = date(2024, 1, 1)
KNOWN = datetime(2023, 1, 1)
SUNDAYS = [6, 13, 20, 27]


def _ahead(panel: Panel, series: str = "a") -> list[int]:
    """Which of the fourteen days ahead are closed, counted from 0.

    0 is a Monday, if the panel has whole weeks.
    """
    days = Days(panel.first_day, (panel.last_day - panel.first_day).days + 1, 14, padding=3)
    row = panel.series["unique_id"].index_of(series)
    closed = closed_table(panel, days, None)
    assert not closed[:, : 3 + days.known].any() or panel.calendar.height
    return closed[row, 3 + days.known :].nonzero()[0].tolist()


def _panel(sales_of, shut: list[int], units: dict | None = None, **frames) -> Panel:
    """Four weeks of a and b, the days `shut` marked closed in a's rows."""
    units = units or {"a": [5] * 28, "b": [1] * 28}
    closed = pl.Series([MONDAY + timedelta(days=k) for k in shut], dtype=pl.Date).implode()
    sales = sales_of(units, MONDAY).with_columns(
        is_open=~((pl.col("unique_id") == "a") & pl.col("ds").is_in(closed))
    )
    return panel_of(
        sales, pl.DataFrame({"unique_id": list(units), "store_id": list(units)}), **frames
    )


def test_closed_on_every_sunday_of_four_weeks_stays_closed_on_sundays(sales_of):
    panel = _panel(sales_of, SUNDAYS)
    assert _ahead(panel) == [6, 13]
    assert _ahead(panel, "b") == []


def test_one_open_sunday_or_a_shorter_history_makes_no_habit(sales_of):
    assert _ahead(_panel(sales_of, SUNDAYS[1:])) == []
    assert _ahead(_panel(sales_of, SUNDAYS[1:], {"a": [5] * 27, "b": [1] * 27})) == []


def test_the_habit_follows_the_weekday_not_the_place_in_the_panel(sales_of):
    """26 days of history end on a Friday: closed Sundays are days 1 and 8 ahead."""
    panel = _panel(sales_of, [6, 13, 20, 27], {"a": [5] * 33, "b": [1] * 33})
    assert _ahead(panel) == [1, 8]


def test_a_store_without_rows_on_sundays_is_closed_on_them_and_a_rare_seller_is_not(sales_of):
    week = [5, 5, 5, 5, 5, 5, None]
    rare = [
        1 if k in (0, 8, 16, 24) else None for k in range(28)
    ]  # Monday, Tuesday, Wednesday, ...
    panel = _panel(sales_of, [], {"a": week * 4, "b": [1] * 28, "rare": rare})
    assert _ahead(panel) == [6, 13]
    assert _ahead(panel, "rare") == []


def test_a_stall_that_comes_on_two_weekdays_is_closed_on_the_others(sales_of):
    """A Saturday missed now and then is no other habit; rows on scattered days are none."""
    stall = [5 if k % 7 in (4, 5) else None for k in range(28)]
    others = [0, 1, 2, 3, 6, 7, 8, 9, 10, 13]
    assert _ahead(_panel(sales_of, [], {"a": stall, "b": [1] * 28})) == others
    stall[12] = None
    assert _ahead(_panel(sales_of, [], {"a": stall, "b": [1] * 28})) == others
    scattered = [5 if k in (1, 9, 17, 20, 26) else None for k in range(28)]
    assert _ahead(_panel(sales_of, [], {"a": scattered, "b": [1] * 28})) == []


def test_the_days_that_habit_alone_closes_are_known_apart(sales_of):
    stall = [5 if k % 7 in (4, 5) else None for k in range(28)]
    panel = _panel(sales_of, [], {"a": stall, "b": [1] * 28})
    for late in (0, 3):
        origin = panel.last_day + timedelta(days=late)
        habit, closed = (of(panel, origin, 14) for of in (habit_ahead, _closed_ahead))
        assert (habit == closed).all() and habit.any()


def _closed_ahead(panel: Panel, origin: date, horizon: int):
    return closed_ahead(panel, origin, horizon, None)


def test_a_series_absent_on_sundays_while_its_store_sends_rows_is_not_closed(sales_of):
    sales = sales_of({"a": [5, 5, 5, 5, 5, 5, None] * 4, "b": [1] * 28}, MONDAY)
    panel = panel_of(sales, pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S", "S"]}))
    assert _ahead(panel) == []


def test_a_plan_speaks_louder_than_habit_either_way(sales_of):
    plan = pl.DataFrame(
        {
            "unique_id": ["a", "a"],
            "ds": [date(2024, 2, 4), date(2024, 1, 30)],
            "name": ["is_open"] * 2,
        }
    ).with_columns(value=pl.Series([1.0, 0.0]), known_at=pl.lit(KNOWN))
    assert _ahead(_panel(sales_of, SUNDAYS, covariates=plan)) == [1, 13]


def test_the_calendar_closes_for_everyone(sales_of):
    calendar = pl.DataFrame(
        {"region": ["*"], "ds": [date(2024, 1, 29)], "known_at": [KNOWN], "is_closed": [True]}
    )
    assert _ahead(_panel(sales_of, [], calendar=calendar)) == [0]


def _gone(sales_of, days_without_rows: int, **frames) -> Panel:
    """Store a sends rows for ten weeks and then none for so many days, b always, c never."""
    units = {"a": [5] * 70 + [None] * days_without_rows, "b": [1] * (70 + days_without_rows)}
    return panel_of(
        sales_of(units, MONDAY),
        pl.DataFrame({"unique_id": ["a", "b", "c"], "store_id": ["A", "B", "C"]}),
        **frames,
    )


@pytest.mark.parametrize(
    ("days_without_rows", "closed"),
    [(14, []), (55, []), (56, list(range(14))), (200, list(range(14)))],
)
def test_a_store_without_rows_for_eight_weeks_is_shut_and_a_late_or_lost_feed_is_not(
    sales_of, days_without_rows, closed
):
    panel = _gone(sales_of, days_without_rows)
    assert _ahead(panel) == closed
    assert _ahead(panel, "b") == []
    assert _ahead(panel, "c") == []


def test_a_shut_store_is_seen_in_the_tail_as_in_the_whole_panel(sales_of):
    panel = _gone(sales_of, 120)
    assert _ahead(panel.since(panel.last_day - timedelta(days=60), 0.25)) == list(range(14))


def test_a_plan_opens_a_store_whose_feed_had_ended(sales_of):
    opens = pl.DataFrame(
        {"unique_id": ["a"], "ds": [MONDAY + timedelta(days=130)], "name": ["is_open"]}
    )
    plan = opens.with_columns(value=pl.lit(1.0), known_at=pl.lit(KNOWN))
    assert _ahead(_gone(sales_of, 60, covariates=plan)) == [k for k in range(14) if k != 0]
