"""Intervals scaled by actuals: by hand, on a law whose spread doubles, not while they hold."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from contract.demand import DemandRules
from contract.quantiles import QUANTILES
from forecasting.champion import Champion
from forecasting.intervals import Calibration, Ratios
from forecasting.recalibration import (
    IntervalScale,
    interval_scale_of,
    learned_interval_scale,
    text_of,
    with_interval_scale,
)
from forecasting.seasonal_naive import SeasonalNaive

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

TAUS = np.array(list(QUANTILES.values()))
MEANS = {"slow": 0.5, "medium": 3.0, "fast": 40.0}


def outcomes(
    spread: float, learned: float = 10.0, mean: float = 40.0, days: int = 28, series: int = 200
) -> pl.DataFrame:
    """Actuals of a normal law whose deviation is `spread`, where the table's was `learned`."""
    rng = np.random.default_rng(5)
    n = days * series
    quantiles = np.maximum(mean + learned * norm.ppf(TAUS), 0)
    ds = [date(2024, 1, 1) + timedelta(days=k % days) for k in range(n)]
    columns = {
        "ds": ds,
        "y_hat": [mean] * n,
        "y": np.maximum(mean + spread * rng.standard_normal(n), 0),
    }
    return pl.DataFrame(
        columns | {name: [float(q)] * n for name, q in zip(QUANTILES, quantiles, strict=True)}
    )


def test_a_spread_that_doubles_doubles_the_interval_of_its_class_alone():
    interval_scale, why = learned_interval_scale(outcomes(spread=20), IntervalScale(), band=0.02)
    assert interval_scale.upper[2] == pytest.approx(2, rel=0.06)
    assert interval_scale.lower[2] == pytest.approx(2, rel=0.06)
    assert interval_scale.upper[:2] == interval_scale.lower[:2] == (1, 1)
    assert "of fast series over 28 days" in why
    narrow, _ = learned_interval_scale(outcomes(spread=5), IntervalScale(), band=0.02)
    assert narrow.upper[2] == pytest.approx(0.5**0.5, rel=0.06)  # half of the way


def test_a_second_scale_multiplies_the_first_and_no_factor_goes_beyond_three():
    before = IntervalScale(upper=(1, 1, 1.4))
    again, _ = learned_interval_scale(outcomes(spread=15), before, band=0.02)
    assert again.upper[2] == pytest.approx(1.4 * 1.5, rel=0.06)
    assert learned_interval_scale(outcomes(spread=90), before, band=0.02)[0].upper[2] == 3.0


def test_inside_the_band_or_on_too_few_days_nothing_is_decided():
    assert learned_interval_scale(outcomes(spread=10), IntervalScale(), band=0.02) is None
    assert learned_interval_scale(outcomes(spread=20, days=13), IntervalScale(), band=0.02) is None
    assert learned_interval_scale(outcomes(spread=20), IntervalScale(), band=0.5) is None
    assert learned_interval_scale(outcomes(spread=20).clear(), IntervalScale(), band=0.02) is None


def test_by_hand_the_median_stays_and_the_ends_move_by_their_factor_never_below_zero():
    quantiles = np.arange(9, dtype=float)[None] + np.array([[0.0], [1.0]])
    made = IntervalScale(lower=(1, 2, 1), upper=(1, 1.5, 1)).applied(
        quantiles, np.array([3.0, 0.5])
    )
    assert made[0].tolist() == [0, 0, 0, 2, 4, 5.5, 7, 8.5, 10]
    assert made[1].tolist() == quantiles[1].tolist()


@given(st.lists(st.floats(1 / 3, 3), min_size=6, max_size=6), st.floats(0, 100))
def test_scaled_quantiles_never_cross_and_none_is_negative(factors, y_hat):
    quantiles = np.sort(np.random.default_rng(1).gamma(1.0, max(y_hat, 0.1), 9))[None]
    made = IntervalScale(tuple(factors[:3]), tuple(factors[3:])).applied(
        quantiles, np.array([y_hat])
    )
    assert (np.diff(made) >= 0).all()
    assert (made >= 0).all()


def test_the_champions_own_series_are_scaled_its_groups_and_the_baseline_are_not():
    ratios = {
        level: [Ratios([1.0], [[0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.3, 1.4, 1.5]], [0.0] * 9)]
        for level in ("series", "total")
    }
    calibration, interval_scale = Calibration(ratios), IntervalScale(upper=(1, 1, 2))
    champion = Champion(
        SeasonalNaive(7, EVERY_DAY), "m1", {"seasonal_naive": calibration, "other": calibration}
    )
    made = with_interval_scale(champion, text_of(interval_scale)).calibrations
    of = (np.array([10.0]), np.array([1]))
    assert made["seasonal_naive"].quantiles("series", *of)[0, -1] == pytest.approx(20)
    assert (
        made["seasonal_naive"].quantiles("total", *of)[0, -1]
        == made["other"].quantiles("series", *of)[0, -1]
        == 15
    )
    assert with_interval_scale(champion, None) is champion
    assert interval_scale_of(text_of(interval_scale)) == interval_scale
