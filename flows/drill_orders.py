"""Mornings on which is ordered, as the drills need them: stores of their own that hold today's
table.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import inference
import ingest
from contract.params_file import load_params
from drills.order_drills import Begin, OrderMorning
from drills.order_faults import SUPPLY
from drills.order_files import DAYS, OrderFiles, order_files
from monitoring.stock import stock
from queries.day_orders import day_orders
from runtime.paths import Paths
from sources.simulator.drop import write_day
from sources.simulator.simulation import simulate
from stages.order import order
from storage.forecasts import newest_runs
from storage.orders import read_orders
from storage.panel import read_panel
from storage.quarantine import read_quarantine
from storage.store import open_store

if TYPE_CHECKING:
    import polars as pl

    from contract.params import Params
    from runtime.command_line import Summary


def ordering_world(params_file: Path, data: Path, scratch: Path) -> tuple[OrderFiles, Begin]:
    """The right files of an order morning in a copy of a finished world, DAYS of sales further on,
    and how that morning begins in a folder of its own.
    """
    params, paths = load_params(params_file), Paths(scratch / "ordering")
    shutil.copytree(data, paths.root)
    simulation = simulate(params.source.simulator)
    last = simulation.last_day + timedelta(days=DAYS)
    now = datetime.combine(last + timedelta(days=1), datetime.min.time()).replace(hour=5)
    paths.inbox.mkdir(exist_ok=True)
    for k in range(1, DAYS + 1):
        write_day(simulation, simulation.last_day + timedelta(days=k), paths.inbox)
    ingest.ingest(params, paths, now=now)
    inference.infer(params, paths, now=now)
    with open_store(paths.store, read_only=True) as con:
        panel = read_panel(con)
    right = order_files(panel.sales, panel.series, params.drills.seed)
    right.supply.write_csv(paths.inbox / SUPPLY)
    ingest.ingest(params, paths, now=now)

    def begin(folder: Path) -> OrderMorning:
        shutil.copytree(paths.root, folder / "data")
        return _morning(params, Paths(folder / "data"), now)

    return right, begin


def _morning(params: Params, paths: Paths, now: datetime) -> OrderMorning:
    def deliver(path: Path) -> Summary:
        shutil.copy(path, paths.inbox)
        return ingest.ingest(params, paths, now=now)

    def refused() -> list[str]:
        with open_store(paths.store, read_only=True) as con:
            quarantine = read_quarantine(con)
        return quarantine["reason"].to_list()

    def propose() -> pl.DataFrame:
        order(params, paths, now=now)
        with open_store(paths.store, read_only=True) as con:
            return read_orders(con, now.date())

    def watched() -> list[str]:
        limits = params.monitor
        with open_store(paths.store, read_only=True) as con:
            series = read_panel(con).series
            of_day = day_orders(con, max(newest_runs(con)), series, params.ordering, now.date())
        found = stock(of_day, series, limits.max_unordered_share, limits.max_old_share)
        return [finding.cause for finding in found if finding.severity != "ok"]

    return OrderMorning(deliver, refused, propose, watched)
