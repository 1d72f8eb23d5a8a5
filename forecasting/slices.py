"""Parts whose scores an average hides: weeks ahead, velocity, lifecycle, promotion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

RECENT_DAYS = 56  # velocity and lifecycle look back this far
FAST_UNITS, SLOW_UNITS = 5.0, 1.0  # mean units a day


def lifecycle_states(history: np.ndarray) -> np.ndarray:
    """For each (series, days) row one of: unsold, new, dormant, active.

    Unsold never sold; new sold first in the RECENT_DAYS; dormant not in them.
    """
    sold = history > 0
    ever, recently = sold.any(axis=1), sold[:, -RECENT_DAYS:].any(axis=1)
    before = sold[:, :-RECENT_DAYS].any(axis=1)
    return np.select([~ever, ~before, ~recently], ["unsold", "new", "dormant"], "active")


def velocity_classes(history: np.ndarray) -> np.ndarray:
    """For each (series, days) row: fast, medium or slow, by mean units over the recent days."""
    mean = history[:, -RECENT_DAYS:].mean(axis=1)
    return np.select([mean >= FAST_UNITS, mean >= SLOW_UNITS], ["fast", "medium"], "slow")


def slices_of(
    kinds: Mapping[str, np.ndarray], horizon: int, promoted: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Slice name -> (series, horizon) mask of its cells, by the (series,) labels of each kind."""
    shape = (len(next(iter(kinds.values()))), horizon)
    h = np.arange(horizon)
    masks = {
        f"week_{week + 1}": np.broadcast_to(h // 7 == week, shape)
        for week in range(-(-horizon // 7))
    }
    for kind, labels in kinds.items():
        for label in np.unique(labels):
            masks[f"{kind}_{label}"] = np.broadcast_to((labels == label)[:, None], shape)
    if promoted is not None and promoted.any():
        masks["promo_yes"], masks["promo_no"] = promoted, ~promoted
    return masks
