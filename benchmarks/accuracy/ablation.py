"""What each part of the global forecaster is worth: one part left out at a time, the same cutoffs,
the same rows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.accuracy.models import CUTOFFS, cells_of
from benchmarks.harness.cutoffs import Cutoffs
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.harness.scores import mean_of
from benchmarks.render.markdown import markdown_table
from contract.params import Params
from features.dense_panel import FeatureRecipe, feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM

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


def measure(context: Context) -> Result:
    """As shipped, and without each part."""
    params, recipe = context.params, feature_recipe_of(context.params, context.panel)
    cutoffs = Cutoffs(params, context.panel, context.options.cutoffs)
    scores = _whole_and_steps(cutoffs, params, recipe)
    for name, change in FAMILIES.items():
        features = recipe.features.model_copy(update=change)
        if features != recipe.features:
            changed = FeatureRecipe(features, recipe.rules)
            make = partial(GlobalLightGBM, params.train, changed)
            scores[f"without {name}"] = cutoffs.mean(make)
    days = [str(day) for day in cutoffs.days]
    return {"source": context.source, "cutoffs": days, "result": scores}


def table(result: Result) -> str:
    """One row per part left out."""
    whole = result["result"]["as shipped"]
    rows = []
    for name, row in result["result"].items():
        pairs = list(zip(row["by_cutoff"], whole["by_cutoff"], strict=True))
        worse = f"{sum(there > here for there, here in pairs)} of {len(pairs)}"
        wrmsse, *others = cells_of(row)
        rows.append([name, wrmsse, f"{row['wrmsse'] - whole['wrmsse']:+.3f}", worse, *others])
    costs = ["bias", "fit s", "forecast s", "MB"]
    head = ["left out", "WRMSSE", "change", "worse at", "upper", "items", *costs]
    return f"Cutoffs {', '.join(result['cutoffs'])}:\n\n{markdown_table(head, rows)}"


def _whole_and_steps(cutoffs: Cutoffs, params: Params, recipe: FeatureRecipe) -> Result:
    """The model as shipped, and what comes after its booster left out: no new fit needed."""
    steps = STEPS if params.train.groups.columns is not None else {}
    rows: dict[str, list[Result]] = {"as shipped": []}
    for k in range(len(cutoffs.days)):
        model = GlobalLightGBM(params.train, recipe)
        _, cost = cutoffs.fitted(model, k)
        rows["as shipped"].append(cutoffs.score(model, k) | cost)
        for name, change in steps.items():
            groups = params.train.groups.model_copy(update=change)
            model.params = params.train.model_copy(update={"groups": groups})
            rows.setdefault(f"without the {name}", []).append(cutoffs.score(model, k) | cost)
    return {name: mean_of(scores) for name, scores in rows.items()}


BENCHMARK = Benchmark(
    question="What is each family of features and each step of the model worth?",
    needs="a panel after make repro; half an hour on M5",
    measure=measure,
    options=(CUTOFFS,),
    table=table,
    by_source=True,
)
