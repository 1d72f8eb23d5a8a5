"""Drift injected into clean replays: how often each size is found, after how many days, by whom,
and what it cost meanwhile.

Every run is paired with the same days undisturbed: only an alert that is not raised there counts as
found; one that is, is a false alarm. The champion is not refitted after the drift began, so that
the delay is monitoring's and not the refit's. Runs are kept: one that was cut goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.detection.drift_curves_table import FAMILIES, summed, table
from benchmarks.detection.remedies import remedies
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.replay import KEPT, WORLDS, World, kind_of, replayed, tables_from, world_of
from benchmarks.harness.results import Result, read
from benchmarks.harness.scores import wape_and_bias
from benchmarks.harness.watching import (
    Alerting,
    Limits,
    alerts_of_fixed_limits,
    alerts_of_plain_tests,
    alerts_of_signals,
    signals_over,
)
from contract.panel import Panel
from contract.quantiles import INTERVALS
from drills.drift_shapes import SHAPES, DriftShape

WATCHED_DAYS, WEEKS = 56, 8
FIRST_START_DAYS, START_STEP_DAYS = 112, 168  # after watching begins; steps of whole refit cycles
FIXED_STEP = 7  # days between looks of the fixed limits, which cost a hundred times a signal's


def measure(context: Context) -> Result:
    """Run what is not kept yet; summarise everything that is."""
    options, runs = context.options, []
    shapes = [shape for shape in SHAPES if shape.name in options.shapes]
    for name in options.worlds:
        world = replayed(world_of(name))
        for start in starts_of(world, options.starts, options.first, options.step):
            runs += _runs(world, start, shapes)
    before, kind = context.before(), kind_of(options.worlds[0])
    return before | {kind: before.get(kind, {}) | summed(runs)}


def starts_of(world: World, count: int, first_days: int, step_days: int) -> list[date]:
    """Mondays after a refit, from so many days after watching begins."""
    first = world.first_watched + timedelta(days=first_days)
    wanted = [first + timedelta(days=step_days * k) for k in range(count)]
    last = world.panel.last_day - timedelta(days=WATCHED_DAYS)
    refits = [max(one for one in world.refits if one <= day) for day in wanted if day <= last]
    return [refit + timedelta(days=1) for refit in refits]


def _runs(world: World, start: date, shapes: list[DriftShape]) -> list[Result]:
    folder = world.folder / "drifts" / start.isoformat()
    (folder / "after").mkdir(parents=True, exist_ok=True)
    watched = partial(_watched, world, start=start, limits=Limits())
    clean = _kept(folder / "clean.json", lambda: watched(world.panel, world.tables))

    def run(shape: DriftShape, size: float) -> Result:
        drifted, file = (
            lru_cache(partial(_drifted, world, start, shape, size)),
            f"{shape.name}_{size}.json",
        )
        seen = _kept(folder / file, lambda: watched(*drifted()))
        alerts = seen["alerting"]["signals"]
        after = _kept(folder / "after" / file, lambda: remedies(world, *drifted(), start, alerts))
        return {"shape": shape.name, "size": size, **_compared(seen, clean), "after": after}

    return [run(shape, size) for shape in shapes for size in shape.sizes]


def _kept(path: Path, made: Callable[[], Result]) -> Result:
    if not path.exists():
        path.write_text(json.dumps(made()), encoding="utf-8")
        print(path.relative_to(KEPT), flush=True)
    return read(path)


def _drifted(
    world: World, start: date, shape: DriftShape, size: float
) -> tuple[Panel, pl.DataFrame]:
    """The panel with a drift in it, and the tables made of it by a champion that stays."""
    rng = np.random.default_rng([start.toordinal(), round(1000 * size)])
    panel = shape.apply(_watched_part(world.panel, start), start, size, rng)
    tables = tables_from(world, panel, start, WEEKS)
    before = world.tables.filter(pl.col("origin") < start)
    return panel, pl.concat([before, tables.select(before.columns)])


def _watched(
    world: World, panel: Panel, tables: pl.DataFrame, start: date, limits: Limits
) -> Result:
    """The alerts of each day since the start, by family; and how good the forecasts of these days
    were.
    """
    panel = _watched_part(panel, start)
    days = [start + timedelta(days=k) for k in range(WATCHED_DAYS)]
    signals, looks = signals_over(world, panel, tables), days[FIXED_STEP - 1 :: FIXED_STEP]
    by_family = (
        alerts_of_signals(signals, days, world.params.monitor, limits),
        alerts_of_fixed_limits(world, panel, tables, looks),
        alerts_of_plain_tests(world, panel, days),
    )
    alerting = {name: _listed(alerts) for name, alerts in zip(FAMILIES, by_family, strict=True)}
    return {"alerting": alerting, **_quality(world, panel, tables, start)}


def _listed(alerting: Alerting) -> dict[str, list[list[str]]]:
    return {name: [sorted(causes) for causes in by_day] for name, by_day in alerting.items()}


def _quality(world: World, panel: Panel, tables: pl.DataFrame, start: date) -> dict[str, float]:
    """WAPE and 95% coverage of the first-week forecasts of the watched days."""
    scored = world.first_weeks(tables, panel).filter(pl.col("ds") >= start)
    covered = scored.select(pl.col("y").is_between(*INTERVALS[0.95]).mean()).item()
    return {"wape": wape_and_bias(scored)["wape"], "covered": float(covered)}


def _compared(seen: Result, clean: Result) -> Result:
    """For each family and watcher the days until it was alerting for the drift alone; and what the
    drift cost.
    """
    delays = {}
    for family, by_name in seen["alerting"].items():
        step = FIXED_STEP if family == "fixed limits" else 1
        undisturbed = clean["alerting"][family]
        delays[family] = {
            name: _delay(by_day, undisturbed.get(name), step) for name, by_day in by_name.items()
        }
    return {
        "delays": delays,
        "wape_lost": seen["wape"] / clean["wape"] - 1,
        "coverage_shift": seen["covered"] - clean["covered"],
    }


def _delay(by_day: list[list[str]], clean: list[list[str]] | None, step: int) -> int | None:
    """Days of drift seen when a cause first is alerting that is not undisturbed; None if never."""
    quiet: list[Any] = clean or [[] for _ in by_day]
    found = (k for k, causes in enumerate(by_day) if set(causes) - set(quiet[k]))
    return next(((k + 1) * step for k in found), None)


def _watched_part(panel: Panel, start: date) -> Panel:
    return panel.up_to(start + timedelta(days=WATCHED_DAYS - 1))


BENCHMARK = Benchmark(
    question="Which drifts are found, after how many days, by whom, and what do they cost?",
    needs="replayed worlds (made where they are not); 90 minutes a world, goes on where cut",
    measure=measure,
    options=(
        WORLDS,
        Option("shapes", "of drift", [shape.name for shape in SHAPES], many=True),
        Option("starts", "how many days on which the drift enters", 2, int),
        Option("first", "the first, in days after watching begins", FIRST_START_DAYS, int),
        Option("step", "days between them", START_STEP_DAYS, int),
    ),
    table=table,
)
