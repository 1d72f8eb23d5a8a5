"""Alerts: raised once per cause, seen again while it lasts, closed when it is gone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import polars as pl

from contract.severity import RAISED_WORST_FIRST, Raised
from storage.connection import Connection, frame_of


@dataclass(frozen=True)
class Alert:
    """What a person should know. `cause` names what it is about (bias, staleness:CA_1); `what` says
    it in a sentence. `contributors`: the series that contribute most, joined with |; None where it
    is about none.
    """

    cause: str
    severity: Raised
    what: str
    value: float | None
    threshold: float | None
    advice: str
    contributors: str | None = None


def raise_alert(con: Connection, alert: Alert, at: datetime) -> int:
    """The alert_id of the open alert of this cause: a new one, or the one open already with its
    values renewed. Call it inside a transaction.
    """
    query = "select alert_id from alerts where cause = $cause and state = 'open'"
    still_open = con.execute(query, {"cause": alert.cause}).fetchall()
    alert_id = int(still_open[0][0]) if still_open else _next_id(con)
    statement = _SEEN_AGAIN if still_open else _NEW
    con.execute(statement, {**asdict(alert), "at": at, "alert_id": alert_id}).fetchall()
    return alert_id


def close_alert(con: Connection, cause: str, at: datetime) -> bool:
    """Whether an open alert of this cause was there to be closed."""
    statement = """
        update alerts set state = 'closed', closed_at = $at
        where cause = $cause and state = 'open'"""
    closed = con.execute(statement, {"cause": cause, "at": at}).fetchall()
    return bool(closed[0][0])


def open_alerts(con: Connection) -> pl.DataFrame:
    """Open alerts, errors first, then the oldest first."""
    query = """
        select * from alerts where state = 'open'
        order by list_position($worst_first, severity), raised_at, alert_id"""
    return frame_of(con, query, worst_first=list(RAISED_WORST_FIRST))


def read_alerts(con: Connection) -> pl.DataFrame:
    """All alerts ever raised, in that order."""
    return frame_of(con, "select * from alerts order by alert_id")


def last_closed(con: Connection) -> dict[str, datetime]:
    """By cause when an alert of it was last closed."""
    query = "select cause, max(closed_at) from alerts where state = 'closed' group by cause"
    return dict(con.execute(query).fetchall())


def _next_id(con: Connection) -> int:
    query = "select coalesce(max(alert_id), 0) + 1 from alerts"
    return int(con.execute(query).fetchall()[0][0])


_NEW = """
insert into alerts (alert_id, cause, raised_at, last_seen_at, severity, what, value, threshold,
                    advice, state, contributors)
values ($alert_id, $cause, $at, $at, $severity, $what, $value, $threshold, $advice, 'open',
        $contributors)"""

_SEEN_AGAIN = """
update alerts set last_seen_at = $at, severity = $severity, what = $what, value = $value,
                  threshold = $threshold, advice = $advice, contributors = $contributors
where alert_id = $alert_id and cause = $cause"""
