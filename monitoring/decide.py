"""What follows from findings: whether to retrain and why, whom to call and by when, which alerts to
raise and which to close.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitoring.finding import Finding

# accuracy alarms that a fit on newer days can mend; the others are about feeds and files
MENDED_BY_RETRAINING = ("accuracy", "bias", "calibration", "drift")

# an alert soon after a fit speaks of tables its predecessor made; refitted every week, no fit
# would ever be judged on days it has not seen (forecasting.challenge.unseen_window)
YOUNGEST_DAYS = 14

# who mends what: the first to call, by watcher
FIRST_CALL = {
    "freshness": "the data supplier",
    "quality": "the data supplier",
    "refused_file": "the data supplier",
    "noted": "the data supplier",
    "stock": "the replenishment planner, then the data supplier",
    "delivery": "the operator on duty",
    "forecast_age": "the operator on duty",
    "fallback": "the forecasting engineer",
    "sanity": "the forecasting engineer",
    "repeats": "the data supplier",
    "planned_closed": "the replenishment planner, then the data supplier",
    "parity": "the forecasting engineer",
    "champion": "the forecasting engineer",
    "model_age": "the forecasting engineer",
    "churn": "the forecasting engineer",
    "runtime": "the operator on duty",
    "memory": "the operator on duty",
    "memory_limit": "the operator on duty",
    "messages": "the operator on duty",
    "accuracy": "the forecasting engineer",
    "bias": "the replenishment planner, then the forecasting engineer",
    "calibration": "the forecasting engineer",
    "drift": "the category manager",
}


@dataclass(frozen=True)
class Retrain:
    """Whether to fit anew, what led to it (accuracy, age, schedule, none), and the sentence for the
    record.
    """

    is_needed: bool
    trigger: str
    reason: str


def decide_retraining(findings: list[Finding], every_days: int) -> Retrain:
    """Accuracy alarms first, then a champion past its age, then the schedule.

    A missing champion is an age without end. One group's bias is for a person to look at: with many
    groups one of them is always off, and a refit of all cures none.

    The decision only says; the weekly flow trains, and the gate of evaluate.py decides what serves.
    """
    broken = [f for f in findings if f.severity != "ok"]
    alarms = [f for f in broken if _is_mended_by_retraining(f)]
    age_days = next(
        (f.value for f in findings if f.watcher == "model_age" and f.value is not None), None
    )
    if alarms and age_days is not None and age_days < YOUNGEST_DAYS:
        reason = (
            f"the champion learned {age_days:.0f} days ago, and the gate needs {YOUNGEST_DAYS} "
            f"to judge another; meanwhile: {'; '.join(f.what for f in alarms)}"
        )
        return Retrain(False, "none", reason)
    if alarms:
        return Retrain(True, "accuracy", "; ".join(f.what for f in alarms))
    if aged := [f for f in broken if f.watcher in ("model_age", "champion")]:
        return Retrain(True, "age", aged[0].what)
    if due := [f for f in findings if f.watcher == "model_age" and (f.value or 0) >= every_days]:
        return Retrain(True, "schedule", f"{due[0].what}; refits are due every {every_days} days")
    return Retrain(False, "none", "the champion is young and its forecasts hold")


def escalation(finding: Finding) -> str:
    """Whom to call and by when, for an alert's advice."""
    first = FIRST_CALL[finding.watcher]
    if finding.severity == "error":
        return (
            f"Call {first} now; still open when orders leave: "
            "the head of replenishment decides with yesterday's table."
        )
    return (
        f"Tell {first} within the working day; still open after three days: "
        "the operator on duty raises it."
    )


def to_raise(findings: list[Finding]) -> list[Finding]:
    """The findings a person should or must look at."""
    return [finding for finding in findings if finding.severity != "ok"]


def is_muted(cause: str, muted: list[str]) -> bool:
    """Whether somebody muted this cause, or the part before its colon."""
    return any(f"{cause}:".startswith(f"{part}:") for part in muted)


def to_close(findings: list[Finding], open_causes: list[str]) -> list[str]:
    """Causes of open alerts that are gone: their watcher could judge, and no longer names them."""
    standing = {finding.cause for finding in to_raise(findings)}
    judged = {finding.watcher for finding in findings if finding.is_judged}
    watchers = judged | _well_beside(judged)
    unclear = tuple(f"{finding.cause}:" for finding in findings if not finding.is_judged)
    gone = [
        cause
        for cause in open_causes
        if cause not in standing and not f"{cause}:".startswith(unclear)
    ]
    return [cause for cause in gone if cause.partition(":")[0] in watchers]


def _is_mended_by_retraining(finding: Finding) -> bool:
    """Not one group's shift, nor an empty feed or shelf, nor a number given to another product: a
    fit on such days would learn them.
    """
    is_one_group = finding.watcher == "bias" and bool(finding.slice)
    of_group = finding.watcher == "drift" and ":" in finding.slice
    is_no_demand = finding.slice in ("missing_prices", "stockouts", "series")
    return finding.watcher in MENDED_BY_RETRAINING and not (
        is_one_group or of_group or is_no_demand
    )


def _well_beside(judged: set[str]) -> set[str]:
    """Watchers that have a finding only when something is wrong: well where the one beside them was
    judged.
    """
    beside = {"refused_file": "quality", "noted": "quality", "champion": "model_age"}
    return {watcher for watcher, judged_with in beside.items() if judged_with in judged}
