"""Every week in which the watchers see a need (monitor.py's newest decision): freeze what the store
knows, run the offline stages, publish, promote if the gate says so. Every week: make it small.

run     python flows/weekly.py [--plain] [--now 2026-01-30T06:00]    as a Prefect flow or without

The offline stages live in this checkout: params.yaml and data/ are fixed by dvc.yaml.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

# run by path, flows/ stands first on sys.path
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows import ROOT, tasks
from flows.command_line import run_flow
from flows.engine import Runner, flow, in_prefect, logged, plainly
from runtime.command_line import Summary
from runtime.process import clock

PARAMS, DATA = ROOT / "params.yaml", ROOT / "data"


def week(
    run: Runner, params: Path, data: Path, now: datetime, offline: Any = tasks.reproduce
) -> Summary:
    """Summaries by stage. `offline`: the task that runs the offline stages; `reproduce` only for
    this checkout, `run_stages` for any other folder.
    """
    summaries = {"recover": run(tasks.recover_checkout, params)}
    summaries["retrain"] = run(tasks.retraining, params, data, now)
    try:
        if summaries["retrain"]["is_needed"]:
            summaries["freeze"] = run(tasks.freeze_panel, params, data)
            summaries["repro"] = run(offline, params, data)
            summaries["publish"] = run(tasks.publish, params, data, now)
    finally:  # a week without a new model has its seven tables all the same
        summaries["compact"] = run(tasks.make_small, params, data, now)
    return summaries


@flow(name="weekly", timeout_seconds=12 * 3600)
def weekly(now: datetime | None = None) -> Summary:
    """The week as Prefect runs it."""
    with logged(DATA):
        return week(in_prefect, PARAMS, DATA, now or clock())


def plain(now: datetime) -> Summary:
    """The week without Prefect."""
    return week(plainly, PARAMS, DATA, now)


if __name__ == "__main__":
    sys.exit(run_flow(__doc__, weekly, plain, in_checkout=True))
