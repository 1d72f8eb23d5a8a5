"""Prefect, set before it is imported to stay in this checkout, to report to nobody, and to wait for
its first start.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runtime.process import restrict_umask

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = {
    "PREFECT_HOME": str(ROOT / ".prefect"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # a fresh home migrates its database first: 25 s measured
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}

restrict_umask()
for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)

from prefect import flow, task  # noqa: E402 -- reads its settings when imported

__all__ = ["ROOT", "SETTINGS", "Runner", "flow", "in_prefect", "plainly", "task"]

Runner = Callable[..., dict[str, Any]]  # a task and its arguments -> its summary


def in_prefect(stage: Any, *arguments: object) -> dict[str, Any]:
    """The task as Prefect runs it: retried, recorded."""
    return stage(*arguments)


def plainly(stage: Any, *arguments: object) -> dict[str, Any]:
    """The task's own function, without Prefect."""
    return stage.fn(*arguments)
