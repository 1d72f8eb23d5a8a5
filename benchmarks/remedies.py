"""What helps once a drift is four weeks old: a refit, or the planner's factor; judged on the four weeks after.

*refitted*: a champion that learned on the 28th day of drift. *scaled*: the champion that stayed, its tables multiplied by what sold
over what it had said for the last two weeks, from the morning on that `bias` rings for the whole: the runbook's "scale orders".
The drift curves ask it of drifts; here, of clean chains: what the factor costs where the alarm was false.

run     python -m benchmarks.remedies sim:11:lightgbm sim:21:lightgbm sim:23:lightgbm sim:11 sim:22      (after benchmarks.replay)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl

from benchmarks.measured import keep
from benchmarks.replay import World, booster_of, champion_of, publish, sundays, world_of
from benchmarks.watching import Limits, rung_by_signals
from contract.days import WEEK, days_between
from contract.panel import Panel
from forecasting.actuals import with_actuals
from monitoring.outcome_signals import daily_sums, outcome_signals
from monitoring.watch import group_columns
from reports.tables import text_table

REFIT_DAYS, JUDGED_DAYS = 28, 28
SCALE_DAYS, FURTHEST = 14, 2.0  # of outcomes a factor is read from; beyond it something else is wrong
WHOLE = "bias"

Tables = pl.DataFrame


def main() -> None:
    """The worlds named on the command line, without any drift; print; keep."""
    rows = [on_a_clean_chain(world_of(name)) for name in sys.argv[1:]]
    print(text_table(list(rows[0]), [[str(value) for value in row.values()] for row in rows]))
    keep("remedies", {"clean": rows})


def on_a_clean_chain(world: World) -> dict[str, Any]:
    """The weekly tables made while `bias` rang for the whole: WAPE and bias as published and scaled."""
    origins = sundays(world.first_watched, world.panel.last_day - timedelta(days=WEEK))
    rings = _days_of_bias(world)
    rung = [origin for origin in origins if origin in rings]
    told = {"world": world.folder.name, "weeks": len(origins), "rung": len(rung)}
    if rung:
        for name, made in (("stayed", _of), ("scaled", _scaled_of(world))):
            errors = _errors(world, world.panel, pl.concat([made(world.tables, origin) for origin in rung]))
            told |= {f"{name}_{score}": round(value, 4) for score, value in errors.items()}
    return told


def _scaled_of(world: World) -> Callable[[Tables, date], Tables]:
    return lambda tables, origin: _scaled(world, world.panel, tables, origin)


def _days_of_bias(world: World) -> set[date]:
    columns, params = group_columns(world.panel.series), world.params.monitor
    told = with_actuals(world.tables.filter(pl.col("h") <= WEEK), world.panel, *world.known_by)
    signals = [
        one for one in outcome_signals(daily_sums(told, world.panel.series, columns), params) if one.name == WHOLE
    ]
    days = days_between(world.first_watched, world.panel.last_day)
    by_day = rung_by_signals(signals, days, params, Limits({}))[WHOLE]
    return {day for day, causes in zip(days, by_day, strict=True) if WHOLE in causes}


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
    told = with_actuals(said, panel.up_to(origin), *world.known_by)
    factor = min(max(told["y"].sum() / told["y_hat"].sum(), 1 / FURTHEST), FURTHEST)
    return _of(tables, origin).with_columns(pl.col("y_hat") * factor)


def _refitted(world: World, panel: Panel, cutoff: date, origins: list[date]) -> Tables:
    _, calibration = champion_of(world, max(day for day in world.refits if day <= cutoff))
    booster = booster_of(world, panel, cutoff)
    return pl.concat([publish(world, panel, origin, booster, calibration) for origin in origins])


def _errors(world: World, panel: Panel, tables: Tables) -> dict[str, float]:
    told = with_actuals(tables.filter(pl.col("h") <= WEEK), panel, *world.known_by)
    return {
        "wape": float(told["error"].abs().sum() / told["y"].sum()),
        "bias": float(told["error"].sum() / told["y"].sum()),
    }


if __name__ == "__main__":
    main()
