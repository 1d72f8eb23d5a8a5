"""What helps once a drift is four weeks old: a refit, or the planner's factor; judged on the four
weeks after.

*refitted*: a champion that learned on the 28th day of drift. *scaled*: the champion that stayed,
its tables multiplied by what sold over what it had said for the last two weeks, from the morning on
that `bias` is alerting for the whole: the runbook's "scale orders". The drift curves apply it to
drifts; here, to clean chains: what the factor costs where the alarm was false.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.replay import (
    WORLDS,
    World,
    champion_of,
    publish,
    replayed,
    sundays,
    world_of,
)
from benchmarks.harness.results import Result
from benchmarks.harness.scores import wape_and_bias
from benchmarks.harness.watching import Limits, alerts_of_signals
from benchmarks.harness.worlds import fitted
from benchmarks.render.markdown import markdown_table
from contract.days import WEEK, days_between
from contract.panel import Panel
from monitoring.outcome_signals import daily_sums, outcome_signals
from monitoring.watch import group_columns

REFIT_DAYS, JUDGED_DAYS = 28, 28
SCALE_DAYS, FURTHEST = (
    14,
    2.0,
)  # of outcomes a factor is read from; beyond it something else is wrong
WHOLE = "bias"

Tables = pl.DataFrame


def measure(context: Context) -> Result:
    """The worlds, without any drift."""
    return {
        "clean": [on_a_clean_chain(replayed(world_of(name))) for name in context.options.worlds]
    }


def table(result: Result) -> str:
    """One row per clean world: what the planner's factor does where the alarm was false."""
    rows = [
        [row["world"], f"{row['alerting']} of {row['weeks']}"]
        + [_cell(row, name, ".3f") for name in ("stayed_wape", "scaled_wape")]
        + [_cell(row, name, "+.1%") for name in ("stayed_bias", "scaled_bias")]
        for row in result["clean"]
    ]
    scores = ["WAPE, as published", "scaled", "bias, as published", "scaled"]
    return markdown_table(["clean world", "weeks while `bias` was alerting", *scores], rows)


def on_a_clean_chain(world: World) -> Result:
    """The weekly tables made while `bias` was alerting for the whole: WAPE and bias as published
    and scaled.
    """
    origins = sundays(world.first_watched, world.panel.last_day - timedelta(days=WEEK))
    alerting = _days_of_bias(world)
    made = [origin for origin in origins if origin in alerting]
    row = {"world": world.folder.name, "weeks": len(origins), "alerting": len(made)}
    if not made:
        return row
    sides = {
        "stayed": [_of(world.tables, origin) for origin in made],
        "scaled": [_scaled(world, world.panel, world.tables, origin) for origin in made],
    }
    for name, tables in sides.items():
        errors = _errors(world, world.panel, pl.concat(tables))
        row |= {f"{name}_{score}": round(value, 4) for score, value in errors.items()}
    return row


def remedies(
    world: World, panel: Panel, tables: Tables, start: date, alerts: dict[str, list[list[str]]]
) -> Result:
    """stayed, scaled and (where the champion is fitted) refitted: WAPE and bias of the days from
    REFIT_DAYS after the start on.

    `alerts`: by signal the causes of each day since the start.
    """
    cutoff = start + timedelta(days=REFIT_DAYS - 1)
    origins = sundays(cutoff, cutoff + timedelta(days=JUDGED_DAYS - 1))
    by_day = enumerate(alerts.get(WHOLE, []))
    alerting = {start + timedelta(days=k) for k, causes in by_day if WHOLE in causes}
    stayed = {origin: _of(tables, origin) for origin in origins}
    scaled = {
        origin: _scaled(world, panel, tables, origin) for origin in origins if origin in alerting
    }
    made = {"stayed": pl.concat(stayed.values()), "scaled": pl.concat((stayed | scaled).values())}
    if world.by_trees:
        made["refitted"] = _refitted(world, panel, cutoff, origins)
    return {name: _errors(world, panel, of_name) for name, of_name in made.items()}


def _cell(row: Result, name: str, form: str) -> str:
    """A dash where `bias` was never alerting: there was nothing to scale."""
    return format(row[name], form) if name in row else "-"


def _days_of_bias(world: World) -> set[date]:
    columns, params = group_columns(world.panel.series), world.params.monitor
    sums = daily_sums(world.first_weeks(world.tables), world.panel.series, columns)
    whole = [signal for signal in outcome_signals(sums, params) if signal.name == WHOLE]
    days = days_between(world.first_watched, world.panel.last_day)
    by_day = alerts_of_signals(whole, days, params, Limits())[WHOLE]
    return {day for day, causes in zip(days, by_day, strict=True) if WHOLE in causes}


def _of(tables: Tables, origin: date) -> Tables:
    return tables.filter(origin=origin)


def _scaled(world: World, panel: Panel, tables: Tables, origin: date) -> Tables:
    days = pl.col("ds").is_between(origin - timedelta(days=SCALE_DAYS - 1), origin)
    scored = world.first_weeks(tables.filter(days), panel.up_to(origin))
    factor = min(max(scored["y"].sum() / scored["y_hat"].sum(), 1 / FURTHEST), FURTHEST)
    return _of(tables, origin).with_columns(pl.col("y_hat") * factor)


def _refitted(world: World, panel: Panel, cutoff: date, origins: list[date]) -> Tables:
    _, calibration = champion_of(world, max(day for day in world.refits if day <= cutoff))
    booster = fitted(world.params, panel, cutoff)
    return pl.concat([publish(world, panel, origin, booster, calibration) for origin in origins])


def _errors(world: World, panel: Panel, tables: Tables) -> dict[str, float]:
    return wape_and_bias(world.first_weeks(tables, panel))


BENCHMARK = Benchmark(
    question="What does scaling orders cost where the alarm was false?",
    needs="replayed worlds (made where they are not); minutes",
    measure=measure,
    options=(WORLDS,),
    table=table,
)
