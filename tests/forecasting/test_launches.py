"""Announced series: who is one, and what their analogues say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.panel import Panel, panel_of
from forecasting.announced import LAUNCH_DAYS, announced
from forecasting.fallback import ModelForecast, complete
from forecasting.forecaster import forecast_grid
from forecasting.launches import (
    USUAL_SHARE,
    launch_rows,
    launches,
    marginal_totals,
)

FIRST = date(2024, 1, 1)  # a Monday
DAYS = 84
LAST = FIRST + timedelta(days=DAYS - 1)
RULES = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)
HORIZON = 28
COMING = pl.date_range(LAST + timedelta(days=1), LAST + timedelta(days=HORIZON), eager=True)


def _plan(unique_id: str, first: date, price: float = 2.0, days: int = 90) -> dict[str, object]:
    return {
        "unique_id": unique_id,
        "from_ds": first,
        "to_ds": first + timedelta(days=days),
        "price": price,
        "known_at": datetime(2024, 1, 1),
    }


@pytest.fixture
def shop(sales_of):
    """`shop(plans, **more)`: two stores and two departments of six series each; store S2 sells
    twice as much as S1, department E three times as much as D; on Saturdays twice as much.
    """

    def make(plans: list[dict[str, object]], units: dict[str, list] | None = None) -> Panel:
        week = [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0]
        level = {"S1": 1.0, "S2": 2.0, "D": 1.0, "E": 3.0}
        names = [f"{s}_{d}_{k}" for s in ("S1", "S2") for d in ("D", "E") for k in range(6)]
        sold = {
            name: [level[name[:2]] * level[name[3]] * week[day % 7] for day in range(DAYS)]
            for name in names
        }
        sold |= units or {}
        series = sorted({*sold, *(str(plan["unique_id"]) for plan in plans)})
        frame = pl.DataFrame({"unique_id": series}).with_columns(
            store_id=pl.col("unique_id").str.slice(0, 2),
            dept_id=pl.col("unique_id").str.slice(3, 1),
        )
        prices = pl.DataFrame(plans) if plans else None
        return panel_of(sales_of(sold, FIRST), frame, prices=prices)

    return make


def _announced(panel: Panel) -> dict[str, date]:
    return dict(announced(panel, LAST + timedelta(days=HORIZON)).iter_rows())


def test_a_series_with_a_plan_and_without_a_sale_is_announced_from_its_first_planned_day(shop):
    coming = LAST + timedelta(days=4)
    panel = shop([_plan("S1_D_new", coming), _plan("S1_D_0", FIRST)])
    assert _announced(panel) == {"S1_D_new": coming}


def test_what_was_offered_for_longer_than_a_launch_lasts_is_none(shop):
    oldest = LAST - timedelta(days=LAUNCH_DAYS)
    panel = shop([_plan("S1_D_old", oldest), _plan("S1_D_new", oldest + timedelta(days=1))])
    assert list(_announced(panel)) == ["S1_D_new"]


def test_a_plan_that_begins_beyond_the_horizon_announces_nobody_yet(shop):
    assert _announced(shop([_plan("S1_D_new", LAST + timedelta(days=HORIZON + 1))])) == {}


def test_who_sold_once_is_no_launch_also_before_the_panel_began(shop):
    sold = [None] * (DAYS - 1) + [1.0]
    panel = shop([_plan("S1_D_new", LAST - timedelta(days=3))], {"S1_D_new": sold})
    assert _announced(panel) == {}
    plan = [_plan("S1_D_new", LAST - timedelta(days=3))]
    before = pl.DataFrame(
        {"unique_id": ["S1_D_new"], "first_sale": [FIRST], "last_sale": [FIRST], "most_sold": [1.0]}
    )
    assert _announced(replace(shop(plan), before=before)) == {}


def test_where_plans_begin_to_come_series_of_zeros_are_no_launches(shop):
    """The first price list names dead articles, too; one that comes later names what is new."""
    zeros = {"S1_D_dead": [0.0] * DAYS}
    begins = LAST - timedelta(days=5)
    every = [_plan("S1_D_dead", begins), _plan("S1_D_0", begins), _plan("S1_D_new", begins)]
    assert list(_announced(shop(every, zeros))) == ["S1_D_new"]
    older = [*every, _plan("S1_D_1", begins - timedelta(days=LAUNCH_DAYS + 1))]
    assert list(_announced(shop(older, zeros))) == ["S1_D_dead", "S1_D_new"]


def test_the_level_is_that_of_the_attributes_and_the_weekday_that_of_the_chain(shop):
    """Six members a group and ten average ones added: near the truth, drawn to the mean."""
    panel = shop([_plan("S2_E_new", LAST + timedelta(days=1))])
    rows = launch_rows(panel, COMING, RULES).sort("ds")
    by_day = rows["launch"].to_numpy().reshape(4, 7)
    assert np.allclose(by_day[:, 5], 2 * by_day[:, 0])
    found = launches(panel, COMING[-1], RULES)
    assert found is not None and found.share == pytest.approx(USUAL_SHARE) and found.past == 0
    mean_of_its_group, mean_of_all = 6 * 8 / 7, 3 * 8 / 7
    assert mean_of_all < found.announced["level"].item() < mean_of_its_group


def test_nothing_is_expected_before_the_first_planned_day(shop):
    rows = launch_rows(shop([_plan("S1_D_new", LAST + timedelta(days=4))]), COMING, RULES)
    sells = rows.sort("ds")["launch"] > 0
    assert sells.to_list() == [False] * 3 + [True] * 25


def past_launches(level: float, prefix: str = "S1_D_past", shut: tuple[int, ...] = ()) -> dict:
    """Ten series that began five weeks after the shop, at so much of S1's D, but on weekdays on
    which their store is shut.
    """
    began = LAUNCH_DAYS + 7
    week = [0 if day in shut else 2.0 if day == 5 else 1.0 for day in range(7)]
    sold = [None] * began + [level * week[day % 7] or None for day in range(began, DAYS)]
    return {f"{prefix}{k}": sold for k in range(10)}


def plans_of(names: dict) -> list[dict[str, object]]:
    return [_plan(name, FIRST + timedelta(days=LAUNCH_DAYS + 7)) for name in names]


def test_past_launches_teach_how_much_of_its_level_a_new_series_sells(shop):
    """Ten that sold nine tenths of the shop's level stand beside ten of the usual share."""
    units = past_launches(0.9)
    found = launches(shop([*plans_of(units), _plan("S1_D_new", LAST)], units), COMING[-1], RULES)
    few = launches(shop([_plan("S1_D_new", LAST)]), COMING[-1], RULES)
    assert found is not None and few is not None and found.past == 10
    assert few.share == USUAL_SHARE
    own = 0.9 * 8 / 7 / found.announced["level"].item()
    assert min(own, USUAL_SHARE) < found.share < max(own, USUAL_SHARE)


def test_days_on_which_the_store_was_shut_do_not_count_against_a_launch(shop):
    def share_where(shut: tuple[int, ...]) -> float:
        units = past_launches(1.0, shut=shut)
        panel = shop([*plans_of(units), _plan("S1_D_new", LAST)], units)
        is_shut = (pl.col("unique_id").str.starts_with("S1")) & (
            pl.col("ds").dt.weekday() - 1
        ).is_in(shut)
        found = launches(replace(panel, sales=panel.sales.filter(~is_shut)), COMING[-1], RULES)
        assert found is not None and found.past == 10
        return found.share

    assert share_where((6,)) == pytest.approx(share_where(()), rel=0.05)
    assert share_where((0, 1, 2, 6)) == pytest.approx(share_where(()), rel=0.15)


def test_a_store_that_opened_teaches_its_level_and_not_the_share_of_new_series(shop):
    """All of S3 are new and three times S1's; they are no launches of articles."""
    units = past_launches(3.0, "S3_D_")
    panel = shop([*plans_of(units), _plan("S1_D_new", LAST), _plan("S3_D_new", LAST)], units)
    found = launches(panel, COMING[-1], RULES)
    assert found is not None and (found.past, found.share) == (0, USUAL_SHARE)
    level = dict(found.announced.select("unique_id", "level").iter_rows())
    assert level["S3_D_new"] > 1.5 * level["S1_D_new"]


def test_a_share_is_bounded(shop):
    units = past_launches(9.0)
    found = launches(shop([*plans_of(units), _plan("S1_D_new", LAST)], units), COMING[-1], RULES)
    assert found is not None and found.share == 1.0


def test_each_store_has_its_own_weekdays(shop):
    """S1 is shut on Sundays: the Sundays of S2 are worth what they are in S2."""
    panel = shop([_plan("S2_D_new", LAST), _plan("S1_D_new", LAST)])
    shut = pl.col("unique_id").str.starts_with("S1") & (pl.col("ds").dt.weekday() == 7)
    found = launches(replace(panel, sales=panel.sales.filter(~shut)), COMING[-1], RULES)
    assert found is not None
    of = dict(zip(found.announced["unique_id"], found.weekdays, strict=True))
    assert of["S2_D_new"][6] == pytest.approx(of["S2_D_new"][0], rel=0.05)


def test_marginal_totals_agree_with_actual_sums_where_nothing_is_added(monkeypatch):
    monkeypatch.setattr("forecasting.launches.MORE_MEMBERS", 0.0)
    rng = np.random.default_rng(3)
    groups = [rng.integers(0, 4, 200), rng.integers(0, 3, 200)]
    mean, peers = rng.gamma(2.0, 1.0, 200), rng.random(200) < 0.8
    level = marginal_totals(mean, peers, groups)
    for group in groups:
        for one in range(group.max() + 1):
            members = peers & (group == one)
            assert level[members].sum() == pytest.approx(mean[members].sum(), rel=1e-4)


def test_a_shop_that_sold_nothing_expects_nothing_of_a_launch(shop, sales_of):
    panel = shop([_plan("S1_D_new", LAST)])
    nothing = replace(panel, sales=panel.sales.with_columns(y=pl.lit(0.0)))
    assert launch_rows(nothing, COMING, RULES)["launch"].sum() == 0


def test_the_ladder_says_launch_and_who_made_it_of_every_forecaster(shop, inference_params):
    panel = shop([_plan("S1_D_new", LAST + timedelta(days=4))])
    grid = forecast_grid(panel.series["unique_id"], LAST, HORIZON)
    naive = grid.with_columns(y_hat=pl.lit(1.0))
    done = complete(ModelForecast(naive, "model"), naive, panel, inference_params, RULES)
    new = done.filter(unique_id="S1_D_new")
    assert new["method"].unique().to_list() == ["analogues"]
    assert new["reason"].unique().to_list() == ["launch"]
    assert done.filter(pl.col("unique_id") != "S1_D_new")["reason"].null_count() == done.height - 28


def test_only_what_a_tail_of_the_panel_holds_is_read(shop):
    """The daily run reads a tail, the backtest everything: both must say the same."""
    panel = shop([_plan("S1_D_new", LAST), _plan("S1_D_0", FIRST)])
    tail = panel.since(LAST - timedelta(days=60), 1.0)
    both = [launch_rows(one, COMING, RULES)["launch"].to_numpy() for one in (panel, tail)]
    assert np.allclose(*both)


def test_a_series_that_comes_back_is_no_past_launch_in_a_tail(shop):
    """Of its older sales a tail knows the first day alone, and its older plans are gone."""
    sold = [2.0] * 10 + [None] * 40 + [2.0] * (DAYS - 50)
    plans = [_plan("S1_D_back", FIRST, days=9), _plan("S1_D_back", FIRST + timedelta(days=50))]
    panel = shop([*plans, _plan("S1_D_new", LAST)], {"S1_D_back": sold})
    tail = panel.since(FIRST + timedelta(days=20), 1.0)
    found = [launches(one, COMING[-1], RULES) for one in (panel, tail)]
    assert [one.past for one in found if one is not None] == [0, 0]


def test_days_on_offer_without_a_sale_say_that_it_is_a_slow_one(shop):
    """Of S1's D about one a day: after two weeks of none a fraction of it."""
    waited = LAST - timedelta(days=13)
    panel = shop([_plan("S1_D_old", waited), _plan("S1_D_new", LAST + timedelta(days=1))])
    found = launches(panel, COMING[-1], RULES)
    assert found is not None
    days = dict(found.announced.select("unique_id", "waited").iter_rows())
    assert days == {"S1_D_new": 0, "S1_D_old": 14}
    rows = found.rows(COMING).group_by("unique_id").agg(pl.col("launch").mean())
    of = dict(rows.iter_rows())
    mean = of["S1_D_new"]
    assert of["S1_D_old"] == pytest.approx(mean / (1 + 14 * mean), rel=0.1)
    assert found.steps("S1_D_old", COMING[0])[2][0].startswith("it was on offer on 14 open days")
