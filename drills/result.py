"""One drill and its row on the scorecard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Result = dict[str, Any]  # see `result_of`
Kind = Literal["input", "model", "file", "order", "surroundings"]

NOBODY = "nobody"  # in seen_by, where no rule, row or watcher noticed


@dataclass(frozen=True)
class Drill:
    """One fault at one strength: what kind of thing it breaks, and how, in words."""

    fault: str
    strength: int
    kind: Kind
    what: str


def result_of(drill: Drill, outcome: str, grade: str, seen_by: list[str], **more: Any) -> Result:
    """One drill's row. loss, bias, coverage: of the published table, None where none was scored;
    recovery_s, manual_steps: what it takes once the cause is gone; seen_by: the earliest first.
    """
    row = {
        "fault": drill.fault,
        "strength": str(drill.strength),
        "kind": drill.kind,
        "what": drill.what,
        "outcome": outcome,
    }
    scored = dict.fromkeys(("loss", "bias", "coverage", "recovery_s"))
    graded = {"manual_steps": 0, "grade": grade, "seen_by": ", ".join(seen_by) or NOBODY}
    return row | scored | graded | more
