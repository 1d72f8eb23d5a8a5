"""The group step: series scaled towards their groups' totals, nothing made of nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.params import GroupParams
from features.dense_panel import vocabulary_of
from features.hierarchy import group_index, sum_by
from forecasting.alignment import FURTHEST, LEAST_DAYS, aligned
from forecasting.group_totals import expected_totals, sums_of_groups

STEPS = 14
WHOLE = GroupParams(
    columns=["store_id", "dept_id"], shape_strength=1, level_strength=1, ridge=1.0, pull=1.0
)


@pytest.fixture(scope="module")
def dense(unfitted, nasty_panel):
    """A nasty panel made dense."""
    return unfitted().feature_recipe.dense_panel(nasty_panel, STEPS, vocabulary_of(nasty_panel))


def _means(dense, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.gamma(1.0, 2.0, (dense.series.height, STEPS)) * (
        rng.random((dense.series.height, STEPS)) > 0.1
    )


def _totals(dense, y_hat: np.ndarray) -> np.ndarray:
    return sum_by(y_hat, group_index(dense.series, WHOLE.columns), 4)[0]


@given(seed=st.integers(0, 1000), strength=st.floats(0, 1))
def test_shape_alone_moves_units_between_days_and_a_group_sells_as_much_as_before(
    dense, seed, strength
):
    y_hat = _means(dense, seed)
    moved = aligned(
        dense, y_hat, WHOLE.model_copy(update={"shape_strength": strength, "level_strength": 0.0})
    )
    assert _totals(dense, moved).sum(axis=1) == pytest.approx(_totals(dense, y_hat).sum(axis=1))
    assert ((moved == 0) == (y_hat == 0)).all()
    assert (moved >= 0).all()


def test_level_alone_scales_every_day_of_a_group_alike(dense):
    y_hat = _means(dense, 2)
    moved = aligned(dense, y_hat, WHOLE.model_copy(update={"shape_strength": 0.0}))
    ratio = _totals(dense, moved) / _totals(dense, y_hat)
    assert ratio == pytest.approx(np.broadcast_to(ratio[:, :1], ratio.shape))


def test_without_strength_nothing_moves(dense):
    y_hat = _means(dense, 1)
    still = WHOLE.model_copy(update={"shape_strength": 0.0, "level_strength": 0.0})
    assert aligned(dense, y_hat, still) == pytest.approx(y_hat)


def test_at_full_strength_a_group_sells_what_its_own_forecaster_expects(dense):
    sums = sums_of_groups(dense, WHOLE.columns, STEPS)
    expected = expected_totals(dense.groups, sums, WHOLE, STEPS)
    near = np.ones((dense.series.height, STEPS))
    near *= (expected / _totals(dense, near))[group_index(dense.series, WHOLE.columns)] * 1.2
    assert _totals(dense, aligned(dense, near, WHOLE)) == pytest.approx(expected)


def test_two_forecasts_that_contradict_each_other_are_not_forced_together(dense):
    absurd = np.full((dense.series.height, STEPS), 1000.0)
    moved = aligned(dense, absurd, WHOLE.model_copy(update={"shape_strength": 0.0}))
    assert _totals(dense, moved) == pytest.approx(_totals(dense, absurd) / FURTHEST)


def test_a_group_expected_to_sell_nothing_stays_at_nothing(dense):
    assert (aligned(dense, np.zeros((dense.series.height, STEPS)), WHOLE) == 0).all()


def test_a_history_too_short_for_a_shape_leaves_the_forecast_alone(unfitted, make_panel):
    short = make_panel(series=8, days=LEAST_DAYS - 1, seed=4)
    dense = unfitted().feature_recipe.dense_panel(short, STEPS, vocabulary_of(short))
    y_hat = _means(dense, 3)
    assert np.array_equal(aligned(dense, y_hat, WHOLE), y_hat)
