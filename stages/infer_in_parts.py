"""The forecast table of a panel that is read in parts: made part by part, published as one."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from contract.params import Params
from contract.question import Question
from forecasting.champion import Champion
from forecasting.served import keep_served_rows
from runtime.command_line import Summary
from runtime.memory import peak_mb
from runtime.paths import Paths
from runtime.process import clock, git_commit
from scaling.engines import engine_of
from scaling.parts import Parts, write_parts
from scaling.scratch import own_folder
from stages.inference_inputs import Reading
from stages.overrides import laid_over
from stages.shadow import InParts, cast_shadow
from stages.table_in_parts import TableInParts, table_in_parts
from storage.forecasts import publish
from storage.panel import read_parts
from storage.runs import Run
from storage.series import read_series
from storage.store import open_store, read_store

log = logging.getLogger("inference")


@dataclass(frozen=True)
class Moment:
    """When a table is made, and whether it is only said what would be written."""

    now: datetime
    dry_run: bool


def infer_in_parts(
    params: Params,
    paths: Paths,
    champion: Champion,
    reading: Reading,
    question: Question,
    moment: Moment,
) -> Summary:
    """The store's parts and the champion -> forecasts and their run, written in one transaction."""
    with own_folder(paths.parts) as folder:
        parts = _read_parts(params, paths, reading, folder)
        with engine_of(params.scale.engine) as engine:
            table = table_in_parts(params, champion, parts, question, engine)
            newest = parts.outline().last_day
            status = question.status(params.train.horizon, newest)
            summary = table.summary | {"status": status, "parts": parts.count}
            if moment.dry_run:
                return summary | {"written": None}
            _write(params, paths, table, status, moment.now)
            log.info("forecast run_id=%s rows=%d", table.run_id, summary["rows"])
            if status == "done":
                cast_shadow(params, paths, InParts(parts, engine), table.work.origin, moment.now)
    return summary | {"written": str(paths.store)}


def _read_parts(params: Params, paths: Paths, reading: Reading, folder: Path) -> Parts:
    most_sold_out = params.features.max_stockout_share
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        panels = read_parts(con, reading.parts, reading.since, most_sold_out)
        return write_parts(folder, panels, read_series(con))


def _write(params: Params, paths: Paths, table: TableInParts, status: str, now: datetime) -> None:
    served = table.served()
    if status == "done" and served is not None:
        keep_served_rows(served, paths.served, table.run_id)
    taken = {"started_at": now, "ended_at": clock(), "peak_mb": peak_mb()}
    run = Run(**table.work.lineage, **taken, status=status, git_commit=git_commit())
    frames = {"forecast_levels": table.levels}
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        if status == "done":
            frames["overridden"] = laid_over(con, params, table.rows())
        publish(con, run, frames, table.scans(now))
