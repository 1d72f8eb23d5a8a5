"""What people have done about alerts (taken on, muted), as far as it still holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contract.params import Params
from runtime.paths import Paths
from storage.answers import acknowledged, muted
from storage.store import open_store


@dataclass(frozen=True)
class Answers:
    """`muted` causes; `taken_on_by`: by cause of an open alert, who has."""

    muted: list[str]
    taken_on_by: dict[str, str]

    def note(self, cause: str) -> str:
        """Who has taken it on, for the end of a line."""
        return f" (taken on by {self.taken_on_by[cause]})" if cause in self.taken_on_by else ""


def answers_at(params: Params, paths: Paths, now: datetime) -> Answers:
    """What still holds at a moment."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        return Answers(muted(con, now), acknowledged(con))
