"""Stock-outs from none to 30% of item-days: how far forecasts fall below what customers wanted, by how sold-out days are taken.

run     python -m benchmarks.censoring [--series 300]

The simulator knows the mean demand. A rule is `features.max_stockout_share`: a day sold out for longer is left out of target and lags.
The claimed bias is what a backtest reports: against sales of all days, and of the days not sold out for longer than params.yaml
allows (those `evaluate.py` scores).
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

import polars as pl

from benchmarks.measured import ROOT, keep
from contract.panel import Panel, panel_of
from contract.params import Params
from contract.params_file import load_params
from features.dense_panel import feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM
from reports.tables import text_table
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


def main() -> None:
    """Simulate, fit, compare with the truth, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=300)
    series = parser.parse_args().series
    params = load_params(ROOT / "params.yaml")
    params = params.model_copy(update={"train": params.train.model_copy(update=SMALL)})
    rows = [row for share in SHARES for row in measured_at(params, share, series)]
    lines = [[str(value) if isinstance(value, str) else f"{value:+.1%}" for value in row.values()] for row in rows]
    print(text_table([name.replace("_", " ") for name in rows[0]], lines))
    keep("censoring", {"series": series, "rows": rows})


def measured_at(params: Params, share: float, series: int) -> list[dict[str, Any]]:
    """One row per rule, at one share of stock-outs."""
    simulator = params.source.simulator.model_copy(update={"stockout_share": share, "series": series, "days": DAYS})
    simulation = simulate(simulator)
    sales = simulation.sales
    panel = panel_of(sales, simulation.series, simulation.calendar, simulation.prices)
    return [
        {"stock_outs": share, "rule": rule, **_rule(params, panel, simulation, most)} for rule, most in RULES.items()
    ]


def _rule(params: Params, panel: Panel, simulation: Simulation, most: float) -> dict[str, float]:
    features = params.features.model_copy(update={"max_stockout_share": most})
    reading = feature_recipe_of(params.model_copy(update={"features": features}), panel)
    horizon = params.train.horizon
    cutoff = panel.last_day - timedelta(days=horizon)
    known = panel.up_to(cutoff)
    told = GlobalLightGBM(params.train, reading).fit(known).forecast(known, cutoff, horizon)
    both = told.join(panel.sales, on=["unique_id", "ds"]).join(simulation.truth, on=["unique_id", "ds"])
    on_shelf = both.filter(pl.col("stockout_share") <= params.features.max_stockout_share)
    return {
        "bias_against_mean_demand": _bias(both, "expected"),
        "error_against_mean_demand": _share(both, "expected"),
        "bias_claimed_on_all_days": _bias(both, "y"),
        "bias_claimed_on_scored_days": _bias(on_shelf, "y"),
    }


def _bias(told: pl.DataFrame, truth: str) -> float:
    return round(told["y_hat"].sum() / told[truth].sum() - 1, 4)


def _share(told: pl.DataFrame, truth: str) -> float:
    return round((told["y_hat"] - told[truth]).abs().sum() / told[truth].sum(), 4)


if __name__ == "__main__":
    main()
