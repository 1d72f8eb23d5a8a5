"""Scores, long: one row per run, model, cutoff, level, slice and metric."""

from __future__ import annotations

import duckdb
import polars as pl

from contract.frames import SCORES


def write_scores(con: duckdb.DuckDBPyConnection, run_id: str, scores: pl.DataFrame) -> None:
    """The scores of a run; what it scored before goes. Call it inside a transaction."""
    con.execute("delete from scores where run_id = $run_id", {"run_id": run_id}).fetchall()
    con.register("incoming", SCORES.conform(scores.with_columns(run_id=pl.lit(run_id))))
    con.execute("insert into scores select * from incoming").fetchall()
    con.unregister("incoming")


def read_scores(con: duckdb.DuckDBPyConnection, run_id: str | None = None) -> pl.DataFrame:
    """Scores of one run, or of all, sorted by key."""
    query = """
        select run_id, model, cutoff, level, slice, metric, value from scores
        where $run_id is null or run_id = $run_id
        order by run_id, model, cutoff, level, slice, metric"""
    return con.sql(query, params={"run_id": run_id}).pl()
