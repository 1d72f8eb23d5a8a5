"""A bad quarter from end to end: drift enters, an alarm is raised, a challenger is fitted, judged
and promoted, accuracy comes back.

Half of the departments lose a quarter of their demand and become 15% dearer, from one day on. Every
week the champion forecasts, monitoring looks at each day, the retrain decision is taken, a
challenger is fitted where it says so, and the gate lets it serve or not. Beside it the same weeks
with a champion nobody replaces, and the clean world.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.pipeline import Sides, backtest_losses, backtest_scores, backtested
from benchmarks.harness.process import timed
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.replay import World, champion_of, publish, replayed, sundays
from benchmarks.harness.results import Result
from benchmarks.harness.scores import BIAS, WAPE
from benchmarks.harness.watching import Limits, signals_over
from benchmarks.harness.worlds import fitted, simulated
from benchmarks.render.bad_quarter_page import page_of
from contract.panel import Panel, panel_of
from contract.params import Params
from drills.drift_shapes import level_drop, price_shock
from forecasting.challenge import CHAMPION, Standing, churn_of, unseen_window
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration
from forecasting.leaderboard import guardrail_metrics_of
from forecasting.paired import Losses
from forecasting.promotion import NO_HARM, Decision, Evidence, Tables, decide
from forecasting.seasonal_naive import baseline_of
from monitoring.decide import decide_retraining
from monitoring.finding import Finding
from monitoring.model_age import model_age

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
    limits: Limits = field(default_factory=Limits)
    events: list[dict[str, str]] = field(default_factory=list)

    def note(self, day: date, what: str, detail: str) -> None:
        """One line of the timeline."""
        after = str((day - self.since).days)
        self.events.append({"day": str(day), "days_after": after, "what": what, "detail": detail})
        print(day, what, detail, flush=True)


def measure(_context: Context) -> Result:
    """Live through it, with and without acting."""
    started, params = time.perf_counter(), params_here()
    world = replayed(clean_world(params))
    panel = world.panel
    refit = max(day for day in world.refits if day <= panel.last_day - timedelta(days=WEEK * WEEKS))
    drifted = struck(panel, since := refit + timedelta(days=4))
    origins = sundays(since, drifted.last_day)
    quarter = lived_through(world, drifted, since, origins)
    standing = champion_of(world, refit)
    alone = pl.concat([publish(world, drifted, origin, *standing) for origin in origins])
    drift = {
        "since": str(since),
        "drop": DROP,
        "dearer": DEARER,
        "departments": struck_departments(panel),
    }
    return {
        "on": str(date.today()),
        "world": params.source.simulator.world,
        "drift": drift,
        "events": quarter.events,
        "weeks": weekly(quarter, alone, origins),
        "seconds": round(time.perf_counter() - started),
    }


def clean_world(params: Params) -> World:
    """A chain without drift, forecast every week for a year before the bad quarter."""
    panel = simulated(params, SERIES, DAYS, SEED)
    table, watched = (panel.first_day + timedelta(days=days) for days in (300, 700))
    name = f"{params.source.simulator.world}_bad_quarter"  # kept under it
    return World(name, panel, table, watched, params, by_trees=True)


def struck_departments(panel: Panel) -> list[str]:
    """Every second department."""
    return panel.series["dept_id"].unique().sort().gather_every(2).to_list()


def struck(panel: Panel, since: date) -> Panel:
    """The panel with the drift in it from a day on."""
    is_hit, rng = pl.col("dept_id").is_in(struck_departments(panel)), np.random.default_rng(SEED)
    hit, rest = (panel.only(panel.series.filter(part)["unique_id"]) for part in (is_hit, ~is_hit))
    hit = price_shock(level_drop(hit, since, DROP, rng), since, DEARER, rng)
    names = ("sales", "prices", "covariates")
    frames = {name: pl.concat([getattr(part, name) for part in (hit, rest)]) for name in names}
    return panel_of(series=panel.series, calendar=panel.calendar, panel_hash="drifted", **frames)


def lived_through(world: World, panel: Panel, since: date, origins: list[date]) -> Quarter:
    """Week by week: forecast, look back at each day, decide, and if so fit, judge and promote."""
    cutoff = max(cutoff for cutoff in world.refits if cutoff <= since)
    before = world.tables.filter(pl.col("origin") < since)
    quarter = Quarter(world, panel, since, *champion_of(world, cutoff), before)
    departments = ", ".join(struck_departments(panel))
    quarter.note(since, "drift", f"{departments} sell {DROP:.0%} less and cost {DEARER:.0%} more")
    for origin in origins:
        _look(quarter, origin)
        table = publish(world, panel, origin, quarter.champion, quarter.calibration)
        quarter.tables = pl.concat([quarter.tables, table])
    return quarter


def _look(quarter: Quarter, today: date) -> None:
    """The week's days one by one; the first alarm is noted on its day. On the last, Sunday, the
    weekly flow acts.
    """
    params, seen = quarter.world.params.monitor, quarter.panel.up_to(today)
    signals = signals_over(quarter.world, seen, quarter.tables)
    is_known = any(event["what"] == "alarm" for event in quarter.events)
    for day in [today - timedelta(days=k) for k in reversed(range(WEEK))]:
        findings: list[Finding] = [
            model_age(quarter.champion.cutoff, day, params.max_model_age_days)
        ]
        for signal in signals:
            findings += quarter.limits.findings(signal, day, params)
        retrain = decide_retraining(findings, params.retrain_every_days)
        if not is_known and day >= quarter.since and retrain.trigger == "accuracy":
            is_known = True
            quarter.note(day, "alarm", retrain.reason)
    if retrain.is_needed and today >= quarter.since:
        quarter.note(today, f"retrain: {retrain.trigger}", retrain.reason)
        _challenge(quarter, today)


def _challenge(quarter: Quarter, today: date) -> None:
    """A challenger fitted on all that is known; the gate's rule for a refit, on days the champion
    has not seen.
    """
    known = quarter.panel.up_to(today)
    challenger, fit_s = timed(lambda: fitted(quarter.world.params, known, today))
    decision, judge_s = timed(lambda: judged(quarter, challenger, today))
    reasons, seconds = "; ".join(decision.reasons), fit_s + judge_s
    detail = f"{reasons}; moves {decision.churn:.1%} of the table; {seconds:.0f} s"
    quarter.note(today, "promotion" if decision.promote else "held back", detail)
    if decision.promote:
        quarter.champion = challenger


def judged(quarter: Quarter, challenger: GlobalLightGBM, today: date) -> Decision:
    """As evaluate.py judges a refit, with two cutoffs for the guardrails instead of four."""
    params, seen = quarter.world.params, quarter.panel.up_to(today)
    recipe = GlobalLightGBM(challenger.params, challenger.feature_recipe)
    naive: Sides = {baseline_of(params).name: baseline_of(params)}
    sides: Sides = naive | {recipe.name: recipe}
    before = [today - timedelta(days=HORIZON * k) for k in (2, 1)]
    made = backtested(params, seen, sides, before, HORIZON, len(before))
    guarded = guardrail_metrics_of(backtest_scores(params, seen, made, list(sides))[0], recipe.name)
    losses: list[Losses | None] = [None, None]
    if window := unseen_window(today, quarter.champion.cutoff, HORIZON):
        cutoff, days = window
        standing: Sides = {recipe.name: recipe, CHAMPION: Standing(quarter.champion)}
        half = backtested(params, seen, naive | standing, [cutoff], days, 1)
        losses[:] = backtest_losses(params, seen, half, list(standing))
    models = (quarter.champion, challenger)
    tables, seconds = timed(lambda: [model.forecast(seen, today, HORIZON) for model in models])
    moved = Tables(churn_of(*([table] for table in tables)), seconds / 2)
    ours, theirs = losses
    evidence = Evidence(ours, theirs, guarded, guarded, NO_HARM, moved)
    return decide(evidence, params.evaluate.gate)


def weekly(quarter: Quarter, alone: pl.DataFrame, origins: list[date]) -> list[Result]:
    """Per week: WAPE (of a store's department and day) and bias in the table made the Sunday
    before, by who served.
    """
    world, origin = quarter.world, pl.col("origin")
    clean = world.tables.filter(origin.is_in(origins))
    before = world.tables.filter(origin < origins[0], origin >= origins[0] - timedelta(weeks=6))
    acted = quarter.tables.filter(origin >= before["origin"].min())
    tables = {
        "acted": (acted, quarter.panel),
        "nobody acted": (pl.concat([before, alone]), quarter.panel),
        "no drift": (pl.concat([before, clean]), world.panel),
    }
    return [
        row for name, (table, panel) in tables.items() for row in _weeks(name, world, table, panel)
    ]


def _weeks(name: str, world: World, table: pl.DataFrame, panel: Panel) -> list[Result]:
    scored = world.first_weeks(table, panel)
    placed = scored.join(panel.series.select("unique_id", "store_id", "dept_id"), on="unique_id")
    cells = placed.group_by("store_id", "dept_id", "ds").agg(pl.col("error", "y").sum())
    week = pl.col("ds").dt.truncate("1w").dt.to_string().alias("week")
    sums = cells.group_by(week).agg(
        wape=WAPE.round(4), bias=BIAS.round(4), days=pl.col("ds").n_unique()
    )
    whole = sums.filter(days=WEEK).sort("week").drop("days")
    return [{"world": name, **row} for row in whole.to_dicts()]


BENCHMARK = Benchmark(
    question="How long does a bad quarter last, from drift to alarm, promotion and recovery?",
    needs="nothing; three minutes after its year is replayed",
    measure=measure,
    table=page_of,
)
