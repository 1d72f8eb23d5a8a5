"""Runs of doors: what was run on what, so that every row leads back to data, params and code."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb
import polars as pl


@dataclass(frozen=True)
class Run:
    """One run of a door. When it began and ended and what it held stand here alone: no file that
    DVC pins may differ by them.
    """

    run_id: str
    door: str
    started_at: datetime
    ended_at: datetime | None = None
    status: str = "done"
    git_commit: str | None = None
    params_hash: str | None = None
    panel_hash: str | None = None
    model_id: str | None = None
    as_of: datetime | None = None
    peak_mb: float | None = None


def run_of(told: dict[str, Any]) -> Run:
    """A run from its fields, moments as written in JSON or as they are."""
    moments = {name: told[name] for name in ("started_at", "ended_at", "as_of")}
    return Run(
        **told
        | {name: moment and datetime.fromisoformat(str(moment)) for name, moment in moments.items()}
    )


def write_run(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Add the run, or replace what was said of it before."""
    con.execute(
        """
        insert or replace into runs (run_id, door, started_at, ended_at, status, git_commit, params_hash, panel_hash,
                                     model_id, as_of, peak_mb)
        values ($run_id, $door, $started_at, $ended_at, $status, $git_commit, $params_hash, $panel_hash, $model_id,
                $as_of, $peak_mb)""",
        asdict(run),
    ).fetchall()


def read_runs(con: duckdb.DuckDBPyConnection, door: str | None = None) -> pl.DataFrame:
    """Runs of one door, or of all, the newest first."""
    query = (
        "select * from runs where $door is null or door = $door order by started_at desc, run_id"
    )
    return con.sql(query, params={"door": door}).pl()
