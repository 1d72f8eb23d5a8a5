"""What serves while no model has passed the gate: the best of the backtest, or what is simpler and
as good.

"Not proven better than the naive" is no reason to serve the naive: nobody is in office whom a proof
would have to replace, so the smallest loss is the best guess. A simpler forecaster is as good where
it lies within one standard error of the best (Breiman et al., 1984) and costs little.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from forecasting.contenders import CANDIDATE
from forecasting.forecaster import BASELINE
from forecasting.paired import SMALLEST, Losses, difference
from forecasting.window_average import GROUPED_AVERAGE, WINDOW_AVERAGE

FROM_SIMPLEST = (BASELINE, WINDOW_AVERAGE, GROUPED_AVERAGE, CANDIDATE)
LITTLE = 0.02  # of the loss: what being simpler may cost


@dataclass(frozen=True)
class Provisional:
    """The forecaster that serves without a champion, and in a sentence why and until when."""

    method: str
    reason: str


def tried(names: Collection[str]) -> list[str]:
    """Of the forecasters of a backtest those that may serve."""
    return [name for name in FROM_SIMPLEST if name in names]


def provisional(losses: dict[str, Losses], *, has_table: bool) -> Provisional:
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
    best, serves = _smallest(usable), best_of(usable)
    measured = ", ".join(f"{name} {of.headline.mean():.3f}" for name, of in usable.items())
    close = f"as good as {best} and at most {LITTLE:.0%} worse on single series, "
    why = "" if serves == best else close
    reason = f"{serves} serves, {why}the best of the backtest (WRMSSE: {measured})"
    return Provisional(serves, f"{reason}, until a candidate passes the gate")


def best_of(losses: dict[str, Losses]) -> str:
    """The best by its headline, or the simplest that is as good; losses given from the simplest.

    Of those as good nobody serves who is worse on single series than another of them: what repeats
    last week's noise adds up as well as any, and no order is placed for a sum.
    """
    best = _smallest(losses)
    close = [name for name in losses if name == best or _is_as_good(losses[name], losses[best])]
    if not losses[best].is_evidence:
        return close[0]
    on_series = {name: _mean_log(losses[name].by_level[:, -1]) for name in close}
    most = min(on_series.values()) + float(np.log1p(LITTLE))
    return next(name for name in close if on_series[name] <= most)


def _smallest(losses: dict[str, Losses]) -> str:
    return min(losses, key=lambda name: _mean_log(losses[name].headline))


def _mean_log(of_cutoffs: np.ndarray) -> float:
    return float(np.log(np.maximum(of_cutoffs, SMALLEST)).mean())


def _is_as_good(simpler: Losses, best: Losses) -> bool:
    found = difference(best, simpler)
    if found is None:  # no evidence that the best is any better
        return True
    return found.mean > -found.error and found.relative > -LITTLE
