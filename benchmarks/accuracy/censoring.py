"""Stock-outs from none to 30% of item-days: how far forecasts fall below what customers wanted, by
how sold-out days are taken.

The simulator knows the mean demand. A rule is `features.max_stockout_share`: a day sold out for
longer is left out of target and lags. The claimed bias is what a backtest reports: against sales of
all days, and of the days not sold out for longer than params.yaml allows (those `evaluate.py`
scores).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel, panel_of
from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM
from sources.simulator.simulation import Simulation, simulate

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)
DAYS = 500
SMALL = {"blocks": [28], "max_rows": 200_000}  # enough for the biases, in a tenth of the time
RULES = {  # max_stockout_share
    "as sold": 1.0,
    "above 50% left out": 0.5,
    "above 25% left out": 0.25,
    "every one left out": 0.0,
}


def measure(context: Context) -> Result:
    """Simulate, fit, compare with the truth."""
    params, series = params_here(), context.options.series
    params = params.model_copy(update={"train": params.train.model_copy(update=SMALL)})
    rows = [row for share in SHARES for row in measured_at(params, share, series)]
    return {"series": series, "rows": rows}


def table(result: Result) -> str:
    """One row per share of stock-outs and rule."""
    head = [name.replace("_", " ") for name in result["rows"][0]]
    rows = [
        [cell if isinstance(cell, str) else f"{cell:+.1%}" for cell in row.values()]
        for row in result["rows"]
    ]
    return markdown_table(head, rows)


def measured_at(params: Params, share: float, series: int) -> list[Result]:
    """One row per rule, at one share of stock-outs."""
    size = {"stockout_share": share, "series": series, "days": DAYS}
    made = simulate(params.source.simulator.model_copy(update=size))
    panel = panel_of(made.sales, made.series, made.calendar, made.prices, made.covariates)
    return [
        {"stock_outs": share, "rule": rule, **_under(params, panel, made, most)}
        for rule, most in RULES.items()
    ]


def _under(params: Params, panel: Panel, simulation: Simulation, most: float) -> dict[str, float]:
    features = params.features.model_copy(update={"max_stockout_share": most})
    recipe = feature_recipe_of(params.model_copy(update={"features": features}), panel)
    horizon = params.train.horizon
    cutoff = panel.last_day - timedelta(days=horizon)
    known = panel.up_to(cutoff)
    forecasts = GlobalLightGBM(params.train, recipe).fit(known).forecast(known, cutoff, horizon)
    both = forecasts.join(panel.sales, on=["unique_id", "ds"])
    both = both.join(simulation.truth, on=["unique_id", "ds"])
    on_shelf = both.filter(pl.col("stockout_share") <= params.features.max_stockout_share)
    return {
        "bias_against_mean_demand": _bias(both, "expected"),
        "error_against_mean_demand": _wape(both, "expected"),
        "bias_claimed_on_all_days": _bias(both, "y"),
        "bias_claimed_on_scored_days": _bias(on_shelf, "y"),
    }


def _bias(rows: pl.DataFrame, truth: str) -> float:
    return round(rows["y_hat"].sum() / rows[truth].sum() - 1, 4)


def _wape(rows: pl.DataFrame, truth: str) -> float:
    return round((rows["y_hat"] - rows[truth]).abs().sum() / rows[truth].sum(), 4)


BENCHMARK = Benchmark(
    question="How far do forecasts fall below demand where shelves were empty?",
    needs="nothing; minutes",
    measure=measure,
    options=(Option("series", "number of series", 300, int),),
    table=table,
)
