"""The features the newest table was served with, and the same ones made again from the store as it
was read by that run.
"""

from __future__ import annotations

from contract.errors import ModelBroken
from contract.params import Params
from forecasting.served import Served, read_served, served_again
from monitoring.finding import Finding
from monitoring.parity import no_parity, parity
from runtime.paths import Paths
from storage.connection import Connection
from storage.forecasts import newest_run
from storage.lineage import panel_as_read, read_until
from storage.runs import Run
from storage.store import open_store


def parity_of_newest(params: Params, paths: Paths) -> Finding:
    """The newest table's features against those made from the very ledger lines its run had read,
    so that what was restated since changes nothing.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        run, served, why = _newest(con, paths)
        if run is None or served is None:
            return no_parity(why)
        position = read_until(con, run)
        if position is None or not position.is_exact:
            return no_parity(f"it is not known what run {run.run_id} had read of the ledger")
        panel = panel_as_read(con, position.batch_id, run.as_of, served.panel_hash)
    try:
        return parity(served.rows, served_again(served, panel), served.run_id)
    except ModelBroken as broken:
        return no_parity(str(broken))


def newest_served(con: Connection, paths: Paths) -> tuple[Served | None, str]:
    """What was kept of the newest table's run; or None and why nothing is."""
    _, served, why = _newest(con, paths)
    return served, why


def _newest(con: Connection, paths: Paths) -> tuple[Run | None, Served | None, str]:
    newest = newest_run(con)
    if newest is None or newest[0].model_id is None:
        return None, None, "no model has served yet"
    run, origin = newest
    rows, why = read_served(paths.served, run.run_id)
    if rows is None:
        return run, None, why
    bundle = paths.registry / str(run.model_id)
    return run, Served(run.run_id, origin, rows, bundle, run.panel_hash or ""), ""
