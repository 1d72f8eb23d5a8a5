"""The doors as Prefect tasks: one task a stage, paths in, summaries out."""

from __future__ import annotations

import json
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
from contract.errors import StoreBusy, TillcastError
from contract.params import load_params
from contract.places import Places
from contract.walk import Summary
from desk.changes import changes
from desk.handing_over import snapshot
from flows.engine import ROOT, task
from reports.watch import write_watch_page
from storage.decisions import newest_decision
from storage.store import open_store


def worth_retrying(_task: Any, _run: Any, state: Any) -> bool:
    """A busy store or an outage may pass; what was refused for its content is refused again."""
    return isinstance(state.data, StoreBusy) or not isinstance(state.data, TillcastError)


_PATIENT = {"retries": 3, "retry_delay_seconds": [30, 120, 300], "retry_condition_fn": worth_retrying}


@task(**_PATIENT)
def take_inbox(params: Path, data: Path, now: datetime) -> Summary:
    """ingest.py: whatever lies in the inbox."""
    return ingest.ingest(load_params(params), Places(data), now=now)


@task(**_PATIENT)
def forecast(params: Path, data: Path, now: datetime) -> Summary:
    """inference.py: today's table."""
    return inference.infer(load_params(params), Places(data), now=now)


@task(**_PATIENT)
def look(params: Path, data: Path, now: datetime) -> Summary:
    """monitor.py: findings, alerts, the retrain decision."""
    return monitor.monitor(load_params(params), Places(data), now=now)


@task(**_PATIENT)
def hand_out(params: Path, data: Path) -> Summary:
    """desk: the copy of the store that dashboards read, and what changed since the table before, for the page of alarms."""
    known, places = load_params(params), Places(data)
    told = changes(known, places)
    places.reports.mkdir(parents=True, exist_ok=True)
    (places.reports / "changes.json").write_text(json.dumps(told, indent=1, default=str) + "\n", encoding="utf-8")
    write_watch_page(places.reports)
    return {"changed_since": told["since"], **snapshot(known, places)}


@task(**_PATIENT)
def retraining(params: Path, data: Path, now: datetime) -> Summary:
    """monitor.py's newest decision on retraining and its reason. Where nobody has looked for a week, it is needed."""
    with open_store(Places(data).store, load_params(params).ingest.lock_wait_s, read_only=True) as con:
        told = newest_decision(con, "retrain", since=now - timedelta(days=7))
    trigger, reason = (told.outcome, told.reason) if told else ("unwatched", "no decision on record for a week")
    return {"is_needed": trigger != "none", "trigger": trigger, "reason": reason}


@task(**_PATIENT)
def freeze_panel(params: Path, data: Path) -> Summary:
    """ingest.py --freeze, evaluate.py --incumbent: the store as files, and the champion the candidate must beat."""
    known, places = load_params(params), Places(data)
    return ingest.freeze(known, places) | evaluate.name_incumbent(known, places)


@task
def reproduce() -> Summary:
    """dvc repro in this checkout: train, evaluate, decide, forecast, report, where anything changed.

    The panel just frozen, and the champion beside it, are committed first. Stage `panel` depends on the source's own files, which
    a day from the inbox does not change: dvc would take the frozen panel for a damaged output and put back the one in its
    cache, so that no week would ever learn anything new (seen on 2026-11-23, tests/flows/test_versions.py).
    """
    _dvc("commit", "--force", "panel", "incumbent")
    _dvc("repro")
    return {"reproduced": str(ROOT / "dvc.yaml")}


def _dvc(*arguments: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # stages say `python`
    command = [sys.executable, "-m", "dvc", *arguments]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=True)  # noqa: S603 -- our own command


def by_hand(params: Path, data: Path) -> Summary:
    """The laboratory's stages over any data folder, in DVC's order and without its cache: what a replay walks every Sunday.

    The panel was frozen before. The gate's decision is in the summary.
    """
    known, places = load_params(params), Places(data)
    ingest.check_panel(known, places)
    train.profile(known, places)
    train.train(known, places)
    scored = evaluate.evaluate(known, places)
    inference.infer_from_panel(known, places)
    monitor.report(known, places)
    return {"decision": scored["decision"], "leaderboard": scored["leaderboard"]}


@task(**_PATIENT)
def publish(params: Path, data: Path, now: datetime) -> Summary:
    """inference.py --publish: model, scores and forecasts into the store; promotes if the gate said so."""
    return inference.publish(load_params(params), Places(data), now=now)
