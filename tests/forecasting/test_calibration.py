"""What is learned from forecasts and actuals: by hand, and on laws that are known."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.calibration import (
    MOST_CLASSES,
    PAIRS_PER_BIN,
    PAIRS_PER_CLASS,
    WIDEST_BIN,
    learn_groups,
    learn_series,
)
from forecasting.dispersion import dispersion_of
from forecasting.intervals import TAUS, Calibration
from forecasting.pit import shares_below

UNKNOWN = np.nan
WINDOWS, HORIZON = 4, 28


def _alike(size: int) -> np.ndarray:
    return np.full(size, UNKNOWN)


def test_one_bin_by_hand_the_quantiles_of_y_over_y_hat():
    (ratios,) = learn_series(np.full(5, 2.0), np.array([0.0, 1.0, 2.0, 3.0, 4.0]), _alike(5), 4)
    assert ratios.centres == [2.0]
    # 25%, 50%, 75% of 0, 0.5, 1, 1.5, 2
    assert ratios.quantiles[0][3:6] == pytest.approx([0.5, 1.0, 1.5])
    assert ratios.is_whole


def test_where_we_said_zero_the_units_themselves_are_kept():
    learned = learn_series(np.zeros(101), np.arange(101.0), _alike(101), 4)
    quantiles = Calibration({"s": learned}).quantiles("s", np.array([0.0]), np.array([1]))
    assert quantiles[0].tolist() == pytest.approx((100 * TAUS).tolist())


def test_a_mean_that_is_all_but_zero_is_one():
    """As a divisor it would make the ratios of its bin thousands."""
    y_hat, y = np.array([1e-9] + [1.0] * 9), np.array([3.0] + [1.0] * 9)
    (ratios,) = learn_series(y_hat, y, _alike(10), 4)
    assert np.max(ratios.quantiles) == 1.0
    assert ratios.at_zero == [3.0] * 9
    table = Calibration({"s": [ratios]}).quantiles("s", np.array([1e-9]), np.array([1]))
    assert table[0].tolist() == [3.0] * 9


def test_returns_where_zero_was_forecast_are_no_sales():
    (ratios,) = learn_series(np.zeros(3), np.array([-2.0, -1.0, 0.0]), _alike(3), 4)
    assert ratios.at_zero == [0.0] * 9


def test_equal_forecasts_share_a_bin():
    """Else their bins have one centre, and interpolation reads one of them alone."""
    y_hat = np.repeat([1.0, 2.0, 4.0], 1000)
    y = np.concatenate([np.arange(1000.0) / 500, np.full(2000, 3.0)])
    (ratios,) = learn_series(y_hat, y, _alike(3000), 12)
    assert ratios.centres == [1.0, 2.0, 4.0]
    assert ratios.quantiles[0] == pytest.approx(np.quantile(y[:1000], TAUS).tolist())


def test_unknown_actuals_teach_nothing():
    y_hat, y = np.array([1.0, 1.0, 1.0]), np.array([2.0, UNKNOWN, 2.0])
    known = np.isfinite(y)
    assert learn_series(y_hat, y, _alike(3), 4) == learn_series(
        y_hat[known], y[known], _alike(2), 4
    )
    assert learn_groups(y_hat[:, None], y[:, None], 4) == learn_groups(
        y_hat[known, None], y[known, None], 4
    )


def test_a_large_groups_error_counts_above_the_mean_as_it_does_below_by_hand():
    y_hat, y = np.full((4, 7), 999.5), np.full((4, 7), 1999.5)  # always half of what came
    (ratios,) = learn_groups(y_hat, y, 4)
    assert ratios.quantiles[0] == pytest.approx([0.5] * 4 + [1.0] + [2.0] * 4, rel=1e-3)


def test_days_closed_unsaid_foretell_no_day_of_many_times_the_mean():
    y = np.full((4, 28), 1000.0)
    y[:, ::9] = 0.0
    (*_, ratios) = learn_groups(np.full((4, 28), 1000.0), y, 4)
    assert ratios.quantiles[0][0] < 0.001
    assert ratios.quantiles[0][8] == pytest.approx(2.0)


def test_days_of_more_returns_than_sales_count_as_none_sold():
    y_hat, y = np.full((4, 28), 50.0), np.full((4, 28), 50.0)
    y[:, ::9] = -3.0
    for ratios in (
        *learn_groups(y_hat, y, 4),
        *learn_series(y_hat.ravel(), y.ravel(), _alike(y.size), 4),
    ):
        assert np.isfinite(ratios.quantiles).all()
        assert np.min(ratios.quantiles) >= 0


def test_the_spread_of_large_groups_grows_with_the_weeks_ahead_and_never_falls():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, (200, 28))
    growing = np.repeat(np.sqrt([0.7, 0.9, 1.1, 1.3]), 7)
    y_hat = np.full((200, 28), 1000.0)
    wide = [week.quantiles[0][7] for week in learn_groups(y_hat, 1000 + 50 * noise * growing, 24)]
    assert (np.diff(wide) > 0.005).all()
    assert np.log(wide[3]) / np.log(wide[0]) == pytest.approx(np.sqrt(1.3 / 0.7), rel=0.1)
    falling = learn_groups(y_hat, 1000 + 50 * noise * growing[::-1], 24)
    assert [week.quantiles for week in falling] == [falling[0].quantiles] * 4


def test_bins_have_enough_pairs_and_are_no_wider_than_a_ratio_may_hold():
    rng = np.random.default_rng(0)
    y_hat = rng.gamma(0.7, 8, 40_000)
    (ratios,) = learn_series(y_hat, rng.poisson(y_hat).astype(float), rng.gamma(2, 1, 40_000), 24)
    assert len(ratios.classes) == MOST_CLASSES
    assert len(ratios.centres) <= 40_000 // (MOST_CLASSES * PAIRS_PER_CLASS)
    upper = np.diff(np.log(ratios.centres))[20:-2]  # where pairs are dense
    assert (upper <= WIDEST_BIN).all()
    few = learn_groups(rng.gamma(2, 2, (PAIRS_PER_BIN // 10, 7)), np.ones((40, 7)), 24)
    assert len(few[0].centres) == 1


def test_calibrated_on_a_poisson_the_quantiles_are_those_of_the_law():
    rng = np.random.default_rng(2)
    mean, fresh = rng.uniform(20, 200, (2, 20_000))
    learned = learn_series(mean, rng.poisson(mean).astype(float), _alike(20_000), 24)
    quantiles = Calibration({"s": learned}).quantiles("s", fresh, np.ones(20_000, dtype=int))
    below = (rng.poisson(fresh)[:, None] <= quantiles).mean(axis=0)
    assert below.tolist() == pytest.approx(TAUS.tolist(), abs=0.02)


def _steady_world(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Means, sizes and a past of 400 series: negative binomials, half calm and half not."""
    mean = np.exp(rng.uniform(np.log(0.5), np.log(60), 400))
    size = np.where(np.arange(400) % 2 == 0, 20.0, 1.5)
    return mean, size, _sold(rng, mean, size, 112)


def _sold(rng: np.random.Generator, mean: np.ndarray, size: np.ndarray, days: int) -> np.ndarray:
    law = rng.gamma(size, mean / size, (days, len(mean)))
    return rng.poisson(law).T.astype(float)


def test_series_of_two_dispersions_each_exceed_their_quantiles_as_often_as_their_level():
    rng = np.random.default_rng(7)
    mean, size, past = _steady_world(rng)
    own = np.repeat(dispersion_of(past), HORIZON)
    y_hat = np.repeat(mean, HORIZON)
    windows = [_sold(rng, mean, size, HORIZON).ravel() for _ in range(WINDOWS)]
    learned = learn_series(np.tile(y_hat, WINDOWS), np.concatenate(windows), np.tile(own, 4), 24)
    quantiles = Calibration({"s": learned}).quantiles("s", y_hat, np.ones(len(y_hat)), own)
    y = _sold(rng, mean, size, HORIZON).ravel()
    for is_calm in (True, False):
        for is_fast in (True, False):
            of = (np.repeat(size > 2, HORIZON) == is_calm) & ((y_hat >= 5) == is_fast)
            gaps = np.abs(shares_below(y[of], quantiles[of].T) - TAUS)
            assert gaps[[0, 1, 7, 8]].max() <= 0.02
            if is_fast:
                assert gaps.max() <= 0.03


def test_a_bin_of_series_that_did_not_sell_lately_takes_its_classes_from_no_other():
    """Their dispersion is unknown. Their bin is one for all classes; the other bins keep theirs."""
    rng = np.random.default_rng(8)
    mean, size, past = _steady_world(rng)
    own, y_hat = np.repeat(dispersion_of(past), HORIZON), np.repeat(mean, HORIZON)
    y = _sold(rng, mean, size, HORIZON).ravel()
    asleep = np.full(2_000, 0.05)
    (alone,) = learn_series(y_hat, y, own, 8)
    (ratios,) = learn_series(
        np.concatenate([asleep, y_hat]),
        np.concatenate([rng.poisson(asleep).astype(float), y]),
        np.concatenate([_alike(2_000), own]),
        8,
    )
    assert len(ratios.classes) == len(alone.classes) == MOST_CLASSES
    assert ratios.centres[0] == pytest.approx(0.05)
    for calm, of_class in zip(alone.classes, ratios.classes, strict=True):
        assert of_class.quantiles[0] == ratios.quantiles[0]
        assert of_class.dispersion[0] == of_class.dispersion[1]
        assert of_class.dispersion[-1] == pytest.approx(calm.dispersion[-1], rel=0.1)


def test_where_no_dispersion_is_known_there_are_no_classes():
    y_hat = np.full(2_000, 3.0)
    (ratios,) = learn_series(y_hat, y_hat, _alike(2_000), 4)
    assert ratios.classes == ()


@pytest.mark.parametrize("groups", [1, 3, 10, 70])
def test_few_groups_with_wandering_levels_are_covered_within_two_points(groups):
    """Poisson days around a level that misses by 3% in each window; a mean of 300 worlds."""
    rng = np.random.default_rng(11)
    covered = np.zeros((300, 2))
    for world in covered:
        y_hat = rng.uniform(500, 20_000, (groups, 1)) * np.ones((WINDOWS + 1, 1, HORIZON))
        level = np.exp(rng.normal(0, 0.03, (WINDOWS + 1, groups, 1)))
        day = np.exp(rng.normal(0, 0.05, (WINDOWS + 1, groups, HORIZON)))
        y = rng.poisson(y_hat * level * day).astype(float)
        learned = learn_groups(np.concatenate(y_hat[:-1]), np.concatenate(y[:-1]), 24)
        h = np.tile(np.arange(1, HORIZON + 1), groups)
        q = Calibration({"g": learned}).quantiles("g", y_hat[-1].ravel(), h)
        actual = y[-1].ravel()
        world[0] = ((q[:, 1] <= actual) & (actual <= q[:, 7])).mean()
        world[1] = ((q[:, 3] <= actual) & (actual <= q[:, 5])).mean()
        assert ((q[:, 3] <= y_hat[-1].ravel()) & (y_hat[-1].ravel() <= q[:, 5])).all()
    assert covered.mean(axis=0) == pytest.approx([0.95, 0.50], abs=0.02)


def test_dispersion_by_hand():
    steady = np.tile([3.0, 0, 0, 0, 0, 0, 4], 16)
    unsteady = np.tile([0.0] * 7 + [2.0] * 7, 8)  # mean 1; each weekday 0, 2, 0, 2: 16/15
    history = np.array([steady, unsteady, np.zeros(112)])
    assert dispersion_of(history)[:2].tolist() == pytest.approx([0.0, 16 / 15])
    assert np.isnan(dispersion_of(history)[2])  # never sold
    assert np.isnan(dispersion_of(history[:, :13])).all()  # one week tells nothing
