"""A bad quarter from end to end: drift enters, an alarm rings, a challenger is fitted, judged and promoted, accuracy comes back.

Half of the departments lose a quarter of their demand and become 15% dearer, from one day on. Every week the champion forecasts,
the watchers look at each day, the retrain decision is taken (monitoring.decide), a challenger is fitted where it says so, and the
gate (forecasting.promotion) lets it serve or not. Beside it the same weeks with a champion nobody replaces, and the clean world.

run     python -m benchmarks.bad_quarter     (minutes; tables of the clean year before are kept under data/replays/)
writes  benchmarks/results/bad_quarter.json, docs/bad_quarter.md, docs/bad_quarter.svg
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from benchmarks.bad_quarter_page import write_page
from benchmarks.measured import ROOT, keep
from benchmarks.replay import World, champion_of, publish, sundays, walk
from benchmarks.watching import Limits, signals_over
from benchmarks.worlds import fitted, simulated
from contract.panel import Panel, panel_of
from contract.params import Params
from contract.params_file import load_params
from drills.drift_shapes import level_drop, price_shock
from forecasting.actuals import with_actuals
from forecasting.backtest import backtest
from forecasting.challenge import CHAMPION, Standing, churn_of, unseen_window
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration
from forecasting.leaderboard import guardrail_metrics_of
from forecasting.paired import losses_of
from forecasting.promotion import NO_HARM, Decision, Tables, decide
from forecasting.scoring import score_backtest
from forecasting.seasonal_naive import baseline_of
from monitoring.decide import decide_retraining
from monitoring.finding import Finding
from monitoring.judge import judge
from monitoring.model_age import model_age

RESULT = ROOT / "benchmarks" / "results" / "bad_quarter.json"
WEEKS, WEEK, HORIZON = 12, 7, 28
DROP, DEARER = 0.25, 0.15
SERIES, DAYS, SEED = 200, 860, 5


@dataclass
class Quarter:
    """The drifted world as it is lived through: who serves, what was published, what happened."""

    world: World
    panel: Panel
    since: date
    champion: GlobalLightGBM
    calibration: Calibration
    tables: pl.DataFrame
    limits: Limits = field(default_factory=lambda: Limits({}))
    events: list[dict[str, str]] = field(default_factory=list)

    def tell(self, day: date, what: str, detail: str) -> None:
        """One line of the timeline."""
        self.events.append(
            {"day": str(day), "days_after": str((day - self.since).days), "what": what, "detail": detail}
        )
        print(day, what, detail, flush=True)


def main() -> None:
    """Live through it, with and without acting; write the page."""
    started = time.perf_counter()
    params = load_params(ROOT / "params.yaml")
    world = clean_world(params)
    walk(world)
    panel = world.panel
    refits = [cutoff for cutoff in world.refits if cutoff <= panel.last_day - timedelta(days=WEEK * WEEKS)]
    since = refits[-1] + timedelta(days=4)
    drifted = struck(panel, since)
    origins = sundays(since, drifted.last_day)
    quarter = lived_through(world, drifted, since, origins)
    standing = champion_of(world, refits[-1])
    alone = pl.concat([publish(world, drifted, origin, *standing) for origin in origins])
    made = {
        "drift": {"since": str(since), "drop": DROP, "dearer": DEARER, "departments": struck_departments(panel)},
        "events": quarter.events,
        "weeks": weekly(quarter.tables, alone, world, drifted, origins),
        "seconds": round(time.perf_counter() - started),
    }
    keep("bad_quarter", made)
    write_page(made)


def clean_world(params: Params) -> World:
    """A chain without drift, forecast every week for a year before the bad quarter."""
    panel = simulated(params, SERIES, DAYS, SEED)
    first = panel.first_day
    return World("bad_quarter", panel, first + timedelta(days=300), first + timedelta(days=700), params, by_trees=True)


def struck_departments(panel: Panel) -> list[str]:
    """Every second department."""
    return panel.series["dept_id"].unique().sort().gather_every(2).to_list()


def struck(panel: Panel, since: date) -> Panel:
    """The panel with the drift in it from a day on."""
    is_hit, rng = pl.col("dept_id").is_in(struck_departments(panel)), np.random.default_rng(SEED)
    hit = panel.only(panel.series.filter(is_hit)["unique_id"])
    hit = price_shock(level_drop(hit, since, DROP, rng), since, DEARER, rng)
    rest = panel.only(panel.series.filter(~is_hit)["unique_id"])
    frames = {name: pl.concat([getattr(hit, name), getattr(rest, name)]) for name in ("sales", "prices", "covariates")}
    return panel_of(series=panel.series, calendar=panel.calendar, panel_hash="drifted", **frames)


def lived_through(world: World, panel: Panel, since: date, origins: list[date]) -> Quarter:
    """Week by week: forecast, look back at each day, decide, and if so fit, judge and promote."""
    cutoff = max(cutoff for cutoff in world.refits if cutoff <= since)
    before = world.tables.filter(pl.col("origin") < since)
    quarter = Quarter(world, panel, since, *champion_of(world, cutoff), before)
    told = f"{', '.join(struck_departments(panel))} sell {DROP:.0%} less and cost {DEARER:.0%} more"
    quarter.tell(since, "drift", told)
    for origin in origins:
        _look(quarter, origin)
        table = publish(world, panel, origin, quarter.champion, quarter.calibration)
        quarter.tables = pl.concat([quarter.tables, table])
    return quarter


def _look(quarter: Quarter, today: date) -> None:
    """The week's days one by one; the first alarm is told on its day. On the last, Sunday, the weekly flow acts."""
    params, seen = quarter.world.params.monitor, quarter.panel.up_to(today)
    signals = signals_over(quarter.world, seen, quarter.tables)
    rang = any(event["what"] == "alarm" for event in quarter.events)
    for day in [today - timedelta(days=k) for k in reversed(range(WEEK))]:
        findings: list[Finding] = [model_age(quarter.champion.cutoff, day, params.max_model_age_days)]
        for signal in signals:
            cut = signal.up_to(day)
            limits = quarter.limits.of(cut, params) if cut.values.shape[1] else None
            findings += [] if limits is None else judge(cut, params.signals, limits)
        retrain = decide_retraining(findings, params.retrain_every_days)
        if not rang and day >= quarter.since and retrain.trigger == "accuracy":
            rang = True
            quarter.tell(day, "alarm", retrain.reason)
    if retrain.is_needed and today >= quarter.since:
        quarter.tell(today, f"retrain: {retrain.trigger}", retrain.reason)
        _challenge(quarter, today)


def _challenge(quarter: Quarter, today: date) -> None:
    """A challenger fitted on all that is known; the gate's rule for a refit, on days the champion has not seen."""
    world, seen = quarter.world, quarter.panel.up_to(today)
    started = time.perf_counter()
    challenger = fitted(world.params, seen, today)
    decision = judged(quarter, challenger, today)
    reasons = (
        f"{'; '.join(decision.reasons)}; moves {decision.churn:.1%} of the table; {time.perf_counter() - started:.0f} s"
    )
    quarter.tell(today, "promotion" if decision.promote else "held back", reasons)
    if decision.promote:
        quarter.champion = challenger


def judged(quarter: Quarter, challenger: GlobalLightGBM, today: date) -> Decision:
    """As evaluate.py judges a refit, with two cutoffs for the guardrails instead of four."""
    world, seen = quarter.world, quarter.panel.up_to(today)
    params, naive = world.params, baseline_of(world.params)
    recipe = GlobalLightGBM(challenger.params, challenger.feature_recipe)
    cutoffs = [today - timedelta(days=HORIZON * k) for k in (2, 1)]
    sides = {naive.name: naive, recipe.name: recipe}
    told = backtest(seen, sides, naive.name, cutoffs, HORIZON, 2, params.inference)
    scores, _ = score_backtest(seen, told, list(sides), params.source.hierarchy, params.evaluate.calibration_bins)
    conduct = guardrail_metrics_of(scores, recipe.name)
    losses: list[Any] = [None, None]
    if window := unseen_window(today, quarter.champion.cutoff, HORIZON):
        cutoff, days = window
        sides[CHAMPION] = Standing(quarter.champion)
        half = backtest(seen, sides, naive.name, [cutoff], days, 1, params.inference)
        losses = losses_of(seen, half, [recipe.name, CHAMPION], params.source.hierarchy)
    started = time.perf_counter()
    ours, theirs = (model.forecast(seen, today, HORIZON) for model in (challenger, quarter.champion))
    tables = Tables(churn_of(theirs, ours), (time.perf_counter() - started) / 2)
    return decide(*losses, conduct, conduct, params.evaluate.gate, params.train.seed, NO_HARM, tables)


def weekly(
    acted: pl.DataFrame, alone: pl.DataFrame, world: World, drifted: Panel, origins: list[date]
) -> list[dict[str, Any]]:
    """Per week: WAPE (of a store's department and day) and bias in the table made the Sunday before, by who served."""
    clean = world.tables.filter(pl.col("origin").is_in(origins))
    before = world.tables.filter(pl.col("origin") < origins[0]).filter(
        pl.col("origin") >= origins[0] - timedelta(weeks=6)
    )
    acted = acted.filter(pl.col("origin") >= before["origin"].min())
    tables = {
        "acted": (acted, drifted),
        "nobody acted": (pl.concat([before, alone]), drifted),
        "no drift": (pl.concat([before, clean]), world.panel),
    }
    rows = []
    for name, (table, panel) in tables.items():
        told = with_actuals(table.filter(pl.col("h") <= WEEK), panel, *world.known_by)
        placed = told.join(panel.series.select("unique_id", "store_id", "dept_id"), on="unique_id")
        cells = placed.group_by("store_id", "dept_id", "ds").agg(pl.col("error", "y").sum())
        error, y = pl.col("error"), pl.col("y").sum()
        sums = cells.group_by(pl.col("ds").dt.truncate("1w").alias("week")).agg(
            wape=error.abs().sum() / y, bias=error.sum() / y, days=pl.col("ds").n_unique()
        )
        for row in sums.filter(days=WEEK).sort("week").iter_rows(named=True):
            rows.append(
                {"world": name, "week": str(row["week"]), "wape": round(row["wape"], 4), "bias": round(row["bias"], 4)}
            )
    return rows


if __name__ == "__main__":
    main()
