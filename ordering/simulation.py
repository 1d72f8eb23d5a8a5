"""A shop that orders by a policy and sells what customers want: what it costs, day by day.

A day: what was ordered arrives; on an order day is ordered; customers come, the oldest unit is sold
first, what is not there is lost; what has lived its days is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# the day's number, and (series,) units in hand, and on their way -> units ordered
Policy = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Terms:
    """How all series are supplied: days to delivery and between orders; days a unit can be sold,
    None keeps.
    """

    lead_days: int
    review_days: int
    life_days: int | None = None


@dataclass(frozen=True)
class Played:
    """(series, days) units sold, lost for want of stock, thrown away, and in hand at the close."""

    sold: np.ndarray
    lost: np.ndarray
    wasted: np.ndarray
    in_hand: np.ndarray

    def since(self, day: int) -> Played:
        """Without the days before: those of the stock it began with."""
        return Played(*(part[:, day:] for part in self.__dict__.values()))

    def service(self, terms: Terms) -> np.ndarray:
        """(series,) share of deliveries that lasted until the next: cycles without a lost sale.

        The first day is one of a delivery.
        """
        cycles = self.lost.shape[1] // terms.review_days
        whole = self.lost[:, : cycles * terms.review_days]
        by_cycle = whole.reshape(len(whole), cycles, terms.review_days).sum(axis=2)
        share: np.ndarray = (by_cycle <= 0).mean(axis=1)
        return share


def simulate(demand: np.ndarray, policy: Policy, terms: Terms, start: np.ndarray) -> Played:
    """(series, days) whole demand met by a policy, from (series,) units in hand at the start."""
    series, days = demand.shape
    lives = terms.life_days or 1
    hand = np.zeros((series, lives))  # by age, the freshest first
    hand[:, 0] = start
    coming = np.zeros((series, days + terms.lead_days + 1))
    played = Played(*(np.zeros((series, days)) for _ in range(4)))
    for day in range(days):
        hand[:, 0] += coming[:, day]
        if day % terms.review_days == 0:
            on_the_way = coming[:, day + 1 :].sum(axis=1)
            ordered = policy(day, hand.sum(axis=1), on_the_way)
            coming[:, day + terms.lead_days] += ordered
            if terms.lead_days == 0:
                hand[:, 0] += ordered
        left = demand[:, day].copy()
        for age in reversed(range(lives)):
            taken = np.minimum(hand[:, age], left)
            hand[:, age] -= taken
            left -= taken
        played.lost[:, day], played.sold[:, day] = left, demand[:, day] - left
        if terms.life_days is not None:
            played.wasted[:, day] = hand[:, -1]
            hand = np.column_stack([np.zeros(series), hand[:, :-1]])
        played.in_hand[:, day] = hand.sum(axis=1)
    return played
