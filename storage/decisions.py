"""Decisions and their reasons: when to retrain, which model serves, how wide its intervals are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import polars as pl

from storage.connection import Connection, frame_of
from storage.journal import Entry, Kind, recorded
from storage.runs import Run

# outcomes of kind promotion
PROMOTED, REFUSED = "champion", "not promoted"
SERVES = "serves"  # in the detail of a refusal


@dataclass(frozen=True)
class Decision:
    """One decision. `kind`: see its table. `outcome`: what follows, in a word or two; `reason`: a
    sentence.
    """

    kind: str
    decided_at: datetime
    outcome: str
    reason: str
    model_id: str | None = None  # the model it is about
    replaced: str | None = None  # the champion before it
    # what follows in full, JSON: the factors of a recalibration, what serves after a refusal
    detail: str | None = None


@dataclass(frozen=True)
class Meanwhile:
    """What serves while no model is champion: a forecaster of the backtest of the model that the
    newest gate held back, and what the gate had against that model.
    """

    model_id: str
    method: str
    reason: str


def decision_of(fields: dict[str, Any]) -> Decision:
    """A decision from a row or a journal entry, the moment as written in JSON or as it is."""
    fields = dict(fields)
    fields["detail"] = fields.pop("told", None)  # its name on disk
    fields["decided_at"] = datetime.fromisoformat(str(fields["decided_at"]))
    return Decision(**fields)


def fields_of(decision: Decision) -> dict[str, Any]:
    """A decision as rows and journal entries hold it, see `decision_of`."""
    fields = asdict(decision)
    fields["told"] = fields.pop("detail")
    return fields


def write_decision(con: Connection, decision: Decision) -> None:
    """Add the decision, one per kind and moment. Call it inside a transaction."""
    con.execute(
        """
        insert or replace into decisions (kind, decided_at, outcome, reason, model_id, replaced,
                                          told)
        values ($kind, $decided_at, $outcome, $reason, $model_id, $replaced, $told)""",
        fields_of(decision),
    ).fetchall()


def record_decision(con: Connection, decision: Decision) -> None:
    """Add a decision that nothing else is written with, in a transaction and in the journal."""
    entry = Entry(Kind.DECISION, {"decision": fields_of(decision)})
    with recorded(con, entry):
        redo_decision(con, entry)


def redo_decision(con: Connection, entry: Entry) -> None:
    """Write the decision of an entry. Call it inside a transaction."""
    write_decision(con, decision_of(entry.fields["decision"]))


def newest_interval_scale(
    con: Connection, model_id: str, until: datetime | None = None
) -> Decision | None:
    """The newest recalibration of a model, of those before `until`; None before the first."""
    rows = read_decisions(con, "recalibration").filter(pl.col("model_id") == model_id)
    rows = rows.filter(pl.col("decided_at") < until) if until else rows
    return _newest(rows)


def interval_scale_of(con: Connection, run: Run) -> str | None:
    """The factors of the model's intervals when the run was made, as JSON; None where unscaled."""
    if run.model_id is None:
        return None
    decision = newest_interval_scale(con, run.model_id, run.as_of or run.started_at)
    return decision.detail if decision else None


def newest_promotion(con: Connection) -> Decision | None:
    """The gate's newest verdict, a promotion or a refusal; None before the first."""
    return _newest(read_decisions(con, "promotion"))


def newest_decision(con: Connection, kind: str, since: datetime) -> Decision | None:
    """The newest decision of a kind, unless it is older than `since`."""
    rows = read_decisions(con, kind).filter(pl.col("decided_at") >= since)
    return _newest(rows)


def serving_meanwhile(con: Connection) -> Meanwhile | None:
    """What the newest refusal lets serve; None where the newest decision promoted a model, or says
    nothing.
    """
    decision = newest_promotion(con)
    if decision is None or decision.outcome == PROMOTED:
        return None
    if decision.detail is None or decision.model_id is None:
        return None
    serves = json.loads(decision.detail).get(SERVES)
    return Meanwhile(decision.model_id, str(serves), decision.reason) if serves else None


def read_decisions(con: Connection, kind: str | None = None) -> pl.DataFrame:
    """Decisions of one kind, or all, the newest first."""
    query = """
        select * from decisions where $kind is null or kind = $kind
        order by decided_at desc, kind"""
    return frame_of(con, query, kind=kind)


def _newest(rows: pl.DataFrame) -> Decision | None:
    """The first of these rows, the newest first; None of no rows."""
    return decision_of(rows.row(0, named=True)) if rows.height else None
