"""Days on which a whole store sold nothing: closed, but where that is its habit or its size."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from contract.panel import Panel, panel_of

FIRST = date(2024, 1, 1)  # a Monday
DAYS = 120


def shop(units: dict[str, np.ndarray], events: list[date] | None = None) -> Panel:
    """A series `a` of store N and a series `b` of store S, a row a day; `N_a`: its name."""
    days = [FIRST + timedelta(days=k) for k in range(DAYS)]
    frames = [
        pl.DataFrame(
            {"unique_id": name, "ds": days, "y": list(y), "known_at": datetime(2025, 1, 1)}
        )
        for name, y in units.items()
    ]
    series = pl.DataFrame({"unique_id": list(units)}).with_columns(
        store_id=pl.col("unique_id").str.slice(0, 1)
    )
    named = {"region": "*", "event": "feast", "known_at": datetime(2023, 1, 1)}
    calendar = pl.DataFrame([{"ds": day, **named} for day in events or []]) if events else None
    return panel_of(pl.concat(frames), series, calendar=calendar)


def sold(level: float = 20.0, shut: tuple[int, ...] = ()) -> np.ndarray:
    y = np.full(DAYS, level)
    y[list(shut)] = 0
    return y


def shut_days(panel: Panel) -> set[tuple[str, int]]:
    closed = panel.with_shut_days().sales.filter(~pl.col("is_open"))
    return {(name, (ds - FIRST).days) for name, ds in closed.select("unique_id", "ds").iter_rows()}


END = (116, 117, 118, 119)


def test_a_closure_written_as_zeros_is_one_of_its_store_alone():
    panel = shop({"N_a": sold(shut=END), "N_b": sold(shut=END), "S_a": sold()})
    assert shut_days(panel) == {(name, day) for name in ("N_a", "N_b") for day in END}
    y = panel.with_shut_days().sales
    assert y.drop("is_open").equals(panel.sales.drop("is_open"))


def test_where_anybody_bought_the_store_was_open():
    assert shut_days(shop({"N_a": sold(shut=END), "N_b": sold()})) == set()


def test_in_which_order_a_days_rows_are_added_up_decides_nothing():
    """10.0 units or 9.999999999999998, by what comes first: parts of a panel add otherwise."""
    kilos = (0.1, 2.2, 3.8, 1.5, 2.4)
    first, last = (
        shop({f"N_{k}": sold(level, shut=END) for k, level in enumerate(order)})
        for order in (kilos, kilos[::-1])
    )
    assert shut_days(first) == shut_days(last) == {(f"N_{k}", day) for k in range(5) for day in END}


def test_a_store_of_few_units_may_sell_nothing_by_chance():
    assert shut_days(shop({"N_a": sold(9.0, END)})) == set()
    assert shut_days(shop({"N_a": sold(10.0, END)})) == {("N_a", day) for day in END}


def test_a_weekday_of_nothing_is_a_habit_and_so_is_one_of_many_zeros():
    sundays = tuple(range(6, DAYS, 7))
    assert shut_days(shop({"N_a": sold(shut=(*sundays, 50))})) == {("N_a", 50)}
    often = (31, 45, 59, 73)  # Thursdays within a quarter: the third is no exception any more
    assert shut_days(shop({"N_a": sold(shut=often)})) == {("N_a", 31), ("N_a", 45)}


def test_a_day_of_an_event_comes_again_and_stays_a_zero():
    feast = FIRST + timedelta(days=117)
    found = shut_days(shop({"N_a": sold(shut=END)}, events=[feast]))
    assert found == {("N_a", day) for day in END if day != 117}


def test_who_says_that_it_was_open_is_believed():
    panel = shop({"N_a": sold(shut=END), "N_b": sold(shut=END)})
    said = (pl.col("unique_id") == "N_b") & (pl.col("ds") == FIRST + timedelta(days=119))
    stated = panel.sales.with_columns(is_open=pl.when(said).then(pl.lit(True)))
    found = shut_days(replace(panel, sales=stated))
    assert found == {(name, day) for name in ("N_a", "N_b") for day in END[:-1]}


def test_series_that_name_no_store_are_one():
    panel = shop({"N_a": sold(shut=END), "S_a": sold(shut=END[1:])})
    nameless = replace(panel, series=panel.series.select("unique_id"))
    assert {day for _, day in shut_days(nameless)} == set(END[1:])


def test_nothing_is_read_of_a_day_without_a_number():
    y = sold()
    y[119] = np.nan
    assert shut_days(shop({"N_a": y})) == set()


def test_no_day_after_it_changes_what_is_said_of_a_day():
    """Reopened or shut for good, cut or not: a morning and its backtest read the same."""
    base = np.array(sold(shut=(20, 60, 61, 62, 63)))
    for after in (0.0, 20.0):
        units = base.copy()
        units[64:] = after
        panel = shop({"N_a": units, "S_a": sold()})
        origin = FIRST + timedelta(days=63)
        whole, cut = panel.with_shut_days().up_to(origin), panel.up_to(origin).with_shut_days()
        assert whole.sales.equals(cut.sales)
        assert {day for _, day in shut_days(cut)} == {20, 60, 61, 62, 63}


def test_a_tail_says_the_same_of_its_days_a_quarter_after_it_begins():
    zeros = (3, 10, 17, 24, 100, 107, 114, 117)
    panel = shop({"N_a": sold(shut=zeros), "S_a": sold()})
    tail = panel.since(FIRST + timedelta(days=7), 1.0)
    late = {found for found in shut_days(panel) if found[1] >= 7 + 13 * 7}
    assert late == {found for found in shut_days(tail) if found[1] >= 7 + 13 * 7} != set()


def test_large_sales_are_read_in_parts(monkeypatch):
    panel = shop({"N_a": sold(shut=END), "N_b": sold(shut=END), "S_a": sold(shut=END[:2])})
    at_once = panel.with_shut_days().sales
    monkeypatch.setattr("contract.shut_days.ROWS_AT_ONCE", 50)
    assert panel.with_shut_days().sales.equals(at_once)


@pytest.mark.parametrize("begins", [30, 80])
def test_a_long_closure_is_one_from_its_first_day_to_its_last_over_days_of_habit_too(begins):
    sundays = set(range(6, DAYS, 7))
    closure = set(range(begins, begins + 40)) - sundays
    found = shut_days(shop({"N_a": sold(shut=tuple(closure | sundays))}))
    assert found == {("N_a", day) for day in closure}


def test_single_days_of_nothing_now_and_then_are_chance():
    """An item that nobody wants on one day in twenty: hardly any of them is a closure."""
    rng = np.random.default_rng(5)
    names = [f"{k:02}" for k in range(30)]
    units = {name: np.where(rng.random(DAYS) < 0.05, 0.0, 15.0) for name in names}
    panel = shop(units)
    stores = panel.series.with_columns(store_id=pl.col("unique_id"))
    zeros = sum(int((y == 0).sum()) for y in units.values())
    assert 0 < len(shut_days(replace(panel, series=stores))) < 0.75 * zeros
