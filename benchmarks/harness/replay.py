"""A clean history lived through week by week by a champion that learns as in production: what
monitoring is measured on.

Worlds: `sim:SEED` is the simulator (500 series, 1,340 days; hard or calm as params.yaml says),
`m5:FOLDER` every tenth item of M5's own files in all stores. The champion is the mean of eight same
weekdays with the group step, a tenth of a second to fit and as biased as the booster; with
`:lightgbm` after the name it is the booster, refitted every four weeks. Nothing is injected here:
drills.drift_shapes changes a panel, `tables_from` forecasts it on. Tables are kept under
data/replays/: a replay that was cut goes on where it stopped.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.pipeline import published, with_actuals
from benchmarks.harness.registry import Option
from benchmarks.harness.results import ROOT
from benchmarks.harness.worlds import (
    chain_params,
    every_nth_item,
    fitted,
    m5_read,
    recent,
    simulated,
)
from contract.days import WEEK, days_between
from contract.demand import demand_rules
from contract.levels import SERIES_LEVEL
from contract.panel import Panel
from contract.params import Params, SimulatorParams
from features.dense_panel import feature_recipe_of
from forecasting.bundle import load_bundle, save_bundle
from forecasting.calibration import learn_series
from forecasting.dispersion import dispersion_at_end
from forecasting.forecaster import Forecaster
from forecasting.intervals import Calibration, Ratios
from forecasting.scoring import ratios_of
from forecasting.seasonal_naive import baseline_of
from forecasting.window_average import WindowAverage

KEPT = ROOT / "data" / "replays"
REFIT_WEEKS = 4
SUNDAY = 6
WARM_UP_WEEKS = 10  # of tables without quantiles: what the first calibration learns from
REMEMBERED_DAYS = 196  # of tables that a calibration learns from
READ_DAYS = 430  # of history a forecast reads: its longest look back
WORLDS = Option("worlds", "sim:SEED or m5:FOLDER, each with or without :lightgbm", [], many=True)


@dataclass(frozen=True)
class World:
    """A panel without drift, when the first weekly table is made, and when watching begins."""

    name: str
    panel: Panel
    first_table: date
    first_watched: date
    params: Params
    by_trees: bool = False
    made_by: SimulatorParams | None = None  # of a simulated chain

    @property
    def folder(self) -> Path:
        """Where its tables and models are kept."""
        return KEPT / (f"{self.name}_lightgbm" if self.by_trees else self.name)

    @cached_property
    def tables(self) -> pl.DataFrame:
        """FORECASTS of every weekly origin with quantiles."""
        return pl.read_parquet(self.folder / "tables.parquet")

    @cached_property
    def refits(self) -> list[date]:
        """The cutoffs of the champions, oldest first."""
        return sorted(date.fromisoformat(path.name) for path in self.folder.glob("2*-*-*"))

    def scored(self, tables: pl.DataFrame, panel: Panel | None = None) -> pl.DataFrame:
        """The rows whose day is known in a panel (the world's own), with y and error."""
        return with_actuals(self.params, tables, panel or self.panel)

    def first_weeks(self, tables: pl.DataFrame, panel: Panel | None = None) -> pl.DataFrame:
        """The same, of each table's first week."""
        return self.scored(tables.filter(pl.col("h") <= WEEK), panel)


def world_of(name: str) -> World:
    """`sim:SEED` or `m5:FOLDER`, with or without `:lightgbm`."""
    kind, which, *champion = name.split(":")
    made = (
        _m5(params_here(), Path(which)) if kind == "m5" else _simulated(int(which), params_here())
    )
    return replace(made, by_trees=champion == ["lightgbm"])


def replayed(world: World) -> World:
    """The world with its tables: learn every four weeks, forecast every week, keep all."""
    parts = world.folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    if (world.folder / "tables.parquet").exists():
        return world
    origins = sundays(world.first_table, world.panel.last_day)
    tables = [pl.read_parquet(path) for path in sorted(parts.glob("*.parquet"))]
    for k, origin in enumerate(origins[len(tables) :], start=len(tables)):
        if k % REFIT_WEEKS == 0:
            _learn(world, tables, origin)
        champion = champion_of(world, origins[k - k % REFIT_WEEKS])
        tables.append(publish(world, world.panel, origin, *champion))
        tables[-1].write_parquet(parts / f"{origin}.parquet")
    pl.concat(tables[WARM_UP_WEEKS:]).write_parquet(world.folder / "tables.parquet")
    return world


def sundays(first: date, last: date) -> list[date]:
    """The weekly origins: the table made of Sunday's sales speaks for the week after it."""
    return [day for day in days_between(first, last) if day.weekday() == SUNDAY]


def tables_from(world: World, panel: Panel, first: date, weeks: int) -> pl.DataFrame:
    """FORECASTS of the weekly origins from `first` on over another panel, by the champion of that
    day, not refitted.
    """
    champion = champion_of(world, max(cutoff for cutoff in world.refits if cutoff <= first))
    origins = sundays(first, first + timedelta(days=7 * weeks - 1))
    return pl.concat([publish(world, panel, origin, *champion) for origin in origins])


def champion_of(world: World, cutoff: date) -> tuple[Forecaster, Calibration]:
    """The model fitted at a cutoff and the calibration learned by then."""
    folder = world.folder / cutoff.isoformat()
    weeks = json.loads((folder / "replay.json").read_text(encoding="utf-8"))
    calibration = Calibration({SERIES_LEVEL: [ratios_of(week) for week in weeks]})
    return load_bundle(folder) if world.by_trees else _average(world), calibration


def publish(
    world: World, panel: Panel, origin: date, model: Forecaster, calibration: Calibration
) -> pl.DataFrame:
    """The table production would publish, through the same call."""
    names = (model.name, baseline_of(world.params).name)
    seen = recent(panel, origin, READ_DAYS)
    return published(world.params, seen, origin, model, dict.fromkeys(names, calibration))


def _average(world: World) -> WindowAverage:
    groups = world.params.train.groups.model_copy(update={"columns": ["dept_id"]})
    return WindowAverage(feature_recipe_of(world.params, world.panel), groups)


def _learn(world: World, tables: list[pl.DataFrame], cutoff: date) -> None:
    """The champion of the coming weeks and its calibration, kept under the cutoff."""
    folder = world.folder / cutoff.isoformat()
    folder.mkdir(exist_ok=True)
    if world.by_trees:
        save_bundle(fitted(world.params, world.panel, cutoff), folder, world.name)
    weeks = [asdict(week) for week in _ratios(world, tables, cutoff)]
    (folder / "replay.json").write_text(json.dumps(weeks), encoding="utf-8")


def _ratios(world: World, tables: list[pl.DataFrame], now: date) -> list[Ratios]:
    """Ratios from the tables of the last half year; of none, the mean stands alone."""
    late = [table for table in tables if (now - table["origin"][0]).days <= REMEMBERED_DAYS]
    if not late:
        return [Ratios([1.0], [[1.0] * 9], [0.0] * 9)]
    scored = world.scored(pl.concat(late), world.panel.up_to(now)).join(
        pl.concat([_dispersion(world, table["origin"][0]) for table in late]),
        on=["origin", "unique_id"],
        how="left",
    )
    pairs = scored.select("y_hat", "y", pl.col("dispersion").fill_null(float("nan"))).to_numpy().T
    return learn_series(*pairs, world.params.evaluate.calibration_bins)


def _dispersion(world: World, origin: date) -> pl.DataFrame:
    """origin, unique_id and the dispersion a table from that origin was made with."""
    known = recent(world.panel, origin, READ_DAYS)
    own = dispersion_at_end(known, demand_rules(world.params))
    return own.with_columns(origin=pl.lit(origin))


def _simulated(seed: int, params: Params) -> World:
    size, name = (500, 1340, seed), f"{params.source.simulator.world}_sim_{seed}"
    world = _watched_after(name, simulated(params, *size), params, (280, 610))
    return replace(world, made_by=chain_params(params, *size))


def _m5(params: Params, files: Path) -> World:
    """M5's files through the entry point, once; then every tenth item."""
    few = every_nth_item(m5_read(files, KEPT / "m5_source"), 10)
    return _watched_after("m5", few, params, (98, 309))


def _watched_after(name: str, panel: Panel, params: Params, days: tuple[int, int]) -> World:
    table, watched = (panel.first_day + timedelta(days=number) for number in days)
    return World(name, panel, table, watched, params)


def kind_of(name: str) -> str:
    """What a world is called in tables."""
    named = {"sim": f"{params_here().source.simulator.world} simulator", "m5": "M5"}
    kind = named[name.partition(":")[0]]
    return f"{kind}, booster" if name.endswith(":lightgbm") else kind
