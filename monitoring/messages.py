"""What is news to an address: open alerts against those it holds for open."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from contract.messages import Held, Message, Row
from contract.params import NotifyParams
from contract.severity import RAISED_WORST_FIRST, rank
from contract.written import LOCAL
from monitoring.decide import is_muted


def message_of(
    alerts: list[Row], held: Held, muted: list[str], due: Collection[str], *, errors_only: bool
) -> Message:
    """The news of open alerts to an address that holds some for open.

    `due`: the severities that may be sent now. A warning that became an error is worse; the other
    way round nothing is said until it is over.
    """
    wanted = [row for row in alerts if row["severity"] == "error" or not errors_only]
    loud = [row for row in wanted if not is_muted(row["cause"], muted)]
    sendable = [row for row in loud if row["severity"] in due]
    new = [row for row in sendable if row["cause"] not in held]
    worse = [
        row
        for row in sendable
        if rank(row["severity"]) > rank(held.get(row["cause"], row)["severity"])
    ]
    standing = {row["cause"] for row in wanted}
    over = {
        cause: row
        for cause, row in held.items()
        if cause not in standing and row["severity"] in due
    }
    known = held.keys() | {row["cause"] for row in new}
    return Message(new, worse, over, [row for row in wanted if row["cause"] in known])


def severities_due(now: datetime, params: NotifyParams) -> list[str]:
    """Which severities may be sent at a moment (UTC without zone)."""
    zone = None if params.timezone == LOCAL else ZoneInfo(params.timezone)
    hour = now.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).hour
    hours = {"error": params.error_hours, "warning": params.warning_hours}
    return [name for name in RAISED_WORST_FIRST if hours[name][0] <= hour < hours[name][1]]
