"""What groups sold before the panel's own days, from totals of then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.frames import TOTALS
from contract.levels import values_of
from contract.panel import Panel
from contract.scopes import scope_of
from features.dense import Days
from features.hierarchy import group_keys, table_name
from features.older_totals import GROUP_DAYS, GroupPast, older_units, unused_scopes

FIRST, KNOWN, OLDER = date(2024, 3, 4), 80, 200
SERIES = pl.DataFrame(
    {
        "unique_id": ["a", "b", "c", "d"],
        "dept_id": ["D0", "D1", "D0", "D1"],
        "store_id": ["S0", "S0", "S1", "S1"],
    }
)
OWN = {  # units a day of the series, by the columns of a group
    (): np.array([[100.0]]),
    ("store_id",): np.array([[30.0], [70.0]]),
    ("store_id", "dept_id"): np.array([[10.0], [20.0], [30.0], [40.0]]),
}


def _totals(rows: list[tuple[str | None, str | None, int, float]]) -> pl.DataFrame:
    """TOTALS of rows of store, department, day (0: the panel's first) and units."""
    kinds = {"store_id": pl.String, "dept_id": pl.String, "day": pl.Int64, "y": pl.Float64}
    frame = pl.DataFrame(rows, schema=kinds, orient="row", strict=False)
    return TOTALS.conform(
        frame.select(
            scope_of(["store_id", "dept_id"]),
            "y",
            ds=pl.lit(FIRST) + pl.duration(days=pl.col("day")),
            known_at=pl.lit(None),
        )
    )


def _every_day(units: dict[tuple[str | None, str | None], float], first: int = -OLDER) -> list:
    return [(*names, day, y) for names, y in units.items() for day in range(first, KNOWN)]


def _past(totals: pl.DataFrame, older: int = OLDER) -> GroupPast:
    return GroupPast(Days(FIRST - timedelta(days=older), older + KNOWN, 28, 28), totals)


def _units(totals: pl.DataFrame, columns: tuple[str, ...] = ()) -> np.ndarray:
    own = np.repeat(OWN[columns], KNOWN, axis=1)
    named = [values_of(key, list(columns)) for key in group_keys(SERIES, list(columns))]
    return older_units(_past(totals), named, list(columns), own)


def test_a_past_no_older_than_the_panel_adds_no_day():
    own = np.repeat(OWN[()], KNOWN, axis=1)
    assert older_units(_past(TOTALS.empty(), older=0), [()], [], own).shape == (1, 0)
    assert (table_name([]), table_name(["store_id", "dept_id"])) == ("total", "store_id*dept_id")


def test_a_group_takes_the_totals_of_its_own_columns():
    totals = _totals(_every_day({(None, None): 100, ("S0", None): 30, ("S1", None): 70}))
    assert _units(totals) == pytest.approx(np.full((1, OLDER), 100.0))
    assert _units(totals, ("store_id",))[:, 0] == pytest.approx([30, 70])


def test_finer_totals_add_up_and_coarser_ones_serve_nobody():
    totals = _totals(_every_day({("S0", None): 30, ("S1", None): 70}))
    assert _units(totals)[0, 0] == pytest.approx(100)
    assert np.isnan(_units(totals, ("store_id", "dept_id"))).all()


def test_no_unit_counts_twice_where_several_levels_are_stated():
    both = {("S0", None): 30, ("S1", None): 70, (None, "D0"): 40, (None, "D1"): 60}
    assert _units(_totals(_every_day(both)))[0, 0] == pytest.approx(100)


def test_a_day_of_which_a_part_is_missing_is_unknown():
    parts = {(f"S{store}", f"D{dept}"): 25.0 for store in (0, 1) for dept in (0, 1)}
    rows = [row for row in _every_day(parts) if row[:3] != ("S1", "D1", -50)]
    units = _units(_totals(rows))
    assert np.isnan(units[0, OLDER - 50])
    assert np.isnan(units).sum() == 1


def test_totals_of_another_size_are_scaled_to_what_the_series_sold():
    rows = _every_day({(None, None): 250.0})  # a panel of part of the items, or money
    assert _units(_totals(rows)) == pytest.approx(np.full((1, OLDER), 100.0))


def test_the_days_both_know_first_say_the_size():
    rows = [(None, None, day, 100.0 if day < 56 else 900.0) for day in range(-OLDER, KNOWN)]
    assert _units(_totals(rows)) == pytest.approx(np.full((1, OLDER), 100.0))


def test_totals_that_end_before_four_weeks_of_both_are_not_used():
    rows = [row for row in _every_day({(None, None): 100.0}) if row[2] < 27]
    assert np.isnan(_units(_totals(rows))).all()
    rows = [row for row in _every_day({(None, None): 100.0}) if row[2] < 28]
    assert not np.isnan(_units(_totals(rows))).any()


def test_a_group_nobody_has_and_days_off_the_axis_are_left_out():
    rows = [*_every_day({("S9", None): 5.0}), *_every_day({("S0", None): 30.0}, first=-900)]
    units = _units(_totals(rows), ("store_id",))
    assert units[0] == pytest.approx(np.full(OLDER, 30.0))
    assert np.isnan(units[1]).all()


@pytest.fixture
def panel(make_panel) -> Panel:
    return make_panel(series=4, days=60)


@pytest.mark.parametrize(("days", "most"), [(100, 100), (5000, GROUP_DAYS)])
def test_a_past_is_as_long_as_totals_reach_and_three_years_at_most(panel, dense_of, days, most):
    plain = dense_of(panel)
    first = (plain.days.first - FIRST).days
    rows = [(None, None, day, 1.0) for day in range(first - days, first + 40)]
    dense = dense_of(replace(panel, totals=_totals(rows)))
    older = min(most, GROUP_DAYS - plain.days.known)
    assert dense.groups.past.older_than(dense.days) == older
    assert dense.groups.past.days.of(plain.days.first) == older
    regions = dense.shared["region"].height // dense.days.width
    assert dense.groups.past_calendar.height == regions * dense.groups.past.days.width
    assert dense.shared["region"].equals(plain.shared["region"])


def test_without_older_totals_the_past_of_groups_is_the_panels(panel, dense_of):
    first = (dense_of(panel).days.first - FIRST).days
    for totals in (TOTALS.empty(), _totals([(None, None, first + 3, 1.0)])):
        dense = dense_of(replace(panel, totals=totals))
        assert dense.groups.past.days == dense.days
        assert dense.groups.past_calendar.equals(dense.shared["region"])


def _past_of(panel: Panel, dense_of, *scopes: tuple[str | None, str | None, int, int]) -> GroupPast:
    """The past of the panel's groups with totals of these scopes, from a day on up to another."""
    first = (dense_of(panel).days.first - FIRST).days
    rows = [
        (store, dept, first + day, 1.0)
        for store, dept, since, until in scopes
        for day in range(since, until)
    ]
    return dense_of(replace(panel, totals=_totals(rows))).groups.past


def test_a_scope_too_short_for_use_stands_in_nobodys_way(panel, dense_of):
    store = panel.series["store_id"][0]
    whole = (store, None, -100, 40)
    used = _past_of(panel, dense_of, whole)
    assert used.totals["scope"].unique().to_list() == [f'{{"store_id":"{store}"}}']
    for other in [
        (None, None, -300, -299),  # a single row of the grand total
        (None, None, -300, 27),  # it ends before four weeks of both
        (None, None, -27, 40),
        ("nobody", None, -300, 40),
    ]:
        past = _past_of(panel, dense_of, whole, other)
        assert past.days == used.days
        assert past.totals.equals(used.totals)


def test_days_of_a_total_on_which_nothing_sold_are_no_past_of_it(panel, dense_of):
    first = (dense_of(panel).days.first - FIRST).days
    zeros = [(None, None, first + day, 0.0) for day in range(-300, 0)]
    sold = [(None, None, first + day, 1.0) for day in range(40)]
    dense = dense_of(replace(panel, totals=_totals([*zeros, *sold])))
    assert dense.groups.past.days == dense.days


def test_totals_that_no_forecast_reads_are_named(panel, dense_of):
    first, store = (dense_of(panel).days.first - FIRST).days, panel.series["store_id"][0]
    rows = [(store, None, first + day, 1.0) for day in range(-100, 40)]
    known = replace(panel, totals=_totals([*rows, (None, None, first - 300, 1.0)]))
    assert unused_scopes(known, ["store_id"], 28) == ["{}"]
    assert unused_scopes(known, None, 28) == [f'{{"store_id":"{store}"}}', "{}"]
    assert unused_scopes(panel, None, 28) == unused_scopes(panel, ["store_id"], 28) == []
