"""The group step: series scaled towards their groups' totals, as far as two strengths say, and nothing made of nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.params import GroupParams
from features.hierarchy import group_index, sum_by
from features.space import vocabulary_of
from forecasting.alignment import FURTHEST, LEAST_DAYS, aligned
from forecasting.group_totals import expected_totals

STEPS = 14
WHOLE = GroupParams(columns=["store_id", "dept_id"], shape_strength=1, level_strength=1, ridge=1.0, pull=1.0)


@pytest.fixture(scope="module")
def space(unfitted, nasty_panel):
    """A nasty panel laid out."""
    return unfitted().reading.space(nasty_panel, STEPS, vocabulary_of(nasty_panel))


def _means(space, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.gamma(1.0, 2.0, (space.series.height, STEPS)) * (rng.random((space.series.height, STEPS)) > 0.1)


def _totals(space, y_hat: np.ndarray) -> np.ndarray:
    return sum_by(y_hat, group_index(space.series, WHOLE.columns), 4)[0]


@given(seed=st.integers(0, 1000), strength=st.floats(0, 1))
def test_shape_alone_moves_units_between_days_and_a_group_sells_as_much_as_before(space, seed, strength):
    y_hat = _means(space, seed)
    moved = aligned(space, y_hat, WHOLE.model_copy(update={"shape_strength": strength, "level_strength": 0.0}))
    assert _totals(space, moved).sum(axis=1) == pytest.approx(_totals(space, y_hat).sum(axis=1))
    assert ((moved == 0) == (y_hat == 0)).all()
    assert (moved >= 0).all()


def test_level_alone_scales_every_day_of_a_group_alike(space):
    y_hat = _means(space, 2)
    moved = aligned(space, y_hat, WHOLE.model_copy(update={"shape_strength": 0.0}))
    ratio = _totals(space, moved) / _totals(space, y_hat)
    assert ratio == pytest.approx(np.broadcast_to(ratio[:, :1], ratio.shape))


def test_without_strength_nothing_moves(space):
    y_hat = _means(space, 1)
    still = WHOLE.model_copy(update={"shape_strength": 0.0, "level_strength": 0.0})
    assert aligned(space, y_hat, still) == pytest.approx(y_hat)


def test_at_full_strength_a_group_sells_what_its_own_forecaster_expects(space):
    _, expected = expected_totals(space, WHOLE, STEPS)
    near = np.ones((space.series.height, STEPS))
    near *= (expected / _totals(space, near))[group_index(space.series, WHOLE.columns)] * 1.2
    assert _totals(space, aligned(space, near, WHOLE)) == pytest.approx(expected)


def test_two_forecasts_that_contradict_each_other_are_not_forced_together(space):
    absurd = np.full((space.series.height, STEPS), 1000.0)
    moved = aligned(space, absurd, WHOLE.model_copy(update={"shape_strength": 0.0}))
    assert _totals(space, moved) == pytest.approx(_totals(space, absurd) / FURTHEST)


def test_a_group_expected_to_sell_nothing_stays_at_nothing(space):
    assert (aligned(space, np.zeros((space.series.height, STEPS)), WHOLE) == 0).all()


def test_a_history_too_short_for_a_shape_leaves_the_forecast_alone(unfitted, make_panel):
    short = make_panel(series=8, days=LEAST_DAYS - 1, seed=4)
    space = unfitted().reading.space(short, STEPS, vocabulary_of(short))
    y_hat = _means(space, 3)
    assert np.array_equal(aligned(space, y_hat, WHOLE), y_hat)
