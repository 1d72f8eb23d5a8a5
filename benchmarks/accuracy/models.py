"""Ours beside simpler models and a peer, on the same cutoffs: accuracy, seconds to fit and to
forecast, the MB either took at most.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.accuracy.models_peers import EtsTopDown, Linear, Mlforecast
from benchmarks.harness.cutoffs import Cutoffs
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.forecaster import Forecaster
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.seasonal_naive import baseline_of
from forecasting.window_average import WindowAverage

CUTOFFS = Option("cutoffs", "how many cutoffs, four weeks apart", 2, int)
STEPS_UP = (  # from the simplest baseline: model, the step in words, what it costs and can break
    (
        "seasonal_naive",
        "seasonal naive, the baseline",
        "one strange week becomes four; cannot know a pay day",
    ),
    ("window_average", "mean of 8 same weekdays", "lags behind every change of level by a month"),
    (
        "grouped_average",
        "+ group step",
        "needs groups of hundreds of series, and events that come again",
    ),
    (
        "global_lightgbm",
        "booster instead of the mean",
        "a model to keep and to refit, guards against unknown features",
    ),
)
BESIDE = {
    "lightgbm_without_groups": "the booster without the group step",
    "mlforecast_lightgbm": "mlforecast with LightGBM at its defaults, the lags of its M5 example",
    "linear_same_features": "ridge regression on the booster's features",
    "auto_ets_top_down": "AutoETS on the groups, spread by the mean of 8 weekdays",
}


def measure(context: Context) -> Result:
    """Each model fitted at every cutoff and scored."""
    cutoffs = Cutoffs(context.params, context.panel, context.options.cutoffs)
    scores = {}
    for name, make in _makers(context.params, context.panel).items():
        scores[name] = cutoffs.mean(make)
        print(name, scores[name], flush=True)
    days = [str(day) for day in cutoffs.days]
    return {"source": context.source, "cutoffs": days, "result": scores}


def table(result: Result) -> str:
    """The way from the baseline, then what stands beside it."""
    scores, costs = result["result"], ["fit s", "forecast s", "MB"]
    head = ["step", "WRMSSE", "upper", "items", "bias", *costs, "what it costs and can break"]
    steps = [[words, *cells_of(scores[model]), harm] for model, words, harm in STEPS_UP]
    beside = [[words, *cells_of(scores[model]), "beside"] for model, words in BESIDE.items()]
    return f"Cutoffs {', '.join(result['cutoffs'])}:\n\n{markdown_table(head, [*steps, *beside])}"


def cells_of(row: Result) -> list[str]:
    """Scores, then what they cost."""
    scores = [f"{row[name]:.3f}" for name in ("wrmsse", "upper", "items")]
    memory = f"{max(row['fit_mb'], row['forecast_mb']):,.0f}"
    cost = [f"{row['fit_s']:.0f}", f"{row['forecast_s']:.0f}", memory]
    return [*scores, f"{row['bias']:+.1%}", *cost]


def _makers(params: Params, panel: Panel) -> dict[str, Callable[[], Forecaster]]:
    train, groups, recipe = params.train, params.train.groups, feature_recipe_of(params, panel)
    columns = list(params.source.levels[-1]) if groups.columns is None else groups.columns
    off = train.model_copy(update={"groups": groups.model_copy(update={"columns": None})})
    grouped = groups.model_copy(update={"columns": columns})
    return {  # the hungriest last: what memory a model leaves behind is there for the next
        "seasonal_naive": lambda: baseline_of(params),
        "window_average": lambda: WindowAverage(recipe),
        "grouped_average": lambda: WindowAverage(recipe, grouped),
        "global_lightgbm": lambda: GlobalLightGBM(train, recipe),
        "lightgbm_without_groups": lambda: GlobalLightGBM(off, recipe),
        "mlforecast_lightgbm": lambda: Mlforecast(recipe, train.threads),
        "auto_ets_top_down": lambda: EtsTopDown(recipe, columns, train.season),
        "linear_same_features": lambda: Linear(train, recipe),
    }


BENCHMARK = Benchmark(
    question="Is the booster worth it beside simpler models and a peer?",
    needs="a panel after make repro; five minutes on M5",
    measure=measure,
    options=(CUTOFFS,),
    table=table,
    by_source=True,
)
