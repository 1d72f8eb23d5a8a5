"""What helps once a drift is four weeks old: a refit, or the planner's factor; judged on the four weeks after.

*refitted*: a champion that learned on the 28th day of drift. *scaled*: the champion that stayed, its tables multiplied by what sold
over what it had said for the last two weeks, from the morning on that `bias` rings for the whole: the runbook's "scale orders".
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from benchmarks.replay import World, booster_of, champion_of, publish, sundays
from contract.days import WEEK
from contract.panel import Panel
from forecasting.came_true import came_true

REFIT_DAYS, JUDGED_DAYS = 28, 28
SCALE_DAYS, FURTHEST = 14, 2.0  # of outcomes a factor is read from; beyond it something else is wrong
WHOLE = "bias"

Tables = pl.DataFrame


def remedies(
    world: World, panel: Panel, tables: Tables, start: date, rung: dict[str, list[list[str]]]
) -> dict[str, Any]:
    """stayed, scaled and (where the champion is fitted) refitted: WAPE and bias of the days from REFIT_DAYS after the start on.

    `rung`: by signal the causes that rang on each day since the start.
    """
    cutoff = start + timedelta(days=REFIT_DAYS - 1)
    origins = sundays(cutoff, cutoff + timedelta(days=JUDGED_DAYS - 1))
    stayed = tables.filter(pl.col("origin").is_in(origins))
    rings = {start + timedelta(days=k) for k, causes in enumerate(rung.get(WHOLE, [])) if WHOLE in causes}
    scaled = pl.concat(
        [_scaled(world, panel, tables, origin) if origin in rings else _of(tables, origin) for origin in origins]
    )
    told = {"stayed": _errors(world, panel, stayed), "scaled": _errors(world, panel, scaled)}
    if world.by_trees:
        told["refitted"] = _errors(world, panel, _refitted(world, panel, cutoff, origins))
    return told


def _of(tables: Tables, origin: date) -> Tables:
    return tables.filter(origin=origin)


def _scaled(world: World, panel: Panel, tables: Tables, origin: date) -> Tables:
    said = tables.filter(pl.col("h") <= WEEK, pl.col("ds").is_between(origin - timedelta(days=SCALE_DAYS - 1), origin))
    told = came_true(said, panel.up_to(origin), *world.known_by)
    factor = min(max(told["y"].sum() / told["y_hat"].sum(), 1 / FURTHEST), FURTHEST)
    return _of(tables, origin).with_columns(pl.col("y_hat") * factor)


def _refitted(world: World, panel: Panel, cutoff: date, origins: list[date]) -> Tables:
    _, calibration = champion_of(world, max(day for day in world.refits if day <= cutoff))
    booster = booster_of(world, panel, cutoff)
    return pl.concat([publish(world, panel, origin, booster, calibration) for origin in origins])


def _errors(world: World, panel: Panel, tables: Tables) -> dict[str, float]:
    told = came_true(tables.filter(pl.col("h") <= WEEK), panel, *world.known_by)
    return {
        "wape": float(told["error"].abs().sum() / told["y"].sum()),
        "bias": float(told["error"].sum() / told["y"].sum()),
    }
