"""Since when: a step is dated to its first day, also where the signal wandered just before it."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.cusum import SLACK
from monitoring.onset import onset, persistence_of

WATCHED = 28


def first_day_of_cusum(z: np.ndarray) -> int:
    """Days before the last one on which the run of the last day's CUSUM began: the guess before."""
    summed = np.concatenate([[0.0], np.cumsum(z[-WATCHED:] - SLACK)])
    return WATCHED - 1 - min(WATCHED - int(np.argmin(summed[::-1])), WATCHED - 1)


def wandering(rng: np.random.Generator, days: int, persistence: float) -> np.ndarray:
    """Days of which each holds a share of the day before; one spread wide."""
    fresh = rng.normal(0, np.sqrt(1 - persistence**2), days + 50)
    z = np.zeros(days + 50)
    for day in range(1, days + 50):
        z[day] = persistence * z[day - 1] + fresh[day]
    return z[50:]


@pytest.mark.parametrize("days_ago", [0, 3, 12, 27])
@pytest.mark.parametrize("persistence", [0.0, 0.7])
def test_a_clean_step_is_dated_to_the_day(days_ago, persistence):
    z = np.zeros(56)
    z[len(z) - 1 - days_ago :] = 3.0
    assert onset(z, WATCHED, persistence) == days_ago


def test_a_level_that_was_off_before_is_not_part_of_the_step():
    """A month at one spread and a half, then four days at four: a CUSUM takes all of it."""
    z = np.zeros(56)
    z[-40:], z[-4:] = 1.5, 4.0
    assert first_day_of_cusum(z) == WATCHED - 1
    assert onset(z, WATCHED, 0.0) == 3


def test_nothing_but_falls_or_too_few_days_are_dated_to_some_day_of_those_watched():
    assert 0 <= onset(-np.arange(56.0), WATCHED, 0.3) < WATCHED
    assert onset(np.ones(1), WATCHED, 0.0) == 0
    assert onset(np.zeros(56), WATCHED, 0.5) < WATCHED


def test_persistence_is_the_correlation_with_the_day_before():
    z = wandering(np.random.default_rng(2), 5000, 0.6)
    assert persistence_of(z) == pytest.approx(0.6, abs=0.04)
    assert persistence_of(np.tile([1.0, -1.0], 50)) == 0.0
    assert persistence_of(np.zeros(9)) == 0.0
    assert persistence_of(np.ones(99)) == 0.9


def test_steps_in_wandering_signals_are_dated_nearer_than_by_the_run_of_the_cusum():
    """180 steps of 2, 3 and 5 spreads, a week old, in signals that wander for weeks."""
    rng = np.random.default_rng(11)
    by_cusum, by_step = [], []
    for size in np.repeat([2.0, 3.0, 5.0], 60):
        z = np.clip(wandering(rng, 56, 0.8), -4, 4)
        z[-7:] = np.clip(z[-7:] + size, -4, 4)
        by_cusum.append(abs(first_day_of_cusum(z) - 6))
        by_step.append(abs(onset(z, WATCHED, 0.8) - 6))
    assert np.mean(by_step) < 0.5 * np.mean(by_cusum)
    assert np.quantile(by_step, 0.9) <= 1
