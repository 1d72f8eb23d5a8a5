"""Drills on a panel and on models: break one thing, do what production would do, grade what comes
out.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from contract.errors import TillcastError
from contract.panel import Panel
from contract.params import DrillParams
from drills.bundle_faults import BUNDLE_FAULTS
from drills.faults import PanelFault
from drills.grade import grade_table
from drills.judged_panel import JudgedPanel, judge_prices, judge_sales
from drills.panel_faults import PANEL_FAULTS
from drills.result import Drill, Result, result_of
from drills.scenario import CHAMPION, PREVIOUS, Outcome, Scenario, outcome_of, publish
from drills.watchers import Watchers

STALE_DAYS = (112, 364)


@dataclass(frozen=True)
class Grading:
    """How tables are graded: where, by which limits, against which clean run, and who watches."""

    scenario: Scenario
    params: DrillParams
    clean: Outcome
    watchers: Watchers


def panel_drills(grading: Grading, faults: Sequence[PanelFault] = PANEL_FAULTS) -> Iterator[Result]:
    """One result per fault and strength, each from the undisturbed panel."""
    scenario = grading.scenario
    for fault in faults:
        for strength in fault.strengths:
            rng = np.random.default_rng(grading.params.seed)
            broken = fault.apply(scenario.known, strength, rng)
            judged = _judged(scenario, fault, strength, broken)
            drill = Drill(fault.name, strength, "input", fault.what)
            yield result_of(drill, **_graded(grading, judged, scenario.registry))


def bundle_drills(grading: Grading, scratch: Path) -> Iterator[Result]:
    """Models broken, lost, stale or wrong. Strength 2: the one before it, too."""
    scenario = grading.scenario
    clean = JudgedPanel(scenario.known, {}, [])
    for fault in BUNDLE_FAULTS:
        for strength in fault.strengths:
            registry = shutil.copytree(scenario.registry, scratch / f"{fault.name}{strength}")
            for model in (CHAMPION, PREVIOUS)[:strength]:
                fault.apply(registry / model)
            drill = Drill(fault.name, strength, "model", fault.what)
            yield result_of(drill, **_graded(grading, clean, registry))
    for drill, panel in _wrong_lessons(scenario):
        registry = shutil.copytree(scenario.registry, scratch / f"{drill.fault}{drill.strength}")
        scenario.save_model(scenario.fit(panel), registry, CHAMPION)
        graded = _graded(grading, clean, registry)
        too_old = grading.watchers.age(panel.last_day, scenario.origin)
        graded["seen_by"] = [*_this_morning(too_old), *graded["seen_by"]]
        yield result_of(drill, **graded)


def of_another_shop(known: Panel, divisor: int) -> Panel:
    """The panel of a shop 1/n as large, whose series sell what others do here."""
    ids = known.series["unique_id"]
    others = pl.DataFrame(
        {"unique_id": ids, "other": ids.gather((np.arange(len(ids)) * 7 + 3) % len(ids))}
    )
    swapped = known.sales.join(others, on="unique_id").with_columns(
        unique_id="other", y=(pl.col("y") / divisor).floor()
    )
    sales = swapped.unique(["unique_id", "ds"]).select(known.sales.columns)
    return replace(known, sales=sales.sort("unique_id", "ds"))


def _wrong_lessons(scenario: Scenario) -> Iterator[tuple[Drill, Panel]]:
    """Panels of another day or shop that a whole and readable model may have learned from."""
    known = scenario.known
    history = (scenario.origin - known.first_day).days
    # a short history has no model so old
    for days in (days for days in STALE_DAYS if days < history):
        drill = Drill("stale_model", days, "model", "the model learned n days less")
        yield drill, known.up_to(scenario.origin - timedelta(days=days))
    for divisor in (3, 10):
        drill = Drill("wrong_model", divisor, "model", "the model of a shop 1/n as large")
        yield drill, of_another_shop(known, divisor)


def _judged(scenario: Scenario, fault: PanelFault, strength: int, broken: Panel) -> JudgedPanel:
    """The broken panel, as far as the rules of ingest let it in."""
    ingest = scenario.params.ingest
    if fault.fact == "sales":
        before, days = scenario.known if fault.restates else None, fault.days_judged or strength
        return judge_sales(broken, days, scenario.levels, ingest, before)
    if fault.fact == "prices":
        return judge_prices(scenario.known, broken, ingest)
    return JudgedPanel(broken, {}, [])


def _graded(grading: Grading, judged: JudgedPanel, registry: Path) -> dict[str, Any]:
    """What was published from this panel and registry, as the arguments of `result_of`."""
    scenario, clean = grading.scenario, grading.clean
    since = time.perf_counter()
    try:
        table = publish(scenario, judged.panel, registry)
    except TillcastError as refusal:
        seen_by = [*_on_arrival(judged), f"refused: {type(refusal).__name__}"]
        return {"outcome": "refused", "grade": "degraded", "seen_by": seen_by}
    seconds = time.perf_counter() - since
    outcome = outcome_of(scenario, table)
    loss = outcome.wrmsse / clean.wrmsse - 1
    fallback_share = sum(outcome.reasons.values()) / table.height
    lost = clean.coverage - outcome.coverage
    return {
        "outcome": "published",
        "loss": round(loss, 4),
        "bias": round(outcome.bias, 4),
        "coverage": round(outcome.coverage, 4),
        "recovery_s": round(seconds, 1),  # the next run over mended input: the same calls
        "grade": grade_table(loss, lost, outcome.is_whole, fallback_share, grading.params),
        "seen_by": _seen_by(judged, outcome, table, grading),
    }


def _seen_by(
    judged: JudgedPanel, outcome: Outcome, table: pl.DataFrame, grading: Grading
) -> list[str]:
    """Who noticed: the rules, the rows themselves, the watchers; the earliest first. What as many
    rows of the clean run say, too (a series just launched), notices nothing.
    """
    watchers, clean = grading.watchers, grading.clean.reasons
    more = {reason: n for reason, n in outcome.reasons.items() if n > clean.get(reason, 0)}
    on_rows = [f"on the rows: {reason} on {n}" for reason, n in more.items()]
    alerts = [f"noted:{note}" for note in judged.noted if note in watchers.alerting_notes]
    alerts += watchers.this_morning(judged.panel, table)
    return [*_on_arrival(judged), *on_rows, *_this_morning(alerts), *watchers.later(table)]


def _on_arrival(judged: JudgedPanel) -> list[str]:
    refused = [f"on arrival: {n} rows refused: {reason}" for reason, n in judged.refused.items()]
    return refused + [f"on arrival: noted {note}" for note in judged.noted]


def _this_morning(causes: list[str]) -> list[str]:
    return [f"this morning: {cause}" for cause in causes]
