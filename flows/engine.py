"""What Prefect runs as flows and tasks, and how the same is run without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect import flow, task

__all__ = ["Runner", "flow", "in_prefect", "plainly", "task"]

Runner = Callable[..., dict[str, Any]]  # a task and its arguments -> its summary


def in_prefect(stage: Any, *arguments: object) -> dict[str, Any]:
    """The task as Prefect runs it: retried, recorded."""
    return stage(*arguments)


def plainly(stage: Any, *arguments: object) -> dict[str, Any]:
    """The task's own function, without Prefect."""
    return stage.fn(*arguments)
