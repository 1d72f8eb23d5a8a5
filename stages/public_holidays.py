"""Public holidays where there is no calendar: a file like any other, and what it does not cover."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl

from contract.params import Params, SourceParams
from contract.received import Received
from runtime.paths import Paths
from sources.public_holidays import file_name, holiday_calendar
from storage.batches import holds, read_batches
from storage.connection import Connection
from storage.facts import read_fact
from storage.series import read_series
from storage.store import read_store


def stage_holidays(params: Params, paths: Paths, folder: Path, now: datetime) -> list[Path]:
    """The public holidays that params state, as a file in `folder` to be taken; none where they
    state none, or where the store took this very file last.

    The same holidays may have to be said again: a region tried, taken back and tried once more. A
    file's number makes it another content than the ledger knows.
    """
    stated, oldest_day = params.source.files.holidays, params.ingest.oldest_day
    if not params.source.is_mapped or not stated:
        return []
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        rows = holiday_calendar(stated, read_fact(con, "calendar"), oldest_day, now.date())
        number = read_batches(con).filter(fact="calendar", status="accepted").height + 1
        if holds(con, hashlib.sha256(_content(rows, number - 1)).hexdigest()):
            return []
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / file_name(oldest_day, now.date())
    file.write_bytes(_content(rows, number))
    return [file]


def _content(rows: pl.DataFrame, number: int) -> bytes:
    """The file, and in it which one of the store it is, from 1."""
    return rows.with_columns(number=pl.lit(number)).write_csv().encode()


def with_regions_noted(con: Connection, fact: Received, source: SourceParams) -> Received:
    """The sales, with a note of regions that have no holidays and no series yet in the store."""
    stated, column = source.files.holidays, source.region
    is_stated = source.is_mapped and isinstance(stated, dict) and column is not None
    if not is_stated or fact.series is None or column not in fact.series.columns:
        return fact
    met = set(fact.series[column].drop_nulls()) - set(stated)
    known = read_series(con) if met else fact.series.clear()
    met -= set(known[column]) if column in known.columns else set()
    if not met:
        return fact
    note = (
        f"region_without_holidays: {sorted(met)} of '{column}' have no entry in "
        f"source.files.holidays, which has {sorted(stated)}: no public holiday is known there."
    )
    return replace(fact, notes=(*fact.notes, note))
