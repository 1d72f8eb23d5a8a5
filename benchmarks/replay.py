"""A clean history walked week by week by a champion that learns as in production; what the watchers are measured on.

Worlds: `sim:SEED` is the simulator (500 series, 1,340 days), `m5:FOLDER` every tenth item of M5's own files in all stores. The
champion is the mean of eight same weekdays with the group step, a tenth of a second to fit and as biased as the booster; with
`:lightgbm` after the name it is the booster, refitted every four weeks. Nothing is injected here: drills.drift_shapes changes a
panel, `tables_from` forecasts it on. Tables are kept under data/replays/: a walk that was cut goes on where it stopped.

run     python -m benchmarks.replay sim:11 sim:12      about a minute and a half each; six with :lightgbm
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from benchmarks.measured import ROOT
from contract.days import days_between
from contract.levels import SERIES_LEVEL
from contract.panel import Panel, panel_of
from contract.params import Params
from contract.params_file import load_params
from features.dense_panel import feature_recipe_of
from forecasting.actuals import with_actuals
from forecasting.bundle import load_bundle, save_bundle
from forecasting.forecaster import Forecaster
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration, Ratios, learn_ratios
from forecasting.publication import publish_forecasts
from forecasting.seasonal_naive import baseline_of
from forecasting.window_average import WindowAverage

KEPT = ROOT / "data" / "replays"
REFIT_WEEKS = 4
SUNDAY = 6
WARM_UP_WEEKS = 10  # of tables without quantiles: what the first calibration learns from
REMEMBERED_DAYS = 196  # of tables that a calibration learns from
FIT_DAYS = 600  # of history a fit reads: a year and the season around it
READ_DAYS = 430  # of history a forecast reads: its longest look back
SMALL = {"blocks": [28], "rounds": 80, "max_rows": 100_000}  # a fit in seconds; as accurate within a percent here


@dataclass(frozen=True)
class World:
    """A panel without drift, when the first weekly table is made, and when watching begins."""

    name: str
    panel: Panel
    first_table: date
    first_watched: date
    params: Params
    by_trees: bool = False

    @property
    def folder(self) -> Path:
        """Where its tables and models are kept."""
        return KEPT / (f"{self.name}_lightgbm" if self.by_trees else self.name)

    @cached_property
    def tables(self) -> pl.DataFrame:
        """FORECASTS of every weekly origin with quantiles."""
        return pl.read_parquet(self.folder / "tables.parquet")

    @property
    def known_by(self) -> tuple[bool, float]:
        """By which rules a day counts as known: `with_actuals`'s last two arguments."""
        return self.params.ingest.absent_means_zero, self.params.features.max_stockout_share

    @cached_property
    def refits(self) -> list[date]:
        """The cutoffs of the champions, oldest first."""
        return sorted(date.fromisoformat(path.name) for path in self.folder.glob("2*-*-*"))


def world_of(name: str) -> World:
    """`sim:SEED` or `m5:FOLDER`, with or without `:lightgbm`."""
    params = load_params(ROOT / "params.yaml")
    kind, told, *champion = name.split(":")
    made = _m5(params, Path(told)) if kind == "m5" else _simulated(int(told), params)
    return replace(made, by_trees=champion == ["lightgbm"])


def walk(world: World, most_s: float = float("inf")) -> bool:
    """Learn every four weeks, forecast every week, keep everything; whether it came to the end within so many seconds."""
    started, parts = time.process_time(), world.folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    if (world.folder / "tables.parquet").exists():
        return True
    origins = sundays(world.first_table, world.panel.last_day)
    tables = [pl.read_parquet(path) for path in sorted(parts.glob("*.parquet"))]
    for k, origin in enumerate(origins[len(tables) :], start=len(tables)):
        if time.process_time() - started > most_s:
            return False
        if k % REFIT_WEEKS == 0:
            _learn(world, tables, origin)
        table = publish(world, world.panel, origin, *champion_of(world, origins[k - k % REFIT_WEEKS]))
        table.write_parquet(parts / f"{origin}.parquet")
        tables.append(table)
    pl.concat(tables[WARM_UP_WEEKS:]).write_parquet(world.folder / "tables.parquet")
    return True


def sundays(first: date, last: date) -> list[date]:
    """The weekly origins: the table made of Sunday's sales speaks for the week after it."""
    return [day for day in days_between(first, last) if day.weekday() == SUNDAY]


def tables_from(world: World, panel: Panel, first: date, weeks: int) -> pl.DataFrame:
    """FORECASTS of the weekly origins from `first` on over another panel, by the champion of that day, not refitted."""
    champion = champion_of(world, max(cutoff for cutoff in world.refits if cutoff <= first))
    origins = sundays(first, first + timedelta(days=7 * weeks - 1))
    return pl.concat([publish(world, panel, origin, *champion) for origin in origins])


def champion_of(world: World, cutoff: date) -> tuple[Forecaster, Calibration]:
    """The model fitted at a cutoff and the calibration learned by then."""
    folder = world.folder / cutoff.isoformat()
    weeks = json.loads((folder / "replay.json").read_text(encoding="utf-8"))
    calibration = Calibration({SERIES_LEVEL: [Ratios(**week) for week in weeks]})
    return load_bundle(folder) if world.by_trees else _average(world), calibration


def publish(world: World, panel: Panel, origin: date, model: Forecaster, calibration: Calibration) -> pl.DataFrame:
    """The table production would publish, through the same call."""
    params, seen = world.params, _recent(panel, origin, READ_DAYS)
    baseline = baseline_of(params)
    calibrations = {model.name: calibration, baseline.name: calibration}
    return publish_forecasts(
        seen,
        origin,
        params.train.horizon,
        model,
        baseline,
        calibrations,
        params.inference,
        str(origin),
        baseline.region,
    )


def booster_of(world: World, panel: Panel, cutoff: date) -> GlobalLightGBM:
    """The booster of these worlds, fitted on a panel as far as it was known at a cutoff."""
    known, train = _recent(panel, cutoff, FIT_DAYS), world.params.train.model_copy(update=SMALL)
    return GlobalLightGBM(train, feature_recipe_of(world.params, known)).fit(known)


def _recent(panel: Panel, origin: date, days: int) -> Panel:
    return replace(panel, sales=panel.sales.filter(pl.col("ds").is_between(origin - timedelta(days=days), origin)))


def _average(world: World) -> WindowAverage:
    groups = world.params.train.groups.model_copy(update={"columns": ["dept_id"]})
    return WindowAverage(feature_recipe_of(world.params, world.panel), groups)


def _learn(world: World, tables: list[pl.DataFrame], cutoff: date) -> None:
    """The champion of the coming weeks and its calibration, kept under the cutoff."""
    folder = world.folder / cutoff.isoformat()
    folder.mkdir(exist_ok=True)
    if world.by_trees:
        save_bundle(booster_of(world, world.panel, cutoff), folder, world.name)
    weeks = [asdict(week) for week in _ratios(world, tables, cutoff)]
    (folder / "replay.json").write_text(json.dumps(weeks), encoding="utf-8")


def _ratios(world: World, tables: list[pl.DataFrame], now: date) -> list[Ratios]:
    """Ratios by week ahead from the tables of the last half year, as far as they came true; of none, the mean stands alone."""
    recent = [table for table in tables if (now - table["origin"][0]).days <= REMEMBERED_DAYS]
    if not recent:
        return [Ratios([1.0], [[1.0] * 9], [0.0] * 9)]
    told = with_actuals(pl.concat(recent), world.panel.up_to(now), *world.known_by)
    bins = world.params.evaluate.calibration_bins
    weeks = [told.filter(week=week) for week in range(1, int(told["week"].max()) + 1)]
    return [learn_ratios(week["y_hat"].to_numpy(), week["y"].to_numpy(), bins) for week in weeks]


def _simulated(seed: int, params: Params) -> World:
    from sources.simulator import simulate

    asked = {"series": 500, "days": 1340, "start": date(2021, 1, 1), "seed": seed}
    made = simulate(params.source.simulator.model_copy(update=asked))
    panel = panel_of(made.sales, made.series, made.calendar, made.prices, panel_hash=str(seed))
    first = panel.first_day
    return World(f"sim_{seed}", panel, first + timedelta(days=280), first + timedelta(days=610), params)


def _m5(params: Params, source: Path) -> World:
    """M5's files through the ingest door, once; then every tenth item."""
    from storage.panel_files import read_frozen

    panel = read_frozen(_m5_frozen(source) / "panel")
    items = panel.series["item_id"].unique().sort().gather_every(10)
    few = panel.only(panel.series.filter(pl.col("item_id").is_in(items.implode()))["unique_id"])
    first = few.first_day
    return World("m5", few, first + timedelta(days=98), first + timedelta(days=309), params)


def _m5_frozen(source: Path) -> Path:
    kept = KEPT / "m5_source"
    if not (kept / "panel" / "panel.json").exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            params = Path(scratch) / "params.yaml"
            params.write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
            shared = ["--params", str(params), "--data", str(kept)]
            for step in (["--use", "m5", "--data-from", str(source.resolve())], ["--fill", "--freeze"]):
                subprocess.run([sys.executable, "ingest.py", *shared, *step], cwd=ROOT, check=True, capture_output=True)  # noqa: S603
    return kept


def main() -> None:
    """Walk the worlds named on the command line; `--seconds N` stops after so many of the processor's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("worlds", nargs="+")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    arguments = parser.parse_args()
    for name in arguments.worlds:
        world = world_of(name)
        is_done = walk(world, arguments.seconds)
        print(name, "walked" if is_done else "not at the end yet: run it again", world.folder)


if __name__ == "__main__":
    main()
