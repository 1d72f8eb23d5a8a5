"""The fits of a parameter search: each scored once, kept in the search's file, read from there
again.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.harness.cutoffs import Cutoffs
from benchmarks.harness.registry import Context
from benchmarks.harness.results import Result
from benchmarks.harness.scores import scores_of
from contract.panel import Panel
from contract.params import Params, TrainParams
from features.dense_panel import DensePanel, feature_recipe_of, vocabulary_of
from forecasting.global_lightgbm import GlobalLightGBM

IN_TURN = 2  # dense panels held at once

Change = dict[str, Any]


class Trials:
    """Every fit of a search; `begun`: what a search must have begun with to be gone on with."""

    def __init__(self, context: Context, params: Params, panel: Panel, cutoffs: int, begun: Result):
        self.context, self.params, self.panel = context, params, panel
        self.recipe, self.cutoffs = (
            feature_recipe_of(params, panel),
            Cutoffs(params, panel, cutoffs),
        )
        self.dense = lru_cache(IN_TURN)(self._dense)
        before = context.before()
        goes_on = all(before.get(key) == value for key, value in begun.items())
        days = [str(day) for day in self.cutoffs.days]
        trials = before["trials"] if goes_on else []
        self.result: Result = begun | {"cutoffs": days, "trials": trials}

    def mean(self, name: str, change: Change, share: float, cutoffs: range) -> float:
        """WRMSSE, mean over these cutoffs."""
        return float(np.mean([self.score(name, change, share, k)["wrmsse"] for k in cutoffs]))

    def score(self, name: str, change: Change, share: float, k: int) -> Result:
        """One fit at the k-th cutoff on a share of the rows; read from the file when it was made
        before.
        """
        cutoff = str(self.cutoffs.days[k])
        key = {"name": name, "share_of_rows": share, "cutoff": cutoff, "change": change}
        trials = self.result["trials"]
        made = next((trial for trial in trials if key.items() <= trial.items()), None)
        if made is None:
            made = key | self._fit(change, share, k)
            trials.append(made)
            self.context.keep(self.result)
            print(
                name, share, cutoff, round(made["wrmsse"], 4), f"{made['fit_s']:.0f} s", flush=True
            )
        return made

    def _fit(self, change: Change, share: float, k: int) -> dict[str, float]:
        rows = round(self.params.train.max_rows * share)
        dense, started = self.dense(k), time.perf_counter()
        train = TrainParams(**self.params.train.model_dump() | {"max_rows": rows} | change)
        model = GlobalLightGBM(train, self.recipe).learn(dense)
        fit_s = time.perf_counter() - started
        window, means = self.cutoffs.windows[k], np.nan_to_num(model.means(dense, train.horizon)[0])
        scores = scores_of(window, np.where(window.is_known, means, 0.0))
        return {name: round(value, 5) for name, value in scores.items()} | {
            "fit_s": round(fit_s, 1)
        }

    def _dense(self, k: int) -> DensePanel:
        known = self.panel.up_to(self.cutoffs.days[k])
        return self.recipe.dense_panel(known, self.params.train.blocks[-1], vocabulary_of(known))
