"""What a person says of a group's days, spread over its series and days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.demand import DemandRules
from contract.errors import BadUsage
from contract.levels import Level, level_called
from forecasting.overrides import Wish, closed_rows, rows_of, spread, spread_again

FIRST = date(2024, 3, 1)
SERIES = pl.DataFrame(
    {"unique_id": ["a", "b", "c"], "store_id": ["S1", "S1", "S2"], "dept_id": ["D|1", "D2", "D2"]}
)


def table(**means: list[float]) -> pl.DataFrame:
    """unique_id, ds, y_hat: the means of each series from FIRST on."""
    rows = [
        (name, FIRST + timedelta(days=k), mean)
        for name, values in means.items()
        for k, mean in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=["unique_id", "ds", "y_hat"], orient="row")


def wish(kind: str, value: float, level: str = "store_id", key: str = "S1") -> Wish:
    return Wish(level_called(level), key, FIRST, FIRST + timedelta(days=1), kind, value)


def test_units_are_spread_by_the_models_shares():
    rows = rows_of(table(a=[1, 3, 9], b=[4, 0, 9], c=[5, 5, 5]), SERIES, wish("units", 16))
    assert spread(rows, wish("units", 16)).rows() == [
        ("a", date(2024, 3, 1), 1.0, 2.0),
        ("a", date(2024, 3, 2), 3.0, 6.0),
        ("b", date(2024, 3, 1), 4.0, 8.0),
        ("b", date(2024, 3, 2), 0.0, 0.0),
    ]


def test_a_percentage_multiplies_every_row():
    rows = rows_of(table(a=[1.0, 3.0], b=[4.0, 0.0]), SERIES, wish("percent", -50))
    assert spread(rows, wish("percent", -50))["y_hat"].to_list() == [0.5, 1.5, 2.0, 0.0]


def test_where_the_model_expects_nothing_units_are_spread_evenly_and_a_percentage_is_refused():
    rows = rows_of(table(a=[0.0, 0.0], b=[0.0, 0.0]), SERIES, wish("units", 8))
    assert spread(rows, wish("units", 8))["y_hat"].to_list() == [2.0] * 4
    with pytest.raises(BadUsage, match=r"expects nothing of 'S1'.*Say how many units"):
        spread(rows, wish("percent", 20))


def closed(*cells: tuple[str, int]) -> pl.DataFrame:
    """unique_id, ds of closed days, by series and days after FIRST."""
    rows = [(name, FIRST + timedelta(days=k)) for name, k in cells]
    return pl.DataFrame(rows, schema=["unique_id", "ds"], orient="row")


def test_without_shares_units_go_to_the_days_that_can_sell_and_without_one_are_refused():
    rows = rows_of(table(a=[0.0, 0.0], b=[0.0, 0.0]), SERIES, wish("units", 9))
    one_shut = closed(("a", 0))
    assert spread(rows, wish("units", 9), one_shut)["y_hat"].to_list() == [0.0, 3.0, 3.0, 3.0]
    all_shut = closed(*[(name, k) for name in "ab" for k in range(2)])
    with pytest.raises(BadUsage, match=r"no day of 'S1' .* can sell.*says closed.*other days"):
        spread(rows, wish("units", 9), all_shut)


def test_a_group_without_a_row_is_refused():
    rows = rows_of(table(c=[1.0, 1.0]), SERIES, wish("units", 9))
    for kind in ("units", "percent"):
        with pytest.raises(BadUsage, match=r"has no row of 'S1'.*came after it"):
            spread(rows, wish(kind, 9))


def test_a_day_that_was_closed_since_takes_nothing_in_a_later_table():
    days = pl.DataFrame({"ds": [FIRST, FIRST + timedelta(days=1)], "units": [10.0, 6.0]})
    rows = rows_of(table(a=[0.0, 1.0], b=[0.0, 2.0]), SERIES, wish("units", 16))
    again = spread_again(rows, wish("units", 16), days, closed(("a", 0), ("b", 0)))
    assert again["y_hat"].to_list() == [0.0, 2.0, 0.0, 4.0]


def test_closed_rows_are_those_of_the_calendar(make_panel):
    panel = make_panel(series=4, days=60, nasty=False)
    day, rules = panel.last_day + timedelta(days=2), DemandRules(True, 1.0, None)
    closes = (pl.col("ds") == day) | pl.col("is_closed")
    closing = replace(panel, calendar=panel.calendar.with_columns(is_closed=closes))
    table = panel.last_day, 3, rules
    assert closed_rows(panel, *table).is_empty()
    ids = panel.series["unique_id"].sort()
    assert closed_rows(closing, *table).rows() == [(one, day) for one in ids]
    unsold = replace(closing, sales=panel.sales.clear())
    assert closed_rows(unsold, *table).is_empty()


def test_a_group_is_named_by_its_key_also_where_a_value_holds_the_separator():
    both = Level("store_id*dept_id", ("store_id", "dept_id"))
    assert level_called("store_id*dept_id") == both
    one = Wish(both, r"S1|D\|1", FIRST, FIRST, "units", 1.0)
    assert rows_of(table(a=[1], b=[2], c=[3]), SERIES, one)["unique_id"].to_list() == ["a"]
    whole = wish("units", 1.0, "total", "total")
    assert rows_of(table(a=[1], b=[2], c=[3]), SERIES, whole)["unique_id"].to_list() == [*"abc"]


def test_the_total_is_of_as_many_series_as_there_are():
    """Polars 2.1 refused a predicate of one literal over 30,490 rows."""
    ids = [f"s{k}" for k in range(30_490)]
    series = pl.DataFrame({"unique_id": ids})
    rows = pl.DataFrame({"unique_id": ids, "ds": [FIRST] * len(ids), "y_hat": [1.0] * len(ids)})
    assert rows_of(rows, series, wish("units", 1.0, "total", "total")).height == len(ids)


def test_a_later_table_has_each_days_sum_as_it_was_by_the_new_shares():
    """16 units, 10 and 6 by day. Of the next table the first day is over; of the second, whose
    means changed, the sum is still 6.
    """
    first = spread(rows_of(table(a=[1, 3], b=[4, 0]), SERIES, wish("units", 16)), wish("units", 16))
    days = first.group_by("ds").agg(units=pl.col("y_hat").sum())
    later = table(a=[1.0, 1.0], b=[1.0, 2.0]).filter(pl.col("ds") > FIRST)
    again = spread_again(rows_of(later, SERIES, wish("units", 16)), wish("units", 16), days)
    assert again.select("unique_id", "y_hat").rows() == [("a", 2.0), ("b", 4.0)]
    percent = spread_again(rows_of(later, SERIES, wish("percent", 100)), wish("percent", 100), days)
    assert percent["y_hat"].to_list() == [2.0, 4.0]


@given(
    means=st.lists(st.floats(0, 1e6), min_size=2, max_size=2).map(
        lambda pair: {"a": pair, "b": pair[::-1]}
    ),
    units=st.floats(0, 1e9),
)
def test_units_sum_to_what_was_said_and_none_is_negative(means, units):
    rows = rows_of(table(**means), SERIES, wish("units", units))
    made = spread(rows, wish("units", units))["y_hat"]
    assert made.sum() == pytest.approx(units, rel=1e-12, abs=1e-12)
    assert made.min() >= 0
