"""The evidence of the watchers: everything known at one moment, read from the store."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import polars as pl

from contract.demand import demand_rules
from contract.frames import FORECASTS, SALES, SERIES
from contract.panel import panel_of
from contract.params import Params
from expectations.pages import read_pages
from forecasting.forecaster import BASELINE
from monitoring.accuracy import expected_wape_by_week
from monitoring.look import (
    Known,
    Looked,
    Rules,
    levels_judged,
    realised,
    scaling_rows,
    seen_at,
    since_of_signals,
)
from monitoring.outcome_signals import NO_SUMS
from monitoring.past_tables import Published, weekly_runs
from monitoring.watch import Evidence, watch
from queries.day_orders import day_orders
from queries.served_features import newest_served, parity_of_newest
from runtime.json_files import read_json_if_whole
from runtime.memory import machine_mb
from runtime.paths import Paths
from storage.alerts import last_closed
from storage.batches import read_batches
from storage.decisions import Meanwhile, serving_meanwhile
from storage.forecasts import judged_levels, judged_rows, newest_runs
from storage.models import read_models
from storage.notices import undelivered
from storage.panel import last_days_of_feeds, last_sales_day, read_panel, read_tail
from storage.quarantine import read_quarantine
from storage.runs import read_runs
from storage.scores import read_scores
from storage.series import read_series
from storage.store import Connection, open_store


def look(params: Params, paths: Paths, now: datetime) -> Looked:
    """Everything looked at in one; the newest table's features before anything else is held."""
    skew, most_sold_out = parity_of_newest(params, paths), params.features.max_stockout_share
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        published = published_tables(con, params)
        ledger = _evidence(con, params, paths, now, published)
        panel = read_tail(con, since_of_signals(published), most_sold_out)
        rows_of = partial(judged_rows, con)
        past = realised(panel, published, rows_of, rules_of(params), most_sold_out)
        evidence = seen_at(ledger, panel, past.last_table, published, rows_of)
    # the store's buffers are given back
    outcomes = past.outcomes()
    findings = [*watch(evidence, past.actuals, params.monitor), skew]
    return Looked(findings, outcomes, scaling_rows(past.actuals, panel))


def rules_of(params: Params) -> Rules:
    """What params say of a look."""
    return Rules(demand_rules(params), params.source.hierarchy, params.monitor)


def published_tables(con: Connection, params: Params) -> Published:
    """Which tables are looked at."""
    last = last_sales_day(con) or read_panel(con).last_day  # refused there: no sales at all
    runs, horizon = newest_runs(con), params.train.horizon
    levels = levels_judged(read_series(con), params.source.hierarchy)
    of_levels = judged_levels(
        con, weekly_runs(runs, last, horizon), [level.name for level in levels], last
    )
    return Published(runs, of_levels, last, horizon, params.monitor.signals.days_looked_at)


def known_at(
    con: Connection, params: Params, paths: Paths, now: datetime, published: Published
) -> Known:
    """What a look in parts begins with."""
    evidence = _evidence(con, params, paths, now, published)
    return Known(evidence, published, *newest_served(con, paths))


def _evidence(
    con: Connection, params: Params, paths: Paths, now: datetime, published: Published
) -> Evidence:
    """The evidence but for the panel and its tables: those are without a row."""
    champion = next(iter(read_models(con).filter(stage="champion").to_dicts()), None)
    meanwhile = serving_meanwhile(con) if champion is None else None
    origin = max(published.runs, default=None)
    return Evidence(
        now=now,
        panel=panel_of(SALES.empty(), SERIES.empty()),
        batches=read_batches(con),
        quarantine=read_quarantine(con),
        runs=read_runs(con),
        newest=FORECASTS.empty(),
        past=FORECASTS.empty(),
        weekly=NO_SUMS,
        expected_wape=_expected_wape(con, champion, meanwhile),
        champion_cutoff=champion["cutoff"] if champion else None,
        serves=meanwhile.method if meanwhile else None,
        refused=meanwhile.reason if meanwhile else "",
        rules=demand_rules(params),
        feeds=last_days_of_feeds(con),
        pages=read_pages(paths.validation),
        known_future=params.features.known_future,
        past_only=params.features.past_only,
        machine_mb=machine_mb(),
        delivered=read_json_if_whole(paths.delivered),
        orders=day_orders(con, origin, read_series(con), params.ordering, now.date()),
        undelivered=undelivered(con),
        resolved=last_closed(con),
    )


def _expected_wape(
    con: Connection, champion: dict[str, Any] | None, meanwhile: Meanwhile | None
) -> dict[int, float]:
    """The backtest's WAPE by week ahead of what serves, from its newest scored run; empty where
    there is none.
    """
    serves, model_id = BASELINE, None
    if champion:
        serves, model_id = champion["kind"], champion["model_id"]
    elif meanwhile and meanwhile.method != BASELINE:
        serves, model_id = meanwhile.method, meanwhile.model_id
    runs = read_runs(con, "inference").filter(pl.col("model_id").eq_missing(model_id))
    scored = (read_scores(con, run_id) for run_id in runs["run_id"])
    scores = next((frame for frame in scored if frame.height), None)
    return {} if scores is None else expected_wape_by_week(scores, serves)
