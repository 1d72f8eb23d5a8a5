"""The panel as files: frozen from the store, and checked as frozen."""

from __future__ import annotations

import logging
from datetime import datetime

from contract.errors import GateFailed
from contract.params import Params
from expectations.panel import broken_by_panel
from runtime.command_line import Summary
from runtime.json_files import write_json
from runtime.paths import Paths
from storage.panel import read_panel
from storage.panel_files import freeze as freeze_files
from storage.panel_files import read_frozen
from storage.store import open_store

log = logging.getLogger("ingest")


def freeze(params: Params, paths: Paths, *, as_of: datetime | None = None) -> Summary:
    """The store's panel, as last known or as of a moment, as ordered Parquet in data/panel."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        panel = read_panel(con, as_of)
    frozen = freeze_files(panel, paths.panel, as_of)
    log.info(
        "froze panel=%s rows=%d series=%d", frozen.hash, panel.sales.height, panel.series.height
    )
    days = {"first_day": panel.first_day, "last_day": panel.last_day}
    return {
        "panel": frozen.hash,
        "sales": panel.sales.height,
        "series": panel.series.height,
        **days,
    }


def check_panel(params: Params, paths: Paths) -> Summary:
    """The frozen panel against every rule, compiled to Polars; GateFailed when a row breaks one."""
    panel = read_frozen(paths.panel)
    broken = broken_by_panel(panel, params.ingest)
    total = sum(sum(codes.values()) for codes in broken.values())
    summary = {
        "panel": panel.hash,
        "broken_rows": total,
        "sales": panel.sales.height,
        "broken": broken,
    }
    write_json(paths.validation / "panel.json", summary, indent=2)
    if total:
        raise GateFailed(
            f"the panel breaks its rules: {broken}. See quarantine and shop.yaml: ingest; then "
            "fill again."
        )
    return summary
