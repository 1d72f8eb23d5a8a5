"""How much one day is like another: what a feed that repeats itself cannot hide.

Counted are the rows that sold on either of the two days: zeros repeat by nature. Of two honest days
a tenth to a fifth of these rows agree by chance, of a copy all do.
"""

from __future__ import annotations

import numpy as np

DAYS_BEFORE = 14  # a frozen feed repeats yesterday, a shifted one a day of last week or before


def agreeing(y: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(DAYS_BEFORE, groups, days) each: of the rows that sold on a day or on the one so many
    columns before (1 to DAYS_BEFORE), those whose units agree; and how many sold.

    `y` (series, days): 0 or NaN did not sell; a group's series stand together, from `starts` on.
    """
    is_sold = y > 0
    agree, sold = (
        np.zeros((DAYS_BEFORE, len(starts), y.shape[1]), dtype=np.int32) for _ in range(2)
    )
    for back in range(1, min(DAYS_BEFORE + 1, y.shape[1])):
        same = (y[:, back:] == y[:, :-back]) & is_sold[:, back:]
        either = is_sold[:, back:] | is_sold[:, :-back]
        agree[back - 1, :, back:] = np.add.reduceat(same, starts, axis=0, dtype=np.int32)
        sold[back - 1, :, back:] = np.add.reduceat(either, starts, axis=0, dtype=np.int32)
    return agree, sold


def likest(agree: np.ndarray, sold: np.ndarray, unlike: int = 0) -> np.ndarray:
    """(groups, days) share that agrees with the day most like it; NaN where nothing sold.

    `unlike`: rows that agree with nothing are added, so that a handful is not all of it.
    """
    share = (agree / np.maximum(sold + unlike, 1)).max(axis=0)
    found: np.ndarray = np.where((sold > 0).any(axis=0), share, np.nan)
    return found
