"""Did the evaluation predict real performance? A model deployed at a cutoff and walked as production would, against its promise.

run     python -m benchmarks.live_replay [--data data] [--deployments 4] [--quick]     after `make repro`

At each deployment cutoff the laboratory's evaluation runs on the days up to it (promise), the candidate is fitted on all of
them, and from then on forecasts every week, from what was known on the morning after (`as_known_at`), until four weeks later:
the days after are the truth, as known at the panel's end. Same window, same scores, same calibration on both sides.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import keep
from contract.levels import SERIES_LEVEL
from contract.panel import Panel
from contract.params import Params
from contract.params_file import load_params
from contract.quantiles import INTERVALS
from features.dense_panel import feature_recipe_of
from features.hierarchy import sum_by
from forecasting.backtest import backtest, cutoffs_of
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.leaderboard import leaderboard_of
from forecasting.metrics import point_scores
from forecasting.publication import publish_forecasts
from forecasting.scoring import score_backtest
from forecasting.seasonal_naive import baseline_of
from forecasting.window import window_after
from reports.tables import text_table
from storage.panel_files import read_frozen

MODEL, BASELINE = "global_lightgbm", "seasonal_naive"
WEEKS_SERVED = 5  # origins a week apart, the first on the day of deployment
APART_DAYS = 28
QUICK = {"blocks": [14, 28], "rounds": 80, "max_rows": 100_000, "threads": 1}
METRICS = ("wrmsse", "wape", "bias", "coverage_95")


def deployed(panel: Panel, cutoff: date, params: Params) -> dict[str, Any]:
    """One deployment: the promise, and the mean of its live scores, model and baseline."""
    past = panel.up_to(cutoff)
    told, calibrations, promise = _evaluated(past, params)
    model = GlobalLightGBM(params.train, feature_recipe_of(params, past)).fit(past)
    baseline = baseline_of(params)
    live = {MODEL: [], BASELINE: []}
    for week in range(WEEKS_SERVED):
        origin = cutoff + timedelta(days=7 * week)
        morning = datetime.combine(origin + timedelta(days=1), time(6))
        known = replace(panel.as_known_at(morning).up_to(origin), series=panel.series)
        for name, serves in ((MODEL, model), (BASELINE, None)):
            table = publish_forecasts(
                known, origin, params.train.horizon, serves, baseline, calibrations, params.inference, name
            )
            live[name].append(_scored(panel, table, origin, params))
    return {
        "cutoff": str(cutoff),
        "promised": {name: {metric: promise[name].get(metric) for metric in METRICS} for name in live},
        "promised_spread": {name: promise[name]["wrmsse_spread"] for name in live},
        "live": {name: _mean(scores) for name, scores in live.items()},
        "live_by_origin": [round(scores["wrmsse"], 4) for scores in live[MODEL]],
        "backtest_cutoffs": [str(day) for day in sorted(told["cutoff"].unique())],
    }


def table(deployments: list[dict[str, Any]]) -> str:
    """One line per deployment and metric: promised and live."""
    rows = []
    for one in deployments:
        for metric in METRICS:
            cells = [one["cutoff"], metric]
            for name in (MODEL, BASELINE):
                promised, live = one["promised"][name][metric], one["live"][name][metric]
                cells += [f"{promised:.3f}" if promised is not None else "-", f"{live:.3f}"]
            rows.append(cells)
    return text_table(["deployed", "metric", "ours promised", "ours live", "naive promised", "naive live"], rows)


def _evaluated(past: Panel, params: Params) -> tuple[pl.DataFrame, dict, dict[str, dict[str, float]]]:
    """What evaluate.py finds on this panel: backtest, calibrations, leaderboard."""
    cutoffs = cutoffs_of(past, params.evaluate, params.train.horizon)
    forecasters = {BASELINE: baseline_of(params), MODEL: GlobalLightGBM(params.train, feature_recipe_of(params, past))}
    told = backtest(
        past, forecasters, BASELINE, cutoffs, params.train.horizon, params.evaluate.refit_every, params.inference
    )
    bins, zeros = params.evaluate.calibration_bins, params.ingest.absent_means_zero
    scores, calibrations = score_backtest(past, told, list(forecasters), params.source.hierarchy, bins, zeros)
    return told, calibrations, leaderboard_of(scores)


def _scored(panel: Panel, forecasts: pl.DataFrame, origin: date, params: Params) -> dict[str, float]:
    """A published table against the truth, as evaluate.py scores a cutoff."""
    window = window_after(panel, origin, params.train.horizon, params.source.hierarchy, params.ingest.absent_means_zero)
    y_hat = window.matrix(forecasts)
    scores = [point_scores(level, sum_by(y_hat, level.group_ix, len(level.group_key))[0]) for level in window.levels]
    bottom = next(level for level in window.levels if level.level == SERIES_LEVEL)
    y = bottom.y[bottom.group_ix]
    low, high = (window.matrix(forecasts, name) for name in INTERVALS[0.95])
    inside = ((low <= y) & (y <= high))[window.is_known]
    return {
        "wrmsse": float(np.mean([score["wrmsse"] for score in scores])),
        "wape": scores[-1]["wape"],
        "bias": scores[0]["bias"],
        "coverage_95": float(inside.mean()),
    }


def _mean(scores: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([score[name] for score in scores])), 4) for name in METRICS}


def main() -> None:
    """Deploy, walk, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="data folder after make repro")
    parser.add_argument("--deployments", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds, on both sides")
    arguments = parser.parse_args()
    params, panel = load_params(arguments.data.resolve().parent / "params.yaml"), read_frozen(arguments.data / "panel")
    if arguments.quick:
        params = params.model_copy(update={"train": params.train.model_copy(update=QUICK)})
    last = panel.last_day - timedelta(days=params.train.horizon + 7 * (WEEKS_SERVED - 1))
    cutoffs = [last - timedelta(days=APART_DAYS * k) for k in reversed(range(arguments.deployments))]
    found = []
    for cutoff in cutoffs:
        found.append(deployed(panel, cutoff, params))
        print(table(found[-1:]), flush=True)
    keep(f"live_replay_{params.source.kind}", {"quick": arguments.quick, "deployments": found})
    print(table(found))


if __name__ == "__main__":
    main()
