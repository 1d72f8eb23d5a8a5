"""Fitted models and their stage; at most one is champion."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from contract.errors import ModelBroken
from storage.connection import Connection, frame_of
from storage.decisions import PROMOTED, Decision, decision_of, fields_of, write_decision
from storage.journal import Entry, Kind, recorded


@dataclass(frozen=True)
class Model:
    """One fitted model; `card` is its model card as JSON text."""

    model_id: str
    kind: str
    cutoff: date | None
    panel_hash: str | None
    params_hash: str | None
    card: str
    created_at: datetime


def write_model(con: Connection, model: Model) -> None:
    """Register a model as a candidate; one registered already keeps its stage and its birthday.
    Call it inside a transaction.
    """
    con.execute(
        """
        insert into models (model_id, kind, cutoff, panel_hash, params_hash, card, stage,
                            created_at)
        values ($model_id, $kind, $cutoff, $panel_hash, $params_hash, $card, 'candidate',
                $created_at)
        on conflict (model_id) do update set card = excluded.card""",
        asdict(model),
    ).fetchall()


def promote(
    con: Connection,
    model_id: str,
    reason: str,
    now: datetime,
    kind: str = "promotion",
) -> Decision:
    """Make a registered model the champion and retire the one before, in one transaction; the
    decision, with the reason.

    `kind`: promotion, or rollback for a model that was champion before. ModelBroken for a model
    that is not registered.
    """
    if not con.execute("select 1 from models where model_id = $id", {"id": model_id}).fetchall():
        raise ModelBroken(
            f"model '{model_id}' is not registered. Run `python inference.py publish` first."
        )
    decision = Decision(kind, now, PROMOTED, reason, model_id, champion(con))
    entry = Entry(Kind.PROMOTION, {"model_id": model_id, "decision": fields_of(decision)})
    with recorded(con, entry):
        redo_promotion(con, entry)
    return decision


def redo_promotion(con: Connection, entry: Entry) -> None:
    """Make the model of an entry the one champion and write the entry's decision. Call it inside a
    transaction.
    """
    statements = (
        "update models set stage = 'retired' where stage = 'champion' and model_id <> $id",
        "update models set stage = 'champion' where model_id = $id",
    )
    for statement in statements:
        con.execute(statement, {"id": entry.fields["model_id"]}).fetchall()
    if decision := entry.fields.get("decision"):
        write_decision(con, decision_of(decision))


def model_of(fields: dict[str, Any]) -> Model:
    """A model from its fields, days and moments as written in JSON or as they are."""
    cutoff, created_at = fields["cutoff"], fields["created_at"]
    parsed = {
        "cutoff": cutoff and date.fromisoformat(str(cutoff)),
        "created_at": datetime.fromisoformat(str(created_at)),
    }
    return Model(**fields | parsed)


def champion(con: Connection) -> str | None:
    """The model_id of the champion; None before the first promotion."""
    row = con.execute("select model_id from models where stage = 'champion'").fetchall()
    return row[0][0] if row else None


def challenger(con: Connection) -> Model | None:
    """The newest model that is younger than the champion and not promoted; None without one."""
    query = """
        select m.* exclude (stage) from models m, models c
        where c.stage = 'champion' and m.stage = 'candidate' and m.created_at > c.created_at
        order by m.created_at desc, m.model_id limit 1"""
    rows = frame_of(con, query)
    return Model(**rows.row(0, named=True)) if rows.height else None


def in_line(con: Connection) -> list[str]:
    """The champion, then the champions before it, the last promoted first. Not in line: what was
    promoted after it, and what was rolled back from and not promoted again.

    A rollback does not count as a promotion: the model stands where it stood. Without a decision on
    record the birthday counts.
    """
    earlier = """
        with promoted as (
            select model_id, max(decided_at) as at from decisions
            where kind = 'promotion' and outcome = 'champion' group by model_id
        ), withdrawn as (
            select replaced as model_id, max(decided_at) as at from decisions
            where kind = 'rollback' group by replaced
        ), served as (
            select m.model_id, m.stage, coalesce(p.at, m.created_at) as since, w.at as withdrawn_at
            from models m
            left join promoted p using (model_id)
            left join withdrawn w using (model_id)
            where m.stage in ('champion', 'retired')
        )
        select s.model_id from served s, served c
        where c.stage = 'champion' and (
            s.stage = 'champion'
            or s.since <= c.since and (s.withdrawn_at is null or s.since > s.withdrawn_at)
        )
        order by s.stage, s.since desc, s.model_id"""
    return [model_id for (model_id,) in con.execute(earlier).fetchall()]


def read_models(con: Connection) -> pl.DataFrame:
    """All models, the newest first."""
    return frame_of(con, "select * from models order by created_at desc, model_id")
