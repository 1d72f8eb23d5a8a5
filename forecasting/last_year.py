"""What groups sell a day if they go on from the last four weeks as they did a year ago.

The log of a group's mean day is that of its last four weeks plus the change that followed the same
weeks a year ago. One year's change holds luck beside the season, the more the smaller the group: of
what all groups share SHARED is taken, of what a store or a department adds half as much, and of
what the group itself adds a quarter. (Measured: docs/results/accuracy.md.)
"""

from __future__ import annotations

import numpy as np

from contract.days import YEAR

LEVEL_DAYS = 28  # before the forecast, and before the same day a year ago
LEAST_SHARE = 0.5  # of a window's days that must be usual ones
SHARED = 0.8
FADING = 0.5  # from a generation to the next


def log_mean_days(rows: list[np.ndarray], log_units: list[np.ndarray], steps: int) -> np.ndarray:
    """(groups,) logs of the mean units a day of the `steps` days after the last known.

    `rows`, `log_units`: of the grand total, of each column alone, and last of the groups
    themselves, the row of each group, and (rows, known) logs of units, NaN on a day that was not
    usual. NaN for a group without a usual month, and for all without a year.
    """
    groups = log_units[-1]
    then = groups.shape[1] - YEAR
    if then < LEVEL_DAYS:
        return np.full(len(groups), np.nan)
    total, *others = (
        (_log_mean(units[:, then : then + steps]) - _log_mean(units[:, then - LEVEL_DAYS : then]))[
            at
        ]
        for at, units in zip(rows, log_units, strict=True)
    )
    alone = [_known(change - total) for change in others[: max(1, len(others) - 1)]]
    own = [_known(change - total - sum(alone)) for change in others[len(alone) :]]
    shared = SHARED * (total + FADING * sum(alone) + FADING**2 * sum(own))
    log_mean: np.ndarray = _log_mean(groups[:, -LEVEL_DAYS:]) + shared
    return log_mean


def _log_mean(log_units: np.ndarray) -> np.ndarray:
    """(groups,) logs of the mean units of a window's usual days; NaN where they are too few."""
    usual = ~np.isnan(log_units)
    days = usual.sum(axis=1)
    units = np.where(usual, np.expm1(np.where(usual, log_units, 0)), 0).sum(axis=1)
    enough = days >= LEAST_SHARE * log_units.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_mean: np.ndarray = np.where(enough, np.log(units / days), np.nan)
    return log_mean


def _known(change: np.ndarray) -> np.ndarray:
    """What a group adds to its parents' change; nothing where its own year is not known."""
    known: np.ndarray = np.nan_to_num(change, nan=0.0)
    return known
