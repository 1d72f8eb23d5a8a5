"""The findings of a look in the store: alerts raised and closed, the decision, the run."""

from __future__ import annotations

from datetime import datetime

from contract.hashes import params_hash, text_hash
from contract.params import Params
from monitoring.decide import Retrain, escalation, to_close
from monitoring.finding import Finding
from runtime.command_line import Summary
from runtime.memory import peak_mb
from runtime.paths import Paths
from runtime.process import clock, git_commit
from storage.alerts import Alert, open_alerts
from storage.decisions import Decision
from storage.looks import Look, record_look
from storage.models import champion
from storage.runs import Run
from storage.store import open_store


def raise_alerts(
    params: Params,
    paths: Paths,
    findings: list[Finding],
    loud: list[Finding],
    retrain: Retrain,
    now: datetime,
) -> Summary:
    """An alert for each finding of `loud`; those whose cause is gone are closed; all of it one
    change of the store. `findings`: all of this look.
    """
    lineage = {"git_commit": git_commit(), "params_hash": params_hash(params.monitor)}
    run = Run(
        text_hash("monitor", now.isoformat()), "monitor", now, clock(), **lineage, peak_mb=peak_mb()
    )
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        gone = to_close(findings, open_alerts(con)["cause"].to_list())
        decision = Decision("retrain", now, retrain.trigger, retrain.reason, champion(con))
        record_look(con, Look(run, decision, [_alert(finding) for finding in loud], gone))
    return {"raised": [finding.cause for finding in loud], "closed": gone}


def _alert(finding: Finding) -> Alert:
    advice = f"{finding.advice} {escalation(finding)}"
    measured = finding.what, finding.value, finding.threshold
    contributors = "|".join(finding.contributors) or None
    return Alert(finding.cause, finding.severity, *measured, advice, contributors)
