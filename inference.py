"""The champion and the panel at an origin -> the forecast table, mean and quantiles, every series
and level.

reads   the store as of --as-of (default: latest) and its champion; `from-panel`: data/panel/ and
the candidate
writes  forecasts, forecast_levels and runs in the store; `from-panel`: data/forecasts/*.parquet and
run.json
run     python inference.py [--origin 2016-05-22] [--horizon 28] [--as-of 2016-05-23T06:00]
[--series 'FOODS_3_*']
                            [--memory-budget MB] [--dry-run] [--json]
        python inference.py explain --series FOODS_3_090_CA_1 --ds 2016-05-28    one number back to
        data, model and code
        python inference.py changes | export [--form csv] | models | snapshot    about what was
        published
        python inference.py from-panel    the offline table;  publish    its newest result -> the
        store
"""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser, Namespace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from contract.params import Params
from contract.params_file import load_params
from contract.question import NEWEST, Question
from queries.tasks import OF_FORECASTS
from runtime.command_line import Summary, Task, run_tasks
from runtime.memory import forget_peak, peak_mb, refuse_beyond
from runtime.paths import Paths
from runtime.process import clock, git_commit
from stages.inference_tasks import FROM_PANEL, PUBLISH, question_arguments, question_of

if TYPE_CHECKING:
    from contract.panel import Panel
    from forecasting.champion import Champion
    from forecasting.table import ForecastTable

log = logging.getLogger("inference")

# beyond what the champion reads: for what guards it and falls back for it, and for late feeds
SPARE_DAYS = 182


def infer(
    params: Params,
    paths: Paths,
    *,
    now: datetime,
    question: Question = NEWEST,
    dry_run: bool = False,
) -> Summary:
    """The store's panel and champion -> forecasts and their run, written to the store in one
    transaction.
    """
    from forecasting.ladder import who_serves
    from forecasting.publication import serving_of
    from forecasting.recalibration import with_interval_scale
    from forecasting.served import watch_serving
    from forecasting.table import forecast_table, repeated_table, summary_of_table
    from stages.shadow import cast_shadow
    from storage.decisions import newest_interval_scale
    from storage.forecasts import latest_forecast_levels, latest_forecasts
    from storage.models import in_line
    from storage.store import open_store

    forget_peak()
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        models = in_line(con)
    champion, reason = who_serves(paths.registry, models, paths.backtest)
    if champion.why_none:
        log.warning(
            "champion=%s serves=%s reason=%s", models[:1], champion.model_id, champion.why_none
        )

    last_table = None
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        decided = (
            newest_interval_scale(con, champion.model_id, question.as_of)
            if champion.model_id
            else None
        )
        champion = with_interval_scale(champion, decided.detail if decided else None)
        panel = _read_panel(con, params, champion, question)
        if panel.sales.is_empty() and question == NEWEST:
            last_table = latest_forecasts(con), latest_forecast_levels(con)

    watch_serving(champion.model, panel, params.monitor.parity_series)
    if last_table is None:
        table = forecast_table(params, panel, serving_of(params, champion, reason), question)
    else:
        table = repeated_table(params, panel, last_table, now.date())
    status = question.status(params.train.horizon, panel.last_day if last_table is None else None)
    summary = summary_of_table(table) | {"status": status}
    _log_table(table, summary)
    if dry_run:
        return summary | {"written": None}
    _write(params, paths, champion, table, status, now)
    if status == "done" and last_table is None:
        cast_shadow(params, paths, panel, table.rows["origin"][0], now)
    return summary | {"written": str(paths.store)}


def _read_panel(con: Any, params: Params, champion: Champion, question: Question) -> Panel:
    """The store's panel: all of it for a question about an earlier state, else the days the
    champion reads.
    """
    from forecasting.footprint import Shape, to_forecast
    from storage.panel import counts_since, last_sales_day, read_panel, read_tail

    last = last_sales_day(con)
    days = SPARE_DAYS + (champion.model.days_back if champion.model else 0)
    since = (
        None if last is None or question.as_of or question.origin else last - timedelta(days=days)
    )
    needs = to_forecast(
        Shape(**counts_since(con, since)), params, question.horizon or params.train.horizon
    )
    log.info(
        "memory %s", refuse_beyond(needs, "give each group of stores a data folder of its own")
    )
    if since is None:
        return read_panel(con, question.as_of)
    return read_tail(con, since, params.features.max_stockout_share)


def _write(
    params: Params,
    paths: Paths,
    champion: Champion,
    table: ForecastTable,
    status: str,
    now: datetime,
) -> None:
    """The table, its levels and its run in one transaction; the feature rows it was served with
    beside it.
    """
    from forecasting.served import keep_served
    from storage.forecasts import publish
    from storage.runs import Run
    from storage.store import open_store

    if status == "done":
        keep_served(champion.model, paths.served, table.run_id)
    taken = {"started_at": now, "ended_at": clock(), "peak_mb": peak_mb()}
    run = Run(**table.lineage, **taken, status=status, git_commit=git_commit())
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        publish(con, run, table.rows.with_columns(created_at=now), table.levels)


def _log_table(table: ForecastTable, summary: Summary) -> None:
    fallback = sum(summary["fallback_rows"].values())
    log.info("forecast run_id=%s rows=%d fallback=%d", table.run_id, table.rows.height, fallback)
    if table.levels_left_out:
        log.warning(
            "levels_left_out=%s reason=no calibration, train and evaluate again",
            table.levels_left_out,
        )


def _infer(arguments: Namespace) -> Summary:
    """Publish the forecast table the arguments ask for."""
    params = load_params(arguments.params)
    question, now = question_of(arguments, params), arguments.started_at
    return infer(
        params, Paths(arguments.data), now=now, question=question, dry_run=arguments.dry_run
    )


def _arguments(parser: ArgumentParser) -> None:
    question_arguments(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="forecast and say what would be written; write nothing",
    )


def main(argv: list[str] | None = None) -> int:
    """The command line: today's table, or the task that is named."""
    return run_tasks(__doc__, Task(_infer, _arguments), [*OF_FORECASTS, FROM_PANEL, PUBLISH], argv)


if __name__ == "__main__":
    sys.exit(main())
