"""Panels with covariates, for what watches them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.accuracy.other_data import mapped_folder
from benchmarks.harness.entry_points import FILL, run
from benchmarks.harness.replay import world_of
from contract.days import days_between
from contract.panel import Panel
from contract.params import Params
from contract.params_file import load_params
from monitoring.cusum import QUARTER_DAYS
from runtime.paths import Paths
from storage.panel_files import read_frozen

YEARLY_C, SPREAD_C, MEMORY = 9.0, 3.5, 0.8  # of a temperature: half its yearly swing, weather, days
PLANNED = ("temperature", "store_temperature", "rain", "campaign")


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
    """A simulated chain of four years with weather, campaigns and visitors it knows nothing of: its
    sales do not feel them.
    """
    world = world_of(f"sim:{seed}")
    panel, rng = world.panel, np.random.default_rng(seed)
    ahead = world.params.train.horizon
    days = days_between(panel.first_day, panel.last_day + timedelta(days=ahead))
    stores = panel.series["store_id"].unique().sort().to_list()
    values = _planned(rng, days, stores)
    sold = panel.sales.join(panel.series.select("unique_id", "store_id"), on="unique_id")
    sold = sold.group_by("store_id", "ds").agg(pl.sum("y"))
    known = days[:-ahead]
    values["visitors"] = {
        store: _visitors(rng, sold.filter(store_id=store), known) for store in stores
    }
    rows = [
        _rows(panel, name, store, days, of_store)
        for name, by_store in values.items()
        for store, of_store in by_store.items()
    ]
    covariates = pl.concat(rows).sort("unique_id", "ds", "name")
    changed = replace(panel, covariates=covariates)
    return Chain(world.name, changed, PLANNED, ("visitors",), world.params, world.first_watched)


def _planned(
    rng: np.random.Generator, days: list[date], stores: list[str]
) -> dict[str, dict[str, np.ndarray]]:
    """By covariate and store what is known ahead: weather of all and of each store, rain,
    campaigns.
    """
    day_of_year = np.array([day.timetuple().tm_yday - 20 for day in days])
    yearly = 10 - YEARLY_C * np.cos(2 * np.pi * day_of_year / 365.25)
    weather = yearly + SPREAD_C * _wandering(rng, MEMORY, len(days))
    local = {
        store: weather + 2 * _wandering(rng, MEMORY, len(days)) + rng.normal(0, 2)
        for store in stores
    }
    rain = 5 * np.maximum(_wandering(rng, 0.4, len(days)) - 0.3, 0)
    weeks = -(-len(days) // 7)
    campaign = {
        store: (rng.random(weeks) < 0.2).repeat(7)[: len(days)].astype(float) for store in stores
    }
    everywhere = {
        "temperature": dict.fromkeys(stores, weather),
        "rain": dict.fromkeys(stores, rain),
    }
    return everywhere | {"store_temperature": local, "campaign": campaign}


def _wandering(rng: np.random.Generator, memory: float, days: int) -> np.ndarray:
    """An autoregressive path of one day's memory, variance 1."""
    path = rng.normal(0, 1, days)
    for k in range(1, days):
        path[k] = memory * path[k - 1] + np.sqrt(1 - memory**2) * path[k]
    return path


def _visitors(rng: np.random.Generator, sold: pl.DataFrame, days: list[date]) -> np.ndarray:
    """About one for two units."""
    units = (
        pl.DataFrame({"ds": days}).join(sold, on="ds", how="left")["y"].fill_null(0.0).to_numpy()
    )
    return rng.poisson(units / 2).astype(float)


def _rows(
    panel: Panel, name: str, store: str, days: list[date], values: np.ndarray
) -> pl.DataFrame:
    ids = panel.series.filter(store_id=store).select("unique_id")
    known_at = panel.sales["known_at"][0]
    by_day = {"ds": days[: len(values)], "name": name, "value": values, "known_at": known_at}
    return ids.join(pl.DataFrame(by_day), how="cross").select(panel.covariates.columns)


def rossmann(data: Path) -> Chain:
    """Rossmann's files through the entry point, watched in their last year."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = mapped_folder(Path(scratch), data, {})
        run(FILL, folder)
        params, panel = load_params(folder.params), read_frozen(Paths(folder.data).panel)
    features = params.features
    watched_from = panel.last_day - timedelta(days=4 * QUARTER_DAYS)
    known_future, past_only = tuple(features.known_future), tuple(features.past_only)
    return Chain("rossmann", panel, known_future, past_only, params, watched_from)
