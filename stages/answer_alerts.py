"""What a person does about an alert: take it on, mute its cause, close it; and about a day's
orders: approve them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from difflib import get_close_matches

from contract.errors import BadUsage
from contract.feeds import FEED_COLUMN
from contract.params import Params
from monitoring.decide import FIRST_CALL, is_muted
from monitoring.signal import group_of
from monitoring.watch import group_columns
from runtime.command_line import Summary
from runtime.json_files import read_json
from runtime.paths import Paths
from stages.said import refuse_name
from storage.alerts import read_alerts
from storage.answers import acknowledge, approve_orders, mute, resolve
from storage.connection import Connection
from storage.series import read_series
from storage.store import open_store

MOST_DAYS = 3650


def acknowledge_alert(
    params: Params, paths: Paths, alert_id: int, by: str, now: datetime
) -> Summary:
    """Somebody has taken the alert on; it stays open."""
    refuse_name(by)
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
        if days:
            _refuse_unknown(cause, _known_causes(con, paths))
        mute(con, cause, until)
    return {"muted": cause, "until": until}


def approve(
    params: Params, paths: Paths, order_day: date, by: str, now: datetime, seen: str
) -> Summary:
    """A day's proposals approved as they were seen: those proposed at that moment."""
    refuse_name(by)
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        approve_orders(con, order_day, by, now, seen)
    return {"approved": order_day, "by": by}


def _known_causes(con: Connection, paths: Paths) -> set[str]:
    """What can be raised here: every watcher, what the newest look named, what was ever raised, and
    each of them of each store and group.
    """
    look = paths.reports / "monitor.json"
    named = read_json(look)["findings"] if look.exists() else []
    raised = {*FIRST_CALL, *(finding["cause"] for finding in named), *read_alerts(con)["cause"]}
    series = read_series(con)
    groups = [
        group_of(column, value)
        for column in group_columns(series)
        for value in series[column].unique()
    ]
    stores = series[FEED_COLUMN].unique() if FEED_COLUMN in series.columns else []
    return raised | {f"{cause}:{part}" for cause in raised for part in [*groups, *stores]}


def _refuse_unknown(cause: str, known: set[str]) -> None:
    """BadUsage for a cause that nothing would ever raise."""
    if any(is_muted(one, [cause]) for one in known):
        return
    close = get_close_matches(cause, sorted(known), n=3) or sorted(FIRST_CALL)
    raise BadUsage(
        f"nothing here is called '{cause}', so nothing would be muted. Alerts are named like "
        f"{', '.join(close)}; table alerts and data/reports/monitor.json name all."
    )
