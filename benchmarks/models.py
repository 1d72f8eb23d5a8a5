"""Ours beside simpler models and a peer, on the same cutoffs: accuracy, seconds to fit and to forecast, the MB either took at most.

run     python -m benchmarks.models DATA_FOLDER [--origins 2]     (a data folder after `make repro`, its params.yaml beside it)
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks.measured import keep
from benchmarks.origins import Yardstick, mean_of
from benchmarks.peers import EtsTopDown, Linear, Mlforecast
from contract.params import Params
from contract.params_file import load_params
from features.dense_panel import FeatureRecipe, feature_recipe_of
from forecasting.forecaster import Forecaster
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.seasonal_naive import baseline_of
from forecasting.window_average import WindowAverage
from reports.tables import text_table
from runtime.paths import Paths
from storage.panel_files import read_frozen


def main() -> None:
    """Fit each at every cutoff, score, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--origins", type=int, default=2)
    arguments = parser.parse_args()
    params, panel = load_params(arguments.data.parent / "params.yaml"), read_frozen(Paths(arguments.data).panel)
    zeros = params.ingest.absent_means_zero
    yardstick = Yardstick(panel, params.source.hierarchy, params.train.horizon, arguments.origins, zeros)
    told = {}
    for name, make in _makers(params, feature_recipe_of(params, panel)).items():
        rows = []
        for k in range(arguments.origins):
            model, cost = yardstick.fitted(make(), k)
            rows.append(yardstick.score(model, k) | cost)
        told[name] = mean_of(rows)
        print(name, told[name], flush=True)
    lines = [
        [
            n,
            f"{r['wrmsse']:.3f}",
            f"{r['upper']:.3f}",
            f"{r['items']:.3f}",
            f"{r['bias']:+.1%}",
            f"{r['fit_s']:.0f}",
            f"{r['forecast_s']:.0f}",
            f"{max(r['fit_mb'], r['forecast_mb']):,.0f}",
        ]
        for n, r in sorted(told.items(), key=lambda pair: pair[1]["wrmsse"])
    ]
    print(text_table(["model", "wrmsse", "upper levels", "item levels", "bias", "fit s", "forecast s", "MB"], lines))
    cutoffs = [str(cutoff) for cutoff in yardstick.cutoffs]
    keep(f"models_{params.source.kind}", {"source": params.source.kind, "cutoffs": cutoffs, "told": told})


def _makers(params: Params, reading: FeatureRecipe) -> dict[str, Callable[[], Forecaster]]:
    train, groups = params.train, params.train.groups
    columns = groups.columns if groups.columns is not None else list(params.source.levels[-1])
    off = train.model_copy(update={"groups": groups.model_copy(update={"columns": None})})
    grouped = groups.model_copy(update={"columns": columns})
    return {  # the hungriest last: what memory a model leaves behind is there for the next
        "seasonal_naive": lambda: baseline_of(params),
        "window_average": lambda: WindowAverage(reading),
        "grouped_average": lambda: WindowAverage(reading, grouped),
        "global_lightgbm": lambda: GlobalLightGBM(train, reading),
        "lightgbm_without_groups": lambda: GlobalLightGBM(off, reading),
        "mlforecast_lightgbm": lambda: Mlforecast(reading, train.threads),
        "auto_ets_top_down": lambda: EtsTopDown(reading, columns, train.season),
        "linear_same_features": lambda: Linear(train, reading),
    }


if __name__ == "__main__":
    main()
