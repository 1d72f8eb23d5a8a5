"""The catalogue of all faults by name, and the few catastrophic ones that are known and why."""

from __future__ import annotations

from drills.bundle_faults import BUNDLE_FAULTS
from drills.drilling import Result
from drills.file_faults import FILE_FAULTS
from drills.morning_faults import MORNING_FAULTS
from drills.panel_faults import PANEL_FAULTS

LEARNED_FAULTS = ("stale_model", "wrong_model")  # models fitted on another panel: see drilling.bundle_drills

# (fault, strength): why it is catastrophic and shipped nevertheless. Anything else that turns catastrophic fails the build.
NAMED: dict[tuple[str, str], str] = {
    (
        "closed_ahead",
        "1",
    ): "one day marked closed everywhere is what a feast looks like; more than half of the horizon is refused",
    (
        "restated_month",
        "50",
    ): "half as much again is what a better month looks like; noted at the door (volume_unusual), "
    "the bias watcher rings within a week, and a restatement of the restatement mends it",
    (
        "short_history",
        "28",
    ): "with four weeks left no rung is better: the champion loses half, seasonal naive more; rows without "
    "history say so. A store never forgets (bitemporal, journal), so this is a first installation",
    (
        "wrong_model",
        "3",
    ): "put there by hand: no gate would let it pass; at a third of the size it answers within the band that "
    "inference.max_level_jump leaves to seasons, and the bias watcher rings within a week",
    (
        "scrambled_rows",
        "1",
    ): "every total is right, only the items are mixed up: nothing that counts days or groups can see it; drill "
    "scrambled_units says what it costs, the right file mends it",
}


def names() -> list[str]:
    """Every fault's name."""
    every = (*PANEL_FAULTS, *BUNDLE_FAULTS, *FILE_FAULTS, *MORNING_FAULTS)
    return [*(fault.name for fault in every), *LEARNED_FAULTS]


def unexcused(results: list[Result]) -> list[str]:
    """The catastrophic drills that nobody has given a reason for."""
    found = [result for result in results if result["grade"] == "catastrophic"]
    return [f"{r['fault']} {r['strength']}" for r in found if (r["fault"], r["strength"]) not in NAMED]
