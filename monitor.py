"""Forecasts and inputs against what happened since -> findings, alerts, and whether to retrain; and
the report people read.

reads   the store: sales, batches, quarantine, forecasts whose days are known by now, scores,
        models; params.yaml: monitor
writes  alerts, runs and what was sent in the store, data/reports/monitor.json and watch.html;
        `report`, from files only, index.html and series/
run     python monitor.py [--now 2026-01-30T06:00] [--dry-run] [--json]
              [--parts N] [--on ENGINE] [--memory-budget MB]
        python monitor.py report     the offline stage `report`
        python monitor.py planner    the planner's page of the newest table
        python monitor.py notify     what is news to the addresses of TILLCAST_NOTIFY
        python monitor.py health     a line for each thing; exit code 0 ok, 1 warning, 2 error
        python monitor.py ack 12 --by ada | resolve 12 | mute bias:store_id:CA_1 --days 3
                                     what a person does about an alert
        python monitor.py as-calibrated --by ada
                                     the champion's intervals as its backtest taught them
"""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from queries.tasks import HEALTH, PLANNER
from runtime.command_line import Summary, Task, add_memory_budget, run_tasks
from runtime.json_files import write_json
from runtime.memory import forget_peak
from stages.arguments import add_now, add_scale, moment_of, params_and_paths
from stages.monitor_tasks import TASKS

if TYPE_CHECKING:
    from contract.params import Params
    from monitoring.finding import Finding
    from monitoring.look import Looked
    from queries.alert_answers import Answers
    from runtime.paths import Paths

log = logging.getLogger("monitor")

_LOG_LEVELS = {"ok": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def monitor(params: Params, paths: Paths, *, now: datetime, dry_run: bool = False) -> Summary:
    """Look at everything, raise an alert per cause, close those that are gone, send the news, say
    whether to retrain.
    """
    from contract.severity import worst
    from monitoring.decide import decide_retraining, is_muted, to_raise
    from queries.alert_answers import answers_at
    from reports.watch import write_watch_page
    from stages.notify import notify_of_look
    from stages.raise_alerts import raise_alerts
    from stages.recalibrate import recalibrate
    from stages.shadow import shadow_so_far

    forget_peak()
    looked = look_at_all(params, paths, now)
    findings = looked.findings
    _log_findings(findings)

    retrain = decide_retraining(findings, params.monitor.retrain_every_days)
    answers = answers_at(params, paths, now)
    loud = [finding for finding in to_raise(findings) if not is_muted(finding.cause, answers.muted)]
    summary = {
        "worst": worst(finding.severity for finding in findings),
        "watched": len(findings),
        "attention": _attention(loud, answers),
        "retrain": asdict(retrain),
        "muted": answers.muted,
    }
    if dry_run:
        return summary

    summary |= raise_alerts(params, paths, findings, loud, retrain, now)
    summary |= notify_of_look(params, paths, now)
    summary["recalibrated"] = recalibrate(params, paths, looked.scaling, now)
    shadow = shadow_so_far(params, paths)
    summary["shadow"] = shadow.sentence if shadow else None
    every = {"findings": [{"cause": finding.cause, **asdict(finding)} for finding in findings]}
    write_json(paths.reports / "monitor.json", {"now": now, **summary, **every, **looked.outcomes})
    page = write_watch_page(paths.reports)
    app_url = params.monitor.notify.app_url
    return summary | {"page": f"{app_url.rstrip('/')}/{page.name}" if app_url else str(page)}


def look_at_all(params: Params, paths: Paths, now: datetime) -> Looked:
    """What all watchers find, in one or in as many parts as memory takes."""
    from queries.evidence import known_at, look, published_tables, rules_of
    from stages.look_in_parts import laid_for_look, parts_of_look
    from storage.store import open_store

    with ExitStack() as until_found:
        # parts, what is known and the files of a look are of one moment
        with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
            published = published_tables(con, params)
            parts = parts_of_look(con, params, published)
            if parts is not None:
                known = known_at(con, params, paths, now, published)
                laid = laid_for_look(con, params, paths, known, parts)
                look_in_parts = until_found.enter_context(laid)
        if parts is None:
            return look(params, paths, now)
        return look_in_parts(rules_of(params))


def _attention(loud: list[Finding], answers: Answers) -> str:
    """A line for each alert: severity, cause, sentence, and who has taken it on."""
    return "\n".join(
        f"{finding.severity} {finding.cause}: {finding.what}{answers.note(finding.cause)}"
        for finding in loud
    )


def _log_findings(findings: list[Finding]) -> None:
    for finding in findings:
        log.log(_LOG_LEVELS[finding.severity], "watched cause=%s %s", finding.cause, finding.what)


def _monitor(arguments: Namespace) -> Summary:
    """Look, raise and close alerts, decide on retraining."""
    from storage.store import refuse_older

    params, paths = params_and_paths(arguments)
    if arguments.dry_run:
        refuse_older(paths.store, params.ingest.lock_wait_s)
    return monitor(params, paths, now=moment_of(arguments), dry_run=arguments.dry_run)


def _arguments(parser: ArgumentParser) -> None:
    add_now(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="look and say; write nothing that stays"
    )
    add_scale(parser)
    add_memory_budget(parser)


def main(argv: list[str] | None = None) -> int:
    """The command line: a look, or the task that is named."""
    return run_tasks(__doc__, Task(_monitor, _arguments), [HEALTH, PLANNER, *TASKS], argv)


if __name__ == "__main__":
    sys.exit(main())
