"""Rolling origins: every forecaster, through the same two calls, at every cutoff."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial

import polars as pl

from contract.demand import DemandRules, demand_rules
from contract.errors import FeaturesMissing, NotEnoughHistory
from contract.panel import Panel
from contract.params import EvaluateParams, InferenceParams, Params
from contract.whole import Arrays
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
    forecasters: Mapping[str, Forecaster],
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
    frames = [
        forecasts_from(known, forecasters, plan, cutoff)
        for cutoff, known in fitted_cutoffs(panel, forecasters, plan, _fit, progress)
    ]
    rows = pl.concat(frames, how="diagonal")
    if OPEN_SHARE in rows.columns:  # not every cutoff need have such stores
        rows = rows.with_columns(pl.col(OPEN_SHARE).fill_null(1.0))
    return with_truth(rows, panel)


def fitted_cutoffs(
    panel: Panel,
    forecasters: Mapping[str, Forecaster],
    plan: BacktestPlan,
    fit: Callable[[Forecaster, Panel, date], None],
    progress: Progress,
) -> Iterator[tuple[date, Panel]]:
    """Each cutoff and what is known of the panel there, once all that is fitted anew there is;
    `fit` does that, from what is known at the cutoff.
    """
    for k, cutoff in enumerate(plan.cutoffs):
        known = known_at(panel, cutoff, plan)
        if k % plan.refit_every == 0:
            for name, forecaster in forecasters.items():
                progress(f"fit {name} up to {cutoff}")
                fit(forecaster, known, cutoff)
        progress(f"forecast from {cutoff}")
        yield cutoff, known


def _fit(forecaster: Forecaster, known: Panel, cutoff: date) -> None:
    forecaster.fit(known)


def known_at(panel: Panel, cutoff: date, plan: BacktestPlan) -> Panel:
    """What a forecaster sees of a panel at a cutoff."""
    return plans_at(seen_from(panel, cutoff, plan.as_of_hours), cutoff, plan.reach)


def with_truth(rows: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """Forecast rows with the units sold (`y`), as known today; null where unknown."""
    truth = panel.sales.select("unique_id", "ds", "y")
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


def forecasts_from(
    known: Panel, forecasters: Mapping[str, Forecaster], plan: BacktestPlan, cutoff: date
) -> pl.DataFrame:
    """cutoff, unique_id, ds, h, and a column of means per forecaster, of one cutoff (`backtest`).

    Of a part of a panel each forecaster goes as far as the totals it has, before any waits; what it
    has done is kept.
    """
    share = open_share(known, cutoff, plan.horizon)
    naive = forecasters[BASELINE].forecast(known, cutoff, plan.horizon)
    grid = naive.select(pl.lit(cutoff).alias("cutoff"), "unique_id", "ds", "h")
    attempt = known.whole.attempt
    rungs = attempt(partial(rungs_below, naive, known, plan.inference, plan.rules))

    def means(name: str) -> pl.Series:
        model = ModelForecast(naive, name)
        if name != BASELINE:
            model = _model_rows(forecasters[name], known.within(name), plan.horizon, cutoff, naive)
        done = on_rungs(model, rungs(), plan.inference)
        keys = ["unique_id", "ds"]
        return grid.join(
            done.select(*keys, "y_hat"), on=keys, how="left", validate="1:1", maintain_order="left"
        )["y_hat"]

    def kept(name: str) -> Arrays:
        return known.whole.kept(f"done {name}", lambda: {"y_hat": means(name).to_numpy()})

    made = {name: attempt(partial(kept, name)) for name in forecasters}
    rows = grid.with_columns(pl.Series(name, of()["y_hat"]) for name, of in made.items())
    if share is None:
        return rows
    opens = rows.with_columns(pl.Series(OPEN_SHARE, share.ravel()))
    return opens.with_columns(pl.col(name) * pl.col(OPEN_SHARE) for name in forecasters)


def _model_rows(
    forecaster: Forecaster, known: Panel, horizon: int, cutoff: date, naive: pl.DataFrame
) -> ModelForecast:
    try:
        return ModelForecast(forecaster.forecast(known, cutoff, horizon), forecaster.name)
    # a plan that ran out: the backtest does what would have been served
    except FeaturesMissing:
        return no_forecast(naive, forecaster.name, FEATURES_MISSING)
