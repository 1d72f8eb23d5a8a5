"""Simulated chains in memory, and a recipe that is fitted in seconds: what gate, cadence and the bad quarter are measured on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
from ruamel.yaml import YAML

from benchmarks.measured import ROOT
from contract.panel import Panel, panel_of
from contract.params import Params
from contract.params_file import lay_over, params_of
from features.dense_panel import feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM
from sources.simulator import simulate

SMALL = {"blocks": [28], "rounds": 80, "max_rows": 100_000}  # a fit in seconds; as accurate within a percent here
FIT_DAYS = 600  # of history a fit reads: a year and the season around it


def params_for(kind: str) -> Params:
    """params.yaml of this checkout as for another source: a stored run may be of older code, whose params lack the newer names."""
    raw = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    profile = raw.pop("profiles").get(kind, {})
    return params_of(lay_over(lay_over(raw, profile), {"source": {"kind": kind}}))


def simulated(params: Params, series: int, days: int, seed: int) -> Panel:
    """A clean chain: nothing restated, late or broken. The days beyond the last are there to be forecast, with their truth."""
    asked = {"series": series, "days": days, "start": date(2021, 1, 1), "seed": seed}
    made = simulate(params.source.simulator.model_copy(update=asked))
    return panel_of(made.sales, made.series, made.calendar, made.prices, panel_hash=str(seed))


def recent(panel: Panel, day: date, days: int = FIT_DAYS) -> Panel:
    """What a forecaster is given on a day: the sales of the last `days` days."""
    return replace(panel, sales=panel.sales.filter(pl.col("ds").is_between(day - timedelta(days=days), day)))


def fitted(params: Params, panel: Panel, cutoff: date, **change: object) -> GlobalLightGBM:
    """The small recipe fitted up to a cutoff, with changes to it."""
    known = recent(panel, cutoff)
    return GlobalLightGBM(params.train.model_copy(update=SMALL | change), feature_recipe_of(params, known)).fit(known)
