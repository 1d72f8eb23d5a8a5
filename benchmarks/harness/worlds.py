"""Panels to measure on, and a recipe that is fitted in seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.harness.entry_points import FILL, Folder, run, use_m5
from benchmarks.harness.params import raw_params, write_params
from benchmarks.harness.registry import Option
from contract.panel import Panel, panel_of
from contract.params import Params, SimulatorParams
from features.dense_panel import feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM
from runtime.paths import Paths
from sources.simulator import simulate
from storage.panel_files import read_frozen

SMALL = {"blocks": [28], "rounds": 80, "max_rows": 100_000}  # as accurate within a percent here
FIT_DAYS = 600  # of history a fit reads: a year and the season around it
M5_FILES = Option("m5_files", "folder of M5's files: these instead of the simulator", kind=Path)


def simulated(params: Params, series: int, days: int, seed: int) -> Panel:
    """A clean chain: nothing restated, late or broken."""
    made = simulate(chain_params(params, series, days, seed))
    facts = (made.sales, made.series, made.calendar, made.prices, made.covariates)
    return panel_of(*facts, panel_hash=str(seed))


def chain_params(params: Params, series: int, days: int, seed: int) -> SimulatorParams:
    """The simulator's params of such a chain: another look at its truth."""
    size = {"series": series, "days": days, "start": date(2021, 1, 1), "seed": seed}
    return params.source.simulator.model_copy(update=size)


def recent(panel: Panel, day: date, days: int = FIT_DAYS) -> Panel:
    """What a forecaster is given on a day: the sales of the last `days` days."""
    seen = pl.col("ds").is_between(day - timedelta(days=days), day)
    return replace(panel, sales=panel.sales.filter(seen))


def fitted(params: Params, panel: Panel, cutoff: date, **change: object) -> GlobalLightGBM:
    """The small recipe fitted up to a cutoff, with changes to it."""
    known = recent(panel, cutoff)
    train = params.train.model_copy(update=SMALL | change)
    return GlobalLightGBM(train, feature_recipe_of(params, known)).fit(known)


def every_nth_item(panel: Panel, n: int) -> Panel:
    """Every n-th item, in all its stores."""
    items = panel.series["item_id"].unique().sort().gather_every(n)
    few = panel.series.filter(pl.col("item_id").is_in(items.implode()))
    return panel.only(few["unique_id"])


def complete_items(files: Path, shared: Path, last_day: int) -> Path:
    """A folder of M5's files, its sales those items alone of which every day from d_1 on is to be
    had, up to d_`last_day`.
    """
    files.mkdir()
    items = pl.read_parquet(shared / "m5_long" / "items_complete_d1_d1941.parquet")
    late = [name for name in items.columns if name.startswith("d_") and int(name[2:]) > last_day]
    items.drop(late).write_parquet(files / "sales_train_evaluation.parquet")
    stores = items.select("store_id", "item_id").unique()
    prices = pl.read_parquet(shared / "m5" / "sell_prices.parquet")
    prices.join(stores, on=["store_id", "item_id"], how="semi").write_parquet(
        files / "sell_prices.parquet"
    )
    (files / "calendar.parquet").write_bytes((shared / "m5" / "calendar.parquet").read_bytes())
    return files


def m5_panel(files: Path, scratch: Path) -> Path:
    """The frozen panel of M5's files, made in a folder by the entry point unless it lies there."""
    folder = Folder(scratch / "params.yaml", scratch)
    if not (Paths(scratch).panel / "panel.json").exists():
        write_params(folder.params, raw_params())
        run(use_m5(files), folder)
        run(FILL, folder)
    return Paths(scratch).panel


def m5_read(files: Path, scratch: Path) -> Panel:
    """M5's files as a panel."""
    return read_frozen(m5_panel(files, scratch))
