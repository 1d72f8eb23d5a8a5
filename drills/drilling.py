"""Drills on a panel, on models and on files: break one thing, do what production would do, grade
what comes out.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from contract.errors import TillcastError
from contract.panel import Panel
from contract.params import DrillParams
from drills.bundle_faults import BUNDLE_FAULTS
from drills.door import Door, prices_through_the_door, sales_through_the_door
from drills.faults import PanelFault
from drills.grade import grade_table
from drills.panel_faults import PANEL_FAULTS
from drills.scenario import CHAMPION, PREVIOUS, Outcome, Stage, outcome_of, publish

Result = dict[str, Any]  # see `result_of`
# causes that ring the same morning, on this panel and table
Watch = Callable[[Panel, pl.DataFrame], list[str]]
Later = Callable[
    [pl.DataFrame], list[str]
]  # causes that ring once a table's days have come true, with how many days it took
# causes that ring for a champion of this cutoff on this last day
Age = Callable[[date, date], list[str]]

STALE_DAYS = (112, 364)
CLEAN_MORNINGS = 8  # a week apart


@dataclass(frozen=True)
class Watchers:
    """The watchers, as functions handed in: before and after the truth is known; `ringing`: the
    door's notes that raise an alert.
    """

    this_morning: Watch
    later: Later
    age: Age
    ringing: frozenset[str] = frozenset()


def result_of(
    fault: str,
    strength: object,
    kind: str,
    what: str,
    outcome: str,
    grade: str,
    told: list[str],
    **more: Any,
) -> Result:
    """One drill's row. loss, bias, coverage: of the published table, None where none was scored;
    recovery_s, manual_steps: what it takes once the cause is gone; told: by whom it was seen, the
    earliest first.
    """
    row = {
        "fault": fault,
        "strength": str(strength),
        "kind": kind,
        "what": what,
        "outcome": outcome,
    }
    scored = dict.fromkeys(("loss", "bias", "coverage", "recovery_s"), None)
    return (
        row
        | scored
        | {"manual_steps": 0, "grade": grade, "told": ", ".join(told) or "in silence"}
        | more
    )


def clean_mornings(stage: Stage, watchers: Watchers) -> list[Result]:
    """What the watchers say of undisturbed mornings a week apart, whose days no model had seen:
    each word is a false alarm.
    """
    registry, mornings = stage.registry, []
    for week in range(CLEAN_MORNINGS):
        origin = stage.origin - timedelta(days=7 * week)
        model = CHAMPION if week == 0 else PREVIOUS
        panel = stage.panel.up_to(origin)
        table = publish(stage, panel, _only(registry, model), origin)
        rang = [*watchers.this_morning(panel, table), *watchers.later(table)]
        mornings.append({"origin": str(origin), "model": model, "rang": rang})
    return mornings


def panel_drills(
    stage: Stage,
    params: DrillParams,
    clean: Outcome,
    watchers: Watchers,
    faults: Sequence[PanelFault] = PANEL_FAULTS,
) -> Iterator[Result]:
    """One result per fault and strength, each from the undisturbed panel."""
    for fault in faults:
        for strength in fault.strengths:
            broken = fault.apply(stage.known, strength, np.random.default_rng(params.seed))
            came = _at_the_door(stage, fault, strength, broken)
            graded = _forecast(stage, came, stage.registry, params, clean, watchers)
            yield result_of(fault.name, strength, "input", fault.what, **graded)


def bundle_drills(
    stage: Stage, params: DrillParams, clean: Outcome, scratch: Path, watchers: Watchers
) -> Iterator[Result]:
    """Models broken, lost, stale or wrong. Strength 2: the one before it, too."""
    for fault in BUNDLE_FAULTS:
        for strength in fault.strengths:
            registry = shutil.copytree(stage.registry, scratch / f"{fault.name}{strength}")
            for model in (CHAMPION, PREVIOUS)[:strength]:
                fault.apply(registry / model)
            graded = _forecast(stage, Door(stage.known, {}, []), registry, params, clean, watchers)
            yield result_of(fault.name, strength, "model", fault.what, **graded)
    for name, strength, what, panel in _wrong_lessons(stage):
        registry = shutil.copytree(stage.registry, scratch / f"{name}{strength}")
        stage.enter(stage.fitted(panel), registry, CHAMPION)
        graded = _forecast(stage, Door(stage.known, {}, []), registry, params, clean, watchers)
        graded["told"] = [
            *(f"this morning: {cause}" for cause in watchers.age(panel.last_day, stage.origin)),
            *graded["told"],
        ]
        yield result_of(name, strength, "model", what, **graded)


def _wrong_lessons(stage: Stage) -> Iterator[tuple[str, int, str, Panel]]:
    """What a whole and readable model may have learned from that is not this day's world."""
    known = stage.known
    history = (stage.origin - known.first_day).days
    # a short history has no model so old
    for days in (days for days in STALE_DAYS if days < history):
        yield (
            "stale_model",
            days,
            "the model learned n days less",
            known.up_to(stage.origin - timedelta(days=days)),
        )
    ids = known.series["unique_id"]
    others = pl.DataFrame(
        {"unique_id": ids, "other": ids.gather((np.arange(len(ids)) * 7 + 3) % len(ids))}
    )
    for divisor in (3, 10):
        swapped = known.sales.join(others, on="unique_id").with_columns(
            unique_id="other", y=(pl.col("y") / divisor).floor()
        )
        sales = (
            swapped.unique(["unique_id", "ds"]).select(known.sales.columns).sort("unique_id", "ds")
        )
        yield (
            "wrong_model",
            divisor,
            "the model of a shop 1/n as large",
            replace(known, sales=sales),
        )


def _at_the_door(stage: Stage, fault: PanelFault, strength: int, broken: Panel) -> Door:
    if fault.door == "sales":
        before, days = stage.known if fault.restates else None, fault.days_judged or strength
        return sales_through_the_door(broken, days, stage.levels, stage.params.ingest, before)
    if fault.door == "prices":
        return prices_through_the_door(stage.known, broken, stage.params.ingest)
    return Door(broken, {}, [])


def _forecast(
    stage: Stage,
    came: Door,
    registry: Path,
    params: DrillParams,
    clean: Outcome,
    watchers: Watchers,
) -> Result:
    told = [f"at the door: {rows} rows refused: {reason}" for reason, rows in came.refused.items()]
    told += [f"at the door: noted {note}" for note in came.noted]
    since = time.perf_counter()
    try:
        table = publish(stage, came.panel, registry)
    except TillcastError as refusal:
        return {
            "outcome": "refused",
            "grade": "degraded",
            "told": [*told, f"refused: {type(refusal).__name__}"],
        }
    seconds = time.perf_counter() - since
    found = outcome_of(stage, table)
    loss, fallback_share = (
        found.wrmsse / clean.wrmsse - 1,
        sum(found.reasons.values()) / table.height,
    )
    told += [f"on the rows: {reason} on {rows}" for reason, rows in found.reasons.items()]
    rings = [f"noted:{note}" for note in came.noted if note in watchers.ringing]
    told += [
        f"this morning: {cause}" for cause in [*rings, *watchers.this_morning(came.panel, table)]
    ]
    told += watchers.later(table)
    return {
        "outcome": "published",
        "loss": round(loss, 4),
        "bias": round(found.bias, 4),
        "coverage": round(found.coverage, 4),
        "recovery_s": round(seconds, 1),  # the next run over mended input: the same calls
        "grade": grade_table(
            loss, clean.coverage - found.coverage, found.is_whole, fallback_share, params
        ),
        "told": told,
    }


def _only(registry: Path, model: str) -> Path:
    """A registry beside it whose champion is this model."""
    beside = registry.with_name(f"only_{model}")
    if not beside.exists():
        shutil.copytree(registry, beside)
        if model != CHAMPION:
            shutil.rmtree(beside / CHAMPION)
            (beside / model).rename(beside / CHAMPION)
    return beside
