"""How much one day is like another: what a feed that repeats itself cannot hide.

Counted are the rows that sold on either of the two days: zeros repeat by nature. Of two honest days
a tenth to a fifth of these rows agree by chance, of a copy all do.
"""

from __future__ import annotations

import numpy as np

DAYS_BEFORE = 14  # a frozen feed repeats yesterday, a shifted one a day of last week or before


def agreeing(
    y: np.ndarray, starts: np.ndarray, days: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(DAYS_BEFORE, groups, days) each: of the rows that sold on a day or on the one so many
    columns before (1 to DAYS_BEFORE), those whose units agree; and how many sold.

    `y` (series, columns): 0 or NaN did not sell; a group's series stand together, from `starts` on.
    `days` (series, columns): which day, from 0, a series' column is, -1 for none; where series shut
    on different days. None: each column is a day.
    """
    is_sold = y > 0
    width = y.shape[1] if days is None else int(days.max(initial=-1)) + 1
    agree, sold = (np.zeros((DAYS_BEFORE, len(starts), width), dtype=np.int32) for _ in range(2))
    for back in range(1, min(DAYS_BEFORE + 1, y.shape[1])):
        same = (y[:, back:] == y[:, :-back]) & is_sold[:, back:]
        either = is_sold[:, back:] | is_sold[:, :-back]
        for counts, one in ((agree, same), (sold, either)):
            by_day = _by_day(one, days[:, back:], width) if days is not None else one
            first = 0 if days is not None else back
            counts[back - 1, :, first:] = np.add.reduceat(by_day, starts, axis=0, dtype=np.int32)
    return agree, sold


def _by_day(flags: np.ndarray, days: np.ndarray, width: int) -> np.ndarray:
    """(series, width) of (series, columns) flags, each in the column of its day."""
    placed = np.zeros((len(flags), width + 1), dtype=bool)
    np.put_along_axis(placed, np.where(days < 0, width, days), flags, axis=1)
    return placed[:, :width]


def likest(agree: np.ndarray, sold: np.ndarray, unlike: int = 0) -> np.ndarray:
    """(groups, days) share that agrees with the day most like it; NaN where nothing sold.

    `unlike`: rows that agree with nothing are added, so that a handful is not all of it.
    """
    share = (agree / np.maximum(sold + unlike, 1)).max(axis=0)
    found: np.ndarray = np.where((sold > 0).any(axis=0), share, np.nan)
    return found
