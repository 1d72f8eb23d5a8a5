"""Forecasters scored side by side at the last origins of a panel: what `evaluate.py` does, without quantiles, files and gate."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np

from benchmarks.measured import held_mb, peak_mb
from contract.levels import Level
from contract.panel import Panel
from features.hierarchy import sum_by
from forecasting.forecaster import Forecaster
from forecasting.metrics import point_scores
from forecasting.window import Window, window_after
from runtime.memory import forget_peak

Made = TypeVar("Made")

STEP_DAYS = 28
ITEM_LEVELS = 3  # the lowest levels of the hierarchy, noise for the most part


class Yardstick:
    """The last `count` cutoffs of a panel, what came true after each, and the fits made on the way."""

    def __init__(self, panel: Panel, levels: list[Level], horizon: int, count: int, absent_means_zero: bool):
        last = panel.last_day - timedelta(days=horizon)
        self.panel, self.horizon = panel, horizon
        self.cutoffs = [last - timedelta(days=STEP_DAYS * k) for k in reversed(range(count))]
        self.windows = [window_after(panel, cutoff, horizon, levels, absent_means_zero) for cutoff in self.cutoffs]

    def fitted(self, forecaster: Forecaster, k: int) -> tuple[Forecaster, dict[str, float]]:
        """A forecaster fitted at the k-th cutoff; the seconds and the MB it took."""
        known = self.panel.up_to(self.cutoffs[k])
        fitted, cost = _costed(lambda: forecaster.fit(known))
        return fitted, {f"fit_{unit}": amount for unit, amount in cost.items()}

    def score(self, forecaster: Forecaster, k: int) -> dict[str, Any]:
        """WRMSSE of all levels, of the upper and of the item levels, total bias; the seconds and MB of the forecast."""
        known = self.panel.up_to(self.cutoffs[k])
        told, cost = _costed(lambda: forecaster.forecast(known, self.cutoffs[k], self.horizon))
        scores = scores_of(self.windows[k], np.nan_to_num(self.windows[k].matrix(told)))
        return scores | {f"forecast_{unit}": amount for unit, amount in cost.items()}


def _costed(work: Callable[[], Made]) -> tuple[Made, dict[str, float]]:
    """What the work made; its seconds, and the MB it held at most beyond what was held before."""
    gc.collect()
    before, started = held_mb(), time.perf_counter()
    forget_peak()
    made = work()
    return made, {"s": time.perf_counter() - started, "mb": peak_mb() - before}


def mean_of(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The mean of every number over cutoffs, and WRMSSE cutoff by cutoff."""
    means = {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}
    return means | {"by_cutoff": [round(row["wrmsse"], 4) for row in rows]}


def scores_of(window: Window, y_hat: np.ndarray) -> dict[str, float]:
    """WRMSSE of all levels, of the upper and of the item levels, and total bias of (series, horizon) means."""
    told = [point_scores(level, sum_by(y_hat, level.group_ix, len(level.group_key))[0]) for level in window.levels]
    wrmsse = [scores["wrmsse"] for scores in told]
    return {
        "wrmsse": float(np.mean(wrmsse)),
        "upper": float(np.mean(wrmsse[:-ITEM_LEVELS])) if len(wrmsse) > ITEM_LEVELS else float("nan"),
        "items": float(np.mean(wrmsse[-ITEM_LEVELS:])),
        "bias": told[0]["bias"],
    }
