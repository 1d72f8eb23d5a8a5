"""What a forecast starts from: the champion that serves, and the panel it reads from the store."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from contract.panel import Panel
from contract.params import Params
from contract.question import NEWEST, Question
from forecasting.champion import Champion
from forecasting.footprint import Shape
from forecasting.ladder import who_serves
from forecasting.recalibration import with_interval_scale
from runtime.paths import Paths
from stages.parts_wanted import job_of_forecast, parts_for
from storage.decisions import newest_interval_scale, serving_meanwhile
from storage.forecasts import latest_forecast_levels, latest_forecasts
from storage.models import in_line
from storage.panel import counts_since, last_sales_day, read_panel, read_tail, stores_since
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


def decided_champion(con: Connection, champion: Champion, question: Question) -> Champion:
    """The champion with its intervals as decided."""
    decided = None
    if champion.model_id:
        decided = newest_interval_scale(con, champion.model_id, question.as_of)
    return with_interval_scale(champion, decided.detail if decided else None)


@dataclass(frozen=True)
class Reading:
    """Which days a forecast reads, in how many parts: unique_id, part; None: in one."""

    since: date | None
    parts: pl.DataFrame | None = None


def reading_of(con: Connection, params: Params, champion: Champion, question: Question) -> Reading:
    """All days for a question about an earlier state, else those the champion reads; parts as of
    `parts_for`.
    """
    last, since = last_sales_day(con), None
    if last is not None and not question.as_of and not question.origin:
        days_back = champion.model.days_back if champion.model else 0
        since = last - timedelta(days=SPARE_DAYS + days_back)
    shape = Shape(**counts_since(con, since))

    job = job_of_forecast(params, champion, question, shape)
    return Reading(since, parts_for(params, job, shape, lambda: stores_since(con, since)))


def read_whole(con: Connection, params: Params, reading: Reading, question: Question) -> Panel:
    """The store's panel, in one."""
    if reading.since is None:
        return read_panel(con, question.as_of)
    return read_tail(con, reading.since, params.features.max_stockout_share)


def last_table(con: Connection, question: Question) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """The rows and levels that go out again where there is no sale to forecast from."""
    if question != NEWEST:
        return None
    return latest_forecasts(con), latest_forecast_levels(con)
