"""All watchers over one moment's evidence, in the order in which a person would look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

import polars as pl

from contract.demand import DemandRules
from contract.panel import Panel
from contract.params import MonitorParams, SignalParams
from contract.sums import summed
from monitoring.accuracy import accuracy, bias
from monitoring.arrivals import noted
from monitoring.calibration import calibration
from monitoring.changed import changed_signal
from monitoring.churn import churn, level_and_shape
from monitoring.covariates import covariate_makers, one_for_each_covariate
from monitoring.delivery import delivery
from monitoring.drift import drift
from monitoring.finding import Finding
from monitoring.freshness import freshness, last_days
from monitoring.input_signals import input_makers
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
from monitoring.what_arrived import Arrived, arrived

BIAS_BY = ("store_id", "dept_id")  # groups with a bias of their own, where a source has them
# a chain of a thousand stores has a few odd ones every day; nobody would read their alerts
MOST_GROUPS = 60
Watcher = Callable[[], list[Finding]]


@dataclass(frozen=True)
class Evidence:
    """What was known at `now`. `newest` and `past` as contract.frames.FORECASTS: today's table, and
    the one a week before it. Of a part of a panel, all tables hold its series.

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
    # as monitoring.freshness.last_days: of all of history, of which the panel is the end
    feeds: pl.DataFrame
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

    `actuals`: past tables beside their actuals, as from with_actuals. All ask for what they take
    from other parts before any of them judges (contract.whole).
    """
    attempt = evidence.panel.whole.attempt
    made = [attempt(watcher) for watcher in _watchers(evidence, actuals, params)]
    return [finding for found in made for finding in found()]


def _watchers(evidence: Evidence, actuals: pl.DataFrame, params: MonitorParams) -> list[Watcher]:
    panel, newest, today = evidence.panel, evidence.newest, evidence.now.date()
    ratios = params.max_level_ratio, params.least_shape
    return [
        lambda: freshness(evidence.feeds, today, params.max_staleness_days),
        partial(_ledger, evidence, params),
        lambda: [forecast_age(newest, panel.last_day, params.max_staleness_days, panel.whole)],
        lambda: [sanity(newest, panel.series, panel.whole)],
        partial(_planned, panel, newest, evidence.rules.region),
        lambda: [churn(newest, evidence.past, params.max_churn, panel.whole)],
        lambda: level_and_shape(newest, panel, *ratios),
        partial(_of_model, evidence, params),
        lambda: runtime(evidence.runs, params.max_runtime_ratio),
        lambda: memory(evidence.runs, params.max_memory_ratio),
        lambda: memory_limit(evidence.runs, evidence.machine_mb, params.max_memory_share),
        partial(_signals_or_limits, evidence, actuals, params),
        lambda: unsent(evidence.undelivered),
    ]


def _ledger(evidence: Evidence, params: MonitorParams) -> list[Finding]:
    """What the store's ledger and orders say."""
    panel, now = evidence.panel, evidence.now
    refused = (evidence.batches, evidence.quarantine, now, params.max_refused_share)
    everyone = panel.whole.series(panel.series)
    return [
        *quality(*refused, evidence.resolved),
        *noted(evidence.pages, now),
        *_quality_trend(evidence, params.signals),
        *stock(evidence.orders, everyone, params.max_unordered_share, params.max_old_share),
        delivery(evidence.delivered),
    ]


def _of_model(evidence: Evidence, params: MonitorParams) -> list[Finding]:
    """Of the champion; without one: one cause."""
    panel, cutoff = evidence.panel, evidence.champion_cutoff
    if cutoff is None:
        return [no_champion(evidence.serves, evidence.refused)]
    return [
        fallback(evidence.newest, params.max_fallback_share, panel.whole),
        model_age(cutoff, panel.last_day, params.max_model_age_days),
    ]


def signals_of(
    evidence: Evidence, actuals: pl.DataFrame, params: MonitorParams
) -> list[Callable[[], list[Signal]]]:
    """What makes every daily signal, as far back as it is judged."""
    panel, columns = evidence.panel, groups_of(evidence.panel)
    seen = arrived(panel, params.signals.days_looked_at, evidence.rules)
    return [
        partial(_of_outcomes, evidence, actuals, params),
        *arrival_makers(seen, columns),
        *covariate_makers(seen, panel, evidence.known_future, evidence.past_only),
    ]


def _of_outcomes(evidence: Evidence, actuals: pl.DataFrame, params: MonitorParams) -> list[Signal]:
    panel = evidence.panel
    sums = summed(panel.whole, "weekly sums", evidence.weekly, ["group", "ds"])
    return with_parts(outcome_signals(sums, params), actuals, panel.series, panel.whole)


def arrival_signals(seen: Arrived, columns: list[str]) -> list[Signal]:
    """Every daily signal of what arrived, but for covariates."""
    return [signal for make in arrival_makers(seen, columns) for signal in make()]


def arrival_makers(seen: Arrived, columns: list[str]) -> list[Callable[[], list[Signal]]]:
    """What makes each of them."""
    return [
        *input_makers(seen, columns),
        lambda: [repeats_signal(seen, columns)],
        lambda: [changed_signal(seen, columns)],
    ]


def fixed_limits(
    evidence: Evidence,
    actuals: pl.DataFrame,
    params: MonitorParams,
    but: Collection[str] = (),
) -> list[Finding]:
    """Accuracy, bias, calibration and mix against constants: used while there is no past to compare
    with. `but`: watchers that have one.
    """
    panel, series = evidence.panel, evidence.panel.series
    whole, most, by_size = panel.whole, params.max_abs_bias, params.group_bias
    expected = evidence.expected_wape
    watchers: dict[str, list[Watcher]] = {
        "accuracy": [lambda: [accuracy(actuals, expected, params.max_wape_ratio, whole)]],
        "bias": [
            lambda: bias(actuals, series, most, whole=whole),
            *(
                partial(bias, actuals, series, most, column, by_size, whole)
                for column in groups_of(panel)
            ),
        ],
        "calibration": [lambda: calibration(actuals, params.max_coverage_gap, whole)],
        "drift": [lambda: drift(panel, params.max_psi)],
    }
    made = [
        whole.attempt(watcher) for name in watchers if name not in but for watcher in watchers[name]
    ]
    return [finding for found in made for finding in found()]


def causes_before_truth(
    panel: Panel, newest: pl.DataFrame, now: datetime, params: MonitorParams, region: str | None
) -> list[str]:
    """The causes of alerts this morning already, before a single day of this table has actuals."""
    findings = [
        *freshness(last_days(panel), now.date(), params.max_staleness_days),
        sanity(newest, panel.series),
        *_planned(panel, newest, region),
        fallback(newest, params.max_fallback_share),
        *drift(panel, params.max_psi),
    ]
    return [finding.cause for finding in findings if finding.severity != "ok"]


def _planned(panel: Panel, newest: pl.DataFrame, region: str | None) -> list[Finding]:
    own = newest.group_by("ds").agg(rows=pl.len())
    last = summed(panel.whole, "days of the table", own, ["ds"]).select(pl.max("ds")).item()
    return [] if last is None else planned_closed(panel, last, region)


def _quality_trend(evidence: Evidence, params: SignalParams) -> list[Finding]:
    signal = refused_signal(evidence.batches, evidence.quarantine, evidence.now.date())
    return judge(signal, params) if signal else []


def _signals_or_limits(
    evidence: Evidence, actuals: pl.DataFrame, params: MonitorParams
) -> list[Finding]:
    """By signal where the past says what is usual, by fixed limit where it does not."""
    attempt = evidence.panel.whole.attempt
    made = [
        attempt(partial(_judged, make, params.signals))
        for make in signals_of(evidence, actuals, params)
    ]
    by_signal = one_for_each_covariate([finding for found in made for finding in found()])
    judged = {finding.watcher for finding in by_signal if finding.is_judged}
    by_limit = fixed_limits(evidence, actuals, params, judged)
    replaced = {finding.watcher for finding in by_limit}
    return [
        *(finding for finding in by_signal if finding.watcher not in replaced),
        *by_limit,
    ]


def _judged(make: Callable[[], list[Signal]], params: SignalParams) -> list[Finding]:
    made = [signal.whole.attempt(partial(judge, signal, params)) for signal in make()]
    return [finding for found in made for finding in found()]


def groups_of(panel: Panel) -> list[str]:
    """As group_columns, of all series."""
    return group_columns(panel.whole.series(panel.series))


def group_columns(series: pl.DataFrame) -> list[str]:
    """The columns whose groups are watched one by one."""
    return [
        column
        for column in BIAS_BY
        if column in series.columns and series[column].n_unique() <= MOST_GROUPS
    ]
