"""Alerts sent to the addresses of the environment: to each what is news to it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from contract.errors import BadUsage
from contract.messages import Message
from contract.params import Params
from monitoring.messages import message_of, severities_due
from reports.message import body_of, title_of
from runtime.channels import FILE, URLS, Channel, channels
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.alerts import open_alerts
from storage.answers import acknowledged, muted
from storage.notices import Noticed, read_noticed, record_noticed
from storage.store import open_store

log = logging.getLogger("monitor")

_NO_ADDRESS = (
    f"no address to send to. Put one into the environment as {URLS}, such as "
    f"mailto://user:password@host?to=ada@example.org, or name a file of them as {FILE}."
)


@dataclass(frozen=True)
class Due:
    """What one channel is to be sent, and what it was sent before."""

    channel: Channel
    message: Message
    title: str
    body: str
    before: Noticed

    def send(self) -> Noticed:
        """What the channel was sent once this is tried: this too, or why not."""
        if problem := self.channel.send(self.title, self.body):
            return Noticed(self.before.alerts, self.before.tries + 1, problem)
        return Noticed(self.message.held_after(self.before.alerts))


def notify_of_look(params: Params, paths: Paths, now: datetime) -> Summary:
    """As `notify`, after a look: addresses that cannot be read do not make it fail, and without any
    nothing is sent.
    """
    try:
        found = channels()
    except BadUsage as unreadable:
        log.error("undelivered reason=%s", unreadable)
        return {"sent": {}, "undelivered": {"addresses": str(unreadable)}}
    return _send(params, paths, found, now)


def notify(params: Params, paths: Paths, now: datetime, *, dry_run: bool = False) -> Summary:
    """To each address what is news to it and due by now. BadUsage where there is no address."""
    found = channels()
    if not found:
        raise BadUsage(_NO_ADDRESS)
    if not dry_run:
        return _send(params, paths, found, now)
    due = _due(params, paths, found, now)[0]
    return {"would_send": {one.channel.name: f"{one.title}\n\n{one.body}" for one in due}}


def try_channels(params: Params) -> Summary:
    """A message without news to every address; which of them it did not reach, and why."""
    found = channels()
    if not found:
        raise BadUsage(_NO_ADDRESS)
    title, body = f"tillcast {params.source.kind}: a test", "Alerts will be sent to this address."
    problems = {channel.name: channel.send(title, body) for channel in found}
    return {
        "sent": [name for name, problem in problems.items() if problem is None],
        "undelivered": {name: problem for name, problem in problems.items() if problem},
    }


def _send(params: Params, paths: Paths, found: list[Channel], now: datetime) -> Summary:
    due, known = _due(params, paths, found, now)
    after = {one.channel.name: one.send() for one in due}
    names = {channel.name for channel in found}
    # an address that is gone holds nothing and misses nothing
    gone = {name: Noticed() for name in known.keys() - names if known[name] != Noticed()}
    if after or gone:
        with open_store(paths.store, params.ingest.lock_wait_s) as con:
            record_noticed(con, after | gone)
    undelivered = {name: noticed.problem for name, noticed in after.items() if noticed.problem}
    for name, problem in undelivered.items():
        log.error("undelivered channel=%s reason=%s", name, problem)
    sent = {one.channel.name: one.title for one in due if one.channel.name not in undelivered}
    return {"sent": sent, "undelivered": undelivered}


def _due(
    params: Params, paths: Paths, found: list[Channel], now: datetime
) -> tuple[list[Due], dict[str, Noticed]]:
    """What each channel is to be sent now, and what all of them were sent before."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        alerts, known = open_alerts(con).to_dicts(), read_noticed(con)
        quiet, taken_on_by = muted(con, now), acknowledged(con)
    severities, due = severities_due(now, params.monitor.notify), []
    for channel in found:
        before = known.get(channel.name, Noticed())
        message = message_of(
            alerts, before.alerts, quiet, severities, errors_only=channel.errors_only
        )
        if message.is_news:
            title = title_of(message, params.source.kind)
            body = body_of(message, taken_on_by, params.monitor.notify.app_url)
            due.append(Due(channel, message, title, body, before))
    return due, known
