"""What a fit, a forecast and a backtest cost, and how much of it is not LightGBM's own training.

The fit is the one `train.py` makes; the backtests are the candidate's alone, at params' cutoffs,
refitted at each, at every second and at the first alone. Overhead is everything of a fit that is
not `lightgbm.train` on binned rows: the dense panel, choosing rows, making features, binning.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

import lightgbm

from benchmarks.harness.pipeline import Sides, backtested
from benchmarks.harness.process import seconds_of
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from features.dense_panel import FeatureRecipe, feature_recipe_of
from forecasting import lesson
from forecasting.backtest import cutoffs_of
from forecasting.global_lightgbm import GlobalLightGBM

REFIT_EVERY = (1, 2, 6)
STEPS = {  # name -> whose attribute; a step within another is counted once, in the inner one
    "build dense panel": (FeatureRecipe, "dense_panel"),
    "choose rows": (lesson, "training_rows"),
    "make features": (lesson, "feature_matrix"),
    "bin": (lightgbm.Dataset, "construct"),
    "train": (lightgbm, "train"),
}


def measure(context: Context) -> Result:
    """Fit, forecast, backtest."""
    params, panel = context.params, context.panel
    model = GlobalLightGBM(params.train, feature_recipe_of(params, panel))
    with _timed() as steps:
        fit_s = _seconds(lambda: model.fit(panel))
    forecast_s = _seconds(lambda: model.forecast(panel, panel.last_day, params.train.horizon))
    cutoffs = cutoffs_of(panel, params.evaluate, params.train.horizon)
    one_fit_s = fit_s + len(cutoffs) * forecast_s
    return {
        "source": context.source,
        "series": panel.series.height,
        "fit_s": fit_s,
        "steps": steps,
        "overhead": round(fit_s / steps["train"] - 1, 3),
        "forecast_s": forecast_s,
        "cutoffs": len(cutoffs),
        "backtests": [_backtest(context, cutoffs, every, one_fit_s) for every in REFIT_EVERY],
    }


def table(result: Result) -> str:
    """The steps of a fit, the whole, a forecast, the backtests."""
    cutoffs = result["cutoffs"]
    over = f"the whole fit ({result['overhead']:.0%} over training alone)"
    rows = [
        *([f"a fit: {name}", f"{seconds:.1f}"] for name, seconds in result["steps"].items()),
        [over, f"{result['fit_s']:.1f}"],
        ["a forecast", f"{result['forecast_s']:.1f}"],
    ]
    for made in result["backtests"]:
        times = f"{made['ratio']} times one fit and {cutoffs} forecasts"
        rows.append([f"{cutoffs} cutoffs, {made['fits']} fits ({times})", f"{made['seconds']:.1f}"])
    return markdown_table(["M5", "seconds"], rows)


def _backtest(context: Context, cutoffs: list[date], every: int, one_fit_s: float) -> Result:
    """fits, seconds, and how many times one fit and all forecasts that is."""
    params, panel = context.params, context.panel
    ours: Sides = {"ours": GlobalLightGBM(params.train, feature_recipe_of(params, panel))}
    horizon = params.train.horizon
    seconds = _seconds(lambda: backtested(params, panel, ours, cutoffs, horizon, every))
    ratio = round(seconds / one_fit_s, 2)
    return {"fits": len(cutoffs[::every]), "seconds": seconds, "ratio": ratio}


def _seconds(work: Callable[[], Any]) -> float:
    return round(seconds_of(work), 2)


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Seconds spent in each step while the block runs, what an inner step takes not counted in the
    outer.
    """
    spent, inner = dict.fromkeys(STEPS, 0.0), [0.0]

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            inner.append(0.0)
            started = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                took = time.perf_counter() - started
                spent[name] += took - inner.pop()
                inner[-1] += took

        return call

    with ExitStack() as patches:
        for step, (owner, name) in STEPS.items():
            patches.enter_context(patch.object(owner, name, watched(step, getattr(owner, name))))
        yield spent
    spent.update({name: round(seconds, 2) for name, seconds in spent.items()})


BENCHMARK = Benchmark(
    question="What do a fit, a forecast and a backtest cost beyond LightGBM's own training?",
    needs="a data folder after make repro; minutes on M5",
    measure=measure,
    table=table,
    by_source=True,
)
