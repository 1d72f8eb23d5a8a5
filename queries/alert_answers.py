"""What people said to alerts (taken on, muted), as far as it still holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contract.params import Params
from runtime.paths import Paths
from storage.answers import acknowledged, muted
from storage.store import open_store


@dataclass(frozen=True)
class Answers:
    """`muted` causes; `seen` by cause of an open alert: who has taken it on."""

    muted: list[str]
    seen: dict[str, str]

    def told(self, cause: str) -> str:
        """Who has taken it on, for the end of a line."""
        return f" (taken on by {self.seen[cause]})" if cause in self.seen else ""


def answers_at(params: Params, paths: Paths, now: datetime) -> Answers:
    """What was said and still holds at a moment."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        return Answers(muted(con, now), acknowledged(con))
