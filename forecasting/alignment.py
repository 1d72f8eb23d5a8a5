"""Series scaled, day by day, towards what the forecaster of their groups expects in all."""

from __future__ import annotations

import numpy as np

from contract.params import GroupParams
from contract.whole import Table
from features.dense_panel import DensePanel, GroupContext
from features.hierarchy import grouping_by, sum_by
from forecasting.group_totals import expected_totals, sums_of_groups

LEAST_DAYS = 56  # of history, below which a group has no shape worth taking
# factor; a group whose two forecasts lie further apart has a problem that scaling would hide
FURTHEST = 2.0


def aligned(dense: DensePanel, y_hat: np.ndarray, params: GroupParams) -> np.ndarray:
    """(series, steps) means, scaled by group and day as far as the strengths say.

    A day or group without sales in `y_hat` keeps its zeros.
    """
    sums = sums_of_groups(dense, params.columns or [], y_hat.shape[1])
    return scaled_to_groups(dense.groups, sums, y_hat, params)


def scaled_to_groups(
    context: GroupContext, own: dict[str, Table], y_hat: np.ndarray, params: GroupParams
) -> np.ndarray:
    """As `aligned`, by the sums of a panel's groups (`sums_of_groups`)."""
    if context.past.days.known < LEAST_DAYS:
        return y_hat
    columns, steps = params.columns or [], y_hat.shape[1]
    groups = grouping_by(context.series, columns)
    ours = Table(groups.keys, {"units": sum_by(y_hat, groups.ix, len(groups.keys))[0]})
    named = {f"groups {context.days.known} {name}": sums for name, sums in own.items()}
    forecast = f"forecast of groups {context.days.known}"
    totals = context.whole.totals({**named, forecast: ours})
    of_all = totals.pop(forecast)

    def made() -> dict[str, np.ndarray]:
        of_nodes = dict(zip(own, totals.values(), strict=True))
        theirs = expected_totals(context, of_nodes, params, steps)
        return {"factor": _factors(of_all.values["units"], theirs, params)}

    factor = context.whole.once(f"factors of groups {context.days.known}", made)["factor"]
    scaled: np.ndarray = y_hat * factor[of_all.at(groups.keys)[groups.ix]]
    return scaled


def _factors(ours: np.ndarray, theirs: np.ndarray, params: GroupParams) -> np.ndarray:
    """(groups, steps) what each day of a group is multiplied with."""
    theirs = np.where(ours > 0, theirs, 0.0)
    day_shares = _over(_over(theirs, _sum(theirs)), _over(ours, _sum(ours)))
    shape = _bounded(day_shares) ** params.shape_strength
    shape = _over(shape * _sum(ours), _sum(ours * shape))
    level = _bounded(_over(_sum(theirs), _sum(ours))) ** params.level_strength
    factors: np.ndarray = shape * level
    return factors


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
