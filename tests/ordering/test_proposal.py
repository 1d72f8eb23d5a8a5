"""From demand, stock and supply to units, by hand. Demand is certain where nothing else is said."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from ordering.demand import Demand
from ordering.money import packs_within
from ordering.proposal import (
    Proposed,
    Wanted,
    days_of_cover,
    joined_flags,
    propose,
    with_service,
)

SPREAD = np.array([0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6])  # of nine quantiles


KINDS = {"life_days": pl.Int64, "life_service": pl.Float64}


def _demand(*means: float, spread: np.ndarray = SPREAD) -> Demand:
    rows = len(means)
    return Demand(np.outer(means, spread), np.arange(rows), np.ones(rows), rows)


def _line(**changes: object) -> pl.DataFrame:
    """Median demand of 10 until the cover's end, 6 of them in the cover; nothing in hand."""
    line = {
        "service": 0.5,
        "life_service": None,
        "position": 0.0,
        "in_hand": 0.0,
        "on_order": 0.0,
        "arriving": 0.0,
        "is_whole": True,
        "pack_size": 1.0,
        "min_order": 0.0,
        "mean_alone": 6.0,
        "life_days": None,
        "days_before": 1,
    }
    line |= changes
    lasting = line["position"] - line["on_order"] + line["arriving"]  # all that is there by then
    return pl.DataFrame([{"lasting": lasting} | line], schema_overrides=KINDS)


def _proposed(
    until: float = 10.0, alone: float = 6.0, life: float = 20.0, **changes: object
) -> Proposed:
    wanted = Wanted(_demand(until), _demand(alone), _demand(until - alone), _demand(life))
    return propose(_line(**changes), wanted)


def test_the_order_fills_the_position_up_to_the_target():
    assert _proposed(position=7.0, in_hand=7.0).units.tolist() == [3.0]


def test_what_is_lost_before_the_delivery_is_not_ordered_a_second_time():
    """10 until the end, 6 in the cover: an empty shelf needs 6."""
    proposed = _proposed(position=0.0)
    assert proposed.units.tolist() == [6.0]
    assert proposed.target.tolist() == [6.0]


def test_enough_in_hand_orders_nothing():
    assert _proposed(position=12.0, in_hand=12.0).units.tolist() == [0.0]


def test_a_higher_service_orders_more():
    assert _proposed(service=0.975, alone=10.0).units.tolist() == [14.0]


def test_whole_packs_and_the_minimum():
    assert _proposed(position=7.0, pack_size=12.0).units.tolist() == [12.0]
    raised = _proposed(position=7.0, pack_size=2.0, min_order=7.0)
    assert (raised.units.tolist(), raised.flags["minimum"].tolist()) == ([8.0], [True])
    assert _proposed(position=12.0, min_order=7.0).units.tolist() == [0.0]


def test_the_perishable_take_the_nearer_pack():
    assert _proposed(position=7.0, pack_size=12.0, life_days=3).units.tolist() == [0.0]
    proposed = _proposed(position=3.0, pack_size=12.0, life_days=3)  # 6 wanted: half of a pack
    assert proposed.units.tolist() == [12.0]
    assert proposed.flags["over_life"].tolist() == [True]


def test_what_cannot_be_sold_when_the_delivery_comes_does_not_count():
    full = {"position": 100.0, "in_hand": 100.0, "life_days": 2}
    gone = _proposed(**full, lasting=0.0)
    assert (gone.units.tolist(), gone.flags["gone"].tolist()) == ([6.0], [True])
    assert gone.flags["sales_lost"].tolist() == [False]  # the shelf is full until then
    assert gone.outcome.short == pytest.approx(_proposed().outcome.short)
    kept = _proposed(**full, lasting=100.0)
    assert (kept.units.tolist(), kept.flags["gone"].tolist()) == ([0.0], [False])


def test_what_arrives_before_and_lives_to_the_cover_serves_it():
    """6 wanted in the cover: 100 in hand are gone by then, 4 arrive the day before."""
    proposed = _proposed(position=104.0, in_hand=100.0, lasting=4.0, life_days=2)
    assert proposed.units.tolist() == [2.0]


def test_what_comes_within_the_cover_serves_it_where_the_shelf_is_empty_before():
    """6 wanted in the cover: 4 come on its first day."""
    coming = {"position": 4.0, "on_order": 4.0}
    proposed = _proposed(until=20.0, **coming)
    assert (proposed.units.tolist(), proposed.target.tolist()) == ([2.0], [6.0])
    assert proposed.outcome.short == pytest.approx(_proposed(until=20.0).outcome.short)
    assert _proposed(until=20.0, **coming, arriving=4.0).units.tolist() == [6.0]
    gone = {"position": 104.0, "in_hand": 100.0, "on_order": 4.0, "lasting": 0.0}
    assert _proposed(**gone, life_days=1).units.tolist() == [2.0]


def test_what_is_weighed_is_ordered_by_the_gram():
    weighed = {"pack_size": 0.25, "is_whole": False}
    assert _proposed(until=0.4, alone=0.4, **weighed).units.tolist() == [0.5]
    assert _proposed(until=0.4, alone=0.4, **weighed, life_days=9).units.tolist() == [0.5]
    assert _proposed(until=1.3, alone=1.3, **weighed | {"pack_size": 0.1}).target == [1.3]


def test_no_packs_are_a_plain_zero():
    assert not np.signbit(_proposed(position=10.0, in_hand=10.0).packs).any()


def test_running_out_before_the_delivery_is_no_matter_of_the_order():
    assert _proposed(position=0.0).p_out_before.tolist() == [1.0]
    assert _proposed(position=40.0, in_hand=40.0).p_out_before.tolist() == [0.0]
    assert _proposed(position=0.0, days_before=0).p_out_before.tolist() == [0.0]


def test_a_life_that_lasts_beyond_the_next_delivery_limits_what_would_be_left():
    """20 sold within the life: at a service of 0.025 12 of them are sure enough."""
    kept = {"service": 0.995, "life_days": 9, "position": 4.0}
    assert _proposed(**kept, alone=16.0).units.tolist() == [12.0]
    limited = _proposed(**kept, alone=16.0, life_service=0.025)
    assert limited.units.tolist() == [8.0]
    assert limited.flags["life"].tolist() == [True]


def test_a_life_of_which_the_table_knows_no_end_limits_nothing():
    unknown = Demand(np.empty((0, 9)), np.array([], dtype=np.int64), np.array([]), 1)
    wanted = Wanted(_demand(10.0), _demand(6.0), _demand(4.0), unknown)
    proposed = propose(_line(life_days=60, life_service=0.8), wanted)
    assert (proposed.units.tolist(), proposed.flags["life"].tolist()) == ([6.0], [False])


def test_the_service_is_what_supply_says_then_the_critical_ratio_then_the_param():
    lines = pl.DataFrame(
        {
            "target_service": [0.9, None, None, None, None, None],
            "life_to": [date(2026, 1, 3)] * 3 + [None] + [date(2026, 1, 3)] * 2,
            "is_one_cover": [True, True, True, False, True, False],
            "margin": [4.0, 4.0, 4.0, 4.0, 0.0, 4.0],
            "unit_cost": [1.0] * 6,
            "leftover_cost": [None, None, 4.0, None, None, None],
        }
    )
    found = with_service(lines, 0.95)
    # the fifth earns nothing by a sale: no ratio; the last is sold beyond the next delivery
    assert found["service"].to_list() == [0.9, 0.8, 0.5, 0.95, 0.95, 0.95]
    assert found["life_service"].to_list() == [None] * 5 + [0.8]


def test_days_of_cover_by_hand():
    means = np.array([[2.0, 3.0, 5.0], [2.0, 3.0, 5.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    days = days_of_cover(means, np.array([0.0, 3.5, 5.0, 4.0]))
    assert days[:3].tolist() == [0.0, 1.5, 5.0]  # half of the second day; two days beyond the table
    assert np.isnan(days[3])


def test_flags_that_hold_are_joined():
    flags = {"cut": np.array([True, False, True]), "launch": np.array([True, False, False])}
    assert joined_flags(flags).to_list() == ["cut|launch", None, "cut"]


def _budgeted(
    budget: float, *, margin: list[float], beside: float = np.nan, **changes: object
) -> list[float]:
    """Three series of a median demand of 10, each ordered 14 units at a cost of 1."""
    lines = pl.concat(_line(**{"unit_cost": 1.0, "margin": each} | changes) for each in margin)
    return _within(budget, np.full(3, 14.0), lines, _demand(10.0, 10.0, 10.0), beside).tolist()


def _within(
    budget: float, packs: np.ndarray, lines: pl.DataFrame, demand: Demand, beside: float = np.nan
) -> np.ndarray:
    outcome, judged_by = demand.at(packs), np.full(len(packs), beside)
    proposed = Proposed(packs, packs, packs, outcome, outcome.p_out, {}, judged_by)
    return packs_within(budget, proposed, lines, Wanted(demand, demand, demand, demand))


def test_enough_money_cuts_nothing():
    assert _budgeted(42.0, margin=[1.0, 2.0, 4.0]) == [14.0] * 3


def test_money_buys_the_unit_worth_most_first():
    packs = _budgeted(30.0, margin=[1.0, 2.0, 4.0])
    assert sum(packs) <= 30
    assert sum(packs) >= 27  # and is spent
    assert packs == sorted(packs)
    assert packs[0] < packs[2]


def test_no_money_buys_nothing():
    assert _budgeted(0.0, margin=[1.0, 2.0, 4.0]) == [0.0] * 3


def test_a_line_without_cost_is_not_cut():
    costs = pl.DataFrame({"unit_cost": [None, 1.0], "margin": [1.0, 1.0]})
    lines = pl.concat([costs, pl.concat([_line(), _line()])], how="horizontal")
    packs = _within(5.0, np.array([14.0, 14.0]), lines, _demand(10.0, 10.0))
    assert packs[0] == 14
    assert packs[1] <= 5


@pytest.mark.parametrize("seed", range(5))
def test_money_is_spent_as_well_as_unit_by_unit(seed):
    """Against the greedy oracle: one unit after the other, the best first."""
    rng = np.random.default_rng(seed)
    n = 30
    means, cost, margin = rng.uniform(2, 40, n), rng.uniform(0.5, 5, n), rng.uniform(0.2, 4, n)
    demand = _demand(*means)
    costs = pl.DataFrame({"unit_cost": cost, "margin": margin})
    lines = pl.concat([costs, pl.concat([_line()] * n)], how="horizontal")
    wanted = np.floor(demand.suffices(np.full(n, 0.95)))
    budget = 0.6 * float((wanted * cost).sum())
    packs = _within(budget, wanted, lines, demand)
    spent = float((packs * cost).sum())
    assert budget - 15 * cost.max() <= spent <= budget
    kept = float((margin * (means - demand.at(packs).short)).sum())
    assert kept >= 0.98 * _greedy(demand, wanted, cost, margin, budget, means)


def _greedy(demand, wanted, cost, margin, budget, means) -> float:
    packs, left = np.zeros(len(cost)), budget
    while True:
        worth = np.where(packs < wanted, margin * demand.at(packs).p_out / cost, 0.0)
        worth = np.where(cost <= left, worth, 0.0)
        best = int(worth.argmax())
        if worth[best] <= 0:
            return float((margin * (means - demand.at(packs).short)).sum())
        packs[best] += 1
        left -= cost[best]


def test_a_cut_below_the_minimum_orders_none():
    packs = _budgeted(20.0, margin=[9.0, 2.0, 2.0], min_order=10.0)
    assert sum(packs) <= 20.0
    assert all(one == 0.0 or one >= 10.0 for one in packs)
    assert packs[0] >= 10.0


def test_what_is_gone_by_the_delivery_cuts_no_order():
    """40 in hand that cannot be sold by then are worth no more than none."""
    assert _budgeted(30.0, margin=[2.0] * 3, position=40.0, beside=0.0) == _budgeted(
        30.0, margin=[2.0] * 3
    )
