"""Rolling origins: every forecaster, through the same two calls, at every cutoff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import polars as pl

from contract.demand import DemandRules, demand_rules
from contract.errors import FeaturesMissing, NotEnoughHistory
from contract.panel import Panel
from contract.params import EvaluateParams, InferenceParams, Params
from features.days_off import open_share
from features.reach import Reach, plan_reach, plans_at
from forecasting.columns import OPEN_SHARE
from forecasting.fallback import (
    FEATURES_MISSING,
    ModelForecast,
    no_forecast,
    on_rungs,
    rungs_below,
)
from forecasting.forecaster import BASELINE, Forecaster

# share of the rows before a cutoff; fewer were no store a forecast could have been made from
LEAST_KNOWN = 0.5
# of history before a cutoff, beyond the horizon: two weeks of origins to learn from
EXTRA_DAYS = 14

Progress = Callable[[str], None]


@dataclass(frozen=True)
class BacktestPlan:
    """From which days, how far ahead, how often fitted anew, as known when, and by which rules.

    `as_of_hours`: hours after a cutoff's end at which its forecast would have been made; None:
    today's knowledge of the past.
    `reach`: days after a cutoff that each family of plans is known for; one not named, for ever.
    """

    cutoffs: list[date]
    horizon: int
    refit_every: int
    as_of_hours: float | None
    inference: InferenceParams
    rules: DemandRules
    reach: Reach


def plan_of(params: Params, panel: Panel) -> BacktestPlan:
    """The backtest that these params describe, on a panel: no plan of a past cutoff reaches further
    than at the panel's end.
    """
    horizon, evaluate = params.train.horizon, params.evaluate
    cutoffs = cutoffs_of(panel, evaluate, horizon)
    return BacktestPlan(
        cutoffs,
        horizon,
        evaluate.refit_every,
        evaluate.as_of_hours,
        params.inference,
        demand_rules(params),
        plan_reach(panel, horizon),
    )


def no_progress(step: str) -> None:
    """Packages do not log: an entry point that wants progress hands in its own."""


def cutoffs_of(panel: Panel, params: EvaluateParams, horizon: int) -> list[date]:
    """The cutoffs, oldest first; the last one leaves exactly `horizon` days of truth after it.

    A short panel has fewer than `params.origins`: each needs EXTRA_DAYS more than the horizon
    before it.
    """
    last, least = panel.last_day - timedelta(days=horizon), horizon + EXTRA_DAYS
    cutoffs = [last - timedelta(days=params.step_days * k) for k in reversed(range(params.origins))]
    usable = [cutoff for cutoff in cutoffs if (cutoff - panel.first_day).days + 1 >= least]
    if not usable:
        raise NotEnoughHistory(
            f"the panel has {(panel.last_day - panel.first_day).days + 1} days; a backtest over a "
            f"horizon of {horizon} needs {least + horizon}. Bring a longer history, or lower "
            "train.horizon and train.blocks."
        )
    return usable


def backtest(
    panel: Panel,
    forecasters: dict[str, Forecaster],
    plan: BacktestPlan,
    progress: Progress = no_progress,
) -> pl.DataFrame:
    """cutoff, unique_id, ds, h, y, and a column of means per forecaster, completed by the ladder.

    y are the actuals (null if unknown), as known today. One of the forecasters is BASELINE, the
    ladder's rung below. Each is refitted at every `refit_every`-th cutoff; in between the same fit
    forecasts from fresh data. The panel is cut here, once, before any forecaster sees it
    (`seen_from`). Where a store keeps days of its own, means are multiplied by how likely it opens,
    which stands in a column OPEN_SHARE.
    """
    frames = []
    for k, cutoff in enumerate(plan.cutoffs):
        known = plans_at(seen_from(panel, cutoff, plan.as_of_hours), cutoff, plan.reach)
        if k % plan.refit_every == 0:
            for name, forecaster in forecasters.items():
                progress(f"fit {name} up to {cutoff}")
                forecaster.fit(known)
        progress(f"forecast from {cutoff}")
        frames.append(_one_cutoff(known, forecasters, plan, cutoff))
    truth = panel.sales.select("unique_id", "ds", "y")
    rows = pl.concat(frames, how="diagonal")
    if OPEN_SHARE in rows.columns:  # not every cutoff need have such stores
        rows = rows.with_columns(pl.col(OPEN_SHARE).fill_null(1.0))
    return rows.join(truth, on=["unique_id", "ds"], how="left", maintain_order="left")


def seen_from(panel: Panel, cutoff: date, as_of_hours: float | None = None) -> Panel:
    """The panel that a forecast made so many hours after the cutoff's end could read.

    Later corrections undone, late rows not there yet, plans as they were. None: cut at the cutoff,
    but with today's knowledge of the days before it.

    NotEnoughHistory where hardly anything was known then: a history taken in long after its days,
    without `known_at`.
    """
    if as_of_hours is None:
        return panel.up_to(cutoff)
    moment = datetime.combine(cutoff, time()) + timedelta(days=1, hours=as_of_hours)
    today, then = panel.up_to(cutoff), panel.as_known_at(moment).up_to(cutoff)
    if then.sales.height < LEAST_KNOWN * today.sales.height:
        raise NotEnoughHistory(
            f"of the {today.sales.height} sales rows up to {cutoff} only {then.sales.height} were "
            f"known by {moment}: this history was taken in later, and its files say no known_at. "
            "Set evaluate.as_of_hours to null."
        )
    # `series` has no history of its own; one that had not sold yet stays to be forecast
    return replace(then, series=panel.series)


def _one_cutoff(
    known: Panel, forecasters: dict[str, Forecaster], plan: BacktestPlan, cutoff: date
) -> pl.DataFrame:
    naive = forecasters[BASELINE].forecast(known, cutoff, plan.horizon)
    rungs = rungs_below(naive, known, plan.inference, plan.rules)
    grid = naive.select(pl.lit(cutoff).alias("cutoff"), "unique_id", "ds", "h")
    for name, forecaster in forecasters.items():
        try:
            rows = naive if name == BASELINE else forecaster.forecast(known, cutoff, plan.horizon)
            model = ModelForecast(rows, name)
        # a plan that ran out: the backtest does what would have been served
        except FeaturesMissing:
            model = no_forecast(naive, name, FEATURES_MISSING)
        done = on_rungs(model, rungs, plan.inference)
        done = done.select("unique_id", "ds", pl.col("y_hat").alias(name))
        grid = grid.join(
            done, on=["unique_id", "ds"], how="left", validate="1:1", maintain_order="left"
        )
    share = open_share(known, cutoff, plan.horizon)
    if share is None:
        return grid
    opens = grid.with_columns(pl.Series(OPEN_SHARE, share.ravel()))
    return opens.with_columns(pl.col(name) * pl.col(OPEN_SHARE) for name in forecasters)
