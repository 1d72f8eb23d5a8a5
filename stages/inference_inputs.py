"""What a forecast starts from: the champion that serves, and the panel it reads from the store."""

from __future__ import annotations

import logging
from datetime import timedelta

import polars as pl

from contract.panel import Panel
from contract.params import Params
from contract.question import NEWEST, Question
from forecasting.champion import Champion
from forecasting.footprint import Shape, to_forecast
from forecasting.ladder import who_serves
from forecasting.recalibration import with_interval_scale
from runtime.memory import refuse_beyond
from runtime.paths import Paths
from storage.decisions import newest_interval_scale, serving_meanwhile
from storage.forecasts import latest_forecast_levels, latest_forecasts
from storage.models import in_line
from storage.panel import counts_since, last_sales_day, read_panel, read_tail
from storage.store import Connection, read_store

log = logging.getLogger("inference")

# beyond what the champion reads: for what guards it and falls back for it, and for late feeds
SPARE_DAYS = 182


def serving_champion(params: Params, paths: Paths) -> Champion:
    """The newest champion that can be loaded; `reason` says if it is not the newest of all.

    Before the first promotion what the gate let serve meanwhile.
    """
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        models, meanwhile = in_line(con), serving_meanwhile(con)
    named = (meanwhile.model_id, meanwhile.method) if meanwhile else None
    champion = who_serves(paths.registry, models, paths.backtest, named)
    if why := champion.why_none:
        serves = champion.model_id
        log.warning("champion=%s serves=%s reason=%s", models[:1], serves, why)
    return champion


def read_inputs(
    params: Params, paths: Paths, champion: Champion, question: Question
) -> tuple[Champion, Panel, tuple[pl.DataFrame, pl.DataFrame] | None]:
    """The champion with its intervals as decided, the panel, and the last table where the store
    holds no sale to forecast from.
    """
    decided, last_table = None, None
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        if champion.model_id:
            decided = newest_interval_scale(con, champion.model_id, question.as_of)
        champion = with_interval_scale(champion, decided.detail if decided else None)
        panel = _read_panel(con, params, champion, question)
        if panel.sales.is_empty() and question == NEWEST:
            last_table = latest_forecasts(con), latest_forecast_levels(con)
    return champion, panel, last_table


def _read_panel(con: Connection, params: Params, champion: Champion, question: Question) -> Panel:
    """The store's panel: all of it for a question about an earlier state, else the days the
    champion reads.
    """
    last, since = last_sales_day(con), None
    if last is not None and not question.as_of and not question.origin:
        days_back = champion.model.days_back if champion.model else 0
        since = last - timedelta(days=SPARE_DAYS + days_back)
    horizon = question.horizon or params.train.horizon
    needs = to_forecast(Shape(**counts_since(con, since)), params, horizon)
    way_out = "give each group of stores a data folder of its own"
    log.info("memory %s", refuse_beyond(needs, way_out))
    if since is None:
        return read_panel(con, question.as_of)
    return read_tail(con, since, params.features.max_stockout_share)
