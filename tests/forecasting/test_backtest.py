"""Rolling origins: where they lie, and that no forecaster is ever shown what came after."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import ClassVar

import polars as pl
import pytest

from contract.demand import DemandRules
from contract.errors import FeaturesMissing, NotEnoughHistory
from contract.frames import COVARIATES, PRICES
from contract.panel import Panel
from features.reach import plan_reach, plans_at, with_plans_until
from forecasting.backtest import BacktestPlan, backtest, cutoffs_of, plan_of
from forecasting.oracle import Oracle
from forecasting.seasonal_naive import SeasonalNaive

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

HORIZON = 14


class Spy:
    """Writes down the last day of every panel it is shown; forecasts one number."""

    name = "spy"

    def __init__(self, y_hat: float | None = 1.0):
        self.y_hat = y_hat
        self.fitted_up_to: list[date] = []
        self.forecast_from: list[tuple[date, date]] = []

    def fit(self, panel):
        self.fitted_up_to.append(panel.last_day)
        return self

    def forecast(self, panel, origin, horizon):
        self.forecast_from.append((panel.last_day, origin))
        return (
            SeasonalNaive(7, EVERY_DAY)
            .forecast(panel, origin, horizon)
            .with_columns(y_hat=pl.lit(self.y_hat, pl.Float64))
        )


@pytest.fixture(scope="module")
def panel(make_panel):
    """A nasty one."""
    return make_panel(series=6, days=100, seed=1)


def _run(
    panel, inference_params, refit_every: int = 1, y_hat: float | None = 1.0
) -> tuple[Spy, pl.DataFrame]:
    spy = Spy(y_hat)
    last = panel.last_day - timedelta(days=HORIZON)
    cutoffs = [last - timedelta(days=k) for k in (21, 14, 7, 0)]
    models = {"seasonal_naive": SeasonalNaive(7, EVERY_DAY), "spy": spy}
    return spy, backtest(
        panel,
        models,
        BacktestPlan(cutoffs, HORIZON, refit_every, None, inference_params, EVERY_DAY, {}),
    )


def test_a_spy_never_sees_a_day_after_the_cutoff(panel, inference_params):
    spy, rows = _run(panel, inference_params)
    cutoffs = sorted(rows["cutoff"].unique().to_list())
    assert spy.fitted_up_to == cutoffs
    assert spy.forecast_from == [(cutoff, cutoff) for cutoff in cutoffs]


def test_in_between_refits_the_same_fit_forecasts_from_fresh_data(panel, inference_params):
    spy, rows = _run(panel, inference_params, refit_every=3)
    cutoffs = sorted(rows["cutoff"].unique().to_list())
    assert spy.fitted_up_to == [cutoffs[0], cutoffs[3]]
    assert [last for last, _ in spy.forecast_from] == cutoffs


def test_every_cutoff_series_and_day_has_one_row_and_every_forecaster_a_number(
    panel, inference_params
):
    _, rows = _run(panel, inference_params, y_hat=None)
    assert rows.columns == ["cutoff", "unique_id", "ds", "h", "seasonal_naive", "spy", "y"]
    assert rows.height == 4 * panel.series.height * HORIZON
    assert rows.select("cutoff", "unique_id", "ds").is_duplicated().sum() == 0
    assert rows.select("seasonal_naive", "spy").null_count().row(0) == (0, 0)
    # the spy had no forecast: the ladder served
    assert rows["spy"].equals(rows["seasonal_naive"].alias("spy"))


def test_y_is_the_actual_and_null_where_there_is_no_row(panel, inference_params):
    _, rows = _run(panel, inference_params)
    sold = {(r["unique_id"], r["ds"]): r["y"] for r in panel.sales.iter_rows(named=True)}
    for row in rows.iter_rows(named=True):
        assert row["y"] == sold.get((row["unique_id"], row["ds"]))
    assert (
        (rows["ds"] - rows["cutoff"]).dt.total_days().cast(pl.Int32).equals(rows["h"].alias("ds"))
    )


def test_the_last_cutoff_leaves_exactly_the_horizon_of_truth(panel, evaluate_params):
    cutoffs = cutoffs_of(panel, evaluate_params, HORIZON)
    assert cutoffs[-1] == panel.last_day - timedelta(days=14)
    assert [(b - a).days for a, b in pairwise(cutoffs)] == [14, 14]


def test_a_short_history_has_fewer_cutoffs_each_with_two_weeks_more_than_the_horizon_before_it(
    panel, evaluate_params
):
    """100 days: cutoffs at the ends of days 86, 72, 58, 44, 30.

    The next, at 16, would have 16 of 28 days before it.
    """
    cutoffs = cutoffs_of(panel, evaluate_params.model_copy(update={"origins": 20}), HORIZON)
    assert [(cutoff - panel.first_day).days + 1 for cutoff in cutoffs] == [30, 44, 58, 72, 86]


def test_a_history_too_short_for_one_cutoff_is_refused_with_the_way_out(
    make_panel, evaluate_params
):
    with pytest.raises(
        NotEnoughHistory, match=r"has 41 days; .* horizon of 14 needs 42.*train\.horizon"
    ):
        cutoffs_of(make_panel(series=2, days=41, nasty=False), evaluate_params, HORIZON)
    assert (
        len(cutoffs_of(make_panel(series=2, days=42, nasty=False), evaluate_params, HORIZON)) == 1
    )


def test_progress_goes_to_whoever_wants_it(panel, inference_params):
    steps: list[str] = []
    cutoff = panel.last_day - timedelta(days=HORIZON)
    plan = BacktestPlan([cutoff], HORIZON, 1, None, inference_params, EVERY_DAY, {})
    backtest(panel, {"seasonal_naive": SeasonalNaive(7, EVERY_DAY)}, plan, steps.append)
    assert steps == [f"fit seasonal_naive up to {cutoff}", f"forecast from {cutoff}"]


def test_the_oracle_forecasts_the_truth_it_was_given(panel):
    grid = SeasonalNaive(7, EVERY_DAY).forecast(panel, panel.last_day, 7)
    truth = grid.select("unique_id", "ds", expected=pl.col("h").cast(pl.Float32) / 2)
    rows = Oracle(truth).fit(panel).forecast(panel, panel.last_day, 7)
    assert rows["y_hat"].to_list() == (grid["h"] / 2).to_list()


def test_a_model_whose_plan_ran_out_is_replaced_by_the_baseline_as_when_serving(
    panel, inference_params
):
    class WithoutPlan(Spy):
        def forecast(self, panel, origin, horizon):
            raise FeaturesMissing("price_level is unknown now")

    cutoff = panel.last_day - timedelta(days=HORIZON)
    models = {"seasonal_naive": SeasonalNaive(7, EVERY_DAY), "without_plan": WithoutPlan()}
    rows = backtest(
        panel, models, BacktestPlan([cutoff], HORIZON, 1, None, inference_params, EVERY_DAY, {})
    )
    assert rows["without_plan"].equals(rows["seasonal_naive"])


def test_plans_of_a_past_cutoff_reach_as_far_as_at_the_end_of_the_panel(panel, inference_params):
    """Prices known for ten days today were known for ten days then, if nobody says since when."""

    class Planner(Spy):
        reaches: ClassVar[list[dict[str, int]]] = []

        def forecast(self, panel, origin, horizon):
            self.reaches.append(plan_reach(panel, horizon))
            return super().forecast(panel, origin, horizon)

    cut = with_plans_until(panel, panel.last_day, {"price": 10, "promo": 10, "school": 3})
    cut = replace(
        cut,
        prices=cut.prices.with_columns(known_at=pl.col("from_ds").cast(pl.Datetime("us"))),
        covariates=cut.covariates.with_columns(known_at=pl.col("ds").cast(pl.Datetime("us"))),
    )
    reach = plan_reach(cut, HORIZON)
    cutoffs = [cut.last_day - timedelta(days=k) for k in (35, HORIZON)]
    plan = BacktestPlan(cutoffs, HORIZON, 1, None, inference_params, EVERY_DAY, reach)
    models = {"seasonal_naive": SeasonalNaive(7, EVERY_DAY), "planner": Planner()}
    backtest(cut, models, plan)
    assert [(r["price"], r["promo"], r["school"]) for r in Planner.reaches] == [(10, 10, 3)] * 2


def test_what_was_announced_by_a_past_cutoff_is_known_there_however_far_others_reach(panel):
    """Works announced in time are, works announced later are not; an undated plan has the reach."""
    origin = panel.last_day - timedelta(days=30)
    first, store = origin + timedelta(days=5), panel.series["unique_id"][:3]
    rows = {
        name: COVARIATES.conform(
            pl.DataFrame(
                {
                    "unique_id": store,
                    "ds": first,
                    "name": name,
                    "value": 0.0,
                    "known_at": datetime.combine(first - timedelta(days=days), time()),
                }
            )
        )
        for name, days in (("announced", 20), ("announced late", 2), ("undated", -1))
    }
    stated = replace(panel, covariates=pl.concat(rows.values()).sort(COVARIATES.key))
    for reach, expected in ((0, {"announced"}), (9, {"announced", "undated"})):
        known = plans_at(stated.up_to(origin), origin, dict.fromkeys(rows, reach))
        assert set(known.covariates["name"]) == expected
        assert known.covariates.filter(name="announced").height == 3


@pytest.mark.parametrize("corrected", [2, 8])
def test_a_plan_corrected_after_a_past_cutoff_is_known_there_as_it_was_announced(panel, corrected):
    """A price of days 5 to 11 after the cutoff, corrected before or after its first day; the second
    period crosses the cutoff, and what it said up to there is as known today.
    """
    now = [(-2, 4, 8.0, corrected), (5, 11, 8.0, corrected)]
    once = [(-2, 4, 5.0, -20), (5, 11, 6.0, -20)]
    known = prices_known(panel, now, once)
    assert known == [(-2, 0, 8.0), (1, 4, 5.0), (5, 11, 6.0)]


def test_a_price_that_cut_a_period_short_is_not_known_before_it_did(panel):
    """Announced for days 5 to 11; on day 9 another price from then on. What it says beyond day 11
    stays, as any plan that does not say when it was made.
    """
    now = [(5, 8, 6.0, 9), (9, 14, 4.0, 9)]
    known = prices_known(panel, now, once=[(5, 11, 6.0, -20)])
    assert known == [(5, 11, 6.0)]
    now = [(5, 8, 6.0, 15), (9, 14, 4.0, 15)]
    known = prices_known(panel, now, once=[(5, 11, 6.0, -20)])
    assert known == [(5, 11, 6.0), (12, 14, 4.0)]


def prices_known(
    panel: Panel, now: list[tuple[int, int, float, int]], once: list[tuple[int, int, float, int]]
) -> list[tuple[int, int, float]]:
    """First and last day after a past cutoff and price of each period that is known there.

    `now`, and `once` until the first of `now` was known: first day, last day, price, day known.
    """
    origin = panel.last_day - timedelta(days=30)

    def period(first: int, last: int, price: float, known: int) -> pl.DataFrame:
        from_ds, to_ds = (origin + timedelta(days=days) for days in (first, last))
        known_at = datetime.combine(origin + timedelta(days=known), time(6))
        row = {"unique_id": panel.series["unique_id"][0], "from_ds": from_ds, "to_ds": to_ds}
        return PRICES.conform(pl.DataFrame(row | {"known_at": known_at, "price": price}))

    prices, before = (pl.concat([period(*row) for row in rows]) for rows in (now, once))
    superseded = before.with_columns(superseded_at=prices["known_at"][0])
    stated = replace(panel, prices=prices, superseded={"prices": superseded})
    known = plans_at(stated.up_to(origin), origin, {"price": 28, "promo": 28}).prices
    return [
        ((row["from_ds"] - origin).days, (row["to_ds"] - origin).days, row["price"])
        for row in known.to_dicts()
    ]


def test_a_covariate_corrected_after_a_past_cutoff_is_known_there_as_it_was_announced(panel):
    origin = panel.last_day - timedelta(days=30)
    known = [datetime.combine(origin + timedelta(days=days), time(6)) for days in (-20, 7)]
    row = {"unique_id": panel.series["unique_id"][0], "ds": origin + timedelta(days=5)}
    once, now = (
        COVARIATES.conform(pl.DataFrame(row | {"name": "is_open", "value": v, "known_at": at}))
        for v, at in zip((1.0, 0.0), known, strict=True)
    )
    superseded = {"covariates": once.with_columns(superseded_at=pl.lit(known[1]))}
    stated = replace(panel, covariates=now, superseded=superseded)
    assert plans_at(stated, origin, {"is_open": 28}).covariates["value"].to_list() == [1.0]
    assert plans_at(stated, origin + timedelta(days=8), {}).covariates["value"].to_list() == [0.0]


def test_the_plan_of_a_backtest_knows_the_reach_of_the_panel(panel, params):
    small = params.model_copy(update={"train": params.train.model_copy(update={"horizon": 14})})
    cut = with_plans_until(panel, panel.last_day, {"price": 5, "promo": 14})
    assert plan_of(small, cut).reach | {"customers": 0} == {
        "price": 5,
        "promo": 14,
        "school": 14,
        "customers": 0,
    }
