"""The panel as files: frozen from the store, and checked as frozen."""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from contract.errors import GateFailed
from contract.frames import FACTS, TOTALS
from contract.panel import Panel
from contract.params import Params
from contract.whole import ALONE
from expectations.panel import broken_by_panel
from forecasting.footprint import Shape, shape_of_card, to_freeze
from runtime.command_line import Summary
from runtime.json_files import write_json
from runtime.paths import Paths
from scaling.parts import Parts, write_parts
from scaling.scratch import own_folder
from stages.parts_wanted import most_mb
from storage.connection import Connection
from storage.facts import read_fact
from storage.panel import counts_since, read_panel, read_ranges
from storage.panel_files import freeze as freeze_files
from storage.panel_files import freeze_ranges, read_card, read_frozen_ranges
from storage.series import read_names, read_series
from storage.store import open_store

log = logging.getLogger("ingest")


def freeze(params: Params, paths: Paths, *, as_of: datetime | None = None) -> Summary:
    """The store's panel, as last known or as of a moment, as ordered Parquet in data/panel."""
    with own_folder(paths.parts) as scratch:
        with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
            count = 1 if as_of else ranges_for(params, Shape(**counts_since(con)))
            read = _read_ranges(con, scratch, count) if count > 1 else read_panel(con, as_of)
        if isinstance(read, Panel):
            freeze_files(read, paths.panel, as_of)
        else:
            parts, of_all = read
            panels = (replace(parts.read(n, ALONE), **of_all) for n in range(parts.count))
            freeze_ranges(panels, paths.panel, scratch / "written")
    card = read_card(paths.panel)
    rows = {name: card["files"][f"{name}.parquet"]["rows"] for name in ("sales", "series")}
    log.info(
        "froze panel=%s rows=%d series=%d ranges=%d",
        card["hash"],
        rows["sales"],
        rows["series"],
        count,
    )
    days = {name: date.fromisoformat(card[name]) for name in ("first_day", "last_day")}  # type: ignore[literal-required]
    return {"panel": card["hash"], **rows, **days}


def ranges_for(params: Params, shape: Shape) -> int:
    """In how many ranges of series a panel of this shape is held: as few as memory has place for,
    or as many as params say.
    """
    if isinstance(params.scale.parts, int):
        return max(min(params.scale.parts, shape.series), 1)
    [least], [needed] = (to_freeze(of).values() for of in (Shape(0, 0, 0, 0), shape))
    most = most_mb(params)
    if needed <= most:
        return 1
    return min(math.ceil((needed - least) / max(most - least, 1.0)), shape.series)


def check_panel(params: Params, paths: Paths) -> Summary:
    """The frozen panel against every rule, compiled to Polars; GateFailed when a row breaks one."""
    card = read_card(paths.panel)
    last_day = date.fromisoformat(card["last_day"])
    broken = {fact: Counter[str]() for fact in FACTS}
    for panel in read_frozen_ranges(paths.panel, ranges_for(params, shape_of_card(dict(card)))):
        for fact, codes in broken_by_panel(panel, params.ingest, last_day).items():
            broken[fact].update(codes)
    total = sum(codes.total() for codes in broken.values())
    summary = {
        "panel": card["hash"],
        "broken_rows": total,
        "sales": card["files"]["sales.parquet"]["rows"],
        "broken": broken,
    }
    write_json(paths.validation / "panel.json", summary, indent=2)
    if total:
        found = {fact: dict(codes) for fact, codes in broken.items()}
        raise GateFailed(
            f"the panel breaks its rules: {found}. See quarantine and shop.yaml: ingest; then "
            "fill again."
        )
    return summary


def _read_ranges(
    con: Connection, scratch: Path, count: int
) -> tuple[Parts, dict[str, pl.DataFrame]]:
    """The ranges as parts, and what parts leave out: totals of groups that no series is of, and
    where the series are called anything.
    """
    series = read_series(con)
    number = pl.int_range(pl.len()) * count // series.height
    ranges = series.select("unique_id", part=number)
    panels = read_ranges(con, ranges, scratch / "rows")
    of_all = {TOTALS.name: read_fact(con, TOTALS.name), "names": read_names(con)}
    return write_parts(scratch, panels, series), of_all
