"""All watchers over one moment's evidence, in the order in which a person would look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from contract.demand import DemandRules
from contract.panel import Panel
from contract.params import MonitorParams, SignalParams
from monitoring.accuracy import accuracy, bias
from monitoring.arrivals import noted
from monitoring.calibration import calibration
from monitoring.changed import changed_signal
from monitoring.churn import churn, level_and_shape
from monitoring.covariates import covariate_signals, one_for_each_covariate
from monitoring.delivery import delivery
from monitoring.drift import drift
from monitoring.finding import Finding
from monitoring.freshness import freshness
from monitoring.input_signals import Arrived, arrived, input_signals
from monitoring.judge import judge
from monitoring.memory import memory, memory_limit
from monitoring.model_age import model_age, no_champion
from monitoring.outcome_signals import outcome_signals, with_parts
from monitoring.planned import planned_closed
from monitoring.quality import quality, refused_signal
from monitoring.repeats import repeats_signal
from monitoring.runtime import runtime
from monitoring.service import fallback, forecast_age, sanity
from monitoring.signal import Signal
from monitoring.stock import DayOrders, stock
from monitoring.unsent import unsent

BIAS_BY = ("store_id", "dept_id")  # groups with a bias of their own, where a source has them
# a chain of a thousand stores has a few odd ones every day; nobody would read their alerts
MOST_GROUPS = 60


@dataclass(frozen=True)
class Evidence:
    """What was known at `now`. `newest` and `past` as contract.frames.FORECASTS: today's table, and
    the one a week before it.

    `weekly`: the daily sums (outcome_signals.daily_sums) of one table's first week after the other,
    far back. `expected_wape` is the backtest WAPE by week ahead of what serves; `champion_cutoff`
    None: no model was promoted, `serves` is the forecaster that serves meanwhile and `refused` why
    the gate held its model back.
    """

    now: datetime
    panel: Panel
    batches: pl.DataFrame
    quarantine: pl.DataFrame
    runs: pl.DataFrame
    newest: pl.DataFrame
    past: pl.DataFrame
    weekly: pl.DataFrame
    expected_wape: dict[int, float]
    champion_cutoff: date | None
    serves: str | None
    refused: str
    rules: DemandRules
    # of the files judged lately: see monitoring.arrivals
    pages: list[dict[str, Any]] = field(default_factory=list)
    # covariates the model reads ahead, and those it reads of the past
    known_future: Sequence[str] = ()
    past_only: Sequence[str] = ()
    # what a process here can hold at most; None: the system does not say
    machine_mb: float | None = None
    # of the order day that the newest table is for; None: no supply file says what is ordered
    orders: DayOrders | None = None
    # by channel: at how many looks its newest message was tried, and why it did not arrive
    undelivered: dict[str, tuple[int, str]] = field(default_factory=dict)
    # by cause when an alert of it was last closed
    resolved: dict[str, datetime] = field(default_factory=dict)
    # what became of the newest delivery elsewhere
    delivered: dict[str, Any] | None = None


def watch(evidence: Evidence, actuals: pl.DataFrame, params: MonitorParams) -> list[Finding]:
    """Every watcher's findings: inputs, then today's table, then past tables, then the mix.

    `actuals`: past tables beside their actuals, as from with_actuals.
    """
    panel, last_day, cutoff = evidence.panel, evidence.panel.last_day, evidence.champion_cutoff
    return [
        *freshness(panel.sales, panel.series, evidence.now.date(), params.max_staleness_days),
        *quality(
            evidence.batches,
            evidence.quarantine,
            evidence.now,
            params.max_refused_share,
            evidence.resolved,
        ),
        *noted(evidence.pages, evidence.now),
        *_quality_trend(evidence, params.signals),
        *stock(evidence.orders, panel.series, params.max_unordered_share, params.max_old_share),
        delivery(evidence.delivered),
        forecast_age(evidence.newest, last_day, params.max_staleness_days),
        sanity(evidence.newest, panel.series),
        *_planned(panel, evidence.newest, evidence.rules.region),
        churn(evidence.newest, evidence.past, params.max_churn),
        *level_and_shape(evidence.newest, panel, params.max_level_ratio, params.least_shape),
        # without a champion: one cause
        *(
            [
                fallback(evidence.newest, params.max_fallback_share),
                model_age(cutoff, last_day, params.max_model_age_days),
            ]
            if cutoff
            else [no_champion(evidence.serves, evidence.refused)]
        ),
        *runtime(evidence.runs, params.max_runtime_ratio),
        *memory(evidence.runs, params.max_memory_ratio),
        *memory_limit(evidence.runs, evidence.machine_mb, params.max_memory_share),
        *_signals_or_limits(evidence, actuals, params),
        *unsent(evidence.undelivered),
    ]


def signals_of(evidence: Evidence, actuals: pl.DataFrame, params: MonitorParams) -> list[Signal]:
    """Every daily signal, as far back as it is judged."""
    panel, columns = evidence.panel, group_columns(evidence.panel.series)
    seen = arrived(panel, params.signals.days_looked_at, evidence.rules)
    return [
        *with_parts(outcome_signals(evidence.weekly, params), actuals, panel.series),
        *arrival_signals(seen, columns),
        *covariate_signals(seen, panel, evidence.known_future, evidence.past_only),
    ]


def arrival_signals(seen: Arrived, columns: list[str]) -> list[Signal]:
    """Every daily signal of what arrived, but for covariates."""
    repeats, changed = repeats_signal(seen, columns), changed_signal(seen, columns)
    return [*input_signals(seen, columns), repeats, changed]


def fixed_limits(evidence: Evidence, actuals: pl.DataFrame, params: MonitorParams) -> list[Finding]:
    """Accuracy, bias, calibration and mix against constants: used while there is no past to compare
    with.
    """
    series = evidence.panel.series
    return [
        accuracy(actuals, evidence.expected_wape, params.max_wape_ratio),
        *bias(actuals, series, params.max_abs_bias),
        *(
            finding
            for column in group_columns(series)
            for finding in bias(actuals, series, params.max_abs_bias, column, params.group_bias)
        ),
        *calibration(actuals, params.max_coverage_gap),
        *drift(evidence.panel, params.max_psi),
    ]


def causes_before_truth(
    panel: Panel, newest: pl.DataFrame, now: datetime, params: MonitorParams, region: str | None
) -> list[str]:
    """The causes of alerts this morning already, before a single day of this table has actuals."""
    findings = [
        *freshness(panel.sales, panel.series, now.date(), params.max_staleness_days),
        sanity(newest, panel.series),
        *_planned(panel, newest, region),
        fallback(newest, params.max_fallback_share),
        *drift(panel, params.max_psi),
    ]
    return [finding.cause for finding in findings if finding.severity != "ok"]


def _planned(panel: Panel, newest: pl.DataFrame, region: str | None) -> list[Finding]:
    last = newest.select(pl.max("ds")).item()
    return [] if last is None else planned_closed(panel, last, region)


def _quality_trend(evidence: Evidence, params: SignalParams) -> list[Finding]:
    signal = refused_signal(evidence.batches, evidence.quarantine, evidence.now.date())
    return judge(signal, params) if signal else []


def _signals_or_limits(
    evidence: Evidence, actuals: pl.DataFrame, params: MonitorParams
) -> list[Finding]:
    """By signal where the past says what is usual, by fixed limit where it does not."""
    by_signal = one_for_each_covariate(
        [
            finding
            for signal in signals_of(evidence, actuals, params)
            for finding in judge(signal, params.signals)
        ]
    )
    judged = {finding.watcher for finding in by_signal if finding.is_judged}
    by_limit = fixed_limits(evidence, actuals, params)
    replaced = {finding.watcher for finding in by_limit} - judged
    return [
        *(finding for finding in by_signal if finding.watcher not in replaced),
        *(finding for finding in by_limit if finding.watcher not in judged),
    ]


def group_columns(series: pl.DataFrame) -> list[str]:
    """The columns whose groups are watched one by one."""
    return [
        column
        for column in BIAS_BY
        if column in series.columns and series[column].n_unique() <= MOST_GROUPS
    ]
