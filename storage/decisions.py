"""Decisions and their reasons: to retrain or not, which model serves from when on, how wide its
intervals are, and why.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from storage.journal import Entry, recorded


@dataclass(frozen=True)
class Decision:
    """One decision. `kind`: as the check of its table. `outcome`: what follows, in a word or two;
    `reason`: a sentence.
    """

    kind: str
    decided_at: datetime
    outcome: str
    reason: str
    model_id: str | None = None  # the model it is about
    replaced: str | None = None  # the champion before it
    told: str | None = None  # what follows in full, JSON: the factors of a recalibration


def decision_of(told: dict[str, Any]) -> Decision:
    """A decision from its fields, the moment as written in JSON or as it is."""
    return Decision(**told | {"decided_at": datetime.fromisoformat(str(told["decided_at"]))})


def write_decision(con: duckdb.DuckDBPyConnection, decision: Decision) -> None:
    """Add the decision; the same kind at the same moment is the same decision. Call it inside a
    transaction.
    """
    con.execute(
        """
        insert or replace into decisions (kind, decided_at, outcome, reason, model_id, replaced, told)
        values ($kind, $decided_at, $outcome, $reason, $model_id, $replaced, $told)""",
        asdict(decision),
    ).fetchall()


def record_decision(con: duckdb.DuckDBPyConnection, decision: Decision) -> None:
    """Add a decision that nothing else is written with, in a transaction and the journal: what is
    served hangs on it.
    """
    entry = Entry("decision", {"decision": asdict(decision)})
    with recorded(con, entry):
        redo_decision(con, entry)


def redo_decision(con: duckdb.DuckDBPyConnection, entry: Entry) -> None:
    """Write the decision of an entry. Call it inside a transaction."""
    write_decision(con, decision_of(entry.told["decision"]))


def newest_interval_scale(
    con: duckdb.DuckDBPyConnection, model_id: str, until: datetime | None = None
) -> Decision | None:
    """The newest recalibration of a model, before a moment if one is given; None before the first."""
    about = read_decisions(con, "recalibration").filter(pl.col("model_id") == model_id)
    told = about.filter(pl.col("decided_at") < until) if until else about
    return Decision(**told.row(0, named=True)) if told.height else None


def newest_outcome(con: duckdb.DuckDBPyConnection, model_id: str) -> str | None:
    """What the newest decision about a model was; None before the first."""
    query = "select outcome from decisions where model_id = $id order by decided_at desc, kind desc limit 1"
    row = con.execute(query, {"id": model_id}).fetchall()
    return row[0][0] if row else None


def newest_decision(con: duckdb.DuckDBPyConnection, kind: str, since: datetime) -> Decision | None:
    """The newest decision of a kind, unless it is older than `since`."""
    told = read_decisions(con, kind).filter(pl.col("decided_at") >= since).head(1).to_dicts()
    return Decision(**told[0]) if told else None


def read_decisions(con: duckdb.DuckDBPyConnection, kind: str | None = None) -> pl.DataFrame:
    """Decisions of one kind, or all, the newest first."""
    query = (
        "select * from decisions where $kind is null or kind = $kind order by decided_at desc, kind"
    )
    return con.sql(query, params={"kind": kind}).pl()
