"""The watchers of monitoring/ as the drills need them: functions that return causes of alerts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from contract.demand import demand_rules
from drills.alert_drills import Alarm, Look
from drills.watchers import Watchers
from forecasting.actuals import with_actuals
from monitoring.accuracy import bias
from monitoring.arrivals import NOTE_SENTENCES
from monitoring.calibration import calibration
from monitoring.judge import judge
from monitoring.model_age import model_age
from monitoring.watch import arrival_signals, causes_before_truth, group_columns
from monitoring.what_arrived import arrived

if TYPE_CHECKING:
    import polars as pl

    from contract.panel import Panel
    from contract.params import Params
    from drills.scenario import Scenario

# known days after which the watchers of accuracy, bias and calibration look at a table
LOOK_AFTER_DAYS = (1, 7, 14, 28)


def watchers_of(scenario: Scenario) -> Watchers:
    """Every watcher that a drill's panel, table or model can set off, by the scenario's params."""
    params = scenario.params

    def this_morning(panel: Panel, table: pl.DataFrame) -> list[str]:
        morning = datetime.combine(table["origin"][0] + timedelta(days=1), datetime.min.time())
        return causes_before_truth(panel, table, morning, params.monitor, params.source.region)

    def age(cutoff: date, last_day: date) -> list[str]:
        finding = model_age(cutoff, last_day, params.monitor.max_model_age_days)
        return [] if finding.severity == "ok" else [finding.cause]

    def later(table: pl.DataFrame) -> list[str]:
        return _first_alerts(scenario, table)

    return Watchers(this_morning, later, age, frozenset(NOTE_SENTENCES))


def look_of(params: Params) -> Look:
    """The signals of what arrived, as a morning's watch words them."""

    def look(panel: Panel) -> list[Alarm]:
        seen = arrived(panel, params.monitor.signals.days_looked_at, demand_rules(params))
        return [
            Alarm(finding.cause, finding.since, finding.contributors)
            for signal in arrival_signals(seen, group_columns(panel.series))
            for finding in judge(signal, params.monitor.signals)
            if finding.severity != "ok"
        ]

    return look


def _first_alerts(scenario: Scenario, table: pl.DataFrame) -> list[str]:
    """The causes that a table's actuals set off, on the first of some days on which one does."""
    limits, rules = scenario.params.monitor, demand_rules(scenario.params)
    series = scenario.panel.series
    for days in LOOK_AFTER_DAYS:
        known = scenario.panel.up_to(table["origin"][0] + timedelta(days=days))
        actuals = with_actuals(table, known, rules)
        findings = [
            *bias(actuals, series, limits.max_abs_bias),
            *calibration(actuals, limits.max_coverage_gap),
        ]
        if causes := [finding.cause for finding in findings if finding.severity != "ok"]:
            return [f"after {days} days: {cause}" for cause in causes]
    return []
