"""Runs whose process died: marked, and started once more, so that a morning killed at 05:20 is not
missing at 06:00.

A flow's process ended by the system (out of memory, power) leaves its run `Running` for ever, and
with it the pool's only slot: nothing would run again. Whoever serves (flows/deploy.py) looks every
few seconds. It must be the pool's only worker: the store is a file on this machine, and a process
is looked for here.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, StateType

RESUMED = "resumed"  # the tag of a run that was started for a crashed one
MOST_RESUMES = 2  # of one morning: what dies three times needs a person
LOOK_BACK = timedelta(hours=6)


def keep(client: SyncPrefectClient, pool: str, *, worker_is_down: bool = False) -> list[str]:
    """Mark the dead, start again what crashed; a sentence for each. `worker_is_down`: a run handed
    out, not begun, is dead too.
    """
    from prefect.client.schemas.objects import StateType

    sentences = [
        _mark(client, run)
        for run in _runs(client, pool, [StateType.RUNNING, StateType.CANCELLING])
        if is_dead(run)
    ]
    if worker_is_down:
        sentences += [
            _mark(client, run)
            for run in _runs(client, pool, [StateType.PENDING])
            if is_dead(run, unless_begun=False)
        ]
    resumed = (_resume(client, run) for run in _runs(client, pool, [StateType.CRASHED]))
    return [*sentences, *(sentence for sentence in resumed if sentence)]


def is_dead(run: FlowRun, unless_begun: bool = True) -> bool:
    """Whether the process of a run is gone. A run that names no process counts as alive, but with
    `unless_begun` False.
    """
    if not run.infrastructure_pid:
        return not unless_begun
    pid = int(run.infrastructure_pid.rpartition(":")[2])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return True  # somebody else's process has the number now
    words = b""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    return bool(words) and b"prefect" not in words


def _runs(client: SyncPrefectClient, pool: str, states: list[StateType]) -> list[FlowRun]:
    """The pool's runs of the last hours in one of these states, oldest first."""
    from prefect.client.schemas import filters, sorting

    since = datetime.now(UTC) - LOOK_BACK
    return client.read_flow_runs(
        flow_run_filter=filters.FlowRunFilter(
            state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=states)),
            expected_start_time=filters.FlowRunFilterExpectedStartTime(after_=since),
        ),
        work_pool_filter=filters.WorkPoolFilter(name=filters.WorkPoolFilterName(any_=[pool])),
        sort=sorting.FlowRunSort.EXPECTED_START_TIME_ASC,
    )


def _mark(client: SyncPrefectClient, run: FlowRun) -> str:
    from prefect.states import Crashed

    message = "its process is gone; found by flows/crashed_runs.py"
    client.set_flow_run_state(run.id, Crashed(message=message), force=True)
    return f"run {run.name} marked crashed: {message}"


def _resume(client: SyncPrefectClient, run: FlowRun) -> str | None:
    """A new run of the same deployment for a crashed one, once; the flows are idempotent, so what
    was done is not done twice.
    """
    tries = sum(tag.startswith(RESUMED) for tag in run.tags)
    if run.deployment_id is None or tries >= MOST_RESUMES:
        return None
    marks = [*(tag for tag in run.tags if tag.startswith(RESUMED)), f"{RESUMED}-{tries + 1}"]
    again = client.create_flow_run_from_deployment(
        run.deployment_id,
        parameters=run.parameters,
        tags=marks,
        idempotency_key=f"{RESUMED}-{run.id}",
    )
    is_new = again.created is not None and (datetime.now(UTC) - again.created) < timedelta(
        seconds=5
    )
    return f"run {run.name} started again as {again.name}" if is_new else None
