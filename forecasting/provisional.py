"""What serves while no model has passed the gate: the best of the backtest, the simplest in doubt.

"Not proven better than the naive" is no reason to serve the naive. Going from the simplest to the
most complex, a forecaster takes over where it is better than what was best so far: with the gate's
confidence, or at every cutoff of at least FEWEST_CUTOFFS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from forecasting.contenders import CANDIDATE
from forecasting.forecaster import BASELINE
from forecasting.paired import Losses, difference
from forecasting.window_average import GROUPED_AVERAGE, WINDOW_AVERAGE

FROM_SIMPLEST = (BASELINE, WINDOW_AVERAGE, GROUPED_AVERAGE, CANDIDATE)
FEWEST_CUTOFFS = 3  # of two, being better at each is a coin thrown twice


@dataclass(frozen=True)
class Provisional:
    """The forecaster that serves without a champion, and in a sentence why and until when."""

    method: str
    reason: str


def tried(backtest: pl.DataFrame) -> list[str]:
    """Of the forecasters of a backtest those that may serve."""
    return [name for name in FROM_SIMPLEST if name in backtest.columns]


def provisional(losses: dict[str, Losses], confidence: float, *, has_table: bool) -> Provisional:
    """The best forecaster of a backtest; the candidate only if its bundle makes a table.

    `losses`: of those that were tried; none where no window can be judged.
    """
    if not losses:
        return Provisional(BASELINE, f"{BASELINE} serves: no window of the backtest can be judged")
    usable = {
        name: losses[name]
        for name in FROM_SIMPLEST
        if name in losses and (has_table or name != CANDIDATE)
    }
    best = best_of(usable, confidence)
    measured = ", ".join(f"{name} {of.headline.mean():.3f}" for name, of in usable.items())
    reason = f"{best} serves, the best of the backtest (WRMSSE: {measured})"
    return Provisional(best, f"{reason}, until a candidate passes the gate")


def best_of(losses: dict[str, Losses], confidence: float) -> str:
    """The best by its headline, losses given from the simplest; in doubt the simpler one."""
    best, *others = losses
    for name in others:
        if _is_better(losses[name], losses[best], confidence):
            best = name
    return best


def _is_better(losses: Losses, so_far: Losses, confidence: float) -> bool:
    ours, theirs = losses.headline, so_far.headline
    if ours.mean() >= theirs.mean():
        return False
    found = difference(losses, so_far)
    is_sure = found is not None and found.probability_below(0.0) >= confidence
    return is_sure or (len(ours) >= FEWEST_CUTOFFS and bool(np.all(ours < theirs)))
