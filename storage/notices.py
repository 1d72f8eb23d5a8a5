"""What each address was sent of the alerts: kept in `meta` and in the journal, as what people said
to alerts is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from contract.messages import Held
from storage.answers import record_said
from storage.connection import Connection

_NOTICED = "noticed:"


@dataclass(frozen=True)
class Noticed:
    """What one channel holds for open. `tries` and `problem`: of a message that is due and was not
    delivered.
    """

    alerts: Held = field(default_factory=dict)
    tries: int = 0
    problem: str | None = None


def read_noticed(con: Connection) -> dict[str, Noticed]:
    """By channel what it was sent."""
    rows = con.execute(
        "select key, value from meta where starts_with(key, $noticed) order by key",
        {"noticed": _NOTICED},
    ).fetchall()
    return {key.removeprefix(_NOTICED): Noticed(**json.loads(value)) for key, value in rows}


def record_noticed(con: Connection, noticed: dict[str, Noticed]) -> None:
    """What these channels were sent; one change of the store."""
    record_said(con, {f"{_NOTICED}{name}": json.dumps(asdict(of)) for name, of in noticed.items()})


def undelivered(con: Connection) -> dict[str, tuple[int, str]]:
    """By channel: at how many looks its newest message was tried, and why it did not arrive."""
    noticed = read_noticed(con).items()
    return {name: (of.tries, of.problem) for name, of in noticed if of.problem is not None}
