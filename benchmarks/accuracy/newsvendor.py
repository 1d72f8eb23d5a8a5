"""What to order of goods that keep for a day, beside a published study and the bound of its data.

The study (Buttler, Philippi, Stein and Pibernik, ddop): of each series the first 27 days are
dropped, the last quarter of the rest is ordered for a day ahead, and a unit short or left over
costs what COSTS says. Ours: the mean of the global booster as it ships, fitted anew every 28 days;
around it the quantiles that the days before taught, none of a day that had not closed.

`--leak N` is the canary: a window of N days that holds the day itself stands among the features,
and the run must fail.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.accuracy.newsvendor_bound import (
    COSTS,
    SERVICES,
    below_bound,
    costs_by_day,
    dispersion,
    fitted_mean,
    poisson_orders,
)
from benchmarks.accuracy.newsvendor_orders import AROUND, Study, forecast_orders
from benchmarks.accuracy.other_data import mappings_of_the_tutorial
from benchmarks.harness.params import raw_params
from benchmarks.harness.registry import SHARED, Benchmark, Context, Option, Result
from benchmarks.render.markdown import markdown_table
from contract.demand import demand_rules
from contract.panel import Panel, panel_of
from contract.params import Params
from contract.params_file import lay_over, params_of
from features.dense import days_of, units_sold
from forecasting.contenders import CANDIDATE
from forecasting.forecaster import BASELINE

DATA = "store_item_demand"
DROPPED_DAYS, TEST_SHARE = 27, 0.25
REFIT_DAYS = 28
SAMPLE_SEED = 1
LEAKED = "mean_with_the_day_itself"
BOUND, AVERAGE = "bound", "sample average"
EVERY_SECOND = "an origin every second day"
# chosen on the days before the test alone (docs/lab_notebook.md)
RECIPES: dict[str, dict[str, Any]] = {CANDIDATE: {}, EVERY_SECOND: {"origin_step_days": 2}}
WORDS = {
    BOUND: "lower bound: Poisson around the fitted true mean",
    CANDIDATE: "ours, as shipped",
    EVERY_SECOND: "ours, learned from an origin every second day",
    AROUND: "Poisson around our mean, as shipped",
    BASELINE: "seasonal naive, its quantiles learned like ours",
    AVERAGE: "sample average",
}
PUBLISHED = {  # the study's, of features of the calendar
    "sample average": (30.93, 54.71, 66.04, 49.69, 25.72),
    "random forest weights, calendar": (16.95, 28.54, 34.29, 26.51, 14.46),
    "deep learning, calendar": (15.07, 26.66, 33.11, 26.36, 14.87),
    "linear quantile regression, calendar": (14.58, 26.04, 32.42, 25.65, 14.24),
}


def measure(context: Context) -> Result | None:
    """The study's protocol on all series; a sample or the canary is printed and not kept.

    SystemExit where a run lies below the bound by more than chance.
    """
    options = context.options
    panel, params = panel_of_study(options.shared.resolve() / DATA), params_of_study()
    if options.series:
        panel = panel.only(panel.series["unique_id"].sample(options.series, seed=SAMPLE_SEED))
    if options.leak:
        panel, params = leaking(panel, params, options.leak)
    result = judged(panel, params, study_of(panel, params))
    if result["below_bound"]:
        print(table(result), flush=True)
        raise SystemExit(f"newsvendor: {result['below_bound']}")
    if not options.series and not options.leak:
        return result
    print(table(result), flush=True)
    return None


def panel_of_study(folder: Path) -> Panel:
    """The series of store and item, the first days dropped."""
    rows = pl.read_parquet(folder / "train.parquet").select(
        unique_id=pl.format("{}_{}", "item", "store"),
        store_id=pl.col("store").cast(pl.String),
        item_id=pl.col("item").cast(pl.String),
        ds="date",
        y=pl.col("sales").cast(pl.Float64),
        known_at=pl.col("date").cast(pl.Datetime("us")) + timedelta(days=1),
    )
    kept = rows.filter(pl.col("ds") >= pl.col("ds").min() + timedelta(days=DROPPED_DAYS))
    series = kept.select("unique_id", "store_id", "item_id").unique()
    return panel_of(kept.drop("store_id", "item_id"), series)


def params_of_study() -> Params:
    """What ships, with the tutorial's lines for units per store and item, one day ahead."""
    raw, mapping = raw_params(), mappings_of_the_tutorial()[DATA]
    profile = lay_over(raw.pop("profiles")["files"], mapping["profiles"]["files"])
    one_day = {
        "source": {"kind": "files", "path": DATA, "sha256": None},
        "train": {"horizon": 1, "blocks": [1]},
    }
    raw["source"]["files"] |= mapping["source"]["files"]
    return params_of(lay_over(lay_over(raw, profile), one_day))


def study_of(panel: Panel, params: Params) -> Study:
    """The study's days; as many days teach the quantiles as those of a backtest that ships."""
    days = (panel.last_day - panel.first_day).days + 1
    learning_days = params.evaluate.origins * REFIT_DAYS
    return Study(round(TEST_SHARE * days), learning_days, REFIT_DAYS, RECIPES)


def leaking(panel: Panel, params: Params, window_days: int) -> tuple[Panel, Params]:
    """The canary's: a plan that is the mean of so many days up to the one it is read for."""
    mean = pl.col("y").rolling_mean(window_days, min_samples=1).over("unique_id", order_by="ds")
    windows = panel.sales.select(
        "unique_id",
        "ds",
        name=pl.lit(LEAKED),
        value=mean,
        known_at=pl.col("ds").cast(pl.Datetime("us")) - timedelta(hours=12),
    )
    tomorrow = windows.filter(pl.col("ds") == panel.last_day).with_columns(
        pl.col("ds", "known_at").dt.offset_by("1d")
    )
    covariates = pl.concat([windows, tomorrow]).sort("unique_id", "ds")
    features = params.features.model_copy(update={"known_future": [LEAKED]})
    return replace(panel, covariates=covariates), params.model_copy(update={"features": features})


def judged(panel: Panel, params: Params, study: Study) -> Result:
    """Mean cost a day by side and service, and what the bound says of ours."""
    units = units_sold(panel, days_of(panel, 0, padding=0), demand_rules(params)).astype(float)
    known, test = np.split(units, [-study.test_days], axis=1)
    mean = fitted_mean(panel, units)
    average = [np.quantile(known, service, axis=1, method="inverted_cdf") for service in SERVICES]
    orders = {
        BOUND: poisson_orders(mean[:, -study.test_days :]),
        **forecast_orders(panel, params, study),
        AVERAGE: np.array(average)[:, :, None],
    }
    costs = {side: costs_by_day(of_side, test) for side, of_side in orders.items()}
    found = (below_bound(costs[name], costs[BOUND]) for name in study.recipes)
    return {
        "on": str(date.today()),
        "series": panel.series.height,
        "test_days": study.test_days,
        "last_day": str(panel.last_day),
        "dispersion": round(dispersion(units, mean), 4),
        "costs": {side: of_side.mean(axis=1).round(4).tolist() for side, of_side in costs.items()},
        "below_bound": next(filter(None, found), None),
    }


def table(result: Result) -> str:
    """Mean cost a day by who orders and service, beside what the study published."""
    costs = result["costs"]
    rows = []
    for side in (one for one in WORDS if one in costs):
        rows.append([WORDS[side], *(f"{cost:.2f}" for cost in costs[side])])
        if side in RECIPES:
            over = zip(costs[side], costs[BOUND], strict=True)
            rows.append(["over the bound", *(f"{ours / bound - 1:+.1%}" for ours, bound in over)])
    published = [
        [f"study: {who}", *(f"{cost:.2f}" for cost in of)] for who, of in PUBLISHED.items()
    ]
    heads = [f"{service:g} ({a:g}, {b:g})" for service, (a, b) in zip(SERVICES, COSTS, strict=True)]
    return markdown_table(["service (cost short, over)", *heads], rows + published)


BENCHMARK = Benchmark(
    question="What do orders a day ahead cost beside a published study and the bound of its data?",
    needs="the shared data sets; half an hour, minutes with --series 50",
    measure=measure,
    options=(
        SHARED,
        Option("series", "a sample of so many series, not kept; 0: all", 0, int),
        Option("leak", "days of a window that holds the day itself: the run must fail", 0, int),
    ),
    table=table,
)
