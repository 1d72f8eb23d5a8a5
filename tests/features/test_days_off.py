"""Stores that keep days of their own: which days are off, and how likely they open."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from contract.panel import Panel, panel_of
from features.days_off import days_off, days_without_rows, open_share

MONDAY = date(2024, 1, 1)
WEEKS = 16
LAST = MONDAY + timedelta(days=7 * WEEKS - 1)
ALWAYS = [5.0] * 7 * WEEKS


def _without(days: list[int], units: list[float] = ALWAYS) -> list[float | None]:
    return [None if k in days else y for k, y in enumerate(units)]


def _chain(sales_of, stores: dict[str, list[float | None]], **frames) -> Panel:
    """A series a store, Mondays first."""
    series = pl.DataFrame({"unique_id": sorted(stores), "store_id": sorted(stores)})
    return panel_of(sales_of(dict(sorted(stores.items())), MONDAY), series, **frames)


@pytest.fixture
def every_other_tuesday() -> list[float | None]:
    return _without([1 + 14 * k for k in range(8)])


def test_a_store_open_on_every_other_tuesday_opens_with_a_half_on_tuesdays(
    sales_of, every_other_tuesday
):
    panel = _chain(sales_of, {"a": every_other_tuesday, "b": ALWAYS, "c": ALWAYS})
    share = open_share(panel, LAST, 8)
    assert share is not None
    assert share.tolist() == [[1, 0.5, 1, 1, 1, 1, 1, 1], [1.0] * 8, [1.0] * 8]


def test_its_days_off_are_those_without_rows_and_nobody_elses(sales_of, every_other_tuesday):
    panel = _chain(sales_of, {"a": every_other_tuesday, "b": ALWAYS, "c": ALWAYS})
    off = days_off(panel, LAST - timedelta(days=27), LAST)
    assert off is not None
    assert off[0].nonzero()[0].tolist() == [1, 15]  # Tuesdays of the first week and the third
    assert not off[1:].any()


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ([1, 30, 60], "three lost files in sixteen weeks"),
        (list(range(20, 60)), "a renovation"),
        ([6 + 7 * k for k in range(WEEKS)], "Sundays, always: a habit, and no other day"),
        ([1, 15, 29, 43, 57, 71, 85, 99, *range(105, 112)], "a feed that is late now"),
    ],
)
def test_what_is_no_day_of_its_own_changes_no_other_day(sales_of, days, why):
    """Of the last case the Tuesdays are, and the open gap at the end is not."""
    panel = _chain(sales_of, {"a": _without(days), "b": ALWAYS, "c": ALWAYS})
    share = open_share(panel, LAST, 7)
    if "late" in why:
        assert share is not None
        assert share[0, 1] == pytest.approx(7 / 15)
        assert (share[0, [0, 2, 3, 4, 5, 6]] == 1).all()
    else:
        assert share is None
        assert days_off(panel, MONDAY, LAST) is None


def test_a_day_on_which_nobody_sent_rows_is_nobodys_day_off(sales_of):
    """A holiday, or a feed that was lost: unknown, and a calendar must say."""
    missing = _without([1 + 14 * k for k in range(8)])
    assert open_share(_chain(sales_of, {"a": missing, "b": missing, "c": missing}), LAST, 7) is None


def test_a_single_store_has_nobody_to_tell_its_days_by(sales_of, every_other_tuesday):
    assert open_share(_chain(sales_of, {"a": every_other_tuesday}), LAST, 7) is None


def test_a_plan_that_says_open_is_believed(sales_of, every_other_tuesday):
    plan = pl.DataFrame(
        {
            "unique_id": ["a"],
            "ds": [LAST + timedelta(days=2)],
            "name": ["is_open"],
            "value": [1.0],
            "known_at": [datetime(2024, 1, 1)],
        }
    )
    stores = {"a": every_other_tuesday, "b": ALWAYS, "c": ALWAYS}
    share = open_share(_chain(sales_of, stores, covariates=plan), LAST, 14)
    assert share is not None
    assert share[0, 1] == 1.0
    assert share[0, 8] == 0.5


def test_a_late_feed_of_all_counts_weekdays_from_the_last_known_day(sales_of, every_other_tuesday):
    """Two days late: the first day ahead of the origin is a Wednesday, the Tuesday the seventh."""
    panel = _chain(sales_of, {"a": every_other_tuesday, "b": ALWAYS, "c": ALWAYS})
    share = open_share(panel, LAST + timedelta(days=2), 7)
    assert share is not None
    assert share[0].tolist() == [1, 1, 1, 1, 1, 1, 0.5]


def test_nothing_after_the_origin_moves_a_share(sales_of, every_other_tuesday):
    long = every_other_tuesday + [None, 5.0] * 14
    later = _chain(sales_of, {"a": long, "b": [5.0] * 140, "c": [5.0] * 140})
    now = _chain(sales_of, {"a": every_other_tuesday, "b": ALWAYS, "c": ALWAYS})
    shares = open_share(later.up_to(LAST), LAST, 28), open_share(now, LAST, 28)
    assert np.array_equal(*shares)


def test_days_without_a_row_of_anybody_are_named_but_not_sundays_that_never_have_one(sales_of):
    missing = _without([10, *(6 + 7 * k for k in range(WEEKS))])
    panel = _chain(sales_of, {"a": missing, "b": missing})
    assert days_without_rows(panel) == [MONDAY + timedelta(days=10)]
