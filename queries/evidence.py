"""The evidence of the watchers: everything known at one moment, read from the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from contract.demand import demand_rules
from contract.panel import Panel
from contract.params import Params
from expectations.pages import read_pages
from forecasting.actuals import levels_with_actuals, with_actuals
from forecasting.forecaster import BASELINE
from monitoring.accuracy import expected_wape_by_week
from monitoring.finding import Finding
from monitoring.outcome_signals import daily_sums, weekly_origins
from monitoring.outcomes import outcome_tables
from monitoring.parity import no_parity, parity
from monitoring.watch import Evidence, group_columns
from queries.day_orders import day_orders
from queries.past_tables import one_table_a_week, sums_of_first_weeks, weekly_runs
from queries.served_features import served_twice
from runtime.json_files import read_json_if_whole
from runtime.memory import machine_mb
from runtime.paths import Paths
from storage.alerts import last_closed
from storage.batches import read_batches
from storage.decisions import Meanwhile, serving_meanwhile
from storage.forecasts import judged_levels, latest_forecasts, newest_runs
from storage.models import read_models
from storage.notices import undelivered
from storage.panel import last_sales_day, read_panel, read_tail
from storage.quarantine import read_quarantine
from storage.runs import read_runs
from storage.scores import read_scores
from storage.store import Connection, open_store

OutcomeTables = dict[str, list[dict[str, Any]]]
LATE_DAYS = 14  # beyond the horizon: a feed this late still finds its table


def parity_of_newest(params: Params, paths: Paths) -> Finding:
    """The newest table's features against the store's, before anything else is held in memory."""
    twice, run_id_or_why = served_twice(params, paths)
    return parity(*twice, run_id_or_why) if twice else no_parity(run_id_or_why)


def realised_forecasts(
    params: Params, paths: Paths
) -> tuple[pl.DataFrame, pl.DataFrame, OutcomeTables]:
    """The weekly tables beside their actuals as far as those are known, the newest of them whole,
    and how good they were.

    Read from the days they are about, before the long history is held.
    """
    rules, horizon = demand_rules(params), params.train.horizon
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        last = last_sales_day(con) or read_panel(con).last_day  # refused there: no sales at all
        runs = newest_runs(con)
        tables = one_table_a_week(con, runs, last, horizon)
        recent = read_tail(
            con, last - timedelta(days=horizon + LATE_DAYS), rules.max_stockout_share
        )
        columns = group_columns(recent.series)
        levels = [
            level
            for level in params.source.hierarchy
            if level.columns in ((), *((name,) for name in columns))
        ]
        published = judged_levels(
            con, weekly_runs(runs, last, horizon), [level.name for level in levels], last
        )
    actuals = with_actuals(tables, recent, rules)
    of_levels = levels_with_actuals(published, actuals, recent.series, levels)
    outcomes = outcome_tables(actuals, of_levels, recent.series, columns)
    return actuals, tables.filter(pl.col("origin") == pl.col("origin").max()), outcomes


def evidence_at(params: Params, paths: Paths, now: datetime, last_table: pl.DataFrame) -> Evidence:
    """All a watcher may look at; `last_table` as the second of `realised_forecasts`."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        panel = read_panel(con)
        champion = next(iter(read_models(con).filter(stage="champion").to_dicts()), None)
        meanwhile = serving_meanwhile(con) if champion is None else None
        first = panel.last_day - timedelta(days=params.monitor.signals.days_looked_at)
        tables = newest_runs(con)
        newest = latest_forecasts(con)
        origins = weekly_origins(day for day in tables if first <= day < panel.last_day)
        return Evidence(
            now=now,
            panel=panel,
            batches=read_batches(con),
            quarantine=read_quarantine(con),
            runs=read_runs(con),
            newest=newest,
            past=last_table,
            weekly=sums_of_first_weeks(con, tables, panel, origins, _sums_of(params)),
            expected_wape=_expected_wape(con, champion, meanwhile),
            champion_cutoff=champion["cutoff"] if champion else None,
            serves=meanwhile.method if meanwhile else None,
            refused=meanwhile.reason if meanwhile else "",
            rules=demand_rules(params),
            pages=read_pages(paths.validation),
            known_future=params.features.known_future,
            past_only=params.features.past_only,
            machine_mb=machine_mb(),
            delivered=read_json_if_whole(paths.delivered),
            orders=day_orders(con, newest, panel.series, params.ordering, now.date()),
            undelivered=undelivered(con),
            resolved=last_closed(con),
        )


def _sums_of(params: Params) -> Callable[[pl.DataFrame, Panel], pl.DataFrame]:
    """Daily sums of tables against a panel of their days, by every group watched."""

    def sums(tables: pl.DataFrame, known: Panel) -> pl.DataFrame:
        actuals = with_actuals(tables, known, demand_rules(params))
        return daily_sums(actuals, known.series, group_columns(known.series))

    return sums


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
