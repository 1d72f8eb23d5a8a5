"""The features the newest table was served with, and the same ones made again from the store as it
was read by that run.
"""

from __future__ import annotations

import polars as pl

from contract.errors import ModelBroken
from contract.params import Params
from forecasting.served import read_served, served_again
from runtime.paths import Paths
from storage.forecasts import newest_run
from storage.lineage import panel_as_read, read_until
from storage.store import open_store

Twice = tuple[pl.DataFrame, pl.DataFrame]


def served_twice(params: Params, paths: Paths) -> tuple[Twice | None, str]:
    """(served, again) and the run they are of; or None and why there is nothing to compare.

    Again: from the very ledger lines the run had read, so what was restated since changes nothing.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        newest = newest_run(con)
        if newest is None or newest[0].model_id is None:
            return None, "no model has served yet"
        run, origin = newest
        served, why = read_served(paths.served, run.run_id)
        position = read_until(con, run) if served is not None else None
        if served is None or position is None or not position.is_exact:
            return None, why or f"it is not known what run {run.run_id} had read of the ledger"
        panel = panel_as_read(con, position.batch_id, run.as_of, run.panel_hash or "")
    try:
        return (
            served,
            served_again(paths.registry / run.model_id, panel, origin, served),
        ), run.run_id
    except ModelBroken as broken:
        return None, str(broken)
