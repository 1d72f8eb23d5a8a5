"""Since when: the most likely first day of a shift, in a signal that wanders by itself.

The first day of the run that makes a CUSUM is the usual guess (Page 1954). It is early where days
resemble the day before them: a week that wandered a little up just before the shift adds to the
same run. So the day is the one that maximises the likelihood of a step in an autoregression of
first order, the level before it being free (D. V. Hinkley, Inference about the change-point in a
sequence of random variables, Biometrika 57, 1970).
"""

from __future__ import annotations

import numpy as np

MOST_PERSISTENT = 0.9  # beyond, a step and a wandering are one and the same


def onset(z: np.ndarray, watch_days: int, persistence: float) -> int:
    """How many days before the last one the step up began, 0 to `watch_days` - 1.

    `z` (days,) standardised as a CUSUM takes it, the days watched last and as many before them to
    tell the level from. `persistence`: as `persistence_of` its past.
    """
    days = len(z)
    first = np.arange(max(days - watch_days, 1), days)  # a step on the very first day is no step
    if not first.size:
        return 0
    innovation, level = (_innovations(one, persistence) for one in (z, np.ones(days)))
    steps = _innovations((np.arange(days) >= first[:, None]).astype(float), persistence)
    steps -= np.outer(steps @ level / (level @ level), level)
    rise = steps @ innovation
    gain = np.where(rise > 0, rise**2 / (steps**2).sum(axis=1), 0.0)
    return int(days - 1 - first[np.argmax(gain)])


def persistence_of(z: np.ndarray) -> float:
    """Correlation of each day with the day before it, 0 to MOST_PERSISTENT; of z of a past."""
    spread = float((z**2).mean()) if z.size > 1 else 0.0
    if spread == 0:
        return 0.0
    return float(np.clip((z[1:] * z[:-1]).mean() / spread, 0.0, MOST_PERSISTENT))


def _innovations(values: np.ndarray, persistence: float) -> np.ndarray:
    """What a day brings beyond its share of the day before; the first day as it is."""
    fresh = values.astype(float)
    fresh[..., 1:] -= persistence * values[..., :-1]
    return fresh
