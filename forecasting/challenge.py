"""Candidate against champion: on which windows, by which rule, and what each would publish.

Nothing fitted on a window is scored on it. The candidate has learned from the whole panel, the
champion from all of it but the last weeks; so neither bundle as it stands may be scored on the
backtest's cutoffs. What is compared instead:
- another recipe: both recipes fitted anew at the same cutoffs of the same backtest (rule
  `improvement`);
- the same recipe, newer data: half of the days the champion has not seen are learned from, and the
  other half is forecast, by that fit and by the champion as it stands (rule `no harm`). Under a
  week, nothing is compared: the guardrails decide.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from contract.days import WEEK
from contract.errors import ModelBroken
from contract.panel import Panel
from forecasting.backtest import BacktestPlan, Progress, no_progress
from forecasting.backtested import Backtested
from forecasting.bundle import Card, load_bundle, read_card, recipe_of
from forecasting.champion import NAMED
from forecasting.forecaster import Forecaster
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.promotion import IMPROVEMENT, NO_HARM, Tables
from forecasting.trials import Trials

CHAMPION = "champion"  # its column in a backtest and its row on the leaderboard
IS_CHAMPION = "the candidate is the champion"
LEAST_DAYS = WEEK  # judged days; fewer are one weekend


@dataclass(frozen=True)
class Incumbent:
    """The champion the candidate is measured against: its card, its model, and by which rule."""

    card: Card
    model: GlobalLightGBM
    rule: str

    @property
    def model_id(self) -> str:
        """The champion's name in the registry."""
        model_id: str = self.card["model_id"]
        return model_id

    @property
    def recipe(self) -> GlobalLightGBM:
        """What it was made by, not fitted."""
        return recipe_of(self.card)


@dataclass(frozen=True)
class Standing:
    """A fitted model where a backtest expects a forecaster: it is not fitted again."""

    model: GlobalLightGBM
    name: str = CHAMPION

    def fit(self, panel: Panel) -> Standing:
        """Itself.

        ModelBroken for a panel that ends before the fit: its score there would be a lie.
        """
        if self.model.fitted_up_to > panel.last_day:
            raise ModelBroken(
                f"a model fitted up to {self.model.fitted_up_to} cannot be scored from "
                f"{panel.last_day}: it has seen those days."
            )
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As the model."""
        return self.model.forecast(panel, origin, horizon)


def incumbent_in(
    folder: Path, candidate: GlobalLightGBM, candidate_id: str | None
) -> tuple[Incumbent | None, str]:
    """The champion in a folder; or None and why there is none to compare with.

    `candidate`: the recipe that challenges, fitted or not. The champion under its own name is no
    challenge.
    """
    named = (
        json.loads((folder / NAMED).read_text(encoding="utf-8"))["model_id"]
        if (folder / NAMED).exists()
        else None
    )
    if named is None:
        return None, "no champion reigns"
    if named == candidate_id:
        return None, IS_CHAMPION
    try:
        card, model = read_card(folder), load_bundle(folder)
    except ModelBroken as broken:
        return None, f"the champion cannot be loaded: {broken}"
    is_same = model.params == candidate.params and model.feature_recipe == candidate.feature_recipe
    return Incumbent(card, model, NO_HARM if is_same else IMPROVEMENT), ""


def unseen_window(last_day: date, champion_cutoff: date, horizon: int) -> tuple[date, int] | None:
    """A cutoff in the middle of the days the champion has not seen, and how many follow it.

    None if fewer than LEAST_DAYS do.
    """
    days = min(horizon, (last_day - champion_cutoff).days // 2)
    return (last_day - timedelta(days=days), days) if days >= LEAST_DAYS else None


def backtest_of_refit(
    trials: Trials,
    incumbent: Incumbent,
    baseline: Forecaster,
    plan: BacktestPlan,
    progress: Progress = no_progress,
) -> Backtested | None:
    """A backtest of one window the champion has not seen, by the rules of `plan`.

    A fit of its recipe in the middle of it stands beside the champion as it is.

    None when the days are too few, or the champion cannot forecast any more.
    """
    window = unseen_window(trials.outline.last_day, incumbent.model.fitted_up_to, plan.horizon)
    if window is None:
        return None
    cutoff, days = window
    recipe = incumbent.recipe
    sides: dict[str, Forecaster] = {
        baseline.name: baseline,
        recipe.name: recipe,
        CHAMPION: Standing(incumbent.model),
    }
    one_cutoff = replace(plan, cutoffs=[cutoff], horizon=days, refit_every=1)
    try:
        return trials.backtest(sides, one_cutoff, progress)
    except ModelBroken:
        return None


def tables_of(candidate: Path, incumbent: Incumbent | None, trials: Trials, horizon: int) -> Tables:
    """What the candidate's own bundle would publish today, beside what the champion would."""
    started = time.perf_counter()
    try:
        ours = trials.forecasts(load_bundle(candidate), horizon)
    except ModelBroken as broken:
        return Tables(why_none=str(broken))
    seconds = time.perf_counter() - started
    try:
        theirs = trials.forecasts(incumbent.model, horizon) if incumbent else None
    except ModelBroken:  # a champion that cannot forecast any more is nothing to differ from
        theirs = None
    return Tables(None if theirs is None else churn_of(theirs, ours), seconds)


def churn_of(before: Iterable[pl.DataFrame], after: Iterable[pl.DataFrame]) -> float:
    """Share of the units of one table that the other moves, by series and week.

    Frames of both have unique_id, ds, y_hat; the same place in both holds the same series.
    """
    moved, units = np.sum([_moved(*both) for both in zip(before, after, strict=True)], axis=0)
    return float(moved) / max(float(units), 1e-12)


def _moved(before: pl.DataFrame, after: pl.DataFrame) -> tuple[float, float]:
    """Units moved, and units of the table before."""
    keys = ["unique_id", "ds"]
    both = before.join(after.select(*keys, new="y_hat"), on=keys, how="inner", validate="1:1").sort(
        keys
    )
    week = (pl.col("ds") - pl.col("ds").min()).dt.total_days() // WEEK
    weekly = both.group_by("unique_id", week.alias("week")).agg(
        pl.col("y_hat").fill_nan(0).sum(), pl.col("new").fill_nan(0).sum()
    )
    units = float(np.nan_to_num(float(weekly["y_hat"].sum())))
    return float((weekly["new"] - weekly["y_hat"]).abs().sum()), units
