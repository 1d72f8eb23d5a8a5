"""A backtest that reads each cutoff as known then: rewriting history changes no forecast."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import polars as pl
import pytest

from contract.demand import DemandRules
from contract.errors import NotEnoughHistory
from contract.panel import Panel
from forecasting.backtest import BacktestPlan, backtest, seen_from
from forecasting.seasonal_naive import SeasonalNaive

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

HORIZON, HOURS = 14, 12


@pytest.fixture(scope="module")
def panel(make_panel) -> Panel:
    """Every day known on the next morning."""
    made = make_panel(series=8, days=120, seed=2)
    known_at = pl.col("ds").cast(pl.Datetime("us")) + pl.duration(days=1, hours=6)
    return replace(made, sales=made.sales.with_columns(known_at=known_at))


def _restated(panel: Panel, day: date, known_at: datetime) -> Panel:
    """One day restated, as the store holds it: new rows in `sales`, old ones superseded."""
    is_it = pl.col("ds") == day
    superseded = panel.sales.filter(is_it).with_columns(
        superseded_at=pl.lit(known_at, pl.Datetime("us"))
    )
    then = pl.when(is_it)
    sales = panel.sales.with_columns(
        y=then.then(pl.col("y") * 3 + 5).otherwise("y"),
        known_at=then.then(pl.lit(known_at, pl.Datetime("us"))).otherwise("known_at"),
    )
    return replace(panel, sales=sales, superseded={"sales": superseded})


@pytest.fixture
def backtested(unfitted, inference_params):
    def run(panel: Panel, as_of_hours: float | None) -> pl.DataFrame:
        models = {"seasonal_naive": SeasonalNaive(7, EVERY_DAY), "global_lightgbm": unfitted()}
        last = panel.last_day - timedelta(days=HORIZON)
        cutoffs = [last - timedelta(days=7), last]
        plan = BacktestPlan(cutoffs, HORIZON, 1, as_of_hours, inference_params, EVERY_DAY, {})
        return backtest(panel, models, plan).drop("y")

    return run


def test_a_day_rewritten_after_the_cutoffs_changes_no_forecast_as_of_them(panel, backtested):
    day = panel.last_day - timedelta(days=HORIZON + 9)
    rewritten = _restated(panel, day, datetime.combine(panel.last_day, time()))
    assert backtested(rewritten, HOURS).equals(backtested(panel, HOURS))
    assert not backtested(rewritten, None).equals(backtested(panel, None))


def test_a_day_rewritten_between_two_cutoffs_is_seen_by_the_later_one_only(panel, backtested):
    later = panel.last_day - timedelta(days=HORIZON)
    rewritten = _restated(
        panel, later - timedelta(days=10), datetime.combine(later - timedelta(days=2), time())
    )
    before, after = backtested(panel, HOURS), backtested(rewritten, HOURS)
    assert after.filter(pl.col("cutoff") < later).equals(before.filter(pl.col("cutoff") < later))
    assert not after.filter(cutoff=later).equals(before.filter(cutoff=later))


def test_a_late_day_is_unknown_and_every_series_is_still_forecast(panel, backtested):
    cutoff = panel.last_day - timedelta(days=HORIZON)
    late = pl.when(pl.col("ds") == cutoff).then(
        pl.lit(datetime.combine(panel.last_day, time()), pl.Datetime("us"))
    )
    held_back = replace(panel, sales=panel.sales.with_columns(known_at=late.otherwise("known_at")))
    assert seen_from(held_back, cutoff, HOURS).last_day == cutoff - timedelta(days=1)
    rows = backtested(held_back, HOURS)
    assert rows["global_lightgbm"].null_count() == 0
    assert rows.height == backtested(held_back, None).height


def test_a_history_received_in_one_go_is_refused_not_read_as_empty(panel):
    at_once = replace(
        panel,
        sales=panel.sales.with_columns(known_at=pl.lit(datetime(2030, 1, 1), pl.Datetime("us"))),
    )
    with pytest.raises(NotEnoughHistory, match=r"only 0 were known.*as_of_hours to null"):
        seen_from(at_once, panel.last_day - timedelta(days=HORIZON), HOURS)
