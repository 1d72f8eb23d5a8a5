"""What the planner reads first: sums by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.frames import FORECASTS
from contract.panel import panel_of
from contract.quantiles import QUANTILES
from reports import overview

FIRST = date(2023, 1, 2)
SERIES = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", "S2"]})


def forecasts(origin: date, days: int = 7) -> pl.DataFrame:
    """3 units a day of a, 1 of b."""
    rows = [
        {"unique_id": name, "ds": origin + timedelta(days=h), "h": h, "y_hat": y_hat}
        for name, y_hat in (("a", 3.0), ("b", 1.0))
        for h in range(1, days + 1)
    ]
    numbers = dict.fromkeys(QUANTILES, pl.col("y_hat"))
    return FORECASTS.conform(
        pl.DataFrame(rows).with_columns(
            run_id=pl.lit("r"), origin=origin, method=pl.lit("global_lightgbm"), **numbers
        )
    )


def prices(*periods: tuple[str, date, date, float]) -> pl.DataFrame:
    frame = pl.DataFrame(periods, schema=["unique_id", "from_ds", "to_ds", "price"], orient="row")
    return frame.with_columns(known_at=pl.lit(datetime(2023, 1, 1)))


@pytest.fixture
def panel(sales_of):
    """400 days: a sold 2 a day, b 1; the price of a rises from 5 to 10 on the first day ahead."""
    last = FIRST + timedelta(days=399)
    periods = prices(
        ("a", FIRST, last, 5.0), ("a", last + timedelta(days=1), last + timedelta(days=3), 10.0)
    )
    return panel_of(sales_of({"a": [2.0] * 400, "b": [1.0] * 400}, FIRST), SERIES, prices=periods)


def test_units_and_money_of_each_span_by_hand(panel):
    sums = overview.by_series(panel, forecasts(panel.last_day)).row(
        by_predicate=pl.col("unique_id") == "a", named=True
    )
    assert (sums["units_next"], sums["units_last"], sums["units_year"]) == (21, 14, 14)
    # the last known price goes on after its period
    assert (sums["money_next"], sums["money_last"]) == (210, 70)


def test_groups_add_up_and_change_is_a_share(panel):
    sums = overview.by_series(panel, forecasts(panel.last_day))
    total = overview.by_group(sums, "total").row(0, named=True)
    stores = overview.by_group(sums, "store_id")
    assert total["units_next"] == stores["units_next"].sum() == 28
    assert total["change_last"] == pytest.approx(28 / 21 - 1)
    assert stores["group"].to_list() == ["S1", "S2"]


def test_without_prices_or_a_year_there_is_no_number_rather_than_a_zero(sales_of):
    panel = panel_of(sales_of({"a": [2.0] * 60, "b": [0.0] * 60}, FIRST), SERIES)
    sums = overview.by_series(panel, forecasts(panel.last_day))
    total = overview.by_group(sums, "total").row(0, named=True)
    assert (total["money_next"], total["units_year"], total["change_year"]) == (None, None, None)
    # b sold nothing to compare with
    assert overview.by_group(sums, "store_id")["change_last"].to_list() == [0.5, None]
    assert overview.largest_changes(sums, 1)["unique_id"].to_list() == ["a"]


def test_a_level_nobody_can_read_through_is_left_out():
    series = pl.DataFrame(
        {
            "unique_id": [f"i{k}" for k in range(99)],
            "item_id": [f"i{k}" for k in range(99)],
            "store_id": "S",
        }
    )
    levels = pl.DataFrame({"level": ["total", "store_id", "item_id", "store_id*item_id"]})
    assert overview.group_levels(levels, series) == ["total", "store_id"]
