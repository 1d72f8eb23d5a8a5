"""The entry points and stages as Prefect tasks: one task a stage, paths in, summaries out."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import evaluate
import inference
import ingest
import monitor
import train
from contract.errors import RemoteUnreachable, StoreBusy, TillcastError, WorkersUnreachable
from contract.params_file import load_params
from contract.question import NEWEST
from flows import ROOT
from flows.engine import task
from queries.changes import changes
from queries.export import snapshot
from queries.planner import renew_planner_page
from reports.watch import write_watch_page
from runtime.command_line import Summary
from runtime.json_files import write_json
from runtime.paths import Paths
from runtime.process import path_with_python
from stages import publish as publishing
from stages.choose_recipe import choose_recipe
from stages.compact import compact
from stages.deliver import deliver_if_wanted
from stages.forecast_panel import forecast_panel
from stages.freeze import check_panel, freeze
from stages.incumbent import name_incumbent
from stages.order import order
from stages.profile_features import profile_features
from stages.recover import recover
from stages.report import report
from stages.store_name import store_name
from storage.decisions import newest_decision
from storage.store import check_owner, open_store

PASSING = StoreBusy | RemoteUnreachable | WorkersUnreachable


def worth_retrying(_task: Any, _run: Any, state: Any) -> bool:
    """A busy store or an outage may pass; what was refused for its content is refused again."""
    return isinstance(state.data, PASSING) or not isinstance(state.data, TillcastError)


_PATIENT = {
    "retries": 3,
    "retry_delay_seconds": [30, 120, 300],
    "retry_condition_fn": worth_retrying,
}


@task(**_PATIENT)
def take_inbox(params: Path, data: Path, now: datetime) -> Summary:
    """ingest.py: whatever lies in the inbox."""
    return ingest.ingest(load_params(params), Paths(data), now=now)


@task(**_PATIENT)
def forecast(params: Path, data: Path, now: datetime) -> Summary:
    """inference.py: today's table."""
    return inference.infer(load_params(params), Paths(data), now=now)


@task(**_PATIENT)
def propose(params: Path, data: Path, now: datetime) -> Summary:
    """inference.py orders: what to order by today's table."""
    return order(load_params(params), Paths(data), now=now)


@task(**_PATIENT)
def publish_elsewhere(params: Path, data: Path, now: datetime) -> Summary:
    """inference.py deliver: the table and its orders, where others read them, if anywhere."""
    return deliver_if_wanted(load_params(params), Paths(data), now=now)


@task(**_PATIENT)
def look(params: Path, data: Path, now: datetime) -> Summary:
    """monitor.py: findings, alerts, the retrain decision."""
    return monitor.monitor(load_params(params), Paths(data), now=now)


@task(**_PATIENT)
def hand_out(params: Path, data: Path) -> Summary:
    """The copy of the store that dashboards read, the planner's page of this morning, and what
    changed since the table before, for the page of alerts.
    """
    loaded, paths = load_params(params), Paths(data)
    changed = changes(loaded, paths)
    write_json(paths.reports / "changes.json", changed)
    write_watch_page(paths.reports)
    copied = snapshot(loaded, paths)
    renew_planner_page(loaded, paths)
    return {"changed_since": changed["since"], **copied}


@task
def recover_checkout(params: Path) -> Summary:
    """What a kill left half where these params lie, put right or refused."""
    return recover(params)


@task(**_PATIENT)
def retraining(params: Path, data: Path, now: datetime) -> Summary:
    """monitor.py's newest decision on retraining and its reason. Where nobody has looked for a
    week, it is needed.
    """
    loaded = load_params(params)
    with open_store(Paths(data).store, loaded.ingest.lock_wait_s, read_only=True) as con:
        check_owner(con, store_name(loaded.source))  # params that lost a shop's own lines
        decision = newest_decision(con, "retrain", since=now - timedelta(days=7))
    trigger, reason = (
        (decision.outcome, decision.reason)
        if decision
        else ("unwatched", "no decision on record for a week")
    )
    return {"is_needed": trigger != "none", "trigger": trigger, "reason": reason}


@task(**_PATIENT)
def freeze_panel(params: Path, data: Path) -> Summary:
    """ingest.py freeze, evaluate.py incumbent: the store as files, and the champion the candidate
    must beat.
    """
    loaded, paths = load_params(params), Paths(data)
    return freeze(loaded, paths) | name_incumbent(loaded, paths)


@task(**_PATIENT)
def make_small(params: Path, data: Path, now: datetime) -> Summary:
    """ingest.py compact: what is too old goes, store and journal give back its space."""
    return compact(load_params(params), Paths(data), now=now)


@task
def reproduce(params: Path, data: Path) -> Summary:
    """dvc repro in this checkout, whose params and data these are: train, evaluate, decide,
    forecast, report, where anything changed.

    The panel just frozen, and the champion beside it, are committed first. Stage `panel` depends on
    the source's own files, which a day from the inbox does not change: dvc would take the frozen
    panel for a damaged output and put back the one in its cache, so that no week would ever learn
    anything new (seen on 2026-11-23, tests/flows/test_versions.py).
    """
    _dvc("commit", "--force", "panel", "incumbent")
    _dvc("repro")
    return {"reproduced": str(ROOT / "dvc.yaml")}


# a flow that was killed is started again: its dvc must not go on beside the second one's
_DVC_ENDING_WITH_THIS = """
import sys
from runtime.process import end_with_parent
end_with_parent()
from dvc.cli import main
sys.exit(main(sys.argv[1:]))
"""


def _dvc(*arguments: str) -> None:
    command = [sys.executable, "-c", _DVC_ENDING_WITH_THIS, *arguments]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path_with_python()}, check=True)  # noqa: S603 -- our own command


@task
def run_stages(params: Path, data: Path) -> Summary:
    """The offline stages over any data folder, in DVC's order and without its cache: what a replay
    runs every Sunday.

    The panel was frozen before. The gate's decision is in the summary.
    """
    loaded, paths = load_params(params), Paths(data)
    check_panel(loaded, paths)
    profile_features(loaded, paths)
    choose_recipe(loaded, paths)
    train.train(loaded, paths)
    scored = evaluate.evaluate(loaded, paths)
    forecast_panel(loaded, paths, NEWEST)
    report(loaded, paths)
    return {"decision": scored["decision"], "leaderboard": scored["leaderboard"]}


@task(**_PATIENT)
def publish(params: Path, data: Path, now: datetime) -> Summary:
    """inference.py publish: model, scores and forecasts into the store; promotes if the gate said
    so.
    """
    return publishing.publish(load_params(params), Paths(data), now=now)
