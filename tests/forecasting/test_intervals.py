"""Quantiles read from ratios: worked examples, and that none crosses or is negative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.calibration import learn_groups, learn_series
from forecasting.intervals import (
    TAUS,
    TO_WHOLE_UNITS,
    Calibration,
    DispersionClass,
    Ratios,
    quantile_columns,
)

amounts = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1000)), min_size=1, max_size=60)
ONE_DAY = np.array([1])
STEPS = [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8]


def _of(ratios: list[Ratios], y_hat, h=ONE_DAY, dispersion=None) -> np.ndarray:
    y_hat = np.array(y_hat, dtype=float)
    own = None if dispersion is None else np.array(dispersion, dtype=float)
    return Calibration({"s": ratios}).quantiles("s", y_hat, np.resize(h, len(y_hat)), own)


def _crosses(quantiles: np.ndarray) -> bool:
    return bool((np.diff(quantiles, axis=1) < -1e-9 * quantiles[:, 1:] - 1e-12).any())


def test_a_forecast_between_two_bins_lies_between_their_ratios():
    ratios = Ratios([1.0, 100.0], [[4.0] * 9, [2.0] * 9], [0.0] * 9)
    quantiles = _of([ratios], [1.0, 10.0, 100.0, 1e6])
    # halfway in log; flat beyond
    assert (quantiles[:, 4] / [1, 10, 100, 1e6]).tolist() == pytest.approx([4, 3, 2, 2])


def test_a_series_between_two_classes_takes_of_both_and_beyond_the_last_all_of_it():
    calm, wild = [1.0] * 9, [3.0] * 9
    classes = (DispersionClass([1.0], [calm]), DispersionClass([4.0], [wild]))
    ratios = Ratios([10.0], [[2.5] * 9], [0.0] * 9, classes)
    quantiles = _of([ratios], [10.0] * 5, dispersion=[0.0, 1.0, 2.0, 4.0, 99.0])
    assert quantiles[:, 4].tolist() == pytest.approx([10, 10, 20, 30, 30])  # 2 is halfway in log


def test_a_series_of_unknown_dispersion_takes_the_bins_own_ratios():
    classes = (DispersionClass([1.0], [[1.0] * 9]), DispersionClass([4.0], [[3.0] * 9]))
    ratios = Ratios([10.0], [[2.5] * 9], [0.0] * 9, classes)
    assert _of([ratios], [10.0], dispersion=[np.nan])[0, 4] == pytest.approx(25)
    assert _of([ratios], [10.0])[0, 4] == pytest.approx(25)


def test_quantiles_of_whole_units_go_near_them_and_never_across():
    ratios = Ratios([1.0], [STEPS], [0.0] * 9, is_whole=True)
    learned, (pulled,) = np.array(STEPS), _of([ratios], [1.0])
    assert pulled[3] == pytest.approx(0.8 + TO_WHOLE_UNITS * 0.2)
    assert (np.floor(pulled) == np.floor(learned)).all()
    assert (np.ceil(pulled) == np.ceil(learned)).all()
    assert (np.abs(pulled - np.round(pulled)) <= 0.05 + 1e-12).all()


def test_a_ratio_kept_to_six_digits_puts_a_quantile_on_the_same_side():
    for ratio in (1 / 3, float(f"{1 / 3:.6g}")):
        ratios = Ratios([1.0], [[ratio] * 9], [0.0] * 9, is_whole=True)
        table = Calibration({"s": [ratios]}).quantiles("s", np.array([4.5]), np.array([1]))
        assert table[0].tolist() == pytest.approx([1.95] * 9, rel=1e-5)


def test_quantiles_of_weights_and_lengths_stay_as_learned():
    assert _of([Ratios([1.0], [STEPS], [0.0] * 9)], [1.0])[0].tolist() == pytest.approx(STEPS)


def test_the_last_week_holds_for_all_later_ones():
    weeks = [Ratios([1.0], [[1.0] * 9], [0.0] * 9), Ratios([1.0], [[5.0] * 9], [0.0] * 9)]
    assert _of(weeks, np.ones(4), h=np.array([1, 7, 8, 28]))[:, 4].tolist() == [1, 1, 5, 5]


@given(y_hat=amounts, y=amounts, fresh_y_hat=amounts, bins=st.integers(1, 5))
def test_quantiles_never_cross_and_none_is_negative(y_hat, y, fresh_y_hat, bins):
    size = min(len(y_hat), len(y))
    y_hat, y = np.array(y_hat[:size]), np.array(y[:size])
    dispersion = np.resize([0.0, 1.0, np.nan, 7.0], size)
    for ratios in (
        learn_series(y_hat, y, dispersion, bins),
        learn_groups(y_hat[:, None], y[:, None], bins),
    ):
        own = np.resize([np.nan, 0.0, 0.3, 2.0, 1e6], len(fresh_y_hat))
        quantiles = _of(ratios, fresh_y_hat, dispersion=own)
        assert (quantiles >= 0).all()
        assert not _crosses(quantiles)


@given(seed=st.integers(0, 1000))
def test_they_do_not_cross_between_many_bins_and_classes_either(seed):
    rng = np.random.default_rng(seed)
    y_hat = np.round(rng.gamma(0.7, 3, 6000), 1)  # ties and zeros
    y, dispersion = rng.poisson(y_hat).astype(float), rng.gamma(2, 1, 6000)
    fresh, own = rng.gamma(0.7, 6, 500), rng.gamma(2, 1, 500)
    series = learn_series(y_hat, y, dispersion, 7)
    assert len(series[0].classes) > 1
    groups = learn_groups(30 * y_hat.reshape(-1, 20), 30 * y.reshape(-1, 20), 7)
    for quantiles in (
        _of(series, fresh, dispersion=own),
        _of(groups, 30 * fresh, h=np.arange(500) % 28 + 1),
    ):
        assert (quantiles >= 0).all()
        assert not _crosses(quantiles)


def test_columns_are_named_per_mille_in_order():
    columns = quantile_columns(np.arange(18.0).reshape(2, 9))
    assert next(iter(columns)) == "q005"
    assert columns["q995"].tolist() == [8, 17]
    assert len(columns) == len(TAUS)
