"""Series that are no longer themselves: an item's number given to another product, a pack taken
apart. One such series moves no total.

A week's units against the eight weeks that ended two to nine weeks before, times what the chain
sold more or less since. A series is another one where it sells three times as much or as little,
and its week is further off than chance and its own restlessness explain: in square roots, where a
Poisson count has one spread at every level (F. J. Anscombe, Biometrika 35, 1948). Promotions stay
below; what ended or is new is the assortment's matter.
"""

from __future__ import annotations

import numpy as np

from contract.days import WEEK
from contract.sums import summed_by_group
from contract.whole import Arrays
from monitoring.measured import measured_by
from monitoring.signal import WHOLE, Signal, members
from monitoring.what_arrived import Arrived

FEWEST_DAYS = 4  # of a week; a store may be closed on some
WEEKS, FEWEST_WEEKS = range(2, 10), 6  # before; the week just before may hold the change already
ANOTHER = 4.0  # spreads; a count of Poisson is so far off once in 16,000 weeks
LEAST_RATIO = 3.0  # times as much or as little; a promotion is about twice
# a single series may change for good and honestly; with so many more that did not it is less than a
# spread of any group
UNCHANGED_SERIES = 200
SMALLEST_SHARE = 0.004
SERIES_AT_ONCE = 4096  # bounds memory


def changed_signal(seen: Arrived, columns: list[str]) -> Signal:
    """drift:series, of everything and of each group of the columns."""
    groups = members(seen.series, columns)

    def units() -> Arrays:
        return {"units": np.nan_to_num(seen.y).sum(axis=0, dtype=np.float64)[None]}

    own = seen.whole.kept("units by day", units)
    _, of_all = summed_by_group(seen.whole, "units by day", [WHOLE], own)

    def sums() -> tuple[Arrays, np.ndarray]:
        growth = _growth(of_all["units"][0])
        pieces = [seen.y[k : k + SERIES_AT_ONCE] for k in range(0, len(seen.y), SERIES_AT_ONCE)]
        off = np.concatenate([_times_another(piece, growth) for piece in pieces])
        is_judged, is_another = np.isfinite(off), off > 1
        counted = {
            "judged": [is_judged[rows].sum(axis=0) for rows in groups.values()],
            "another": [is_another[rows].sum(axis=0) for rows in groups.values()],
        }
        return {name: np.array(counts) for name, counts in counted.items()}, off

    changed = measured_by(seen, "series", columns, sums)
    judged, another = changed.sums["judged"], changed.sums["another"]
    shares = np.where(judged > 0, another / (judged + UNCHANGED_SERIES), np.nan)
    return Signal(
        watcher="drift",
        slice="series",
        first=seen.first,
        whole=seen.whole,
        groups=changed.groups,
        values=shares,
        parts=changed.parts,
        smallest_spread=SMALLEST_SHARE,
        sentence=f"of the series{{group}} and {UNCHANGED_SERIES} more {{now:.1%}} sell at another "
        "level than in the weeks before (usually {usual:.1%} ± {spread:.1%})",
        advice="Look whether an item's number was given to another product, or a pack was changed: "
        "a product needs a number of its own, its past is not the other's.",
        sides="up",
    )


def _times_another(y: np.ndarray, growth: np.ndarray) -> np.ndarray:
    """(series, days) float32: the spreads by which the week that ends on a day is off, in units of
    ANOTHER; below 1 where it is not LEAST_RATIO times another, NaN where too little is known.

    `growth` (days,): of the chain since the weeks compared with.
    """
    units = _weekly(y)
    weeks, sums, squares, heights = (np.zeros(y.shape, dtype=np.float32) for _ in range(4))
    for back in (WEEK * week for week in WEEKS):
        before = units[:, :-back]
        height = np.nan_to_num(2 * np.sqrt(before + 3 / 8))
        weeks[:, back:] += np.isfinite(before)
        sums[:, back:] += np.nan_to_num(before)
        heights[:, back:] += height
        squares[:, back:] += height**2
    count = np.maximum(weeks, 1)
    spread = np.sqrt(np.maximum(squares / count - (heights / count) ** 2, 1.0))
    expected = growth * sums / count
    off = np.abs(2 * np.sqrt(units + 3 / 8) - 2 * np.sqrt(expected + 3 / 8)) / spread / ANOTHER
    ratio = (units + 3 / 8) / (expected + 3 / 8)
    # what does not sell at all has ended, or its shelf is empty; what did not is new
    is_near = (ratio < LEAST_RATIO) & (ratio > 1 / LEAST_RATIO) | (units == 0) | (expected < 1)
    times: np.ndarray = np.where(is_near, np.minimum(off, 0.99), off)
    times[weeks < FEWEST_WEEKS] = np.nan
    return times


def _growth(daily: np.ndarray) -> np.ndarray:
    """(days,) the chain's week against the mean of the weeks compared with; 1 where unknown.

    `daily` (days,): its units.
    """
    units = np.nan_to_num(_weekly(daily[None])[0])
    before = np.array([np.roll(units, WEEK * week) for week in WEEKS]).mean(axis=0)
    growth: np.ndarray = np.where(before > 0, units / np.maximum(before, 1e-9), 1.0)
    growth[: WEEK * WEEKS[-1]] = 1.0
    return growth.astype(np.float32)


def _weekly(y: np.ndarray) -> np.ndarray:
    """(series, days) units of the week that ends on each day, a closed or unknown day counted as
    the others' mean; NaN where fewer than FEWEST_DAYS are known.
    """
    units = np.full(y.shape, np.nan, dtype=np.float32)
    if y.shape[1] >= WEEK:
        sums, known = (
            np.lib.stride_tricks.sliding_window_view(table, WEEK, axis=1).sum(axis=2)
            for table in (np.nan_to_num(y), np.isfinite(y))
        )
        units[:, WEEK - 1 :] = np.where(
            known >= FEWEST_DAYS, sums * WEEK / np.maximum(known, 1), np.nan
        )
    return units
