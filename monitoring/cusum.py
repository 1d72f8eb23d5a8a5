"""Sequential detection: a two-sided CUSUM over standardised daily values, and its limit by block
bootstrap.

CUSUM: E. S. Page, Continuous inspection schemes, Biometrika 41 (1954), restarted `watch_days` ago:
the largest sum of (z - slack) over any run of days that ends today. Since when: monitoring.onset.
Limit: moving blocks of days, all groups together (H. R. Kuensch, The jackknife and the bootstrap
for general stationary observations, Annals of Statistics 17, 1989). A drawn quarter is standardised
by a drawn past of the true length, so the luck of a short past is in the limit; the largest over
groups counts, so many groups raise no more alerts than one.
"""

from __future__ import annotations

import warnings

import numpy as np

from monitoring.signal import Sides

# spreads a day may lie off without adding up: half of the shift to be found (Montgomery, 9.1)
SLACK = 1.0
CLIP = 4.0  # spreads; one holiday cannot raise an alert by itself
QUARTER_DAYS = 91
BLOCK_DAYS = 28  # a fit's luck lasts until the next fit
DRAWS = 200
SEED = 0  # of the draws: the same past has the same limit
# a signal that never moved has no wandering to resample: two days at the clip are the least that
# raises an alert
LEAST_LIMIT = 6.0


def standardised(values: np.ndarray, past: np.ndarray, smallest_spread: float) -> np.ndarray:
    """(..., days) values as spreads from the past's median, clipped; an unknown day is as usual.

    Median and median distance: a few strange weeks in the past neither move nor widen them.
    """
    centre, spread = centre_and_spread(past, smallest_spread)
    z: np.ndarray = np.nan_to_num(np.clip((values - centre) / spread, -CLIP, CLIP))
    return z


def centre_and_spread(past: np.ndarray, smallest_spread: float) -> tuple[np.ndarray, np.ndarray]:
    """(..., 1) median, and median distance from it as a standard deviation (x 1.4826), at least
    `smallest_spread`.
    """
    median = np.nanmedian if np.isnan(past).any() else np.median  # the first is many times slower
    with warnings.catch_warnings():
        # a group without any past has no centre, and raises no alert
        warnings.simplefilter("ignore", RuntimeWarning)
        centre = median(past, axis=-1, keepdims=True)
        spread = 1.4826 * median(np.abs(past - centre), axis=-1, keepdims=True)
    return centre, np.maximum(spread, smallest_spread)


def cusum(z: np.ndarray, watch_days: int) -> np.ndarray:
    """(..., days): each day's largest sum of (z - SLACK) over a run of at most `watch_days` days
    that ends on it; at least 0.
    """
    # zeros in front, so that a run may begin on the first day
    zeros = np.zeros((*z.shape[:-1], watch_days))
    summed = np.concatenate([zeros, np.cumsum(z - SLACK, axis=-1)], axis=-1)
    lowest = np.lib.stride_tricks.sliding_window_view(summed, watch_days + 1, axis=-1).min(axis=-1)
    path: np.ndarray = summed[..., watch_days:] - lowest
    return path


def quarterly_limits(
    past: np.ndarray,
    watch_days: int,
    smallest_spread: float,
    false_alarms: float,
    sides: Sides = "both",
    has_whole: bool = False,
) -> np.ndarray:
    """(groups,) values of which any is exceeded in so many clean quarters (0.1: one in ten), by
    resampling `past`.

    `past` (groups, days) is taken to be clean. Where the first row is the whole (`has_whole`), half
    of the alarms are its own, and the groups share the other half under one limit, that of the
    largest of them: so restless groups do not deafen the whole, and eighteen groups raise no more
    alerts than one. (Limits in keeping with each group's own wandering raised six times as many.)
    """
    rng = np.random.default_rng(SEED)
    groups, days = past.shape
    block, watched = min(BLOCK_DAYS, max(days // 3, 1)), watch_days + QUARTER_DAYS
    # of a group without any past: nothing
    usual = np.nan_to_num(centre_and_spread(past, smallest_spread)[0])
    known = np.where(np.isnan(past), usual, past).astype(np.float32)
    # (draws, groups, days)
    drawn = known[:, _blocks(rng, days, block, days + watched)].swapaxes(0, 1)
    z = standardised(drawn[..., days:], drawn[..., :days], smallest_spread)
    largest = highest(z, watch_days, sides)[..., watch_days:].max(axis=-1)  # (draws, groups)
    if not has_whole or groups == 1:
        return np.full(groups, _exceeded_in(largest.max(axis=1), false_alarms))
    whole, others = (
        _exceeded_in(part, false_alarms / 2) for part in (largest[:, 0], largest[:, 1:].max(axis=1))
    )
    return np.array([whole] + [others] * (groups - 1))


def _exceeded_in(largest: np.ndarray, quarters: float) -> float:
    return max(float(np.quantile(largest, np.exp(-quarters))), LEAST_LIMIT)


def highest(z: np.ndarray, watch_days: int, sides: Sides) -> np.ndarray:
    """(..., days) of the CUSUM upwards, or of the larger of both sides."""
    path = cusum(z, watch_days)
    return np.maximum(path, cusum(-z, watch_days)) if sides == "both" else path


def _blocks(rng: np.random.Generator, days: int, block: int, length: int) -> np.ndarray:
    """(draws, length) indices of days in blocks; they wrap around the end: all days as likely."""
    starts = rng.integers(0, days, (DRAWS, -(-length // block)))
    return ((starts[..., None] + np.arange(block)) % days).reshape(DRAWS, -1)[:, :length]
