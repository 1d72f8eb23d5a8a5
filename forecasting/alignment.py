"""Series scaled, day by day, towards what the forecaster of their groups expects in all."""

from __future__ import annotations

import numpy as np

from contract.params import GroupParams
from features.dense_panel import DensePanel
from features.hierarchy import sum_by
from forecasting.group_totals import expected_totals

LEAST_DAYS = 56  # of history, below which a group has no shape worth taking
# factor; a group whose two forecasts lie further apart has a problem that scaling would hide
FURTHEST = 2.0


def aligned(dense: DensePanel, y_hat: np.ndarray, params: GroupParams) -> np.ndarray:
    """(series, steps) means, scaled by group and day as far as the strengths say.

    A day or group without sales in `y_hat` keeps its zeros.
    """
    if dense.past.days.known < LEAST_DAYS:
        return y_hat
    group_ix, theirs = expected_totals(dense, params, y_hat.shape[1])
    ours = sum_by(y_hat, group_ix, len(theirs))[0]
    theirs = np.where(ours > 0, theirs, 0.0)
    day_shares = _over(_over(theirs, _sum(theirs)), _over(ours, _sum(ours)))
    shape = _bounded(day_shares) ** params.shape_strength
    shape = _over(shape * _sum(ours), _sum(ours * shape))
    level = _bounded(_over(_sum(theirs), _sum(ours))) ** params.level_strength
    scaled: np.ndarray = y_hat * (shape * level)[group_ix]
    return scaled


def _sum(table: np.ndarray) -> np.ndarray:
    """(groups, 1) sums over the days."""
    total: np.ndarray = table.sum(axis=1, keepdims=True)
    return total


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The ratio, 1 where there is nothing to compare."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = part / whole
    return np.where(np.isfinite(ratio) & (ratio > 0), ratio, 1.0)


def _bounded(ratio: np.ndarray) -> np.ndarray:
    bounded: np.ndarray = np.clip(ratio, 1 / FURTHEST, FURTHEST)
    return bounded
