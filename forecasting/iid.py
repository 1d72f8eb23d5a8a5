"""The illusion of a random split, measured: same model, same rows, not split in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from contract.panel import Panel
from features.dense_panel import DensePanel, vocabulary_of
from features.frame import Rows, feature_frame, targets
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.lesson import drawn_rows
from forecasting.metrics import volume_scores

if TYPE_CHECKING:
    import lightgbm

TEST_SHARE = 0.2


def iid_against_temporal(
    panel: Panel, unfitted: Callable[[], GlobalLightGBM], horizon: int
) -> dict[str, str | float]:
    """WAPE on the last `horizon` days, by a random split of all rows and by a split in time.

    Both fit the first block on rows made the same way; the random split holds out a fifth of the
    rows, whose neighbours in time stay in training.
    """
    cut = panel.last_day - timedelta(days=horizon)
    claimed = _random_split(panel, unfitted(), horizon)
    honest = _temporal_split(panel, unfitted(), cut, horizon)
    return {
        "first_test_day": str(cut + timedelta(days=1)),
        "wape_random_split": claimed,
        "wape_temporal_split": honest,
    }


def _random_split(panel: Panel, model: GlobalLightGBM, horizon: int) -> float:
    model.vocabulary = vocabulary_of(panel)
    dense = model.feature_recipe.dense_panel(panel, horizon, model.vocabulary)
    end, hs = next(iter(model.blocks.items()))
    rows = drawn_rows(dense, hs, model.params)
    held_out = np.random.default_rng(model.params.seed).random(len(rows)) < TEST_SHARE
    booster = model.learn_block(end, model.lesson(dense, hs, rows.where(~held_out)))
    recent = held_out & (rows.target_ix > dense.last_known - horizon)
    return _wape(booster, dense, rows.where(recent))


def _temporal_split(panel: Panel, model: GlobalLightGBM, cut: date, horizon: int) -> float:
    model.vocabulary = vocabulary_of(panel.up_to(cut))
    end, hs = next(iter(model.blocks.items()))
    before = model.feature_recipe.dense_panel(panel.up_to(cut), horizon, model.vocabulary)
    booster = model.learn_block(end, model.lesson(before, hs))
    after = model.feature_recipe.dense_panel(panel, horizon, model.vocabulary)
    rows = drawn_rows(after, hs, model.params)
    return _wape(booster, after, rows.where(rows.target_ix > after.last_known - horizon))


def _wape(booster: lightgbm.Booster, dense: DensePanel, rows: Rows) -> float:
    y_hat = np.clip(booster.predict(feature_frame(dense, rows).to_numpy()), 0, None)
    return round(volume_scores(targets(dense, rows), y_hat)["wape"], 4)
