"""What a fit, a forecast and a backtest cost, and how much of it is not LightGBM's own training.

run     python -m benchmarks.costs DATA_FOLDER      (a data folder after `make repro`, its params.yaml beside it)

The fit is the one `train.py` makes; the backtests are the candidate's alone, at params' cutoffs, refitted at each, at every second and
at the first alone. Overhead is everything of a fit that is
not `lightgbm.train` on binned rows: laying out, choosing rows, making features, binning.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import lightgbm

from benchmarks.measured import keep
from contract.panel import Panel
from contract.params import Params
from contract.params_file import load_params
from features.dense_panel import FeatureRecipe, feature_recipe_of
from forecasting import global_lightgbm
from forecasting.backtest import backtest, cutoffs_of
from forecasting.global_lightgbm import GlobalLightGBM
from reports.tables import text_table
from runtime.paths import Paths
from storage.panel_files import read_frozen

REFIT_EVERY = (1, 2, 6)
STEPS = {  # name -> whose attribute; a step within another is counted once, in the inner one
    "lay out": (FeatureRecipe, "space"),
    "choose rows": (global_lightgbm, "training_rows"),
    "make features": (global_lightgbm, "feature_matrix"),
    "bin": (lightgbm.Dataset, "construct"),
    "train": (lightgbm, "train"),
}


def main() -> None:
    """Fit, forecast, backtest; print; keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    places = Paths(parser.parse_args().data)
    params, panel = load_params(places.root.resolve().parent / "params.yaml"), read_frozen(places.panel)
    model = GlobalLightGBM(params.train, feature_recipe_of(params, panel))
    with _timed() as steps:
        fit_s = _seconds(lambda: model.fit(panel))
    forecast_s = _seconds(lambda: model.forecast(panel, panel.last_day, params.train.horizon))
    cutoffs = cutoffs_of(panel, params.evaluate, params.train.horizon)
    one_fit = fit_s + len(cutoffs) * forecast_s
    made = {
        "source": params.source.kind,
        "series": panel.series.height,
        "fit_s": fit_s,
        "steps": steps,
        "overhead": round(fit_s / steps["train"] - 1, 3),
        "forecast_s": forecast_s,
        "cutoffs": len(cutoffs),
        "backtests": [_told_backtest(params, panel, cutoffs, every, one_fit) for every in REFIT_EVERY],
    }
    print(text_table(["step of a fit", "seconds"], [[name, f"{seconds:.1f}"] for name, seconds in steps.items()]))
    print(f"fit {fit_s:.1f} s, {made['overhead']:.0%} over training alone; forecast {forecast_s:.1f} s")
    for told in made["backtests"]:
        print(
            f"{len(cutoffs)} cutoffs, {told['fits']} fits: {told['seconds']:.1f} s, {told['ratio']} times one fit and all forecasts"
        )
    keep(f"costs_{params.source.kind}", made)


def _told_backtest(params: Params, panel: Panel, cutoffs: list[date], every: int, one_fit_s: float) -> dict[str, Any]:
    """fits, seconds, and how many times one fit and all forecasts that is."""
    ours = {"ours": GlobalLightGBM(params.train, feature_recipe_of(params, panel))}
    horizon = params.train.horizon
    seconds = _seconds(lambda: backtest(panel, ours, "ours", cutoffs, horizon, every, params.inference))
    return {"fits": len(cutoffs[::every]), "seconds": seconds, "ratio": round(seconds / one_fit_s, 2)}


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 2)


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Seconds spent in each step while the block runs, what an inner step takes not counted in the outer."""
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

    patches = [patch.object(owner, name, watched(step, getattr(owner, name))) for step, (owner, name) in STEPS.items()]
    for one in patches:
        one.start()
    try:
        yield spent
    finally:
        for one in patches:
            one.stop()
        spent.update({name: round(seconds, 2) for name, seconds in spent.items()})


if __name__ == "__main__":
    main()
