"""The champion and the panel at an origin -> the forecast table, mean and quantiles, every series
and level.

reads   the store as of --as-of (default: latest) and its champion;
        `from-panel`: data/panel/ and the candidate
writes  forecasts, forecast_levels, demand_spans and runs in the store; `orders`: orders;
        `from-panel`: data/forecasts/*.parquet and run.json
run     python inference.py [--origin 2016-05-22] [--horizon 28] [--as-of 2016-05-23T06:00]
                            [--series 'FOODS_3_*'] [--memory-budget MB] [--dry-run] [--json]
        python inference.py explain --series FOODS_3_090_CA_1 --ds 2016-05-28
                            one number back to data, model and code
        python inference.py orders [--day DATE]
                            what to order, by the newest table, stock and supply
        python inference.py deliver
                            the newest table and its orders -> a database or bucket
        python inference.py override --where dept_id=FOODS_3 --from DATE --to DATE --percent 20
                            --by ada --reason '...'      what a person says of a group's days
        python inference.py overrides | revoke 12 --by ada    those there are; one taken back
        python inference.py span --series ID --from DATE --to DATE --service 0.9
                            demand of several days together
        python inference.py changes | export [--form csv] | models | snapshot
                            about what was published
        python inference.py from-panel    the offline table
        python inference.py publish       its newest result -> the store
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING

from contract.question import NEWEST, Question
from queries.tasks import OF_FORECASTS
from runtime.command_line import Summary, Task, run_tasks
from runtime.memory import forget_peak
from stages.arguments import params_and_paths
from stages.inference_tasks import (
    DELIVER,
    FROM_PANEL,
    ORDERS,
    PUBLISH,
    question_arguments,
    question_of,
)
from stages.override_tasks import OVERRIDE, REVOKE

if TYPE_CHECKING:
    from contract.params import Params
    from runtime.paths import Paths


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
    from forecasting.publication import serving_of
    from forecasting.served import given_rows, watch_serving, watched
    from forecasting.table import forecast_table, repeated_table, summary_of_table
    from scaling.scratch import own_folder
    from stages.infer_in_parts import Moment, infer_in_parts, read_in_parts
    from stages.inference_inputs import (
        decided_champion,
        last_table,
        read_whole,
        reading_of,
        serving_champion,
    )
    from stages.shadow import cast_shadow
    from stages.write_table import log_table, write_table
    from storage.store import read_store

    forget_peak()
    serving = serving_champion(params, paths)
    with ExitStack() as until_written:
        with read_store(paths.store, params.ingest.lock_wait_s) as con:
            champion = decided_champion(con, serving, question)
            reading = reading_of(con, params, champion, question)
            if reading.parts is None:
                panel = read_whole(con, params, reading, question)
                repeated = last_table(con, question) if panel.sales.is_empty() else None
            else:
                folder = until_written.enter_context(own_folder(paths.parts))
                parts = read_in_parts(con, params, reading, folder)
        if reading.parts is not None:
            moment = Moment(now, dry_run)
            return infer_in_parts(params, paths, champion, parts, question, moment)

    watch_serving(champion.model, watched(panel, params.monitor.parity_series))
    if repeated is None:
        table = forecast_table(params, panel, serving_of(params, champion), question)
    else:
        table = repeated_table(params, panel, repeated, now.date())
    status = question.status(params.train.horizon, panel.last_day if repeated is None else None)
    summary = summary_of_table(table) | {"status": status}
    if dry_run:
        return summary | {"written": None}
    write_table(params, paths, table, given_rows(champion.model), status, now)
    log_table(summary)
    if status == "done" and repeated is None:
        cast_shadow(params, paths, panel, table.rows["origin"][0], now)
    return summary | {"written": str(paths.store)}


def _infer(arguments: Namespace) -> Summary:
    """Publish the forecast table that the arguments name."""
    params, paths = params_and_paths(arguments)
    question, now = question_of(arguments, params), arguments.started_at
    return infer(params, paths, now=now, question=question, dry_run=arguments.dry_run)


def _arguments(parser: ArgumentParser) -> None:
    question_arguments(parser)
    text = "forecast and say what would be written; write nothing"
    parser.add_argument("--dry-run", action="store_true", help=text)


def main(argv: list[str] | None = None) -> int:
    """The command line: today's table, or the task that is named."""
    return run_tasks(
        __doc__,
        Task(_infer, _arguments),
        [ORDERS, DELIVER, OVERRIDE, REVOKE, *OF_FORECASTS, FROM_PANEL, PUBLISH],
        argv,
    )


if __name__ == "__main__":
    sys.exit(main())
