"""Publish what was made offline, whole or not at all: model, scores, tables, perhaps a champion."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from storage.connection import Connection
from storage.decisions import (
    PROMOTED,
    REFUSED,
    SERVES,
    Decision,
    decision_of,
    fields_of,
    newest_promotion,
    write_decision,
)
from storage.forecasts import redo_forecasts
from storage.journal import Entry, Kind, recorded
from storage.models import Model, champion, model_of, redo_promotion, write_model
from storage.runs import Run
from storage.scores import write_scores


@dataclass(frozen=True)
class Verdict:
    """What the gate said of a model; kept among the decisions, whether it promotes or not.

    `serves`: where nothing is promoted and no champion reigns, what serves meanwhile.
    """

    is_promoted: bool
    reason: str | None = None
    serves: str | None = None


def publish_offline(
    con: Connection, model: Model, run: Run, frames: dict[str, pl.DataFrame], verdict: Verdict
) -> None:
    """Model, run, and `frames` (scores and the run's tables), in one transaction; twice changes
    nothing.
    """
    is_promoted = verdict.is_promoted
    fields: dict[str, Any] = {
        "model": asdict(model),
        "run": asdict(run),
        "model_id": model.model_id,
        "is_promoted": is_promoted,
    }
    before, meanwhile = champion(con), None
    if verdict.serves is not None:
        meanwhile = json.dumps({SERVES: verdict.serves})
    if verdict.reason is not None and not _is_recorded(con, model, verdict, meanwhile):
        decision = Decision(
            "promotion",
            model.created_at,
            PROMOTED if is_promoted else REFUSED,
            verdict.reason,
            model.model_id,
            before,
            meanwhile,
        )
        fields["decision"] = fields_of(decision)
    entry = Entry(Kind.OFFLINE, fields, frames)
    with recorded(con, entry):
        redo_offline(con, entry)


def _is_recorded(con: Connection, model: Model, verdict: Verdict, detail: str | None) -> bool:
    """Whether the store's newest verdict is this one, who serves meanwhile included: production
    reads the newest.
    """
    if verdict.is_promoted:
        return champion(con) == model.model_id
    newest = newest_promotion(con)
    said = newest and (newest.model_id, newest.outcome, newest.detail)
    return said == (model.model_id, REFUSED, detail)


def redo_offline(con: Connection, entry: Entry) -> None:
    """Write what an entry holds of an offline result. Call it inside a transaction."""
    write_model(con, model_of(entry.fields["model"]))
    write_scores(con, entry.fields["run"]["run_id"], entry.frames["scores"])
    redo_forecasts(con, entry)
    if entry.fields["is_promoted"]:
        redo_promotion(con, entry)
    elif decision := entry.fields.get("decision"):
        write_decision(con, decision_of(decision))
