"""A look of the watchers: alerts raised and closed, the decision on retraining, the run; one
change.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from storage.alerts import Alert, close_alert, raise_alert
from storage.connection import Connection
from storage.decisions import Decision, decision_of, fields_of, write_decision
from storage.journal import Entry, Kind, recorded
from storage.runs import Run, run_of, write_run


@dataclass(frozen=True)
class Look:
    """What a look leaves, dated by its run's start. `gone`: the causes that no longer stand."""

    run: Run
    decision: Decision
    raised: list[Alert]
    gone: list[str]


def record_look(con: Connection, look: Look) -> None:
    """All of a look, in one transaction and in the journal; the same look twice changes nothing."""
    fields = {
        "run": asdict(look.run),
        "decision": fields_of(look.decision),
        "raised": [asdict(alert) for alert in look.raised],
        "gone": look.gone,
    }
    entry = Entry(Kind.LOOK, fields)
    with recorded(con, entry):
        redo_look(con, entry)


def redo_look(con: Connection, entry: Entry) -> None:
    """Write the look of an entry. Call it inside a transaction."""
    run = run_of(entry.fields["run"])
    for fields in entry.fields["raised"]:
        raise_alert(con, Alert(**fields), run.started_at)
    for cause in entry.fields["gone"]:
        close_alert(con, cause, run.started_at)
    write_decision(con, decision_of(entry.fields["decision"]))
    write_run(con, run)
