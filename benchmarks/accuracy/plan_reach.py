"""What a forecast loses when its plans end inside the horizon, week by week.

A simulated chain whose plans are cut some days after each origin: price and promotion on the same
day, or one of them alone. A fit knows which plans end inside the horizon and not on which day, so
rows of one kind differ by the plan alone. Cells of all origins are pooled.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from benchmarks.harness.params import params_here
from benchmarks.harness.pipeline import window_of
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.scores import scores_of
from benchmarks.harness.worlds import simulated
from benchmarks.render.markdown import markdown_table
from contract.days import WEEK
from contract.demand import demand_rules
from contract.errors import FeaturesMissing
from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from features.reach import with_plans_until
from forecasting.fallback import FEATURES_MISSING, ModelForecast, complete, no_forecast
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.seasonal_naive import baseline_of
from forecasting.window import Window

HORIZON = 28
FITS, ORIGINS_A_FIT = 3, 2  # fits two weeks apart, each used for two weeks
SHORT = 10  # days a plan is known for that ends inside the horizon, as a fit sees it
REACHES = (0, 3, 7, 10, 14, 21, 25, 28)
APART = (0, 10)
TOGETHER = "price and promotion"
HOW = {TOGETHER: ("price", "promo"), "price": ("price",), "promotion": ("promo",)}
RECIPES = {"four blocks": {}, "one block": {"blocks": [HORIZON]}}


def measure(context: Context) -> Result:
    """By code, share hidden and recipe one curve; those of other code or shares are kept."""
    params, options = params_here(), context.options
    panel = simulated(params, options.series, options.days, options.seed)
    result = context.before()
    for recipe, changes in RECIPES.items():
        train = params.train.model_copy(update={"hide_plans_share": options.share} | changes)
        recipe_params = params.model_copy(update={"train": train})
        name = f"{options.code}, {options.share:.0%} hidden, {recipe}, seed {options.seed}"
        result[name] = _curve(recipe_params, panel) | {"series": panel.series.height}
        context.keep(result)
    return result


def table(result: Result) -> str:
    """Per curve: bias and WAPE of each week by how far the plans reach."""
    weeks = [f"week {k}" for k in range(1, HORIZON // WEEK + 1)]
    tables = []
    for name, curve in result.items():
        rows = [
            [
                reach,
                *(f"{bias:+.1%} / {wape:.3f}" for bias, wape in scores["weeks"]),
                f"{scores['wrmsse']:.4f}",
                f"{scores['fallback']:.0%}",
            ]
            for reach, scores in curve["by_reach"].items()
        ]
        head = [f"{name}: plans known", *weeks, "WRMSSE", "fallback"]
        tables.append(markdown_table(head, rows))
    return "\n\n".join(tables)


def _curve(params: Params, panel: Panel) -> Result:
    """Scores by how far which plans reach, over all origins."""
    cells: dict[str, list[tuple[Window, np.ndarray, float]]] = {}
    origins = _origins(panel)
    for k, origin in enumerate(origins):
        known, window = panel.up_to(origin), window_of(params, panel, origin, HORIZON)
        if k % ORIGINS_A_FIT == 0:
            fits: dict[tuple[str, ...], GlobalLightGBM] = {}
        for name, reach in _reaches():
            seen = with_plans_until(known, origin, reach)
            short = tuple(family for family, days in reach.items() if days < HORIZON)
            if short not in fits:
                learned = with_plans_until(known, origin, dict.fromkeys(short, SHORT))
                recipe = feature_recipe_of(params, learned)
                fits[short] = GlobalLightGBM(params.train, recipe).fit(learned)
            cells.setdefault(name, []).append((window, *_served(params, fits[short], seen, origin)))
    scores = {name: _scores(of_reach) for name, of_reach in cells.items()}
    return {"origins": [str(origins[0]), str(origins[-1]), len(origins)], "by_reach": scores}


def _origins(panel: Panel) -> list[date]:
    last = panel.last_day - timedelta(days=HORIZON)
    return [last - timedelta(days=WEEK * k) for k in reversed(range(FITS * ORIGINS_A_FIT))]


def _reaches() -> Iterator[tuple[str, dict[str, int]]]:
    for how, families in HOW.items():
        for days in REACHES if how == TOGETHER else APART:
            yield f"{how}, {days} days", dict.fromkeys(families, days)


def _served(
    params: Params, model: GlobalLightGBM, seen: Panel, origin: date
) -> tuple[np.ndarray, float]:
    """(series, horizon) means as the ladder would serve them, and the share of fallback rows."""
    naive = baseline_of(params).forecast(seen, origin, HORIZON)
    try:
        made = ModelForecast(model.forecast(seen, origin, HORIZON), model.name)
    except FeaturesMissing:
        made = no_forecast(naive, model.name, FEATURES_MISSING)
    served = complete(made, naive, seen, params.inference, demand_rules(params))
    is_missing = served["reason"].eq_missing(FEATURES_MISSING)
    return served["y_hat"].to_numpy().reshape(-1, HORIZON), float(is_missing.mean())


def _scores(cells: list[tuple[Window, np.ndarray, float]]) -> Result:
    errors = np.array([window.error(y_hat) for window, y_hat, _ in cells])
    units = np.array(
        [np.where(w.is_known, w.levels[-1].y[w.levels[-1].group_ix], 0) for w, *_ in cells]
    )
    weekly = [slice(first, first + WEEK) for first in range(0, HORIZON, WEEK)]
    losses = [scores_of(w, np.where(w.is_known, y_hat, 0.0))["wrmsse"] for w, y_hat, _ in cells]
    return {
        "weeks": [
            (
                round(float(errors[..., at].sum() / units[..., at].sum()), 4),
                round(float(np.abs(errors[..., at]).sum() / units[..., at].sum()), 4),
            )
            for at in weekly
        ],
        "wrmsse": round(float(np.mean(losses)), 4),
        "fallback": round(float(np.mean([share for *_, share in cells])), 4),
    }


BENCHMARK = Benchmark(
    question="What does a plan that ends inside the horizon cost, week by week?",
    needs="nothing; a quarter of an hour a share of hidden plans",
    measure=measure,
    table=table,
    options=(
        Option("code", "what the curve is called", default="now"),
        Option("share", "share of training rows whose plans are hidden", 0.3, float),
        Option("series", "of the simulated chain", 200, int),
        Option("days", "of its history", 500, int),
        Option("seed", "of its world", 7, int),
    ),
)
