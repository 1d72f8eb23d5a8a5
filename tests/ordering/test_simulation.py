"""The shop of the simulation, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ordering.simulation import Terms, simulate


def _fixed(units: float):
    return lambda day, in_hand, on_the_way: np.full(len(in_hand), units)


def test_two_days_by_hand():
    """3 in hand, 2 ordered each morning and there the next; 4 wanted a day."""
    played = simulate(np.full((1, 3), 4.0), _fixed(2.0), Terms(1, 1), np.array([3.0]))
    assert played.sold.tolist() == [[3.0, 2.0, 2.0]]
    assert played.lost.tolist() == [[1.0, 2.0, 2.0]]
    assert played.in_hand.tolist() == [[0.0, 0.0, 0.0]]


def test_what_is_ordered_without_a_lead_is_sold_the_same_day():
    played = simulate(np.full((1, 2), 4.0), _fixed(4.0), Terms(0, 1), np.array([0.0]))
    assert played.lost.sum() == 0


def test_a_policy_sees_what_is_on_its_way():
    seen = []

    def policy(day: int, in_hand: np.ndarray, on_the_way: np.ndarray) -> np.ndarray:
        seen.append((day, float(in_hand[0]), float(on_the_way[0])))
        return np.array([5.0])

    simulate(np.zeros((1, 5)), policy, Terms(3, 2), np.array([1.0]))
    assert seen == [(0, 1.0, 0.0), (2, 1.0, 5.0), (4, 6.0, 5.0)]


def test_the_oldest_is_sold_first_and_thrown_away_after_its_life():
    """A life of two days: of 10 on the first, 2 sold a day, 6 are gone on the second evening."""
    demand = np.full((1, 3), 2.0)
    orders = iter([0.0, 5.0, 0.0])
    policy = lambda day, in_hand, on_the_way: np.array([next(orders)])  # noqa: E731 -- a line
    played = simulate(demand, policy, Terms(0, 1, 2), np.array([10.0]))
    assert played.wasted.tolist() == [[0.0, 6.0, 3.0]]
    assert played.in_hand.tolist() == [[8.0, 5.0, 0.0]]


def test_nothing_is_made_or_lost_on_the_way():
    rng = np.random.default_rng(1)
    demand = rng.poisson(3.0, (20, 60)).astype(float)
    ordered = []

    def policy(day: int, in_hand: np.ndarray, on_the_way: np.ndarray) -> np.ndarray:
        units = np.maximum(12 - in_hand - on_the_way, 0)
        ordered.append((day, units))
        return units

    start = np.full(20, 7.0)
    played = simulate(demand, policy, Terms(2, 3, 4), start)
    arrived = sum(units for day, units in ordered if day + 2 < 60)
    used = played.sold.sum(axis=1) + played.wasted.sum(axis=1) + played.in_hand[:, -1]
    assert used == pytest.approx(start + arrived)
    assert (played.sold + played.lost) == pytest.approx(demand)


def test_service_is_the_share_of_cycles_without_a_lost_sale():
    played = simulate(np.array([[1.0, 1.0, 1.0, 1.0]]), _fixed(1.0), Terms(0, 2), np.array([0.0]))
    assert played.lost.tolist() == [[0.0, 1.0, 0.0, 1.0]]
    assert played.service(Terms(0, 2)).tolist() == [0.0]
