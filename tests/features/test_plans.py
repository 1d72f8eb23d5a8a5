"""Plans that end with the sales are none: not learned from, not scored, not served."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from contract.panel import Panel, panel_of
from features.reach import plan_reach, plannable, short_plans

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
    return panel_of(
        panel.sales,
        panel.series,
        panel.calendar,
        prices,
        panel.covariates.filter(pl.col("ds") <= covered),
    )


def test_plans_that_reach_past_the_horizon_stay(panel, feature_params):
    assert plannable(feature_params, panel, HORIZON) == (feature_params, [])


def test_plans_that_end_with_the_sales_are_left_out_by_name(panel, feature_params):
    features, left_out = plannable(
        feature_params, _ending(panel, prices_after=0, covariates_after=0), HORIZON
    )
    assert left_out == ["price", "promo", "school"]
    assert (features.price, features.promo, features.known_future) == (False, False, [])
    assert features.past_only == feature_params.past_only


def test_each_family_is_judged_by_itself(panel, feature_params):
    features, left_out = plannable(
        feature_params, _ending(panel, prices_after=0, covariates_after=40), HORIZON
    )
    assert left_out == ["price", "promo"]
    assert features.known_future == ["school"]


@pytest.mark.parametrize(("days", "left_out"), [(0, ["school"]), (1, []), (10, []), (28, [])])
def test_a_plan_counts_when_it_reaches_a_day_ahead(panel, feature_params, days, left_out):
    ended = _ending(panel, prices_after=40, covariates_after=days)
    assert plannable(feature_params, ended, HORIZON)[1] == left_out
    assert plan_reach(ended, HORIZON)["school"] == days


def test_short_plans_are_those_that_are_read_and_end_inside_the_horizon(panel, feature_params):
    ended = _ending(panel, prices_after=40, covariates_after=10)
    assert short_plans(feature_params, plan_reach(ended, HORIZON), HORIZON) == {"school": 10}
    assert short_plans(feature_params, plan_reach(ended, 10), 10) == {}
    unread = feature_params.model_copy(update={"known_future": []})
    assert short_plans(unread, plan_reach(ended, HORIZON), HORIZON) == {}


def test_a_sparse_plan_counts_by_what_it_states_of_recent_days(panel, feature_params):
    """Promoted days alone are listed: a few in a hundred, before the origin and after it."""
    sparse = panel.prices.with_columns(promo=pl.when(pl.col("promo") > 0).then("promo"))
    listed = panel_of(panel.sales, panel.series, panel.calendar, sparse, panel.covariates)
    assert plannable(feature_params, listed, HORIZON)[1] == []
    assert plannable(feature_params, _ending(listed, prices_after=0, covariates_after=40), HORIZON)[
        1
    ] == [
        "price",
        "promo",
    ]


def test_a_plan_that_ran_out_is_unknown_ahead(panel, dense_of):
    promo = dense_of(_ending(panel, prices_after=0, covariates_after=40)).by_series["promo"]
    known = promo.shape[1] - HORIZON
    assert np.isnan(promo[:, known:]).all()
    assert not np.isnan(promo[:, :known]).any()
    assert not np.isnan(dense_of(panel).by_series["promo"]).any()


def test_a_family_that_is_off_is_read_by_nothing(panel, dense_of):
    """The group step reads the tables themselves: what is left out must not reach it either."""
    dense = dense_of(panel, price=False, promo=False)
    assert np.isnan(dense.by_series["price"]).all()
    assert (dense.by_series["promo"] == 0).all()


def test_what_no_feature_reads_is_not_worth_a_warning(panel, feature_params):
    without = feature_params.model_copy(update={"price": False, "promo": False, "known_future": []})
    assert plannable(without, _ending(panel, prices_after=0, covariates_after=0), HORIZON) == (
        without,
        [],
    )


def test_a_panel_without_any_price_is_no_plan_that_ended(sales_of, feature_params):
    bare = panel_of(sales_of({"a": [1.0] * 60}), pl.DataFrame({"unique_id": ["a"]}))
    assert plannable(feature_params, bare, HORIZON)[1] == []


def test_a_price_that_ended_long_ago_is_no_plan_either(panel, feature_params):
    """Nothing stated of the last weeks and nothing ahead: a model of it could not forecast."""
    assert (
        "price"
        in plannable(feature_params, _ending(panel, prices_after=-40, covariates_after=0), HORIZON)[
            1
        ]
    )


def _with_calendar(panel: Panel, until: int, *, feasts_alone: bool = False) -> Panel:
    """The panel whose calendar stops so many days after its last sale.

    Every day has a row, or the feasts alone.
    """
    kept = panel.calendar.filter(pl.col("ds") <= panel.last_day + timedelta(days=until))
    listed = kept.filter(pl.col("event").is_not_null()) if feasts_alone else kept
    return panel_of(panel.sales, panel.series, listed, panel.prices, panel.covariates)


@pytest.mark.parametrize(
    ("until", "left_out"), [(0, ["events"]), (10, ["events"]), (14, []), (60, [])]
)
def test_a_calendar_that_ends_with_the_sales_keeps_its_dates_and_loses_its_events(
    panel, feature_params, until, left_out
):
    features, gone = plannable(feature_params, _with_calendar(panel, until), HORIZON)
    assert gone == left_out
    assert features.calendar == ("dates" if left_out else True)


def test_a_list_of_feasts_may_have_none_in_the_horizon_but_must_go_on(panel, feature_params):
    """Feasts on days 10, 55, 100, 145 of the panel, fairs on 30, 80, 130; last sale on day 89."""
    short = panel.up_to(panel.first_day + timedelta(days=60))
    assert plannable(feature_params, _with_calendar(short, 90, feasts_alone=True), 7)[1] == []
    assert plannable(feature_params, _with_calendar(panel, 0, feasts_alone=True), HORIZON)[1] == [
        "events"
    ]


def test_without_events_the_dates_are_read_and_no_feast_is(panel, dense_of, frame_at):
    names = ["calendar_event", "calendar_is_payday", "calendar_payday_week"]
    whole, dates = (
        frame_at(dense := dense_of(panel, calendar=how), dense.last_known, [*range(1, 29)])
        for how in (True, "dates")
    )
    assert dates["calendar_weekday"].equals(whole["calendar_weekday"])
    assert dates.select(pl.col(names).sum()).row(0) == (0, 0, 0)
    assert whole.select(pl.col(names).sum()).row(0) > (0, 0, 0)


def test_a_calendar_of_closed_days_alone_is_no_plan_of_events(panel, feature_params):
    bare = panel.calendar.with_columns(event=pl.lit(None, pl.String), is_payday=pl.lit(False))
    ended = panel_of(panel.sales, panel.series, bare, panel.prices, panel.covariates)
    assert plannable(feature_params, _with_calendar(ended, 0), HORIZON)[1] == []
