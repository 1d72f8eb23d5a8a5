"""Forecasters side by side at the last cutoffs of a panel: what `evaluate.py` does, without
quantiles, files and gate.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np

from benchmarks.harness.pipeline import window_of
from benchmarks.harness.process import Made, held_mb, peak_mb, timed
from benchmarks.harness.scores import mean_of, scores_of
from contract.panel import Panel
from contract.params import Params
from forecasting.forecaster import Forecaster
from runtime.memory import forget_peak

STEP_DAYS = 28


def last_cutoffs(panel: Panel, horizon: int, count: int) -> list[date]:
    """The last ones with a whole horizon of actuals, oldest first, STEP_DAYS apart."""
    last = panel.last_day - timedelta(days=horizon)
    return [last - timedelta(days=STEP_DAYS * k) for k in reversed(range(count))]


class Cutoffs:
    """The last `count` cutoffs of a panel, what was sold after each, and the fits made."""

    def __init__(self, params: Params, panel: Panel, count: int):
        self.panel, self.horizon = panel, params.train.horizon
        self.days = last_cutoffs(panel, self.horizon, count)
        self.windows = [window_of(params, panel, day, self.horizon) for day in self.days]

    def fitted(self, forecaster: Forecaster, k: int) -> tuple[Forecaster, dict[str, float]]:
        """A forecaster fitted at the k-th cutoff; the seconds and the MB it took."""
        known = self.panel.up_to(self.days[k])
        fitted, cost = _costed(lambda: forecaster.fit(known))
        return fitted, {f"fit_{unit}": amount for unit, amount in cost.items()}

    def score(self, forecaster: Forecaster, k: int) -> dict[str, Any]:
        """Scores at the k-th cutoff; the seconds and MB of the forecast."""
        known = self.panel.up_to(self.days[k])
        forecasts, cost = _costed(lambda: forecaster.forecast(known, self.days[k], self.horizon))
        scores = scores_of(self.windows[k], np.nan_to_num(self.windows[k].matrix(forecasts)))
        return scores | {f"forecast_{unit}": amount for unit, amount in cost.items()}

    def mean(self, make: Callable[[], Forecaster]) -> dict[str, Any]:
        """Scores and cost of a fresh forecaster fitted at each, mean over cutoffs."""
        return mean_of(list(self._each(make)))

    def _each(self, make: Callable[[], Forecaster]) -> Iterator[dict[str, Any]]:
        for k in range(len(self.days)):
            model, cost = self.fitted(make(), k)
            yield self.score(model, k) | cost


def _costed(work: Callable[[], Made]) -> tuple[Made, dict[str, float]]:
    """What the work made; its seconds, and the MB it held at most beyond what was held before."""
    gc.collect()
    before = held_mb()
    forget_peak()
    made, seconds = timed(work)
    return made, {"s": seconds, "mb": peak_mb() - before}
