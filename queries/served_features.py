"""The features the newest table was served with, and the same ones made again from the store as it
was read by that run.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.errors import ModelBroken
from contract.panel import Panel
from contract.params import Params
from forecasting.served import Served, read_served, served_again
from runtime.paths import Paths
from storage.connection import Connection
from storage.forecasts import newest_run
from storage.lineage import panel_as_read, read_until
from storage.runs import read_run
from storage.store import open_store


def newest_served(con: Connection, paths: Paths) -> tuple[Served | None, str]:
    """What was kept of the newest table's run; or None and why nothing is."""
    newest = newest_run(con)
    if newest is None or newest[0].model_id is None:
        return None, "no model has served yet"
    run, origin = newest
    rows, why = read_served(paths.served, run.run_id)
    if rows is None:
        return None, why
    bundle = paths.registry / str(run.model_id)
    return Served(run.run_id, origin, rows, bundle, run.panel_hash or ""), ""


def made_again(
    params: Params, paths: Paths, served: Served, panel: Panel, since: date
) -> pl.DataFrame | str:
    """The served features once more, from the very ledger lines the run had read, so that what was
    restated since changes nothing; or why they cannot be made.

    `panel`: today's, from a day on; no other is read where it is what the run had read.
    """
    try:
        if not served.is_of(panel, since):
            with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
                run = read_run(con, served.run_id)
                position = read_until(con, run)
                if position is None or not position.is_exact:
                    return f"it is not known what run {served.run_id} had read of the ledger"
                panel = panel_as_read(con, position.batch_id, run.as_of, served.panel_hash)
        return served_again(served, panel)
    except ModelBroken as broken:
        return str(broken)
