"""A total is held against the last eight weeks, and against what the shop's own past has shown."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.panel import Panel, panel_of
from forecasting.level_jump import is_implausible, largest_jump

HORIZON, MOST = 28, 3.0
Units = list[float | None]


def _table(per_day: dict[str, float]) -> pl.DataFrame:
    """(series x horizon) rows of a mean a day."""
    ids = [name for name in per_day for _ in range(HORIZON)]
    return pl.DataFrame({"unique_id": ids, "y_hat": [per_day[name] for name in ids]})


@pytest.fixture
def shop(sales_of):
    def made(units: dict[str, Units]) -> Panel:
        return panel_of(sales_of(units), pl.DataFrame({"unique_id": list(units)}))

    return made


def _is_implausible(panel: Panel, per_day: float) -> bool:
    return is_implausible(_table({"a": per_day}), panel, HORIZON, MOST)


def test_the_largest_jump_of_a_past_is_a_month_against_the_eight_weeks_before_it():
    """56 days of 10, then 28 of 25: up by 2.5. Backwards, eight weeks of 17.5 come before 10."""
    units = np.array([10.0] * 56 + [25.0] * 28)
    assert largest_jump(units, HORIZON) == pytest.approx(2.5)
    assert largest_jump(units[::-1].copy(), HORIZON) == pytest.approx(17.5 / 10)
    assert largest_jump(units[:83], HORIZON) == 1.0  # one day too few
    assert largest_jump(np.zeros(100), HORIZON) == 1.0


@pytest.mark.parametrize(
    ("factor", "refused"), [(0.5, True), (0.7, False), (1.0, False), (1.4, False), (2.4, True)]
)
def test_a_steady_shop_of_a_year_refuses_what_lies_half_beyond_its_past(shop, factor, refused):
    assert _is_implausible(shop({"a": [100.0] * 400}), 100 * factor) is refused


def test_a_day_without_a_row_in_the_past_hides_no_jump_of_it(shop):
    """A year ago a month sold twice as much; one day of all had no row."""
    units: Units = [100.0] * 150 + [200.0] * 28 + [100.0] * 222
    assert not _is_implausible(shop({"a": units}), 210.0)
    units[10] = None
    assert not _is_implausible(shop({"a": units}), 210.0)


def test_below_a_year_only_the_limit_of_params_counts(shop):
    """Its season may be to come."""
    young = shop({"a": [100.0] * 300})
    assert not _is_implausible(young, 240.0)
    assert _is_implausible(young, 310.0)
    assert _is_implausible(young, 30.0)


def test_a_shop_with_a_season_may_do_what_it_did_but_never_more_than_params_say(shop):
    """A year ago a month sold twice as much as the weeks before."""
    seasonal = shop({"a": [100.0] * 100 + [200.0] * 28 + [100.0] * 272})
    assert not _is_implausible(seasonal, 280.0)
    assert _is_implausible(seasonal, 310.0)


def test_a_day_without_a_row_is_closed_or_unknown_and_either_reading_will_do(shop):
    """Four of the last eight weeks were not read: half of the units are known. In the past such a
    hole is a jump, so the limit of params is left.
    """
    hole: Units = [100.0] * 372 + [None] * 28 + [100.0] * 28
    for per_day in (50.0, 100.0, 140.0):
        assert not _is_implausible(shop({"a": hole}), per_day), per_day
    assert _is_implausible(shop({"a": hole}), 310.0)


def test_a_series_without_a_row_in_eight_weeks_is_not_compared(shop):
    """The feed of a store is dead: what its model says of it is another watcher's matter."""
    panel = shop({"a": [100.0] * 400, "b": [300.0] * 340 + [None] * 60})
    assert not is_implausible(_table({"a": 100.0, "b": 300.0}), panel, HORIZON, MOST)
    assert is_implausible(_table({"a": 10.0, "b": 300.0}), panel, HORIZON, MOST)


def test_too_few_units_say_nothing(shop):
    assert not _is_implausible(shop({"a": [3.0] * 400}), 300.0)


def test_rows_that_fall_back_for_want_of_a_plan_do_not_count_against_the_model(shop):
    """Half of the days have no plan: the booster says nothing of them."""
    rows = _table({"a": 100.0}).with_row_index()
    without = pl.col("index") >= HORIZON // 2
    rows = rows.with_columns(
        y_hat=pl.when(~without).then("y_hat"),
        reason=pl.when(without).then(pl.lit("features_missing")),
    )
    assert not is_implausible(rows, shop({"a": [100.0] * 400}), HORIZON, MOST)


def test_days_are_counted_on_the_calendar(shop):
    """A past with a hole is as long as its days."""
    panel = shop({"a": [100.0] * 20 + [None] * 340 + [100.0] * 60})
    assert (panel.last_day - panel.first_day) == timedelta(days=419)
    assert panel.first_day == date(2024, 1, 1)
    assert not _is_implausible(panel, 100.0)
