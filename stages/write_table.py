"""A forecast table into the store: rows, levels, spans, overrides and run in one transaction."""

from __future__ import annotations

import logging
from datetime import datetime

import polars as pl

from contract.params import Params
from forecasting.served import keep_served
from forecasting.table import ForecastTable
from runtime.command_line import Summary
from runtime.memory import peak_mb
from runtime.paths import Paths
from runtime.process import clock, git_commit
from stages.overrides import laid_over
from stages.table_in_parts import TableInParts
from storage.forecasts import publish
from storage.runs import Run
from storage.store import open_store

log = logging.getLogger("inference")


def write_table(
    params: Params,
    paths: Paths,
    table: ForecastTable | TableInParts,
    served: pl.DataFrame | None,
    status: str,
    now: datetime,
) -> None:
    """The table, its levels and its run; the feature rows it was served with beside it."""
    is_done = status == "done"
    if is_done and served is not None:
        keep_served(served, paths.served, table.run_id)
    taken = {"started_at": now, "ended_at": clock(), "peak_mb": peak_mb()}
    run = Run(**table.lineage, **taken, status=status, git_commit=git_commit())
    frames, scans = table.frames(now), table.scans(now)
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        if is_done:
            frames["overridden"] = laid_over(con, params, table.lazy_rows)
        publish(con, run, frames, scans)


def log_table(summary: Summary) -> None:
    """What was written, and the levels that have no calibration."""
    fallback = sum(summary["fallback_rows"].values())
    run_id, rows = summary["run_id"], summary["rows"]
    log.info("forecast run_id=%s rows=%d fallback=%d", run_id, rows, fallback)
    if left_out := summary["levels_left_out"]:
        log.warning("levels_left_out=%s reason=no calibration, train and evaluate again", left_out)
