"""The catalogue of all faults by name, and the few catastrophic ones that are known and why."""

from __future__ import annotations

from drills.alert_drills import ALERT_FAULTS
from drills.bundle_faults import BUNDLE_FAULTS
from drills.file_faults import FILE_FAULTS
from drills.morning_faults import MORNING_FAULTS
from drills.order_faults import ORDER_FAULTS
from drills.panel_faults import PANEL_FAULTS
from drills.result import Result

# models fitted on another panel: see drilling.bundle_drills
LEARNED_FAULTS = ("stale_model", "wrong_model")

# fault and strength: why it is catastrophic and shipped nevertheless. Anything else that turns
# catastrophic fails the build.
NAMED = {
    "closed_ahead 1": (
        "One day marked closed everywhere is what a feast looks like; an alert the same morning "
        "where the calendar names none (planned_closed); more than half of the horizon is refused."
    ),
    "other_unit 12": (
        "A dozen times a slow seller's stock is what one case makes of one piece. Most of a store "
        "beyond all of eight weeks by ingest.max_size_jump is refused, and days_of_cover stands on "
        "the line; the right file mends it."
    ),
    "recycled 3": (
        "Three items' numbers among a hundred are within what a range does by itself: no alert "
        "(drift:series) without many false ones. A product needs a number of its own."
    ),
    "restated_month 50": (
        "Half as much again is what a better month looks like. Noted (volume_unusual); an alert on "
        "bias within a week; a restatement of the restatement mends it."
    ),
    "short_history 28": (
        "With four weeks left no rung is better: seasonal naive loses more. Rows without history "
        "say so. A store never forgets (bitemporal, journal), so this is a first installation."
    ),
    "unknown_items 7": (
        "A week after a renumbering the old and the new name are both ordered. Noted "
        "(series_unusual), an alert on fallback the same morning; the sender's list of old and new "
        "numbers mends it."
    ),
    "wrong_model 3": (
        "Put there by hand: no gate would let it pass. It follows what it is shown, so its total "
        "lies within what a shop's seasons do by themselves; an alert on bias within a week."
    ),
}


def names() -> list[str]:
    """Every fault's name."""
    of_files = (*FILE_FAULTS, *ORDER_FAULTS)
    every = (*PANEL_FAULTS, *ALERT_FAULTS, *BUNDLE_FAULTS, *of_files, *MORNING_FAULTS)
    return [*(fault.name for fault in every), *LEARNED_FAULTS]


def unexcused(results: list[Result]) -> list[str]:
    """The catastrophic drills that nobody has given a reason for."""
    catastrophic = [result for result in results if result["grade"] == "catastrophic"]
    names = [f"{result['fault']} {result['strength']}" for result in catastrophic]
    return [name for name in names if name not in NAMED]
