"""What totals of the years before the items add on the whole of M5: the same booster's forecasts,
with the group step reading the items alone, or M5's totals of levels 1 to 9 since 2011 as well.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.harness.cutoffs import last_cutoffs
from benchmarks.harness.params import params_for
from benchmarks.harness.pipeline import window_of
from benchmarks.harness.registry import SHARED, Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.scores import level_scores, mean_of, scores_of
from benchmarks.harness.worlds import m5_read
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.forecaster import Forecaster
from forecasting.global_lightgbm import GlobalLightGBM

FILES = ("m5/calendar*", "m5/sell_prices*", "m5/sales_train*", "m5_long/levels1to9*")
SHOWN = ("wrmsse", "upper", "items", "bias", "mean_abs_bias")
NAMES = {False: "items alone", True: "items and totals since 2011"}


def measure(context: Context) -> Result:
    """Mean scores over the last cutoffs, without totals and with them."""
    params = params_for("m5")
    with tempfile.TemporaryDirectory(prefix="totals-") as scratch:
        panel = m5_read(_files(Path(scratch) / "files", context.options.shared), Path(scratch))
    scores: dict[bool, list[Result]] = {False: [], True: []}
    for day in last_cutoffs(panel, params.train.horizon, context.options.cutoffs):
        known = panel.up_to(day)
        bare = replace(known, totals=panel.totals.clear())
        model = GlobalLightGBM(params.train, feature_recipe_of(params, bare)).fit(bare)
        for has_totals, read in ((False, bare), (True, known)):
            scores[has_totals].append(_scored(params, panel, read, model, day))
        print(day, scores[False][-1]["wrmsse"], scores[True][-1]["wrmsse"], flush=True)
    return {NAMES[has_totals]: mean_of(rows) for has_totals, rows in scores.items()}


def table(result: Result) -> str:
    """A row for each way: mean scores, and WRMSSE by cutoff."""
    rows = [
        [name, *(f"{found[score]:.4f}" for score in SHOWN), ", ".join(map(str, found["by_cutoff"]))]
        for name, found in result.items()
        if name != "machine"
    ]
    head = ["read", "WRMSSE", "levels 1 to 9", "items", "bias", "mean absolute bias", "by cutoff"]
    return markdown_table(head, rows)


def _files(folder: Path, shared: Path) -> Path:
    folder.mkdir()
    for pattern in FILES:
        for file in shared.resolve().glob(pattern):
            shutil.copy(file, folder / file.name)
    return folder


def _scored(params: Params, panel: Panel, known: Panel, model: Forecaster, day: date) -> Result:
    horizon = params.train.horizon
    window = window_of(params, panel, day, horizon)
    y_hat = np.nan_to_num(window.matrix(model.forecast(known, day, horizon)))
    scores = scores_of(window, y_hat)
    levels = {
        f"level {k}": one["wrmsse"] for k, one in enumerate(level_scores(window, y_hat), start=1)
    }
    return {**scores, "mean_abs_bias": abs(scores["bias"]), **levels}


BENCHMARK = Benchmark(
    question="What do totals of the years before the items add to the scores on M5?",
    needs="the shared data sets; two minutes a cutoff",
    measure=measure,
    options=(SHARED, Option("cutoffs", "how many, four weeks apart", 6, int)),
    table=table,
)
