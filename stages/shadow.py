"""The challenger beside the champion on live days: forecast for a share of the series, written
apart, scored against the actuals.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from contract.demand import demand_rules
from contract.hashes import served_hash, text_hash
from contract.panel import Panel
from contract.params import Params
from contract.question import NEWEST
from forecasting.actuals import with_actuals
from forecasting.champion import champion_in_registry
from forecasting.part_table import ROWS, PartTable
from forecasting.publication import serving_of
from forecasting.served import drawn
from forecasting.shadow import Shadow, shadow_of
from forecasting.table import TableWork
from runtime.memory import peak_mb
from runtime.paths import Paths
from runtime.process import clock
from scaling.engines import Engine
from scaling.parts import Parts
from scaling.run import run_parts
from storage.forecasts import judged_rows, newest_runs, publish, shadows_of
from storage.models import challenger
from storage.panel import last_sales_day, read_tail
from storage.runs import Run
from storage.store import open_store

log = logging.getLogger("inference")

STATUS = "shadow"  # of its run: no table of this status is ever the newest, nor handed out


@dataclass(frozen=True)
class InParts:
    """A panel that lies in parts, and who runs them."""

    parts: Parts
    engine: Engine


def cast_shadow(
    params: Params, paths: Paths, panel: Panel | InParts, origin: date, now: datetime
) -> str | None:
    """The run of the challenger's forecasts for the share of series that is always the same; None
    without a challenger, and of parts where it can only be run on all of them in one.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        model = challenger(con)
    if model is None or params.monitor.shadow_share == 0:
        return None
    loaded = champion_in_registry(paths.registry, model.model_id, paths.backtest)
    why_none = loaded.only_in_one if isinstance(panel, InParts) else None
    if loaded.model is None or why_none:
        log.warning("shadow=%s reason=%s", model.model_id, why_none or loaded.why_none)
        return None
    outline = panel.parts.outline() if isinstance(panel, InParts) else panel
    lineage = {
        "params_hash": served_hash(params),
        "panel_hash": outline.hash,
        "model_id": model.model_id,
    }
    run_id = text_hash(STATUS, model.model_id, outline.hash, served_hash(params), origin)
    named = {**lineage, "run_id": run_id}
    work = TableWork(params, serving_of(params, loaded), NEWEST, origin, named)
    names = outline.series["unique_id"].to_list()
    share = drawn(names, max(round(params.monitor.shadow_share * len(names)), 1), STATUS)
    rows = _rows_of(work, panel, frozenset(share)).with_columns(created_at=now)
    run = Run(run_id, "inference", now, clock(), STATUS, **lineage, peak_mb=peak_mb())
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        publish(con, run, {"forecasts": rows})
    log.info("shadow run_id=%s model_id=%s rows=%d", run_id, model.model_id, rows.height)
    return run_id


def _rows_of(work: TableWork, panel: Panel | InParts, only: frozenset[str]) -> pl.DataFrame:
    """FORECASTS of these series."""
    if isinstance(panel, Panel):
        return work.rows(panel).filter(pl.col("unique_id").is_in(list(only)))
    parts = panel.parts
    run_parts(PartTable(work, only=only), STATUS, parts, panel.engine)
    made = [pl.read_parquet(of / ROWS, glob=False) for of in parts.all_results(STATUS)]
    return pl.concat(made).sort("unique_id", "ds")


def shadow_so_far(params: Params, paths: Paths) -> Shadow | None:
    """The challenger's score over the actuals of its shadow, beside the tables served from the same
    origins.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        model = challenger(con)
        shadows = shadows_of(con, model.model_id) if model else pl.DataFrame()
        if model is None or shadows.is_empty():
            return None
        origins = shadows["origin"].unique().sort()
        last_day = last_sales_day(con) or date.min
        if last_day <= origins[0]:
            return None
        runs = newest_runs(con)
        run_ids = [runs[origin] for origin in origins if origin in runs]
        served = judged_rows(con, run_ids, (), shadows["h"].max(), last_day)
        known = read_tail(con, origins[0] + timedelta(days=1), params.features.max_stockout_share)
    actuals = with_actuals(shadows, known, demand_rules(params))
    return shadow_of(_beside(actuals, served), model.model_id, model.params_hash or "")


def _beside(actuals: pl.DataFrame, served: pl.DataFrame) -> pl.DataFrame:
    """The actuals of the shadow with served_error, of every row that the served table holds too."""
    key = ["origin", "unique_id", "ds"]
    both = actuals.join(served.select(*key, served="y_hat"), on=key, how="inner", validate="1:1")
    return both.with_columns(served_error=pl.col("served") - pl.col("y"))
