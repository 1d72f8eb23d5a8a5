"""What Prefect runs as flows and tasks, and how the same is run without it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from prefect import flow, task

from runtime.logs import logged_to
from runtime.paths import Paths
from runtime.process import clock

__all__ = ["Runner", "flow", "in_prefect", "logged", "plainly", "task"]

Runner = Callable[..., dict[str, Any]]  # a task and its arguments -> its summary


def in_prefect(stage: Any, *arguments: object) -> dict[str, Any]:
    """The task as Prefect runs it: retried, recorded."""
    return stage(*arguments)


def plainly(stage: Any, *arguments: object) -> dict[str, Any]:
    """The task's own function, without Prefect."""
    return stage.fn(*arguments)


def logged(data: Path) -> AbstractContextManager[None]:
    """The log of a flow in its data folder, beside Prefect's."""
    return logged_to(Paths(data).logs, clock())
