"""Publish what was made offline, whole or not at all: model, scores, tables, perhaps a champion."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import polars as pl

from storage.connection import Connection
from storage.decisions import (
    Decision,
    decision_of,
    fields_of,
    newest_outcome,
    write_decision,
)
from storage.forecasts import redo_forecasts
from storage.journal import Entry, Kind, recorded
from storage.models import Model, champion, model_of, redo_promotion, write_model
from storage.runs import Run
from storage.scores import write_scores


def publish_offline(
    con: Connection,
    model: Model,
    run: Run,
    frames: dict[str, pl.DataFrame],
    *,
    is_promoted: bool,
    reason: str | None = None,
) -> None:
    """Model, run, and `frames` (forecasts, forecast_levels, scores), in one transaction; twice
    changes nothing.

    `reason`: the gate's, kept among the decisions, whether it promotes or not.
    """
    fields: dict[str, Any] = {
        "model": asdict(model),
        "run": asdict(run),
        "model_id": model.model_id,
        "is_promoted": is_promoted,
    }
    outcome, serves = "champion" if is_promoted else "not promoted", champion(con)
    is_recorded = (
        serves == model.model_id if is_promoted else newest_outcome(con, model.model_id) == outcome
    )
    if reason is not None and not is_recorded:
        decision = Decision("promotion", model.created_at, outcome, reason, model.model_id, serves)
        fields["decision"] = fields_of(decision)
    entry = Entry(Kind.OFFLINE, fields, frames)
    with recorded(con, entry):
        redo_offline(con, entry)


def redo_offline(con: Connection, entry: Entry) -> None:
    """Write what an entry holds of an offline result. Call it inside a transaction."""
    write_model(con, model_of(entry.fields["model"]))
    write_scores(con, entry.fields["run"]["run_id"], entry.frames["scores"])
    redo_forecasts(con, entry)
    if entry.fields["is_promoted"]:
        redo_promotion(con, entry)
    elif decision := entry.fields.get("decision"):
        write_decision(con, decision_of(decision))
