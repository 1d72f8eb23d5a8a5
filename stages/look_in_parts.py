"""A look at a panel that is read in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import polars as pl

from contract.params import Params
from forecasting.footprint import Shape
from monitoring.look import Known, Looked, PartLook, Rules, looked_in_parts, since_of_signals
from monitoring.past_tables import Published
from runtime.paths import Paths
from scaling.engines import engine_of
from scaling.parts import write_parts
from scaling.run import run_parts
from scaling.scratch import own_folder
from stages.parts_wanted import job_of_look, parts_for
from storage.panel import counts_since, read_parts, stores_since
from storage.series import read_series
from storage.store import Connection
from storage.table_files import laid_rows, lay_tables

WORK, TABLES = "look", "tables"


def parts_of_look(con: Connection, params: Params, published: Published) -> pl.DataFrame | None:
    """unique_id, part; None where memory holds all in one."""
    since = since_of_signals(published)
    shape = Shape(**counts_since(con, since))

    job = job_of_look(published, shape)
    return parts_for(params, job, shape, lambda: stores_since(con, since))


@contextmanager
def laid_for_look(
    con: Connection, params: Params, paths: Paths, known: Known, of_series: pl.DataFrame
) -> Iterator[Callable[[Rules], Looked]]:
    """What looks at these parts, once the store is closed; its files go afterwards. `known`: of
    the same moment, as are the parts (`of_series`).
    """
    most_sold_out, since = params.features.max_stockout_share, since_of_signals(known.published)
    with engine_of(params.scale.engine) as engine, own_folder(paths.parts) as folder:
        panels = read_parts(con, of_series, since, most_sold_out, folder / "rows")
        parts = write_parts(folder, panels, read_series(con))
        lay_tables(con, known.published.days_ahead, of_series, folder / TABLES)

        def look(rules: Rules) -> Looked:
            work = PartLook(known, rules, most_sold_out, partial(laid_rows, folder / TABLES))
            run_parts(work, WORK, parts, engine)
            return looked_in_parts(parts.all_results(WORK), known)

        yield look
