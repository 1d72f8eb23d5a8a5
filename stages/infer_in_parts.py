"""The forecast table of a panel that is read in parts: made part by part, published as one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from contract.params import Params
from contract.question import Question
from forecasting.champion import Champion
from runtime.command_line import Summary
from runtime.paths import Paths
from scaling.engines import engine_of
from scaling.parts import Parts, write_parts
from stages.inference_inputs import Reading
from stages.shadow import InParts, cast_shadow
from stages.table_in_parts import table_in_parts
from stages.write_table import log_table, write_table
from storage.panel import read_parts
from storage.series import read_series
from storage.store import Connection


@dataclass(frozen=True)
class Moment:
    """When a table is made, and whether it is only said what would be written."""

    now: datetime
    dry_run: bool


def infer_in_parts(
    params: Params,
    paths: Paths,
    champion: Champion,
    parts: Parts,
    question: Question,
    moment: Moment,
) -> Summary:
    """The store's parts and the champion -> forecasts and their run, written in one transaction."""
    with engine_of(params.scale.engine) as engine:
        table = table_in_parts(params, champion, parts, question, engine)
        newest = parts.outline().last_day
        status = question.status(params.train.horizon, newest)
        summary = table.summary | {"status": status, "parts": parts.count}
        if moment.dry_run:
            return summary | {"written": None}
        write_table(params, paths, table, table.served(), status, moment.now)
        log_table(summary)
        if status == "done":
            cast_shadow(params, paths, InParts(parts, engine), table.work.origin, moment.now)
    return summary | {"written": str(paths.store)}


def read_in_parts(con: Connection, params: Params, reading: Reading, folder: Path) -> Parts:
    """The store's panel as files of its parts. Read it where `reading` was: of a store that took a
    file since, the parts lack its new series.
    """
    most_sold_out = params.features.max_stockout_share
    panels = read_parts(con, reading.parts, reading.since, most_sold_out, folder / "rows")
    return write_parts(folder, panels, read_series(con))
