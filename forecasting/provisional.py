"""What serves while no model has passed the gate: the best of the backtest, the simplest in doubt.

"Not proven better than the naive" is no reason to serve the naive. Going from the simplest to the
most complex, a forecaster takes over where it is better than what was best so far: with the gate's
confidence, or at every cutoff of at least FEWEST_CUTOFFS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from contract.demand import demand_rules
from contract.panel import Panel
from contract.params import Params
from forecasting.contenders import CANDIDATE
from forecasting.forecaster import BASELINE
from forecasting.paired import Losses, difference, losses_of
from forecasting.window_average import GROUPED_AVERAGE, WINDOW_AVERAGE

FROM_SIMPLEST = (BASELINE, WINDOW_AVERAGE, GROUPED_AVERAGE, CANDIDATE)
FEWEST_CUTOFFS = 3  # of two, being better at each is a coin thrown twice


@dataclass(frozen=True)
class Provisional:
    """The forecaster that serves without a champion, and in a sentence why and until when."""

    method: str
    reason: str


def provisional(
    params: Params,
    panel: Panel,
    backtest: pl.DataFrame,
    known: dict[str, Losses | None],
    *,
    has_table: bool,
) -> Provisional:
    """The best known forecaster of a backtest; the candidate only if its bundle makes a table.

    `known`: losses on that backtest that were found already.
    """
    names = [
        name
        for name in FROM_SIMPLEST
        if name in backtest.columns and (has_table or name != CANDIDATE)
    ]
    levels, rules = params.source.hierarchy, demand_rules(params)
    others = [name for name in names if known.get(name) is None]
    found = dict(zip(others, losses_of(panel, backtest, others, levels, rules), strict=True))
    losses = {name: known.get(name) or found[name] for name in names}
    if not losses[BASELINE].cutoffs:
        return Provisional(BASELINE, f"{BASELINE} serves: no window of the backtest can be judged")
    best = best_of(losses, params.evaluate.gate.confidence)
    measured = ", ".join(f"{name} {losses[name].headline.mean():.3f}" for name in names)
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
