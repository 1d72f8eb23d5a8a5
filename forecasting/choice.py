"""Which recipe this panel wants: what may be laid over `train`, measured on older cutoffs.

They are older than all that are reported later, so nothing is judged on days it was chosen by. No
clock decides: the same panel gives the same choice on any machine.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from contract.demand import demand_rules
from contract.draws import some_of
from contract.errors import BadParams, NotEnoughHistory
from contract.panel import Panel
from contract.params import GateParams, Params, TrainParams
from contract.params_file import AS_SET, recipes_of
from features.dense_panel import feature_recipe_of
from forecasting.backtest import (
    EXTRA_DAYS,
    Progress,
    backtest,
    cutoffs_of,
    no_progress,
    plan_of,
)
from forecasting.forecaster import BASELINE, Forecaster
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.leaderboard import leaderboard_of
from forecasting.paired import Difference, Losses, difference, losses_of
from forecasting.scoring import score_backtest
from forecasting.seasonal_naive import baseline_of

LEAST_CUTOFFS = 4  # in three windows of a chain's first months what won lost later by 12%
CELLS_A_MINUTE = 500_000  # series x days x recipes, fitted and forecast on two idle cores
AFTER_TREES = {"groups", "average_share", "rest_days"}  # no tree depends on them
METRICS = ("wrmsse", "wape", "bias")


@dataclass(frozen=True)
class Choice:
    """The recipe to train, what it lays over `train`, and why.

    `measured`: METRICS of each recipe, means over the cutoffs; empty where nothing was measured.
    """

    recipe: str
    changes: dict[str, Any]
    why: str
    cutoffs: list[str]
    series: int
    measured: dict[str, dict[str, float]]


def with_choice(params: Params, recipe_file: Path) -> Params:
    """The params with the chosen recipe as their `train`; as they are where nothing was chosen.

    BadParams for a recipe that params no longer name.
    """
    if not params.evaluate.choose.minutes or not recipe_file.exists():
        return params
    recipe = json.loads(recipe_file.read_text(encoding="utf-8"))["recipe"]
    recipes = recipes_of(params)
    if recipe not in recipes:
        raise BadParams(
            f"'{recipe_file}' chose '{recipe}', which evaluate.choose.recipes does not name. "
            "Run `python evaluate.py choose`."
        )
    return params.model_copy(update={"train": recipes[recipe]})


def choice_in(recipe_file: Path) -> dict[str, Any] | None:
    """What a model card says of a choice: recipe, changes, why; None where nothing was measured."""
    if not recipe_file.exists():
        return None
    kept = json.loads(recipe_file.read_text(encoding="utf-8"))
    return {name: kept[name] for name in ("recipe", "changes", "why")} if kept["measured"] else None


@dataclass(frozen=True)
class SameTrees:
    """A recipe whose trees are another's; only what is done with their means differs."""

    trees: GlobalLightGBM
    params: TrainParams
    name: str

    def fit(self, panel: Panel) -> SameTrees:
        """Nothing to do: the other one stands before it in the backtest."""
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As GlobalLightGBM.forecast."""
        return replace(self.trees, params=self.params).forecast(panel, origin, horizon)


def choose(
    params: Params,
    panel: Panel,
    serves: TrainParams | None,
    progress: Progress = no_progress,
    whole: Panel | None = None,
) -> Choice:
    """The recipe for a panel, or for one of which these are the series it is measured on
    (`tried_series`): of that `whole` days and series are known, its rows need not be.

    `serves`: what the champion was trained with; None: there is none.
    """
    whole = whole or panel
    cutoffs = older_cutoffs(params, whole)
    if len(cutoffs) < LEAST_CUTOFFS:
        return as_set(
            f"{len(cutoffs)} cutoffs lie before those of the backtest, {LEAST_CUTOFFS} are needed"
        )
    recipes = usable(recipes_of(params), whole.series)
    plan = plan_of(params, panel)
    plan = replace(plan, cutoffs=cutoffs, refit_every=params.evaluate.choose.refit_every)
    forecasts = backtest(panel, forecasters_of(params, panel, recipes), plan, progress)
    found = losses_of(panel, forecasts, list(recipes), params.source.hierarchy, plan.rules)
    if not found[0].cutoffs:
        return as_set("no window of the older cutoffs can be judged")
    losses = dict(zip(recipes, found, strict=True))
    standing = next((name for name, train in recipes.items() if train == serves), None)
    chosen = chosen_by(losses, standing, params.evaluate.gate)
    return Choice(
        chosen,
        params.evaluate.choose.recipes.get(chosen, {}),
        reason_of(chosen, losses, standing),
        [str(cutoff) for cutoff in cutoffs],
        panel.series.height,
        measured(params, panel, forecasts, list(recipes)),
    )


def measured(
    params: Params, panel: Panel, forecasts: pl.DataFrame, recipes: list[str]
) -> dict[str, dict[str, float]]:
    """METRICS of each recipe, means over the cutoffs."""
    levels, bins = params.source.hierarchy, params.evaluate.calibration_bins
    scores, _ = score_backtest(panel, forecasts, recipes, levels, bins, demand_rules(params))
    board = leaderboard_of(scores)
    return {name: {metric: board[name][metric] for metric in METRICS} for name in recipes}


def as_set(why: str) -> Choice:
    """`train` as it stands."""
    return Choice(AS_SET, {}, f"{AS_SET} as it is set: {why}", [], 0, {})


def older_cutoffs(params: Params, panel: Panel) -> list[date]:
    """Cutoffs whose windows had closed by the first that is reported; none in a short history."""
    evaluate, horizon = params.evaluate, params.train.horizon
    try:
        last = cutoffs_of(panel, evaluate, horizon)[0] - timedelta(days=horizon)
    except NotEnoughHistory:
        return []
    step = timedelta(days=evaluate.step_days)
    wanted = [last - step * k for k in reversed(range(params.evaluate.choose.origins))]
    first = panel.first_day + timedelta(days=horizon + EXTRA_DAYS - 1)
    return [cutoff for cutoff in wanted if cutoff >= first]


def usable(recipes: dict[str, TrainParams], series: pl.DataFrame) -> dict[str, TrainParams]:
    """Those whose groups the series have, and more than one of."""
    several = {name for name in series.columns if series[name].n_unique() > 1}
    return {
        name: train
        for name, train in recipes.items()
        if name == AS_SET or several.issuperset(train.groups.columns or [])
    }


def tried_series(params: Params, series: pl.DataFrame, days: int) -> pl.Series:
    """The names of as many series as all recipes can be measured on in the minutes there are, of a
    panel of so many days.
    """
    cells = days * len(usable(recipes_of(params), series))
    most = params.evaluate.choose.minutes * CELLS_A_MINUTE / max(cells, 1)
    return series["unique_id"].gather(some_of(series.height, math.ceil(most)))


def forecasters_of(
    params: Params, panel: Panel, recipes: dict[str, TrainParams]
) -> dict[str, Forecaster]:
    """The baseline and every recipe, unfitted; those whose trees are the same are fitted once."""
    recipe, by_trees = feature_recipe_of(params, panel), dict[str, GlobalLightGBM]()
    forecasters: dict[str, Forecaster] = {BASELINE: baseline_of(params)}
    for name, train in recipes.items():
        trees = train.model_dump_json(exclude=AFTER_TREES)
        if trees in by_trees:
            forecasters[name] = SameTrees(by_trees[trees], train, name)
        else:
            by_trees[trees] = forecasters[name] = GlobalLightGBM(train, recipe, name)
    return forecasters


def chosen_by(losses: dict[str, Losses], standing: str | None, gate: GateParams) -> str:
    """What stands, or the best of those that are better by more than chance.

    What is set stands against one standard error; a champion's recipe against the gate's proof.
    """
    kept = standing or AS_SET
    found = {name: difference(of, losses[kept]) for name, of in losses.items() if name != kept}
    better = {
        name: one.mean
        for name, one in found.items()
        if one and (_is_proved(one, gate) if standing else one.mean < -one.error)
    }
    return min(better, key=lambda name: better[name], default=kept)


def _is_proved(found: Difference, gate: GateParams) -> bool:
    return found.probability_below(-gate.min_gain) >= gate.confidence


def reason_of(chosen: str, losses: dict[str, Losses], standing: str | None) -> str:
    """Why it was chosen, in a sentence."""
    words = ", ".join(f"{name} {of.headline.mean():.3f}" for name, of in losses.items())
    bar = "surely" if standing else "by more than one standard error"
    kept = standing or AS_SET
    why = f"none is better {bar}" if chosen == kept else f"better than {kept} {bar}"
    return f"{chosen}: {why}, at {losses[chosen].cutoffs} older cutoffs (WRMSSE: {words})"
