"""What people say to alerts (taken on, muted, closed by hand), as far as it still holds; and the saying of it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from datetime import datetime, timedelta

from contract.params import Params
from contract.places import Places
from contract.walk import Summary
from storage.answers import acknowledge, acknowledged, mute, muted, resolve
from storage.store import open_store


@dataclass(frozen=True)
class Answers:
    """`muted` causes; `seen` by cause of an open alert: who has taken it on."""

    muted: list[str]
    seen: dict[str, str]

    def told(self, cause: str) -> str:
        """Who has taken it on, for the end of a line."""
        return f" (taken on by {self.seen[cause]})" if cause in self.seen else ""


def answers_at(params: Params, places: Places, now: datetime) -> Answers:
    """What was said and still holds at a moment."""
    with open_store(places.store, params.ingest.lock_wait_s, read_only=True) as con:
        return Answers(muted(con, now), acknowledged(con))


def answer(params: Params, places: Places, said: Namespace, now: datetime) -> Summary:
    """Take an alert on (ack, by), mute a cause for some days, or close an alert by hand (resolve)."""
    with open_store(places.store, params.ingest.lock_wait_s) as con:
        if said.ack is not None:
            return {"acknowledged": acknowledge(con, said.ack, said.by, now), "by": said.by}
        if said.resolve is not None:
            return {"resolved": resolve(con, said.resolve, now)}
        until = now + timedelta(days=said.days)
        mute(con, said.mute, until)
        return {"muted": said.mute, "until": until}
