"""What demand says of units: on laws for which it is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from contract.quantiles import QUANTILES, quantiles_at
from ordering.demand import Demand

TAUS = np.array(list(QUANTILES.values()))


def _normal(mean: float, sd: float) -> np.ndarray:
    return stats.norm.ppf(TAUS, mean, sd)


def _one(*rows: np.ndarray, probability: list[float] | None = None) -> Demand:
    """One series with these spans."""
    share = probability or [1.0] * len(rows)
    return Demand(np.array(rows), np.zeros(len(rows), dtype=int), np.array(share), 1)


def test_between_the_kept_quantiles_of_a_normal_law_lies_the_normal_law():
    levels = np.array([0.01, 0.1, 0.6, 0.9, 0.95, 0.98])
    rows = np.repeat(_normal(100, 15)[None], len(levels), axis=0)
    assert quantiles_at(rows, levels) == pytest.approx(stats.norm.ppf(levels, 100, 15))


def test_beyond_the_outermost_nothing_is_known():
    rows = np.repeat(_normal(100, 15)[None], 2, axis=0)
    assert quantiles_at(rows, np.array([0.0001, 0.9999])).tolist() == [rows[0, 0], rows[0, -1]]


def test_what_suffices_is_the_quantile():
    assert _one(_normal(100, 15)).suffices(np.array([0.9])) == pytest.approx(
        stats.norm.ppf(0.9, 100, 15)
    )


def test_expected_shortage_of_a_normal_law():
    """E max(D - x, 0) = sd * (phi(z) - z * (1 - Phi(z)))."""
    z = (110 - 100) / 15
    loss = 15 * (stats.norm.pdf(z) - z * stats.norm.sf(z))
    outcome = _one(_normal(100, 15)).at(np.array([110.0]))
    assert outcome.short[0] == pytest.approx(loss, abs=0.1)
    assert outcome.left_over[0] == pytest.approx(loss + 10, abs=0.1)
    assert outcome.p_out[0] == pytest.approx(stats.norm.sf(z), abs=0.01)


def test_a_mixture_suffices_with_the_probability_of_both():
    """A week with 0.8, a fortnight with 0.2: x with 0.8 F1(x) + 0.2 F2(x) = 0.95."""
    week, fortnight = (70.0, 10.0), (140.0, 15.0)
    demand = _one(_normal(*week), _normal(*fortnight), probability=[0.8, 0.2])
    (enough,) = demand.suffices(np.array([0.95]))
    reached = 0.8 * stats.norm.cdf(enough, *week) + 0.2 * stats.norm.cdf(enough, *fortnight)
    assert reached == pytest.approx(0.95, abs=0.01)
    assert demand.at(np.array([enough])).p_out[0] == pytest.approx(0.05, abs=0.01)


def test_series_beside_each_other_do_not_mix():
    quantiles = np.array([_normal(10, 2), _normal(50, 5), _normal(90, 5)])
    demand = Demand(quantiles, np.array([0, 1, 1]), np.array([1.0, 0.5, 0.5]), 3)
    enough = demand.suffices(np.array([0.5, 0.5, 0.5]))
    assert enough[0] == pytest.approx(10)
    assert 50 < enough[1] < 90
    assert enough[2] == 0  # a series without a span wants nothing


def test_where_most_days_sell_nothing_nothing_suffices():
    zero = np.array([0.0] * 7 + [1.0, 2.0])
    demand = _one(zero)
    assert demand.suffices(np.array([0.8]))[0] == 0
    assert demand.at(np.array([2.0])).p_out[0] == 0
