"""Scores, long: one row per run, model, cutoff, level, slice and metric."""

from __future__ import annotations

import polars as pl

from contract.frames import SCORES
from storage.connection import Connection, frame_of, registered


def write_scores(con: Connection, run_id: str, scores: pl.DataFrame) -> None:
    """The scores of a run; what it scored before goes. Call it inside a transaction."""
    con.execute("delete from scores where run_id = $run_id", {"run_id": run_id}).fetchall()
    rows = SCORES.conform(scores.with_columns(run_id=pl.lit(run_id)))
    with registered(con, incoming=rows):
        con.execute("insert into scores select * from incoming").fetchall()


def read_scores(con: Connection, run_id: str | None = None) -> pl.DataFrame:
    """Scores of one run, or of all, sorted by key."""
    query = """
        select run_id, model, cutoff, level, slice, metric, value from scores
        where $run_id is null or run_id = $run_id
        order by run_id, model, cutoff, level, slice, metric"""
    return frame_of(con, query, run_id=run_id)
