"""Runs of entry points: what ran on what, so that every row leads back to data, params, code."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import polars as pl

from storage.connection import Connection, frame_of


@dataclass(frozen=True)
class Run:
    """One run of an entry point. When it began and ended and what it held stand here alone: no file
    that DVC pins may differ by them.
    """

    run_id: str
    door: str  # the entry point, by the name of its column and of its key in run.json
    started_at: datetime
    ended_at: datetime | None = None
    status: str = "done"
    git_commit: str | None = None
    params_hash: str | None = None
    panel_hash: str | None = None
    model_id: str | None = None
    as_of: datetime | None = None
    peak_mb: float | None = None


def run_of(fields: dict[str, Any]) -> Run:
    """A run from its fields, moments as written in JSON or as they are."""
    moments = {name: fields[name] for name in ("started_at", "ended_at", "as_of")}
    parsed = {
        name: moment and datetime.fromisoformat(str(moment)) for name, moment in moments.items()
    }
    return Run(**fields | parsed)


def write_run(con: Connection, run: Run) -> None:
    """Add the run, or replace what was written of it before."""
    con.execute(
        """
        insert or replace into runs (run_id, door, started_at, ended_at, status, git_commit,
                                     params_hash, panel_hash, model_id, as_of, peak_mb)
        values ($run_id, $door, $started_at, $ended_at, $status, $git_commit,
                $params_hash, $panel_hash, $model_id, $as_of, $peak_mb)""",
        asdict(run),
    ).fetchall()


def read_run(con: Connection, run_id: str) -> Run:
    """The run of this name, which there is."""
    run = frame_of(con, "select * from runs where run_id = $run_id", run_id=run_id)
    return run_of(run.row(0, named=True))


def read_runs(con: Connection, entry_point: str | None = None) -> pl.DataFrame:
    """Runs of one entry point, or of all, the newest first."""
    query = """
        select * from runs where $entry_point is null or door = $entry_point
        order by started_at desc, run_id"""
    return frame_of(con, query, entry_point=entry_point)
