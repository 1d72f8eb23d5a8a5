"""What errors are measured with: how far sales moved from one day to the next, up to a cutoff."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contract.whole import Arrays
from features.hierarchy import sum_by

ROWS_AT_ONCE = 512  # whose changes are found together; bounds memory, and stays in the cache
LEAST_MEMBERS = 0.5  # of a group's series on sale; of fewer, its sum is another group's


@dataclass(frozen=True)
class Past:
    """What the scales of all levels are taken from.

    `sold` (series, days known at the cutoff), NaN where unknown. `members_known` of the same shape:
    1 for a known day since the first sale, 0 for an unknown one, NaN before it; None where every
    day since the first sale is known.
    """

    sold: np.ndarray
    members_known: np.ndarray | None

    def sums(self, group_ix: np.ndarray, groups: int) -> Arrays:
        """(groups, days) units sold; members known and on sale, where any is ever unknown."""
        units = {"units": sum_by(self.sold, group_ix, groups)[0]}
        if self.members_known is None:
            return units
        known, on_sale = sum_by(self.members_known, group_ix, groups)
        return units | {"known": known, "on_sale": on_sale}


def past_of(sold: np.ndarray, *, says_known: bool = False) -> Past:
    """The past of (series, days) units; `says_known`: it counts members also where none is ever
    unknown, as other parts of the panel may have some.
    """
    launched = np.logical_or.accumulate(sold > 0, axis=1)  # NaN is not above 0
    is_known = ~np.isnan(sold)
    if not says_known and not (launched & ~is_known).any():
        return Past(sold, None)
    return Past(sold, np.where(launched, is_known, np.nan))


def days_that_count(sums: Arrays) -> np.ndarray:
    """(groups, days) units of `Past.sums`; NaN where fewer than LEAST_MEMBERS of those on sale are
    known.
    """
    units: np.ndarray = sums["units"]
    if "known" not in sums:
        return units
    return np.where(sums["known"] >= LEAST_MEMBERS * sums["on_sale"], units, np.nan)


def scales(history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared and mean absolute change of each row from one day that counts to the next.

    Since its first sale; NaN in `history` is a day that does not count. NaN for a row without such
    a change. Where every day counts it is M5's one-step naive error.
    """
    parts = [
        _scales(history[first : first + ROWS_AT_ONCE])
        for first in range(0, max(len(history), 1), ROWS_AT_ONCE)
    ]
    squared, absolute = (np.concatenate(part) for part in zip(*parts, strict=True))
    return squared, absolute


def _scales(history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `scales`, of a piece of the rows."""
    counts = ~np.isnan(history)
    at = np.where(counts, np.arange(history.shape[1]), 0)
    before = np.maximum.accumulate(at, axis=1)[:, :-1]  # the last day that counts before each
    changes = history[:, 1:] - np.take_along_axis(history, before, axis=1)
    started = (np.cumsum(np.nan_to_num(history) > 0, axis=1) > 0)[:, :-1]
    is_change = started & counts[:, 1:]
    changes = np.where(is_change, changes, 0.0)
    changed = is_change.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (
            np.where(changed > 0, (changes**2).sum(axis=1) / changed, np.nan),
            np.where(changed > 0, np.abs(changes).sum(axis=1) / changed, np.nan),
        )
