"""The scorecard of a whole run of drills."""

from __future__ import annotations

from typing import Any, get_args

from drills.catalogue import NAMED
from drills.grade import Grade
from drills.result import Result


def scorecard(
    results: list[Result], mornings: list[dict[str, Any]], seconds: float
) -> dict[str, Any]:
    """counts (by grade), named (why a catastrophe is shipped), clean_mornings, drills, seconds."""
    counts = {grade: sum(one["grade"] == grade for one in results) for grade in get_args(Grade)}
    return {
        "counts": counts,
        "named": NAMED,
        "clean_mornings": mornings,
        "drills": results,
        "seconds": round(seconds),
    }


def false_alarms(mornings: list[dict[str, Any]]) -> str:
    """How many alerts the undisturbed mornings raised, in words."""
    alerts = sum(len(morning["alerts"]) for morning in mornings)
    return f"{alerts} on {len(mornings)} undisturbed mornings"
