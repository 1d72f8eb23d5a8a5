"""Drift injected into clean replays: how often each size is found, after how many days, by whom, and what it cost meanwhile.

Every run is paired with the same days undisturbed: only an alert that does not ring there counts as found; one that does is a
false alarm. The champion is not refitted after the drift began, so that the delay is the watchers' and not the refit's.

run     python -m benchmarks.drift_curves sim:21 sim:22 [--shapes level_shift price_shock] [--starts 2]
        python -m benchmarks.drift_curves m5:../shared/data/m5 --first 21 --step 28 --starts 3     (its history is short)
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.false_alarms import kind_of
from benchmarks.measured import ROOT
from benchmarks.remedies import remedies
from benchmarks.replay import KEPT, World, tables_from, walk, world_of
from benchmarks.watching import (
    Limits,
    Rung,
    rung_by_fixed_limits,
    rung_by_plain_tests,
    rung_by_signals,
    signals_over,
)
from contract.days import WEEK
from contract.panel import Panel
from contract.quantiles import INTERVALS
from drills.drift_shapes import SHAPES, DriftShape
from forecasting.actuals import with_actuals

RESULTS = ROOT / "benchmarks" / "results" / "drift_curves.json"
WATCHED_DAYS, WEEKS = 56, 8
FIRST_START_DAYS, START_STEP_DAYS = 112, 168  # after watching begins; steps of whole refit cycles
FIXED_STEP = 7  # days between looks of the fixed limits, which cost a hundred times a signal's


def main() -> None:
    """Run what is not kept yet; summarise everything that is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("worlds", nargs="+")
    parser.add_argument("--shapes", nargs="*", default=[shape.name for shape in SHAPES])
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--first", type=int, default=FIRST_START_DAYS, help="days after watching begins")
    parser.add_argument("--step", type=int, default=START_STEP_DAYS, help="days between starts")
    arguments = parser.parse_args()
    runs = []
    for name in arguments.worlds:
        world = world_of(name)
        walk(world)
        for start in starts_of(world, arguments.starts, arguments.first, arguments.step):
            runs += _runs(world, start, [shape for shape in SHAPES if shape.name in arguments.shapes])
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kind = kind_of(arguments.worlds[0])
    results[kind] = (results.get(kind) or {}) | summed(runs)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def starts_of(world: World, count: int, first_days: int, step_days: int) -> list[date]:
    """Mondays after a refit, from so many days after watching begins."""
    first = world.first_watched + timedelta(days=first_days)
    wanted = [first + timedelta(days=step_days * k) for k in range(count)]
    last = world.panel.last_day - timedelta(days=WATCHED_DAYS)
    return [
        max(cutoff for cutoff in world.refits if cutoff <= day) + timedelta(days=1) for day in wanted if day <= last
    ]


def _runs(world: World, start: date, shapes: list[DriftShape]) -> list[dict[str, Any]]:
    folder, limits = world.folder / "drifts" / start.isoformat(), Limits({})
    (folder / "after").mkdir(parents=True, exist_ok=True)
    clean = _kept(folder / "clean.json", lambda: _watched(world, world.panel, world.tables, start, limits))
    told = []
    for shape in shapes:
        for size in shape.sizes:
            drifted = lru_cache(partial(_drifted, world, start, shape, size))
            seen = _kept(
                folder / f"{shape.name}_{size}.json", lambda made=drifted: _watched(world, *made(), start, limits)
            )
            after = _kept(
                folder / "after" / f"{shape.name}_{size}.json",
                lambda made=drifted, rung=seen["rung"]["signals"]: remedies(world, *made(), start, rung),
            )
            told.append({"shape": shape.name, "size": size, **_compared(seen, clean), "after": after})
    return told


def _kept(path: Path, made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if not path.exists():
        path.write_text(json.dumps(made()), encoding="utf-8")
        print(path.relative_to(KEPT), flush=True)
    return json.loads(path.read_text(encoding="utf-8"))


def _drifted(world: World, start: date, shape: DriftShape, size: float) -> tuple[Panel, pl.DataFrame]:
    """The panel with a drift in it, and the tables made of it by a champion that stays."""
    rng = np.random.default_rng([start.toordinal(), round(1000 * size)])
    panel = shape.apply(_until(world.panel, start + timedelta(days=WATCHED_DAYS)), start, size, rng)
    tables = tables_from(world, panel, start, WEEKS)
    before = world.tables.filter(pl.col("origin") < start)
    return panel, pl.concat([before, tables.select(before.columns)])


def _watched(world: World, panel: Panel, tables: pl.DataFrame, start: date, limits: Limits) -> dict[str, Any]:
    """What rang on each day since the start, by family; and how good the forecasts of these days were."""
    panel = _until(panel, start + timedelta(days=WATCHED_DAYS))
    days = [start + timedelta(days=k) for k in range(WATCHED_DAYS)]
    by_signal = rung_by_signals(signals_over(world, panel, tables), days, world.params.monitor, limits)
    fixed = rung_by_fixed_limits(world, panel, tables, days[FIXED_STEP - 1 :: FIXED_STEP])
    rung = {"signals": by_signal, "fixed limits": fixed, "plain tests": rung_by_plain_tests(world, panel, days)}
    return {
        "rung": {family: _listed(of_family) for family, of_family in rung.items()},
        **_quality(world, panel, tables, start),
    }


def _listed(rung: Rung) -> dict[str, list[list[str]]]:
    return {name: [sorted(causes) for causes in by_day] for name, by_day in rung.items()}


def _quality(world: World, panel: Panel, tables: pl.DataFrame, start: date) -> dict[str, float]:
    """WAPE and 95% coverage of the first-week forecasts of the watched days."""
    told = with_actuals(tables.filter(pl.col("h") <= WEEK), panel, *world.known_by)
    told = told.filter(pl.col("ds") >= start)
    low, high = INTERVALS[0.95]
    return {
        "wape": float(told["error"].abs().sum() / told["y"].sum()),
        "covered": float(told.select(pl.col("y").is_between(low, high).mean()).item()),
    }


def _compared(seen: dict[str, Any], clean: dict[str, Any]) -> dict[str, Any]:
    """For each family and watcher the days until it rang for the drift alone; and what the drift cost."""
    delays = {}
    for family, by_name in seen["rung"].items():
        step = FIXED_STEP if family == "fixed limits" else 1
        known = clean["rung"][family]
        delays[family] = {name: _delay(by_day, known.get(name), step) for name, by_day in by_name.items()}
    return {
        "delays": delays,
        "wape_lost": seen["wape"] / clean["wape"] - 1,
        "coverage_shift": seen["covered"] - clean["covered"],
    }


def _delay(by_day: list[list[str]], clean: list[list[str]] | None, step: int) -> int | None:
    """Days of drift seen when a cause first rings that does not ring undisturbed; None if never."""
    quiet = clean or [[] for _ in by_day]
    return next(((k + 1) * step for k, causes in enumerate(by_day) if set(causes) - set(quiet[k])), None)


def summed(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """By shape and size: found by any signal, the median delay, the first watchers; fixed limits and plain tests beside."""
    table: dict[str, Any] = {}
    for shape in SHAPES:
        for size in shape.sizes:
            same = [run for run in runs if run["shape"] == shape.name and run["size"] == size]
            if same:
                table.setdefault(shape.name, {})[str(size)] = _summary(same)
    return table


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for family in runs[0]["delays"]:
        first = [min((d for d in run["delays"][family].values() if d is not None), default=None) for run in runs]
        known = [delay for delay in first if delay is not None]
        found[family] = {"rate": round(len(known) / len(runs), 2), "delay": statistics.median(known) if known else None}
    return {
        "runs": len(runs),
        "found": found,
        "watchers": _who(runs),
        "wape_lost": round(statistics.mean(run["wape_lost"] for run in runs), 4),
        "coverage_shift": round(statistics.mean(run["coverage_shift"] for run in runs), 4),
        "after": _after([run["after"] for run in runs]),
    }


def _after(told: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """By remedy its WAPE beside that of the champion that stayed, and its bias; means over runs."""
    return {
        name: {
            "wape": round(statistics.mean(one[name]["wape"] / one["stayed"]["wape"] - 1 for one in told), 4),
            "bias": round(statistics.mean(one[name]["bias"] for one in told), 4),
        }
        for name in told[0]
    }


def _who(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Each signal's detection rate and median delay, those that found anything."""
    who = {}
    for name in sorted({name for run in runs for name in run["delays"]["signals"]}):
        known = [d for run in runs if (d := run["delays"]["signals"].get(name)) is not None]
        if known:
            who[name] = {"rate": round(len(known) / len(runs), 2), "delay": statistics.median(known)}
    return who


def _until(panel: Panel, end: date) -> Panel:
    return panel.up_to(end - timedelta(days=1))


if __name__ == "__main__":
    main()
