"""How bad something is, and the order of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

Severity = Literal["ok", "warning", "error"]
Raised = Literal["warning", "error"]  # of an alert: a person should look, a person must

LEAST_FIRST: tuple[Severity, ...] = get_args(Severity)
WORST_FIRST: tuple[Severity, ...] = LEAST_FIRST[::-1]
RAISED_WORST_FIRST: tuple[Raised, ...] = get_args(Raised)[::-1]


def worst(severities: Iterable[Severity]) -> Severity:
    """The worst of these; ok for none."""
    return max(severities, key=rank, default="ok")


def rank(severity: Severity) -> int:
    """0 ok, 1 warning, 2 error: the exit code of a look at how all is, too."""
    return LEAST_FIRST.index(severity)
