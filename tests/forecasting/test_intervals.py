"""Quantiles learned from what happened when we said so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.intervals import (
    PAIRS_PER_BIN,
    TAUS,
    Calibration,
    learn_ratios,
    learn_weeks,
    quantile_columns,
)

amounts = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1000)), min_size=1, max_size=60)


def test_one_bin_by_hand_the_quantiles_of_y_over_y_hat():
    ratios = learn_ratios(np.full(5, 2.0), np.array([0.0, 1.0, 2.0, 3.0, 4.0]), most_bins=4)
    assert ratios.centres == [2.0]
    assert ratios.quantiles[0][4] == 1.0  # the median of 0, .5, 1, 1.5, 2
    quantiles = Calibration({"series": [ratios]}).quantiles(
        "series", np.array([10.0]), np.array([1])
    )
    assert quantiles[0, 4] == 10.0
    assert quantiles[0, 3] == pytest.approx(5.0)  # 25%: half of what we say
    assert quantiles[0, 5] == pytest.approx(15.0)


def test_where_we_said_zero_the_units_themselves_are_kept():
    ratios = learn_ratios(np.zeros(101), np.arange(101.0), most_bins=4)
    quantiles = Calibration({"series": [ratios]}).quantiles(
        "series", np.array([0.0]), np.array([1])
    )
    assert quantiles[0].tolist() == pytest.approx((100 * TAUS).tolist())


def test_unknown_outcomes_teach_nothing():
    y_hat, y = np.array([1.0, 1.0, 1.0]), np.array([2.0, np.nan, 2.0])
    assert learn_ratios(y_hat, y, 4) == learn_ratios(
        y_hat[:2:1][:1].repeat(2), np.array([2.0, 2.0]), 4
    )


def test_a_forecast_between_two_bins_lies_between_their_ratios():
    low, high = np.full(PAIRS_PER_BIN, 1.0), np.full(PAIRS_PER_BIN, 100.0)
    ratios = learn_ratios(
        np.concatenate([low, high]), np.concatenate([low * 4, high * 2]), most_bins=2
    )
    assert ratios.centres == [1.0, 100.0]
    quantiles = Calibration({"s": [ratios]}).quantiles(
        "s", np.array([1.0, 10.0, 100.0, 1e6]), np.ones(4, dtype=int)
    )
    # halfway in log; flat beyond
    assert (quantiles[:, 4] / [1, 10, 100, 1e6]).tolist() == pytest.approx([4, 3, 2, 2])


def test_each_week_ahead_has_its_own_ratios_and_the_last_hold_for_all_later_ones():
    y_hat = np.ones((3, 14))
    y = np.concatenate([np.ones((3, 7)), np.full((3, 7), 5.0)], axis=1)
    quantiles = Calibration({"s": learn_weeks(y_hat, y, 4)}).quantiles(
        "s", np.ones(4), np.array([1, 7, 8, 28])
    )
    assert quantiles[:, 4].tolist() == [1, 1, 5, 5]


def test_few_pairs_make_one_bin_and_bins_never_exceed_their_limit():
    rng = np.random.default_rng(0)
    assert (
        len(learn_ratios(rng.gamma(2, 2, 100), rng.poisson(3, 100).astype(float), 24).centres) == 1
    )
    assert (
        len(learn_ratios(rng.gamma(2, 2, 9000), rng.poisson(3, 9000).astype(float), 5).centres) == 5
    )


def test_calibrated_on_a_law_the_quantiles_are_those_of_the_law():
    rng = np.random.default_rng(2)
    mean = rng.uniform(20, 200, 20_000)
    y = rng.poisson(mean).astype(float)
    calibration = Calibration({"s": [learn_ratios(mean, y, 24)]})
    fresh = rng.uniform(20, 200, 20_000)
    outcome = rng.poisson(fresh).astype(float)
    quantiles = calibration.quantiles("s", fresh, np.ones(20_000, dtype=int))
    below = (outcome[:, None] <= quantiles).mean(axis=0)
    assert below.tolist() == pytest.approx(TAUS.tolist(), abs=0.02)


@given(y_hat=amounts, y=amounts, fresh_y_hat=amounts, bins=st.integers(1, 5))
def test_quantiles_never_cross_and_none_is_negative(y_hat, y, fresh_y_hat, bins):
    size = min(len(y_hat), len(y))
    ratios = learn_ratios(np.array(y_hat[:size]), np.array(y[:size]), bins)
    quantiles = Calibration({"s": [ratios]}).quantiles(
        "s", np.array(fresh_y_hat), np.ones(len(fresh_y_hat), dtype=int)
    )
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=1) >= -1e-9 * quantiles[:, 1:]).all()


@given(seed=st.integers(0, 1000))
def test_they_do_not_cross_between_many_bins_either(seed):
    rng = np.random.default_rng(seed)
    y_hat = np.round(rng.gamma(0.7, 3, 3000), 1)  # ties and zeros
    ratios = learn_ratios(y_hat, rng.poisson(y_hat).astype(float), 7)
    quantiles = Calibration({"s": [ratios]}).quantiles(
        "s", rng.gamma(0.7, 6, 500), np.ones(500, dtype=int)
    )
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=1) >= -1e-9 * quantiles[:, 1:]).all()


def test_columns_are_named_per_mille_in_order():
    columns = quantile_columns(np.arange(18.0).reshape(2, 9))
    assert next(iter(columns)) == "q005"
    assert columns["q995"].tolist() == [8, 17]
