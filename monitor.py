"""DOOR: forecasts and inputs against what happened since -> findings, alerts, and whether to retrain; and the report people read.

reads   the store: sales, batches, quarantine, forecasts whose days came true, scores, models; params.yaml: monitor
writes  alerts and runs in the store, data/reports/monitor.json and watch.html; with --report, from files only, index.html and series/
run     python monitor.py [--now 2026-01-30T06:00] [--dry-run] [--json]
        python monitor.py --report     the laboratory's stage `report`
        python monitor.py --ack 12 --by ada | --resolve 12 | --mute bias:store_id:CA_1 --days 3     what a person says to an alert
"""

from __future__ import annotations

import json
import logging
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.days import parse_moment
from contract.memory import forget_peak, machine_mb, peak_mb
from contract.params import Params, load_params, params_hash, text_hash
from contract.places import Places
from contract.walk import Summary, clock, door_parser, git_commit, read_json, walk

if TYPE_CHECKING:
    import polars as pl

    from contract.panel import Panel
    from monitoring.finding import Finding
    from monitoring.watch import Evidence

log = logging.getLogger("monitor")

BASELINE = "seasonal_naive"
_LOG_LEVELS = {"ok": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def monitor(params: Params, places: Places, *, now: datetime, dry_run: bool = False) -> Summary:
    """Look at everything, raise an alert per cause, close those that are gone, say whether to retrain."""
    from desk.answers import answers_at
    from desk.recalibrating import recalibrate
    from desk.shadowing import shadow_so_far
    from monitoring.decide import decide_retraining, is_muted, to_raise
    from monitoring.finding import worst
    from monitoring.watch import watch
    from reports.watch import write_watch_page

    forget_peak()
    skew = _parity(params, places)
    told, last_table, outcomes = _came_true(params, places)
    evidence = _evidence(params, places, now, last_table)
    findings = [*watch(evidence, told, params.monitor), skew]
    for finding in findings:
        log.log(_LOG_LEVELS[finding.severity], "watched cause=%s %s", finding.cause, finding.what)
    retrain = asdict(decide_retraining(findings, params.monitor.retrain_every_days))
    answers = answers_at(params, places, now)
    loud = [finding for finding in to_raise(findings) if not is_muted(finding.cause, answers.muted)]
    attention = [f"{finding.severity} {finding.cause}: {finding.what}{answers.told(finding.cause)}" for finding in loud]
    summary = {
        "worst": worst(findings),
        "watched": len(findings),
        "attention": "\n".join(attention),
        "retrain": retrain,
        "muted": answers.muted,
    }
    if not dry_run:
        summary |= _write_alerts(params, places, findings, loud, retrain, now)
        summary["recalibrated"] = recalibrate(params, places, told, now)
        shadow = shadow_so_far(params, places)
        summary["shadow"] = shadow.told if shadow else None
        every = {"findings": [{"cause": finding.cause, **asdict(finding)} for finding in findings]}
        _write_json(places.reports / "monitor.json", {"now": now, **summary, **every, **outcomes})
        write_watch_page(places.reports)
    return summary


def report(params: Params, places: Places) -> Summary:
    """The page for planner and engineer, from the laboratory's files alone; dated by the origin, so same files, same bytes."""
    import polars as pl

    from reports.page import Told, render
    from reports.series_files import write_series_files
    from reports.tables import leaderboard_table
    from reports.watch import write_watch_page
    from storage.panel_files import read_frozen

    told = Told(
        panel=read_frozen(places.panel),
        forecasts=pl.read_parquet(places.forecasts / "forecasts.parquet"),
        levels=pl.read_parquet(places.forecasts / "forecast_levels.parquet"),
        backtest=pl.read_parquet(places.backtest / "forecasts.parquet"),
        scores=pl.read_parquet(places.scores / "scores.parquet"),
        leaderboard=read_json(places.scores / "leaderboard.json"),
        decision=read_json(places.scores / "decision.json"),
        card=read_json(places.candidate / "card.json"),
        validation=read_json(places.validation / "panel.json"),
    )
    board = {"origin": told.origin, "decision": told.decision, "models": told.leaderboard}
    board |= {"left_out": told.card["left_out"]}
    _write_json(places.reports / "leaderboard.json", board)
    page = places.reports / "index.html"
    page.write_text(render(told), encoding="utf-8")
    series_bytes = write_series_files(told.panel, told.forecasts, places.reports)
    write_watch_page(places.reports)
    log.info("rendered page=%s bytes=%d series_bytes=%d", page, page.stat().st_size, series_bytes)
    return {"leaderboard": leaderboard_table(told.leaderboard), "report": str(page), "bytes": page.stat().st_size}


def _came_true(params: Params, places: Places) -> tuple[pl.DataFrame, pl.DataFrame, Summary]:
    """The weekly tables as far as they came true, the newest of them whole, and how good they were; from the days they are about,
    before the long history is held."""
    import polars as pl

    from desk.past_tables import one_table_a_week, weekly_runs
    from forecasting.came_true import came_true, levels_came_true
    from monitoring.outcomes import outcome_tables
    from monitoring.watch import group_columns
    from storage.forecasts import judged_levels, newest_runs
    from storage.panel import last_sales_day, read_panel, read_tail
    from storage.store import open_store

    with open_store(places.store, params.ingest.lock_wait_s, read_only=True) as con:
        last = last_sales_day(con) or read_panel(con).last_day  # refused there: no sales at all
        runs, horizon = newest_runs(con), params.train.horizon
        tables = one_table_a_week(con, runs, last, horizon)
        days = timedelta(days=params.train.horizon + 14)
        recent = read_tail(con, last - days, params.features.max_stockout_share)
        columns = group_columns(recent.series)
        levels = [level for level in params.source.hierarchy if level.columns in ((), *((name,) for name in columns))]
        published = judged_levels(con, weekly_runs(runs, last, horizon), [level.name for level in levels], last)
    told = came_true(tables, recent, params.ingest.absent_means_zero, params.features.max_stockout_share)
    of_levels = levels_came_true(published, told, recent.series, levels)
    outcomes = outcome_tables(told, of_levels, recent.series, columns)
    return told, tables.filter(pl.col("origin") == pl.col("origin").max()), outcomes


def _evidence(params: Params, places: Places, now: datetime, last_table: pl.DataFrame) -> Evidence:
    from desk.past_tables import sums_of_first_weeks
    from expectations.pages import read_pages
    from monitoring.judge import days_looked_at
    from monitoring.outcome_signals import weekly_origins
    from monitoring.watch import Evidence
    from storage.batches import read_batches
    from storage.forecasts import latest_forecasts, newest_runs
    from storage.models import read_models
    from storage.panel import read_panel
    from storage.quarantine import read_quarantine
    from storage.runs import read_runs
    from storage.store import open_store

    with open_store(places.store, params.ingest.lock_wait_s, read_only=True) as con:
        panel = read_panel(con)
        champion = next(iter(read_models(con).filter(stage="champion").to_dicts()), None)
        first = panel.last_day - timedelta(days=days_looked_at(params.monitor.signals))
        tables = newest_runs(con)
        origins = weekly_origins(day for day in tables if first <= day < panel.last_day)
        return Evidence(
            now=now,
            panel=panel,
            batches=read_batches(con),
            quarantine=read_quarantine(con),
            runs=read_runs(con),
            newest=latest_forecasts(con),
            past=last_table,
            weekly=sums_of_first_weeks(con, tables, panel, origins, _sums_of(params)),
            promised=_promised(con, champion),
            champion_cutoff=champion["cutoff"] if champion else None,
            absent_means_zero=params.ingest.absent_means_zero,
            pages=read_pages(places.validation),
            region=params.source.region,
            known_future=params.features.known_future,
            past_only=params.features.past_only,
            machine_mb=machine_mb(),
        )


def _sums_of(params: Params) -> Callable[[pl.DataFrame, Panel], pl.DataFrame]:
    """Daily sums of tables against a panel of their days, by every group watched."""
    from forecasting.came_true import came_true
    from monitoring.outcome_signals import daily_sums
    from monitoring.watch import group_columns

    def sums(tables: pl.DataFrame, known: Panel) -> pl.DataFrame:
        told = came_true(tables, known, params.ingest.absent_means_zero, params.features.max_stockout_share)
        return daily_sums(told, known.series, group_columns(known.series))

    return sums


def _parity(params: Params, places: Places) -> Finding:
    """The newest table's features against the store's, before anything else is held in memory."""
    from desk.served import served_twice
    from monitoring.parity import no_parity, parity

    twice, run_id_or_why = served_twice(params, places)
    return parity(*twice, run_id_or_why) if twice else no_parity(run_id_or_why)


def _promised(con: Any, champion: dict[str, Any] | None) -> dict[int, float]:
    """The backtest's WAPE by week ahead of what serves, from its newest scored run; empty where there is none."""
    import polars as pl

    from monitoring.accuracy import promised_by_week
    from storage.runs import read_runs
    from storage.scores import read_scores

    serves, model_id = (champion["kind"], champion["model_id"]) if champion else (BASELINE, None)
    runs = read_runs(con, "inference").filter(pl.col("model_id").eq_missing(model_id))
    scored = (read_scores(con, run_id) for run_id in runs["run_id"])
    scores = next((frame for frame in scored if frame.height), None)
    return {} if scores is None else promised_by_week(scores, serves)


def _write_alerts(
    params: Params, places: Places, findings: list[Finding], loud: list[Finding], retrain: Summary, now: datetime
) -> Summary:
    from monitoring.decide import escalation, to_close
    from storage.alerts import Alert, close_alert, open_alerts, raise_alert
    from storage.decisions import Decision, write_decision
    from storage.models import champion
    from storage.runs import Run, write_run
    from storage.store import open_store

    run_id = text_hash("monitor", now.isoformat())
    lineage = {"git_commit": git_commit(), "params_hash": params_hash(params.monitor)}
    run = Run(run_id, "monitor", now, clock(), **lineage, peak_mb=peak_mb())
    with open_store(places.store, params.ingest.lock_wait_s) as con:
        gone = to_close(findings, open_alerts(con)["cause"].to_list())
        for finding in loud:
            advice = f"{finding.advice} {escalation(finding)}"
            alert = Alert(finding.cause, finding.severity, finding.what, finding.value, finding.threshold, advice)
            raise_alert(con, alert, now)
        for cause in gone:
            close_alert(con, cause, now)
        write_decision(con, Decision("retrain", now, retrain["trigger"], retrain["reason"], champion(con)))
        write_run(con, run)
    return {"raised": [finding.cause for finding in loud], "closed": gone}


def _write_json(path: Path, content: Summary) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Parse, look or render, say what was found."""
    parser = door_parser(__doc__)
    parser.add_argument("--now", help="look as if it were this moment (ISO 8601; default: the clock)")
    parser.add_argument(
        "--report", action="store_true", help="render data/reports/index.html from the laboratory's files"
    )
    parser.add_argument("--dry-run", action="store_true", help="look and say, write nothing")
    said = parser.add_mutually_exclusive_group()
    said.add_argument(
        "--ack", type=int, metavar="ALERT_ID", help="somebody (--by) has taken this alert on; it stays open"
    )
    said.add_argument("--resolve", type=int, metavar="ALERT_ID", help="close this alert by hand")
    said.add_argument(
        "--mute", metavar="CAUSE", help="raise nothing of this cause for --days; `bias` speaks for `bias:store_id:CA_1`"
    )
    said.add_argument(
        "--as-calibrated", action="store_true", help="take back how the champion's intervals were stretched"
    )
    parser.add_argument("--by", default="somebody", help="who answers")
    parser.add_argument("--days", type=float, default=7, help="how long to mute (default: 7; 0 lifts it)")

    def work(arguments: Namespace) -> Summary:
        params, places = load_params(arguments.params), Places(arguments.data)
        if arguments.report:
            return report(params, places)
        now = parse_moment(arguments.now) if arguments.now else clock()
        if arguments.mute is not None or arguments.ack is not None or arguments.resolve is not None:
            from desk.answers import answer

            return answer(params, places, arguments, now)
        if arguments.as_calibrated:
            from desk.recalibrating import as_calibrated

            return as_calibrated(params, places, arguments.by, now)
        return monitor(params, places, now=now, dry_run=arguments.dry_run)

    return walk(parser, work, argv)


if __name__ == "__main__":
    sys.exit(main())
