"""Did the evaluation predict real performance? A model deployed at a cutoff and run as production
would, against its evaluation.

At each deployment cutoff the offline evaluation runs on the days up to it (expected), the candidate
is fitted on all of them, and from then on forecasts every week, from what was known on the morning
after (`as_known_at`), until four weeks later: the days after are the truth, as known at the panel's
end. Same window, same scores, same calibration on both sides.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from benchmarks.harness.pipeline import (
    Calibrations,
    Sides,
    backtest_scores,
    backtested,
    published,
    window_of,
)
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.harness.scores import level_scores
from benchmarks.render.leaderboards_page import NAMES
from benchmarks.render.markdown import markdown_table
from contract.levels import SERIES_LEVEL
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import INTERVALS
from features.dense_panel import feature_recipe_of
from forecasting.backtest import cutoffs_of
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.leaderboard import leaderboard_of
from forecasting.seasonal_naive import baseline_of

MODEL, BASELINE = "global_lightgbm", "seasonal_naive"
WEEKS_SERVED = 5  # origins a week apart, the first on the day of deployment
APART_DAYS = 28
METRICS = {"wrmsse": ".3f", "wape": ".3f", "bias": "+.1%", "coverage_95": ".1%"}
HEADS = ["WRMSSE expected, live", "WAPE", "bias", "95% interval covers", "naive's WRMSSE"]


def measure(context: Context) -> Result:
    """Every deployment in turn."""
    params, panel, options = context.params, context.panel, context.options
    last = panel.last_day - timedelta(days=params.train.horizon + 7 * (WEEKS_SERVED - 1))
    found = []
    for k in reversed(range(options.deployments)):
        found.append(deployed(panel, last - timedelta(days=APART_DAYS * k), params))
        print(found[-1], flush=True)
    return {"source": context.source, "deployments": found}


def deployed(panel: Panel, cutoff: date, params: Params) -> Result:
    """One deployment: what evaluation expected, and the mean of its live scores, model and
    baseline.
    """
    past = panel.up_to(cutoff)
    made, calibrations, expected = _evaluated(past, params)
    model = GlobalLightGBM(params.train, feature_recipe_of(params, past)).fit(past)
    live: dict[str, list[dict[str, float]]] = {MODEL: [], BASELINE: []}
    for week in range(WEEKS_SERVED):
        origin = cutoff + timedelta(days=7 * week)
        morning = datetime.combine(origin + timedelta(days=1), time(6))
        known = replace(panel.as_known_at(morning).up_to(origin), series=panel.series)
        for name, serves in ((MODEL, model), (BASELINE, None)):
            table = published(params, known, origin, serves, calibrations)
            live[name].append(_scored(panel, table, origin, params))
    return {
        "cutoff": str(cutoff),
        "expected": {name: {one: expected[name].get(one) for one in METRICS} for name in live},
        "expected_spread": {name: expected[name]["wrmsse_spread"] for name in live},
        "live": {name: _mean(scores) for name, scores in live.items()},
        "live_by_origin": [round(scores["wrmsse"], 4) for scores in live[MODEL]],
        "backtest_cutoffs": [str(day) for day in sorted(made["cutoff"].unique())],
    }


def table_of(by_source: dict[str, Result]) -> str:
    """One row per deployment: expected, live; and the naive's."""
    rows = []
    for source, result in by_source.items():
        for one in result["deployments"]:
            ours = [_both(one, "global_lightgbm", metric) for metric in METRICS]
            naive = _both(one, "seasonal_naive", "wrmsse")
            rows.append([NAMES[source], one["cutoff"], *ours, naive])
    return markdown_table(["data", "deployed", *HEADS], rows)


def _evaluated(
    past: Panel, params: Params
) -> tuple[pl.DataFrame, Calibrations, dict[str, dict[str, float]]]:
    """What evaluate.py finds on this panel: backtest, calibrations, leaderboard."""
    horizon = params.train.horizon
    cutoffs = cutoffs_of(past, params.evaluate, horizon)
    candidate = GlobalLightGBM(params.train, feature_recipe_of(params, past))
    sides: Sides = {BASELINE: baseline_of(params), MODEL: candidate}
    made = backtested(params, past, sides, cutoffs, horizon, params.evaluate.refit_every)
    scores, calibrations = backtest_scores(params, past, made, list(sides))
    return made, calibrations, leaderboard_of(scores)


def _scored(
    panel: Panel, forecasts: pl.DataFrame, origin: date, params: Params
) -> dict[str, float]:
    """A published table against the truth, as evaluate.py scores a cutoff."""
    window = window_of(params, panel, origin, params.train.horizon)
    scores = level_scores(window, window.matrix(forecasts))
    bottom = next(level for level in window.levels if level.level == SERIES_LEVEL)
    y = bottom.y[bottom.group_ix]
    low, high = (window.matrix(forecasts, name) for name in INTERVALS[0.95])
    return {
        "wrmsse": float(np.mean([score["wrmsse"] for score in scores])),
        "wape": scores[-1]["wape"],
        "bias": scores[0]["bias"],
        "coverage_95": float(((low <= y) & (y <= high))[window.is_known].mean()),
    }


def _mean(scores: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([score[name] for score in scores])), 4) for name in METRICS}


def _both(one: Result, model: str, metric: str) -> str:
    form, expected = METRICS[metric], one["expected"][model][metric]
    said = "-" if expected is None else format(expected, form)
    return f"{said}, {one['live'][model][metric]:{form}}"


BENCHMARK = Benchmark(
    question="Did the offline evaluation predict performance in production?",
    needs="a panel after make repro; minutes",
    measure=measure,
    options=(Option("deployments", "how many, four weeks apart", 4, int),),
    table=lambda result: table_of({result["source"]: result}),
    by_source=True,
)
