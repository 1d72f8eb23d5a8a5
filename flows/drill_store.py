"""The store as the drills need it: an inbox to send files to, and what a world holds."""

from __future__ import annotations

import hashlib
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import ingest
from contract.errors import TillcastError
from drills.file_drills import Inbox
from drills.morning_drills import WorldState
from runtime.paths import Paths
from storage.forecasts import latest_forecasts
from storage.panel import read_panel
from storage.store import open_store

if TYPE_CHECKING:
    import polars as pl

    from contract.params import Params
    from runtime.command_line import Summary


def inbox_of(params: Params, paths: Paths, now: datetime) -> Inbox:
    """ingest.py over an inbox and a store of the drill's own, in the contract's file format."""
    source = params.source.model_copy(update={"kind": "simulator", "path": None})
    rules = params.ingest.model_copy(update={"great_expectations_max_rows": 1})
    own = params.model_copy(update={"source": source, "ingest": rules})
    paths.inbox.mkdir(parents=True, exist_ok=True)

    def deliver(path: Path) -> Summary:
        shutil.copy(path, paths.inbox)
        return ingest.ingest(own, paths, now=now)

    def held() -> pl.DataFrame:
        with open_store(paths.store, read_only=True) as con:
            return read_panel(con).sales

    return Inbox(deliver, held)


def read_state(data: Path) -> WorldState | None:
    """The state of a small world's store and offline table; None when the store cannot be read, or
    holds no table.
    """
    paths = Paths(data)
    offline = paths.forecasts / "forecasts.parquet"
    content = offline.read_bytes() if offline.exists() else b""
    if not paths.store.exists():
        return None
    try:
        with open_store(paths.store, read_only=True) as con:
            table = latest_forecasts(con)
            sales = read_panel(con).sales.select("unique_id", "ds", "y")
    except TillcastError:
        return None
    if table.is_empty():
        return None
    rows = table.drop("run_id", "created_at")
    reasons = frozenset(table["reason"].drop_nulls().unique())
    return WorldState(_hash(rows), _hash(sales), hashlib.sha256(content).hexdigest(), reasons)


def _hash(frame: pl.DataFrame) -> str:
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()
