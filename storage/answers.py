"""What people said to alerts: seen by whom, muted until when. Kept in `meta`, in no journal."""

from __future__ import annotations

import json
from datetime import datetime

from contract.errors import BadUsage
from storage.connection import Connection
from storage.store import transaction

_MUTE, _SEEN = "mute:", "seen:"


def acknowledge(con: Connection, alert_id: int, by: str, at: datetime) -> str:
    """The cause of the open alert that somebody has taken on. It stays open; BadUsage if there is
    none of this number.
    """
    cause = _open_cause(con, alert_id)
    _keep(con, f"{_SEEN}{alert_id}", {"by": by, "at": at.isoformat(timespec="minutes")})
    return cause


def acknowledged(con: Connection) -> dict[str, str]:
    """By cause of each open alert somebody has taken on: who, and when."""
    query = """
        select a.cause, m.value from alerts a join meta m on m.key = $seen || a.alert_id
        where a.state = 'open'"""
    rows = con.execute(query, {"seen": _SEEN}).fetchall()
    return {cause: "{by}, {at}".format(**json.loads(value)) for cause, value in rows}


def mute(con: Connection, cause: str, until: datetime) -> None:
    """Nothing of this cause, nor of what begins with it (`bias` speaks for `bias:store_id:CA_1`),
    is raised before then.
    """
    _keep(con, f"{_MUTE}{cause}", {"until": until.isoformat(timespec="minutes")})


def muted(con: Connection, now: datetime) -> list[str]:
    """The causes that are muted at a moment."""
    rows = con.execute(
        "select key, value from meta where starts_with(key, $mute) order by key", {"mute": _MUTE}
    ).fetchall()
    return [
        key.removeprefix(_MUTE)
        for key, value in rows
        if datetime.fromisoformat(json.loads(value)["until"]) > now
    ]


def resolve(con: Connection, alert_id: int, at: datetime) -> str:
    """Close one alert by hand; its cause. If the cause stands, the next look raises a new one: mute
    what is known and bearable.
    """
    cause = _open_cause(con, alert_id)
    with transaction(con):
        con.execute(
            "update alerts set state = 'closed', closed_at = $at where alert_id = $alert_id",
            {"at": at, "alert_id": alert_id},
        ).fetchall()
    return cause


def _open_cause(con: Connection, alert_id: int) -> str:
    query = "select alert_id, cause from alerts where state = 'open' order by alert_id"
    causes: dict[int, str] = dict(con.execute(query).fetchall())
    if alert_id not in causes:
        listed = ", ".join(f"{number} ({cause})" for number, cause in causes.items()) or "none"
        raise BadUsage(f"there is no open alert {alert_id}. Open alerts: {listed}.")
    return causes[alert_id]


def _keep(con: Connection, key: str, fields: dict[str, str]) -> None:
    statement = "insert or replace into meta values ($key, $value)"
    with transaction(con):
        con.execute(statement, {"key": key, "value": json.dumps(fields)}).fetchall()
