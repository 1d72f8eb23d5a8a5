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
from storage.alerts import Alert, close_alert, open_alerts, raise_alert
from storage.decisions import Decision, write_decision
from storage.models import champion
from storage.runs import Run, write_run
from storage.store import open_store


def raise_alerts(
    params: Params,
    paths: Paths,
    findings: list[Finding],
    loud: list[Finding],
    retrain: Retrain,
    now: datetime,
) -> Summary:
    """An alert for each finding of `loud`; those whose cause is gone are closed. `findings`: all of
    this look.
    """
    lineage = {"git_commit": git_commit(), "params_hash": params_hash(params.monitor)}
    run = Run(
        text_hash("monitor", now.isoformat()), "monitor", now, clock(), **lineage, peak_mb=peak_mb()
    )
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        gone = to_close(findings, open_alerts(con)["cause"].to_list())
        for finding in loud:
            raise_alert(con, _alert(finding), now)
        for cause in gone:
            close_alert(con, cause, now)
        write_decision(
            con, Decision("retrain", now, retrain.trigger, retrain.reason, champion(con))
        )
        write_run(con, run)
    return {"raised": [finding.cause for finding in loud], "closed": gone}


def _alert(finding: Finding) -> Alert:
    advice = f"{finding.advice} {escalation(finding)}"
    measured = finding.what, finding.value, finding.threshold
    contributors = "|".join(finding.contributors) or None
    return Alert(finding.cause, finding.severity, *measured, advice, contributors)
