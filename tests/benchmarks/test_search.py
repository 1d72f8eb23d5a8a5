"""The recorded search: seeded draws, thinned out on earlier cutoffs alone; and the ages launches
are scored by.
"""

from __future__ import annotations

import numpy as np

from benchmarks.accuracy.launches import ages_of
from benchmarks.accuracy.search import LEAST_STEPS, MOST_WORK, SEARCHED, draws_of, searched
from benchmarks.harness.params import params_for


class Trials:
    """Trials whose scores are known: a planted draw wins, every cutoff that is read is noted."""

    def __init__(self, winner: str):
        self.winner, self.cutoffs = winner, set()

    def mean(self, name: str, change: dict, share: float, cutoffs: range) -> float:
        self.cutoffs |= set(cutoffs)
        return {self.winner: 0.5, "ships": 0.1}.get(name, 0.6)


def test_the_same_seed_draws_the_same_and_every_draw_may_be_tried():
    train = params_for("m5").train
    drawn = draws_of(train, 30, seed=5)
    assert drawn == draws_of(train, 30, seed=5) != draws_of(train, 30, seed=6)
    for change in drawn.values():
        assert change["rounds"] * change["learning_rate"] >= LEAST_STEPS
        assert change["rounds"] * change["leaves"] <= MOST_WORK * train.rounds * train.leaves


def test_the_search_finds_the_best_draw_and_looks_at_earlier_cutoffs_only():
    train, trials = params_for("m5").train, Trials("draw 7")
    assert searched(trials, train, 12, 5) == draws_of(train, 12, 5)["draw 7"]
    assert trials.cutoffs == set(range(SEARCHED))


def test_a_series_is_as_old_as_its_first_sale():
    history = np.zeros((4, 100))
    history[1, 99] = history[2, 99 - 14] = history[3, 0] = 1
    assert ages_of(history).tolist() == ["not sold yet", "1 to 2 weeks", "3 to 4 weeks", "older"]
