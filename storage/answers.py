"""What people said to alerts, seen by whom, muted until when, closed by hand; and of which day they
approved the orders. Kept in `meta` and in the journal; a rebuild gives back what is about an alert
that it gives back.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from contract.errors import BadUsage
from storage.connection import Connection
from storage.journal import Entry, Kind, recorded

_MUTE, _SEEN, _APPROVED = "mute:", "seen:", "approved:"


def acknowledge(con: Connection, alert_id: int, by: str, at: datetime) -> str:
    """The cause of the open alert that somebody has taken on. It stays open; BadUsage if there is
    none of this number.
    """
    cause = _open_cause(con, alert_id)
    said = {"by": by, "at": at.isoformat(timespec="minutes")}
    record_said(con, {f"{_SEEN}{alert_id}": json.dumps(said)})
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
    said = {"until": until.isoformat(timespec="minutes")}
    record_said(con, {f"{_MUTE}{cause}": json.dumps(said)})


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
    _record(con, {"closed": {"alert_id": alert_id, "cause": cause, "at": at.isoformat()}})
    return cause


def record_said(con: Connection, said: dict[str, str]) -> None:
    """These keys and values of `meta`, in one transaction and in the journal."""
    _record(con, {"said": said})


def approve_orders(
    con: Connection, order_day: date, by: str, at: datetime, seen: str | None = None
) -> None:
    """Somebody has approved the proposals of a day as they stand; BadUsage where there are none, or
    others than were seen: those proposed at that moment (None: whichever stand).
    """
    query = "select max(created_at) from orders where order_day = $day"
    proposed_at = con.execute(query, {"day": order_day}).fetchall()[0][0]
    if proposed_at is None:
        raise BadUsage(f"no orders of {order_day} are proposed. Run `python inference.py orders`.")
    if seen is not None and seen != proposed_at.isoformat():
        raise BadUsage(
            f"the orders of {order_day} were proposed anew at {proposed_at:%Y-%m-%d %H:%M}, after "
            "you saw them. Look at them again, then approve."
        )
    said = {
        "by": by,
        "at": at.isoformat(timespec="minutes"),
        "proposed_at": proposed_at.isoformat(),
    }
    record_said(con, {f"{_APPROVED}{order_day}": json.dumps(said)})


def approval_of(con: Connection, order_day: date) -> dict[str, str] | None:
    """by, at and proposed_at of the last approval of a day's orders; None: nobody has. Proposals
    that were made anew since have a later `created_at` than its proposed_at.
    """
    key = f"{_APPROVED}{order_day}"
    rows = con.execute("select value from meta where key = $key", {"key": key}).fetchall()
    return json.loads(rows[0][0]) if rows else None


def redo_response(con: Connection, entry: Entry) -> None:
    """Write what an entry says of an alert. Call it inside a transaction."""
    redo_said(con, entry.fields.get("said", {}))
    if closed := entry.fields.get("closed"):
        statement = """
            update alerts set state = 'closed', closed_at = $at::timestamp
            where alert_id = $alert_id and cause = $cause and state = 'open'"""
        con.execute(statement, closed).fetchall()


def redo_said(con: Connection, said: dict[str, str]) -> None:
    """These keys and values of `meta`, but for what was said of an alert that is not there: its
    number will be another's. Call it inside a transaction.
    """
    alerts = {alert_id for (alert_id,) in con.execute("select alert_id from alerts").fetchall()}
    for key, value in said.items():
        if not key.startswith(_SEEN) or int(key.removeprefix(_SEEN)) in alerts:
            statement = "insert or replace into meta values ($key, $value)"
            con.execute(statement, {"key": key, "value": value}).fetchall()


def _open_cause(con: Connection, alert_id: int) -> str:
    query = "select alert_id, cause from alerts where state = 'open' order by alert_id"
    causes: dict[int, str] = dict(con.execute(query).fetchall())
    if alert_id not in causes:
        listed = ", ".join(f"{number} ({cause})" for number, cause in causes.items()) or "none"
        raise BadUsage(f"there is no open alert {alert_id}. Open alerts: {listed}.")
    return causes[alert_id]


def _record(con: Connection, fields: dict[str, Any]) -> None:
    entry = Entry(Kind.RESPONSE, fields)
    with recorded(con, entry):
        redo_response(con, entry)
