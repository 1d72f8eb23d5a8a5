"""Alerts: raised once per cause, seen again while it lasts, closed when it is gone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import duckdb
import polars as pl

from storage.store import transaction


@dataclass(frozen=True)
class Alert:
    """What a person should know. `cause` names what it is about (bias, staleness:CA_1); `what` says
    it in a sentence.
    """

    cause: str
    severity: Literal["warning", "error"]
    what: str
    value: float | None
    threshold: float | None
    advice: str


def raise_alert(con: duckdb.DuckDBPyConnection, alert: Alert, at: datetime) -> int:
    """The alert_id of the open alert of this cause: a new one, or the one open already with its
    values renewed.
    """
    with transaction(con):
        query = "select alert_id from alerts where cause = $cause and state = 'open'"
        known = con.execute(query, {"cause": alert.cause}).fetchall()
        alert_id = known[0][0] if known else _next_id(con)
        statement = _SEEN_AGAIN if known else _NEW
        con.execute(statement, {**asdict(alert), "at": at, "alert_id": alert_id}).fetchall()
    return alert_id


def close_alert(con: duckdb.DuckDBPyConnection, cause: str, at: datetime) -> bool:
    """Whether an open alert of this cause was there to be closed."""
    closed = con.execute(
        "update alerts set state = 'closed', closed_at = $at where cause = $cause and state = 'open'",
        {"cause": cause, "at": at},
    ).fetchall()
    return closed[0][0] > 0


def open_alerts(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Open alerts, errors first, then the oldest first."""
    return con.sql(
        "select * from alerts where state = 'open' order by severity, raised_at, alert_id"
    ).pl()


def read_alerts(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """All alerts ever raised, in that order."""
    return con.sql("select * from alerts order by alert_id").pl()


def _next_id(con: duckdb.DuckDBPyConnection) -> int:
    return con.execute("select coalesce(max(alert_id), 0) + 1 from alerts").fetchall()[0][0]


_NEW = """
insert into alerts (alert_id, cause, raised_at, last_seen_at, severity, what, value, threshold, advice, state)
values ($alert_id, $cause, $at, $at, $severity, $what, $value, $threshold, $advice, 'open')"""

_SEEN_AGAIN = """
update alerts set last_seen_at = $at, severity = $severity, what = $what, value = $value, threshold = $threshold,
                  advice = $advice
where alert_id = $alert_id and cause = $cause"""
