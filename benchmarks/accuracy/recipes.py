"""What choosing a recipe on older cutoffs is worth on the later ones it did not see.

Simulated chains, and the shared data sets by the tutorial's mappings, every n-th series of them.
Beside the recipe that is set and the chosen one, at the cutoffs `evaluate` reports, stand the best
simple forecaster and the smallest loss that any recipe of the list has there.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.accuracy.other_data import (
    mapped_folder,
    mappings_of_the_tutorial,
    with_plans,
)
from benchmarks.harness import entry_points as entry
from benchmarks.harness.params import params_here
from benchmarks.harness.pipeline import backtest_scores
from benchmarks.harness.registry import SHARED, Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.worlds import simulated
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel
from contract.params import Params
from contract.params_file import AS_SET, load_params, recipes_of
from features.dense_panel import feature_recipe_of
from forecasting.backtest import backtest, plan_of
from forecasting.choice import METRICS, Choice, choose, forecasters_of, tried_series, usable
from forecasting.forecaster import BASELINE
from forecasting.leaderboard import leaderboard_of
from forecasting.window_average import WINDOW_AVERAGE, WindowAverage
from runtime.paths import Paths
from storage.panel_files import read_frozen

# name: series, days, world, seed
WORLDS = {
    "hard, 200 series": (200, 760, "hard", 21),
    "calm, 200 series": (200, 760, "calm", 22),
    "hard, 240 days": (150, 240, "hard", 23),
    "hard, 24 series": (24, 500, "hard", 24),
}
MINUTES = 10.0
SIMPLE = (BASELINE, WINDOW_AVERAGE)


def measure(context: Context) -> Result:
    """A row for each world and data set; those measured before are kept."""
    options, result = context.options, context.before()
    for name, params, panel in _panels(options.only, options.shared.resolve(), options.series):
        result[name] = _measured(_choosing(params), panel)
        print(name, result[name], flush=True)
        context.keep(result)
    return result


def table(result: Result) -> str:
    """A row for each world and data set."""
    head = ["data", "series x days", "chosen", "older WRMSSE: set, chosen"]
    head += ["WRMSSE: set, chosen, least", "WAPE: set, chosen, best simple", "bias: set, chosen"]
    rows = [_row(name, found) for name, found in result.items() if name != "machine"]
    return markdown_table([*head, "s"], rows)


def _row(name: str, found: Result) -> list[str]:
    older, later, recipe = found["older"], found["later"], found["recipe"]
    pair = (AS_SET, recipe)
    least = min(row["wrmsse"] for model, row in later.items() if model not in SIMPLE)
    simple = min(later[model]["wape"] for model in SIMPLE)
    return [
        name,
        f"{found['series']:,} x {found['days']:,}",
        recipe,
        ", ".join(f"{older[one]['wrmsse']:.3f}" for one in pair) if older else "",
        ", ".join(f"{value:.3f}" for value in (*(later[one]["wrmsse"] for one in pair), least)),
        ", ".join(f"{value:.3f}" for value in (*(later[one]["wape"] for one in pair), simple)),
        ", ".join(f"{later[one]['bias']:+.1%}" for one in pair),
        f"{found['seconds']:.0f}",
    ]


def _choosing(params: Params) -> Params:
    """With the minutes that files of one's own have."""
    choosing = params.evaluate.choose.model_copy(update={"minutes": MINUTES})
    evaluate = params.evaluate.model_copy(update={"choose": choosing})
    return params.model_copy(update={"evaluate": evaluate})


def _measured(params: Params, panel: Panel) -> Result:
    started = time.perf_counter()
    days = (panel.last_day - panel.first_day).days + 1
    some = panel.only(tried_series(params, panel.series, days))
    choice = choose(params, some, None, whole=panel)
    return {
        "series": panel.series.height,
        "days": days,
        "recipe": choice.recipe,
        "seconds": time.perf_counter() - started,
        "older": choice.measured,
        "later": _later(params, panel, choice),
    }


def _later(params: Params, panel: Panel, choice: Choice) -> dict[str, dict[str, float]]:
    """METRICS of every recipe and simple forecaster at the cutoffs that are reported."""
    recipes = (
        usable(recipes_of(params), panel.series) if choice.measured else {AS_SET: params.train}
    )
    sides = forecasters_of(params, panel, recipes)
    sides[WINDOW_AVERAGE] = WindowAverage(feature_recipe_of(params, panel))
    forecasts = backtest(panel, sides, plan_of(params, panel))
    board = leaderboard_of(backtest_scores(params, panel, forecasts, list(sides))[0])
    return {name: {metric: board[name][metric] for metric in METRICS} for name in sides}


def _panels(only: list[str] | None, shared: Path, most: int) -> Iterator[tuple[str, Params, Panel]]:
    mappings = {
        "rossmann": {},
        "rossmann_with_plans": {"source": {"files": {"plans": "test.*"}}},
        **mappings_of_the_tutorial(),
    }
    for name in only or [*WORLDS, *mappings]:
        if name in WORLDS:
            yield _world(name)
            continue
        with tempfile.TemporaryDirectory(prefix="recipes-") as scratch:
            here = Path(scratch)
            planned = name == "rossmann_with_plans"
            files = with_plans(here, shared / "rossmann") if planned else shared / name
            folder = mapped_folder(here, files, mappings[name])
            entry.run(entry.FILL, folder)
            panel = read_frozen(Paths(folder.data).panel)
            nth = -(-panel.series.height // most)
            some = panel.only(panel.series["unique_id"].gather_every(nth))
            yield f"{name}, every {nth}th", load_params(folder.params), some


def _world(name: str) -> tuple[str, Params, Panel]:
    series, days, world, seed = WORLDS[name]
    params = params_here()
    simulator = params.source.simulator.model_copy(update={"world": world})
    source = params.source.model_copy(update={"simulator": simulator})
    params = params.model_copy(update={"source": source})
    return name, params, simulated(params, series, days, seed)


BENCHMARK = Benchmark(
    question="Is the recipe chosen on older cutoffs at or under the one that is set, later?",
    needs="the shared data sets; a few minutes each",
    measure=measure,
    options=(
        SHARED,
        Option("only", "these worlds and data sets", many=True),
        Option("series", "at most so many series of a data set", 120, int),
    ),
    table=table,
)
