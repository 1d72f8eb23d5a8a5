"""The challenger beside the champion on live days: forecast for a share of the series, written apart, scored when it came true."""

from __future__ import annotations

import logging
from datetime import date, datetime

import polars as pl

from contract.frames import FORECAST_LEVELS
from contract.panel import Panel
from contract.params import Params, served_hash, text_hash
from contract.places import Places
from contract.walk import clock
from forecasting.champion import champion_in_registry
from forecasting.publication import publish_forecasts
from forecasting.seasonal_naive import baseline_of
from forecasting.served import drawn
from forecasting.shadow import Shadow, shadow_of
from storage.forecasts import latest_forecasts, publish, shadows_of
from storage.lineage import sold_after
from storage.models import challenger
from storage.runs import Run
from storage.store import open_store

log = logging.getLogger("inference")

STATUS = "shadow"  # of its run: no table of this status is ever the newest, nor handed out


def cast_shadow(params: Params, places: Places, panel: Panel, origin: date, now: datetime) -> str | None:
    """The run of the challenger's forecasts for the share of series that is always the same; None without a challenger."""
    with open_store(places.store, params.ingest.lock_wait_s, read_only=True) as con:
        model = challenger(con)
    if model is None or params.monitor.shadow_share == 0:
        return None
    found = champion_in_registry(places.registry, model.model_id, places.backtest)
    if found.model is None:
        log.warning("shadow=%s reason=%s", model.model_id, found.why_none)
        return None
    run_id = text_hash(STATUS, model.model_id, panel.hash, served_hash(params), origin)
    rows = publish_forecasts(
        panel,
        origin,
        params.train.horizon,
        found.model,
        baseline_of(params),
        found.calibrations,
        params.inference,
        run_id,
        params.source.region,
        absent_means_zero=params.ingest.absent_means_zero,
    )
    names = panel.series["unique_id"].to_list()
    share = drawn(names, max(round(params.monitor.shadow_share * len(names)), 1), STATUS)
    rows = rows.filter(pl.col("unique_id").is_in(share)).with_columns(created_at=now)
    run = Run(run_id, "inference", now, clock(), STATUS, None, served_hash(params), panel.hash, model.model_id)
    with open_store(places.store, params.ingest.lock_wait_s) as con:
        publish(con, run, rows, FORECAST_LEVELS.empty())
    log.info("shadow run_id=%s model_id=%s rows=%d", run_id, model.model_id, rows.height)
    return run_id


def shadow_so_far(params: Params, places: Places) -> Shadow | None:
    """The challenger's score over what came true of its shadow, beside the tables served from the same origins."""
    with open_store(places.store, params.ingest.lock_wait_s, read_only=True) as con:
        model = challenger(con)
        shadows = shadows_of(con, model.model_id) if model else pl.DataFrame()
        if model is None or shadows.is_empty():
            return None
        origins = shadows["origin"].unique().sort()
        served = pl.concat([latest_forecasts(con, origin) for origin in origins])
        happened = sold_after(con, origins[0])
    return shadow_of(_beside(shadows, served, happened), model.model_id, model.params_hash or "")


def _beside(shadows: pl.DataFrame, served: pl.DataFrame, happened: pl.DataFrame) -> pl.DataFrame:
    """unique_id, ds, y, error, served_error of every row both forecast whose day is known."""
    key = ["origin", "unique_id", "ds"]
    both = shadows.select(*key, "y_hat").join(served.select(*key, served="y_hat"), on=key, how="inner", validate="1:1")
    told = both.join(happened, on=["unique_id", "ds"], how="inner", validate="m:1").filter(pl.col("y").is_not_null())
    return told.with_columns(error=pl.col("y_hat") - pl.col("y"), served_error=pl.col("served") - pl.col("y"))
