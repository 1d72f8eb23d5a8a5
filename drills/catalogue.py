"""The catalogue of all faults by name, and the few catastrophic ones that are known and why."""

from __future__ import annotations

from drills.bundle_faults import BUNDLE_FAULTS
from drills.drilling import Result
from drills.file_faults import FILE_FAULTS
from drills.morning_faults import MORNING_FAULTS
from drills.panel_faults import PANEL_FAULTS

LEARNED_FAULTS = ("stale_model", "wrong_model")  # models fitted on another panel: see drilling.bundle_drills

# (fault, strength): why it is catastrophic and shipped nevertheless. Anything else that turns catastrophic fails the build.
NAMED: dict[tuple[str, str], str] = {}


def names() -> list[str]:
    """Every fault's name."""
    every = (*PANEL_FAULTS, *BUNDLE_FAULTS, *FILE_FAULTS, *MORNING_FAULTS)
    return [*(fault.name for fault in every), *LEARNED_FAULTS]


def unexcused(results: list[Result]) -> list[str]:
    """The catastrophic drills that nobody has given a reason for."""
    found = [result for result in results if result["grade"] == "catastrophic"]
    return [f"{r['fault']} {r['strength']}" for r in found if (r["fault"], r["strength"]) not in NAMED]
