"""All drills: break one thing, do what production would do, grade what comes out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from contract.errors import TillcastError
from contract.panel import Panel
from contract.params import DrillParams
from drills.door import through_the_door
from drills.faults import BUNDLE_FAULTS, FILE_FAULTS, PANEL_FAULTS, FileFault, PanelFault
from drills.grade import grade_delivery, grade_table
from drills.scenario import Outcome, Stage, outcome_of, publish

Result = dict[str, Any]  # fault, strength, what, outcome, loss, bias, grade, told
Deliver = Callable[[Path], dict[str, Any]]  # drops a file in an inbox of its own and returns the ingest door's summary
Watch = Callable[[Panel, pl.DataFrame], list[str]]  # causes the watchers would raise on this panel and table

FILE_SERIES, FILE_DAYS = 40, 60  # the small world that file faults play in


def run_drills(stage: Stage, params: DrillParams, scratch: Path, watch: Watch, deliver: Deliver) -> list[Result]:
    """One result per fault and strength. Same seed, same faults; nothing outside `scratch` is touched."""
    clean = outcome_of(stage, publish(stage, stage.known, stage.registry))
    return [
        *panel_drills(stage, params, clean, watch, PANEL_FAULTS),
        *_bundle_drills(stage, params, clean, scratch, watch),
        *_file_drills(stage, params, scratch, deliver),
    ]


def panel_drills(
    stage: Stage, params: DrillParams, clean: Outcome, watch: Watch, faults: Sequence[PanelFault]
) -> Iterator[Result]:
    """One result per fault and strength, each from the undisturbed panel."""
    for fault in faults:
        for strength in fault.strengths:
            broken, refused = fault.apply(stage.known, strength, np.random.default_rng(params.seed)), {}
            if fault.through_the_door:
                broken, refused = through_the_door(broken, strength, stage.levels, stage.ingest)
            graded = _forecast(stage, broken, stage.registry, params, clean, watch, refused)
            yield {"fault": fault.name, "strength": str(strength), "what": fault.what, **graded}


def _bundle_drills(stage: Stage, params: DrillParams, clean: Outcome, scratch: Path, watch: Watch) -> Iterator[Result]:
    for fault in BUNDLE_FAULTS:
        registry = shutil.copytree(stage.registry, scratch / fault.name)
        fault.apply(registry / stage.model_id)
        graded = _forecast(stage, stage.known, registry, params, clean, watch)
        yield {"fault": fault.name, "strength": "1", "what": fault.what, **graded}


def _forecast(
    stage: Stage,
    panel: Panel,
    registry: Path,
    params: DrillParams,
    clean: Outcome,
    watch: Watch,
    refused: Mapping[str, int] = MappingProxyType({}),
) -> Result:
    try:
        table = publish(stage, panel, registry)
    except TillcastError as refusal:
        return {"outcome": "refused", "loss": None, "bias": None, "grade": "degraded", "told": type(refusal).__name__}
    outcome = outcome_of(stage, table)
    loss, fallback_share = outcome.wrmsse / clean.wrmsse - 1, sum(outcome.reasons.values()) / table.height
    told = [f"{rows} rows refused: {reason}" for reason, rows in refused.items()]
    told += [*(f"{reason} on {rows} rows" for reason, rows in outcome.reasons.items()), *watch(panel, table)]
    return {
        "outcome": "published",
        "loss": round(loss, 4),
        "bias": round(outcome.bias, 4),
        "grade": grade_table(loss, outcome.is_whole, fallback_share, params),
        "told": ", ".join(told) or "in silence",
    }


def _file_drills(stage: Stage, params: DrillParams, scratch: Path, deliver: Deliver) -> Iterator[Result]:
    """A clean history first; then each fault breaks the file of the next day, which nobody has seen yet."""
    days = stage.panel.sales["ds"].unique().sort().tail(FILE_DAYS + len(FILE_FAULTS))
    folder = scratch / "files"
    folder.mkdir()
    history = folder / "sales_history.csv"
    history.write_text(_csv(stage.panel, days[:FILE_DAYS]), encoding="utf-8")
    deliver(history)
    for fault, day in zip(FILE_FAULTS, days[FILE_DAYS:], strict=True):
        text = _csv(stage.panel, pl.Series([day]))
        is_known = _first_delivery(fault, text, folder, deliver)
        path = folder / f"sales_{day}_{fault.name}.csv"
        path.write_bytes(fault.apply(text, np.random.default_rng(params.seed)))
        yield {"fault": fault.name, "strength": "1", "what": fault.what, **_delivered(deliver(path), fault, is_known)}


def _first_delivery(fault: FileFault, text: str, folder: Path, deliver: Deliver) -> bool:
    """Whether the fault is a second delivery; the first one is made here."""
    if fault.name != "same_file":
        return False
    first = folder / "sales_first.csv"
    first.write_text(text, encoding="utf-8")
    deliver(first)
    return True


def _delivered(summary: dict[str, Any], fault: FileFault, is_known: bool) -> Result:
    told = [*summary["why_refused"].values(), *(str(note) for note in summary["notes"])]
    if summary["rows_refused"] and not told:
        told = [f"{summary['rows_refused']} of {summary['rows_in']} rows quarantined"]
    status = next(name for name in ("accepted", "known", "refused", "growing") if summary[name])
    return {
        "outcome": status,
        "loss": None,
        "bias": None,
        "grade": grade_delivery(summary, fault.is_wrong, is_known),
        "told": told[0][:120] if told else "known by its content" if status == "known" else "in silence",
    }


def _csv(panel: Panel, days: pl.Series) -> str:
    """These days of the first series as a file in the contract's words, with their hierarchy."""
    few = panel.only(panel.series["unique_id"].head(FILE_SERIES))
    rows = few.sales.filter(pl.col("ds").is_in(days.implode())).select("unique_id", "ds", "y")
    return rows.join(few.series, on="unique_id", how="left", maintain_order="left").write_csv()
