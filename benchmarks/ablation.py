"""What each part of the global forecaster is worth: one part left out at a time, the same cutoffs, the same rows.

run     python -m benchmarks.ablation DATA_FOLDER [--origins 2]     (a data folder after `make repro`, its params.yaml beside it)
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.measured import keep
from benchmarks.origins import Yardstick, mean_of
from contract.params import FeatureParams, Params
from contract.params_file import load_params
from features.dense_panel import FeatureRecipe, feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM
from reports.tables import text_table
from runtime.paths import Paths
from storage.panel_files import read_frozen

FAMILIES: dict[str, dict[str, Any]] = {
    "lags": {"lags": []},
    "weekday means": {"weekday_weeks": []},
    "last year": {"year_windows": []},
    "calendar": {"calendar": False},
    "price": {"price": False},
    "promotion": {"promo": False},
    "lifecycle": {"lifecycle": False},
    "hierarchy": {"hierarchy": []},
    "static ids": {"static": False},
}
STEPS: dict[str, dict[str, Any]] = {
    "group step": {"columns": None},
    "group step's shape": {"shape_strength": 0.0},
    "group step's level": {"level_strength": 0.0},
}


def main() -> None:
    """Fit, score, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--origins", type=int, default=2)
    arguments = parser.parse_args()
    params, panel = load_params(arguments.data.parent / "params.yaml"), read_frozen(Paths(arguments.data).panel)
    horizon, zeros = params.train.horizon, params.ingest.absent_means_zero
    yardstick = Yardstick(panel, params.source.hierarchy, horizon, arguments.origins, zeros)
    recipe = feature_recipe_of(params, panel)
    told = _whole_and_steps(yardstick, params, recipe, arguments.origins)
    for name, change in FAMILIES.items():
        changed = recipe.features.model_copy(update=change)
        if changed != recipe.features:
            told[f"without {name}"] = _without(yardstick, params, recipe, changed, arguments.origins)
    print(_table(told))
    cutoffs = [str(cutoff) for cutoff in yardstick.cutoffs]
    keep(f"ablation_{params.source.kind}", {"source": params.source.kind, "cutoffs": cutoffs, "told": told})


def _whole_and_steps(yardstick: Yardstick, params: Params, recipe: FeatureRecipe, origins: int) -> dict[str, Any]:
    """The model as shipped, and what comes after its booster left out: no new fit needed."""
    steps = STEPS if params.train.groups.columns is not None else {}
    rows: dict[str, list[dict[str, Any]]] = {"as shipped": [], **{f"without the {name}": [] for name in steps}}
    for k in range(origins):
        model, cost = yardstick.fitted(GlobalLightGBM(params.train, recipe), k)
        rows["as shipped"].append(yardstick.score(model, k) | cost)
        for name, change in steps.items():
            groups = params.train.groups.model_copy(update=change)
            model.params = params.train.model_copy(update={"groups": groups})
            rows[f"without the {name}"].append(yardstick.score(model, k) | cost)
    return {name: mean_of(scores) for name, scores in rows.items()}


def _without(
    yardstick: Yardstick, params: Params, recipe: FeatureRecipe, features: FeatureParams, origins: int
) -> dict[str, Any]:
    rows = []
    for k in range(origins):
        changed = FeatureRecipe(features, recipe.region, recipe.absent_means_zero)
        model, cost = yardstick.fitted(GlobalLightGBM(params.train, changed), k)
        rows.append(yardstick.score(model, k) | cost)
    return mean_of(rows)


def _table(told: dict[str, Any]) -> str:
    whole = told["as shipped"]["wrmsse"]
    rows = [
        [
            name,
            f"{row['wrmsse']:.3f}",
            f"{row['wrmsse'] - whole:+.3f}",
            f"{row['upper']:.3f}",
            f"{row['items']:.3f}",
            f"{row['bias']:+.1%}",
            f"{row['fit_s']:.0f}",
            f"{row['fit_mb']:,.0f}",
        ]
        for name, row in told.items()
    ]
    return text_table(["variant", "wrmsse", "change", "upper levels", "item levels", "bias", "fit s", "fit MB"], rows)


if __name__ == "__main__":
    main()
