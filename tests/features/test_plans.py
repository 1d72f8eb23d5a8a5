"""Plans that end with the sales are none: they are left out of what is learned, scored and served."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from contract.panel import Panel, panel_of
from features.plans import plannable

HORIZON = 28


@pytest.fixture(scope="module")
def panel(make_panel) -> Panel:
    """Prices, promotions and the covariate `school` reach 60 days past the last sale."""
    return make_panel(series=6, days=90, nasty=False)


def _ending(panel: Panel, *, prices_after: int, covariates_after: int) -> Panel:
    """The panel whose plans stop so many days after its last sale."""
    until, covered = (panel.last_day + timedelta(days=k) for k in (prices_after, covariates_after))
    prices = panel.prices.filter(pl.col("from_ds") <= until).with_columns(
        to_ds=pl.min_horizontal("to_ds", pl.lit(until))
    )
    return panel_of(panel.sales, panel.series, panel.calendar, prices, panel.covariates.filter(pl.col("ds") <= covered))


def test_plans_that_reach_past_the_horizon_stay(panel, feature_params):
    assert plannable(feature_params, panel, HORIZON) == (feature_params, [])


def test_plans_that_end_with_the_sales_are_left_out_by_name(panel, feature_params):
    reading, left_out = plannable(feature_params, _ending(panel, prices_after=0, covariates_after=0), HORIZON)
    assert left_out == ["price", "promo", "school"]
    assert (reading.price, reading.promo, reading.known_future) == (False, False, [])
    assert reading.past_only == feature_params.past_only


def test_each_family_is_judged_by_itself(panel, feature_params):
    reading, left_out = plannable(feature_params, _ending(panel, prices_after=0, covariates_after=40), HORIZON)
    assert left_out == ["price", "promo"]
    assert reading.known_future == ["school"]


@pytest.mark.parametrize(("days", "left_out"), [(10, ["school"]), (14, []), (28, [])])
def test_a_plan_counts_when_it_covers_half_of_the_days_to_forecast(panel, feature_params, days, left_out):
    assert plannable(feature_params, _ending(panel, prices_after=40, covariates_after=days), HORIZON)[1] == left_out


def test_what_no_feature_reads_is_not_worth_a_warning(panel, feature_params):
    without = feature_params.model_copy(update={"price": False, "promo": False, "known_future": []})
    assert plannable(without, _ending(panel, prices_after=0, covariates_after=0), HORIZON) == (without, [])


def test_a_panel_without_any_price_is_no_plan_that_ended(sales_of, feature_params):
    bare = panel_of(sales_of({"a": [1.0] * 60}), pl.DataFrame({"unique_id": ["a"]}))
    assert plannable(feature_params, bare, HORIZON)[1] == []
