"""The shape step: a group's own history says which days are the strong ones; how much is sold in all stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.params import ShapeParams
from features.hierarchy import group_index, sum_by
from features.space import vocabulary_of
from forecasting.shape import aligned

STEPS = 14
SHAPE = ShapeParams(columns=["store_id", "dept_id"], half_life_days=120, ridge=5.0, strength=1.0)


@pytest.fixture(scope="module")
def space(unfitted, nasty_panel):
    """A nasty panel laid out."""
    return unfitted().reading.space(nasty_panel, STEPS, vocabulary_of(nasty_panel))


def _means(space, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.gamma(1.0, 2.0, (space.series.height, STEPS)) * (rng.random((space.series.height, STEPS)) > 0.1)


@given(seed=st.integers(0, 1000), strength=st.floats(0, 1))
def test_units_move_between_days_but_a_group_sells_as_much_as_before(space, seed, strength):
    y_hat = _means(space, seed)
    moved = aligned(space, y_hat, SHAPE.model_copy(update={"strength": strength}))
    group_ix = group_index(space.series, SHAPE.columns)
    before, after = (sum_by(table, group_ix, 4)[0].sum(axis=1) for table in (y_hat, moved))
    assert after == pytest.approx(before)
    assert (moved >= 0).all()
    assert ((moved == 0) == (y_hat == 0)).all()


def test_without_strength_nothing_moves(space):
    y_hat = _means(space, 1)
    assert aligned(space, y_hat, SHAPE.model_copy(update={"strength": 0.0})) == pytest.approx(y_hat)


def test_a_flat_forecast_takes_the_week_its_group_has(unfitted, weekly_panel):
    origin = weekly_panel.last_day - timedelta(days=STEPS)
    cut = weekly_panel.up_to(origin)
    space = unfitted().reading.space(cut, STEPS, vocabulary_of(cut))
    moved = aligned(space, np.ones((30, STEPS)), SHAPE).sum(axis=0)
    week = np.array(
        [1.4, 2.2, 0.7, 0.4, 0.5, 0.8, 1.0]
    )  # what the panel was drawn with, from the weekday after the origin
    assert moved / moved.sum() == pytest.approx(np.tile(week / 14, 2), rel=0.1)


def test_what_was_sold_after_the_origin_moves_nothing(unfitted, nasty_panel):
    origin = nasty_panel.last_day - timedelta(days=30)
    loud = replace(
        nasty_panel,
        sales=nasty_panel.sales.with_columns(pl.when(pl.col("ds") > origin).then(99.0).otherwise("y").alias("y")),
    )
    told = [
        aligned(unfitted().reading.space(panel.up_to(origin), STEPS, vocabulary_of(panel)), np.ones((8, STEPS)), SHAPE)
        for panel in (nasty_panel, loud)
    ]
    assert np.array_equal(*told)


def test_a_group_that_never_sold_keeps_its_forecast(unfitted, sales_of, nasty_panel):
    quiet = nasty_panel.series.filter(dept_id="D0", store_id="S1")["unique_id"].implode()
    silent = replace(
        nasty_panel,
        sales=nasty_panel.sales.with_columns(
            pl.when(pl.col("unique_id").is_in(quiet)).then(0.0).otherwise("y").alias("y")
        ),
    )
    space = unfitted().reading.space(silent, STEPS, vocabulary_of(silent))
    moved = aligned(space, np.zeros((8, STEPS)), SHAPE)
    assert (moved == 0).all()
