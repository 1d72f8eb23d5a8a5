"""Panels with covariates, for what watches them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.other_data import write_params
from benchmarks.replay import world_of
from benchmarks.stress import walked
from contract.days import days_between
from contract.panel import Panel
from contract.params import Params
from contract.params_file import load_params
from monitoring.cusum import QUARTER_DAYS
from runtime.paths import Paths
from storage.panel_files import read_frozen

YEARLY_C, SPREAD_C, MEMORY = (
    9.0,
    3.5,
    0.8,
)  # of a temperature: half its yearly swing, its weather, and from one day to the next


@dataclass(frozen=True)
class Chain:
    """A panel with covariates, and which of them are known ahead."""

    name: str
    panel: Panel
    known_future: tuple[str, ...]
    past_only: tuple[str, ...]
    params: Params
    watched_from: date


def invented(seed: int) -> Chain:
    """A simulated chain of four years with weather, campaigns and visitors it knows nothing of: its sales do not feel them."""
    world = world_of(f"sim:{seed}")
    panel, rng = world.panel, np.random.default_rng(seed)
    ahead = world.params.train.horizon
    days = days_between(panel.first_day, panel.last_day + timedelta(days=ahead))
    stores = panel.series["store_id"].unique().sort().to_list()
    yearly = 10 - YEARLY_C * np.cos(2 * np.pi * np.array([day.timetuple().tm_yday - 20 for day in days]) / 365.25)
    weather = yearly + SPREAD_C * _wandering(rng, MEMORY, len(days))
    local = {store: weather + 2 * _wandering(rng, MEMORY, len(days)) + rng.normal(0, 2) for store in stores}
    rain = 5 * np.maximum(_wandering(rng, 0.4, len(days)) - 0.3, 0)
    campaign = {store: (rng.random(-(-len(days) // 7)) < 0.2).repeat(7)[: len(days)].astype(float) for store in stores}
    sold = (
        panel.sales.join(panel.series.select("unique_id", "store_id"), on="unique_id")
        .group_by("store_id", "ds")
        .agg(pl.sum("y"))
    )
    visitors = {store: _visitors(rng, sold.filter(store_id=store), days[:-ahead]) for store in stores}
    everywhere = {"temperature": dict.fromkeys(stores, weather), "rain": dict.fromkeys(stores, rain)}
    values = everywhere | {"store_temperature": local, "campaign": campaign, "visitors": visitors}
    rows = pl.concat([_rows(panel, name, store, days, of) for name, by in values.items() for store, of in by.items()])
    told = replace(panel, covariates=rows.sort("unique_id", "ds", "name"))
    known_future = ("temperature", "store_temperature", "rain", "campaign")
    return Chain(world.name, told, known_future, ("visitors",), world.params, world.first_watched)


def _wandering(rng: np.random.Generator, memory: float, days: int) -> np.ndarray:
    """An autoregressive path of one day's memory, variance 1."""
    path = rng.normal(0, 1, days)
    for k in range(1, days):
        path[k] = memory * path[k - 1] + np.sqrt(1 - memory**2) * path[k]
    return path


def _visitors(rng: np.random.Generator, sold: pl.DataFrame, days: list[date]) -> np.ndarray:
    """About one for two units."""
    units = pl.DataFrame({"ds": days}).join(sold, on="ds", how="left")["y"].fill_null(0.0).to_numpy()
    return rng.poisson(units / 2).astype(float)


def _rows(panel: Panel, name: str, store: str, days: list[date], values: np.ndarray) -> pl.DataFrame:
    ids = panel.series.filter(store_id=store).select("unique_id")
    told = pl.DataFrame(
        {"ds": days[: len(values)], "name": name, "value": values, "known_at": panel.sales["known_at"][0]}
    )
    return ids.join(told, how="cross").select(panel.covariates.columns)


def rossmann(data: Path) -> Chain:
    """Rossmann's files through the ingest door, watched in their last year."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_params(folder / "params.yaml", data, {})
        row = walked("rossmann", folder, "ingest.py", "--fill", "--freeze")
        if row["exit"] != 0:
            raise SystemExit(f"ingest.py ended with {row['exit']} on {data}. Run it by hand to see why.")
        params, panel = load_params(folder / "params.yaml"), read_frozen(Paths(folder / "data").panel)
    features = params.features
    watched_from = panel.last_day - timedelta(days=4 * QUARTER_DAYS)
    return Chain("rossmann", panel, tuple(features.known_future), tuple(features.past_only), params, watched_from)
