"""Quantiles that keep their word, also where half of everything is zero; and their costs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from contract.quantiles import QUANTILES
from forecasting.pit import TAUS, newsvendor_costs, pit_scores, shares_below

N = 40_000


@pytest.mark.parametrize("mean", [0.05, 0.7, 3.0, 80.0])
def test_the_true_quantiles_of_a_poisson_are_calibrated_however_many_zeros(mean):
    rng = np.random.default_rng(3)
    law = stats.poisson(mean)
    y = rng.poisson(mean, N).astype(float)
    observed = shares_below(y, np.repeat(law.ppf(TAUS)[:, None], N, axis=1))
    # nine quantiles know a discrete law only at nine points: within the mass of one count
    assert np.abs(observed - TAUS).max() < 0.02 + law.pmf(round(mean)) / 2


def test_the_true_quantiles_of_a_continuous_law_are_calibrated_to_a_percent():
    y = np.random.default_rng(4).gamma(2.0, 3.0, N)
    observed = shares_below(y, np.repeat(stats.gamma(2.0, scale=3.0).ppf(TAUS)[:, None], N, axis=1))
    assert observed == pytest.approx(TAUS, abs=0.01)


def test_all_zero_and_all_said_zero_is_perfect():
    assert shares_below(np.zeros(10), np.zeros((9, 10))) == pytest.approx(TAUS)


def test_by_hand_an_outcome_between_two_quantiles_is_below_the_upper_only():
    assert shares_below(np.array([4.5]), np.arange(1.0, 10.0)[:, None]).tolist() == [
        0,
        0,
        0,
        0,
        1,
        1,
        1,
        1,
        1,
    ]


def test_by_hand_a_tie_with_three_quantiles_is_spread_over_what_they_span():
    # a zero spans everything up to 25%
    quantiles = np.array([0, 0, 0, 1, 2, 3, 4, 5, 6.0])[:, None]
    observed = shares_below(np.array([0.0]), quantiles)
    assert observed[:4] == pytest.approx(TAUS[:4] / 0.25)
    assert (observed[4:] == 1).all()


def test_too_narrow_shows_as_a_gap():
    y = np.random.default_rng(5).normal(100, 10, (50, 28))
    narrow = {
        name: np.full(y.shape, stats.norm(100, 3).ppf(tau)) for name, tau in QUANTILES.items()
    }
    scores = pit_scores(y, narrow, np.ones(y.shape, dtype=bool))
    assert scores["below_q025"] > 0.2
    assert scores["pit_gap"] > 0.2


def test_unknown_cells_count_in_nothing():
    y = np.array([[1.0, np.nan]])
    quantiles = {name: np.array([[2.0, 0.0]]) for name in QUANTILES}
    known = np.array([[True, False]])
    assert pit_scores(y, quantiles, known)["below_q500"] == pytest.approx(
        pit_scores(y[:, :1], {n: q[:, :1] for n, q in quantiles.items()}, known[:, :1])[
            "below_q500"
        ]
    )
    assert pit_scores(y, quantiles, ~np.ones((1, 2), dtype=bool)) == {}


def test_the_newsvendors_cost_by_hand():
    y, price = np.array([[10.0, 0.0]]), np.array([2.0])
    stock = {name: np.array([[6.0, 2.0]]) for name in QUANTILES}  # 4 short, then 2 left over
    costs = newsvendor_costs(y, stock, price, np.ones((1, 2), dtype=bool))
    assert costs["newsvendor_q750"] == pytest.approx((0.75 * 4 + 0.25 * 2) / 10)
    assert costs["newsvendor_q500"] == pytest.approx((0.5 * 4 + 0.5 * 2) / 10)


def test_the_dear_series_weighs_more():
    y = np.array([[10.0], [10.0]])
    stock = {name: np.array([[5.0], [10.0]]) for name in QUANTILES}
    dear, cheap = (
        newsvendor_costs(y, stock, np.array(p), np.ones((2, 1), dtype=bool))
        for p in ([9.0, 1.0], [1.0, 9.0])
    )
    assert dear["newsvendor_q500"] == pytest.approx(9 * cheap["newsvendor_q500"])


def test_the_right_quantile_is_the_cheapest_stock():
    y = np.random.default_rng(6).gamma(2.0, 3.0, (400, 28))
    law = stats.gamma(2.0, scale=3.0)
    known, price = np.ones(y.shape, dtype=bool), np.ones(400)

    def cost(tau: float) -> float:
        return newsvendor_costs(
            y, {name: np.full(y.shape, law.ppf(tau)) for name in QUANTILES}, price, known
        )["newsvendor_q835"]

    assert cost(0.835) < min(cost(0.7), cost(0.95))
