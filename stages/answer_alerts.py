"""What a person does about an alert: take it on, mute its cause, close it; and about a day's
orders: approve them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from contract.errors import BadUsage
from contract.params import Params
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.answers import acknowledge, approve_orders, mute, resolve
from storage.store import open_store

MOST_DAYS = 3650


def acknowledge_alert(
    params: Params, paths: Paths, alert_id: int, by: str, now: datetime
) -> Summary:
    """Somebody has taken the alert on; it stays open."""
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        return {"acknowledged": acknowledge(con, alert_id, by, now), "by": by}


def resolve_alert(params: Params, paths: Paths, alert_id: int, now: datetime) -> Summary:
    """The alert closed by hand."""
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        return {"resolved": resolve(con, alert_id, now)}


def mute_cause(params: Params, paths: Paths, cause: str, days: float, now: datetime) -> Summary:
    """Nothing of this cause is raised for so many days; 0 lifts it."""
    if not 0 <= days <= MOST_DAYS:
        raise BadUsage(f"--days {days:g} is no time to mute for. Give 0 (lifts it) to {MOST_DAYS}.")
    until = now + timedelta(days=days)
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        mute(con, cause, until)
    return {"muted": cause, "until": until}


def approve(params: Params, paths: Paths, order_day: date, by: str, now: datetime) -> Summary:
    """A day's proposals approved as they stand."""
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        approve_orders(con, order_day, by, now)
    return {"approved": order_day, "by": by}
