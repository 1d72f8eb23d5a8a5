"""What the backtest compares, found and checked before anything is fitted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import polars as pl

from contract.demand import demand_rules
from contract.errors import ModelBroken
from contract.params import Params
from features.reach import WHY_LEFT_OUT, short_plans
from forecasting.backtest import BacktestPlan, plan_of
from forecasting.bundle import read_card as read_bundle_card
from forecasting.bundle import recipe_of
from forecasting.choice import with_choice
from forecasting.contenders import CANDIDATE, contenders
from forecasting.footprint import shape_of_card
from forecasting.forecaster import Forecaster
from forecasting.gate import Challenge, challenge_of
from forecasting.global_lightgbm import WHY_RECURSIVE_IN_ONE
from forecasting.trials import Trials, WholeTrials
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.frozen_parts import frozen_parts, stores_of
from stages.parts_wanted import job_of_backtest, parts_for
from stages.trials_in_parts import trials_in_parts
from storage.panel_files import read_card, read_frozen

log = logging.getLogger("evaluate")


class Contest(NamedTuple):
    """What is backtested: the panel, the cutoffs, every forecaster by name, candidate against
    incumbent.
    """

    trials: Trials
    plan: BacktestPlan
    forecasters: dict[str, Forecaster]
    challenge: Challenge
    left_out: list[str]  # features that this panel cannot feed


@contextmanager
def contest_of(params: Params, paths: Paths) -> Iterator[Contest]:
    """The frozen panel, in one or in parts, and all that is compared on it; refused where memory
    would not do.
    """
    params = with_choice(params, paths.recipe)
    shape = shape_of_card(dict(read_card(paths.panel)))
    job = job_of_backtest(params, shape, _only_in_one(params, paths))
    parts = parts_for(params, job, shape, lambda: stores_of(paths))
    if parts is None:
        levels, rules = params.source.hierarchy, demand_rules(params)
        yield _contest(params, paths, WholeTrials(read_frozen(paths.panel), levels, rules))
        return
    with frozen_parts(params, paths, parts) as (files, engine):
        yield _contest(params, paths, trials_in_parts(params, files, engine))


def _contest(params: Params, paths: Paths, trials: Trials) -> Contest:
    panel = trials.outline
    plan, wanted = plan_of(params, panel), params.evaluate.origins
    if len(plan.cutoffs) < wanted:
        log.warning("cutoffs=%d wanted=%d reason=short history", len(plan.cutoffs), wanted)
    forecasters = contenders(params, panel, _truth(params, paths))
    left_out = list(forecasters[CANDIDATE].feature_recipe.left_out)
    if left_out:
        log.warning("left_out=%s reason=%s", left_out, WHY_LEFT_OUT)
    if short := short_plans(params.features, plan.reach, plan.horizon):
        log.warning("plans_end_after_days=%s horizon=%d, at each cutoff too", short, plan.horizon)
    challenge = challenge_of(paths.candidate, paths.incumbent, forecasters[CANDIDATE])
    model_id = challenge.incumbent.model_id if challenge.incumbent else None
    log.info("incumbent=%s", model_id or f"none, {challenge.why_none}")
    return Contest(trials, plan, forecasters | challenge.recipes, challenge, left_out)


def would_evaluate(params: Params, paths: Paths) -> Summary:
    """What `evaluate` would backtest and write, panel, cutoffs and models checked; nothing is
    fitted.
    """
    with contest_of(params, paths) as contest:
        plan, challenge = contest.plan, contest.challenge
        series, incumbent = contest.trials.outline.series.height, challenge.incumbent
        return {
            "would_backtest": f"{series} series, {plan.horizon} days after each cutoff",
            "cutoffs": [str(cutoff) for cutoff in plan.cutoffs],
            "forecasters": list(contest.forecasters),
            "left_out": contest.left_out,
            "incumbent": incumbent.model_id if incumbent else f"none, {challenge.why_none}",
            "would_write": [str(paths.backtest), str(paths.scores)],
        }


def _only_in_one(params: Params, paths: Paths) -> str | None:
    """Why the backtest cannot go in parts; None where it can. The champion, or the candidate, may
    have another strategy than params would train today.
    """
    if params.evaluate.as_of_hours is not None:
        return "evaluate.as_of_hours undoes late sales, of all stores"
    strategies = {params.train.strategy}
    for folder in (paths.candidate, paths.incumbent):
        with suppress(ModelBroken):  # one that cannot be read is not tried
            strategies.add(recipe_of(read_bundle_card(folder)).params.strategy)
    return WHY_RECURSIVE_IN_ONE if "recursive" in strategies else None


def _truth(params: Params, paths: Paths) -> pl.DataFrame | None:
    """The simulator's expected demand; None for any other source."""
    path = paths.truth / "truth.parquet"
    return (
        pl.read_parquet(path, glob=False)
        if params.source.kind == "simulator" and path.exists()
        else None
    )
