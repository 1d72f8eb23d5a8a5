"""Monitoring over a replay, day by day: what was alerting when, by signal, by fixed limit, by plain
two-sample tests.

A look at a day sees what that day's watcher would: signals cut at the day, limits of that week.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
from scipy.stats import ks_2samp

from benchmarks.harness.replay import World
from benchmarks.harness.scores import WAPE
from contract.days import WEEK
from contract.demand import demand_rules
from contract.panel import Panel
from contract.params import MonitorParams
from features.dense import Days, units_sold
from monitoring.churn import churn, level_and_shape
from monitoring.covariates import covariate_signals
from monitoring.finding import Finding
from monitoring.judge import judge, known_days, limits_of, past_of
from monitoring.outcome_signals import daily_sums, outcome_signals
from monitoring.signal import Signal
from monitoring.watch import Evidence, arrival_signals, fixed_limits, group_columns
from monitoring.what_arrived import arrived

Alerting = dict[str, list[set[str]]]  # watcher -> for each day the causes of its alerts
PLAIN_DAYS = 28
PSI_LIMIT, KS_LIMIT = 0.25, 0.05  # as in every handbook: a "significant" shift
PLAIN_BINS = 10


@dataclass
class Limits:
    """Limits by signal and week: they move on Mondays only, so a replay resamples once a week."""

    known: dict[tuple[str, int, date], np.ndarray | None] = field(default_factory=dict)

    def of(self, signal: Signal, params: MonitorParams) -> np.ndarray | None:
        """The week's limit; None while the past is too short."""
        monday = signal.last - timedelta(days=signal.last.weekday())
        key = (signal.name, len(signal.groups), monday)
        if key not in self.known:
            past = past_of(signal, params.signals)
            is_long = known_days(past) >= params.signals.least_past_days
            self.known[key] = limits_of(signal, params.signals) if is_long else None
        return self.known[key]

    def findings(self, signal: Signal, day: date, params: MonitorParams) -> list[Finding]:
        """What the signal says on a day; nothing while its past is too short."""
        cut = signal.up_to(day)
        week = self.of(cut, params) if cut.values.shape[1] else None
        return [] if week is None else judge(cut, params.signals, week)


def signals_over(world: World, panel: Panel, tables: pl.DataFrame) -> list[Signal]:
    """Every signal over the whole of a panel; causal, so cutting one at a day is what that day
    knew.
    """
    features, columns = world.params.features, group_columns(panel.series)
    sums = daily_sums(world.first_weeks(tables, panel), panel.series, columns)
    whole = (panel.last_day - panel.first_day).days
    seen = arrived(panel, whole, demand_rules(world.params))
    return [
        *outcome_signals(sums, world.params.monitor),
        *arrival_signals(seen, columns),
        *covariate_signals(seen, panel, features.known_future, features.past_only),
    ]


def alerts_of_signals(
    signals: list[Signal], days: list[date], params: MonitorParams, limits: Limits
) -> Alerting:
    """The causes of every day, by signal; one that could not be judged on any of the days is left
    out.
    """
    alerting: Alerting = {}
    for signal in signals:
        by_day = [limits.findings(signal, day, params) for day in days]
        if any(by_day):
            alerting[signal.name] = [_causes(findings) for findings in by_day]
    return alerting


def alerts_of_fixed_limits(
    world: World, panel: Panel, tables: pl.DataFrame, days: list[date]
) -> Alerting:
    """The same, by the constants of params.yaml: total and group bias, accuracy, calibration, PSI
    of the mix.
    """
    expected = _expected_wape(world, tables)
    alerting: Alerting = {"bias by group": [set() for _ in days]}
    for k, day in enumerate(days):
        since, until = day - timedelta(days=35), day - timedelta(days=1)
        past = tables.filter(pl.col("origin").is_between(since, until))
        scored = world.scored(past, panel.up_to(day))
        evidence = _evidence(world, panel.up_to(day), past, expected, day)
        for finding in fixed_limits(evidence, scored, world.params.monitor):
            name = "bias by group" if finding.cause.startswith("bias:") else finding.cause
            alerting.setdefault(name, [set() for _ in days])[k].update(_causes([finding]))
    return alerting


def alerts_of_newest_table(
    world: World, panel: Panel, tables: pl.DataFrame, days: list[date]
) -> Alerting:
    """Whether a table jumps against the one of a week before, explodes or lies flat: the weekly
    tables, each until the next one."""
    p = world.params.monitor
    alerting: Alerting = {}
    for origin in sorted(tables["origin"].unique().to_list()):
        newest, past = (
            tables.filter(origin=day) for day in (origin, origin - timedelta(days=WEEK))
        )
        steady = level_and_shape(newest, panel.up_to(origin), p.max_level_ratio, p.least_shape)
        for finding in [churn(newest, past, p.max_churn), *steady]:
            on_days = alerting.setdefault(finding.cause, [set() for _ in days])
            for k, day in enumerate(days):
                if origin <= day < origin + timedelta(days=WEEK):
                    on_days[k].update(_causes([finding]))
    return alerting


def alerts_of_plain_tests(world: World, panel: Panel, days: list[date]) -> Alerting:
    """PSI above 0.25 and KS below 0.05, of units a series and day: the last 28 days against the 28
    before.
    """
    first = days[0] - timedelta(days=2 * PLAIN_DAYS)
    axis = Days(first, (days[-1] - first).days + 1, 0, padding=0)
    since = replace(panel, sales=panel.sales.filter(pl.col("ds") >= first))
    y = units_sold(since, axis, demand_rules(world.params))
    alerting: Alerting = {"PSI, 28 days before": [], "KS, 28 days before": []}
    for day in days:
        end = axis.of(day) + 1
        now, before = y[:, end - PLAIN_DAYS : end], y[:, end - 2 * PLAIN_DAYS : end - PLAIN_DAYS]
        now, before = now[np.isfinite(now)], before[np.isfinite(before)]
        psi, p_value = _psi(before, now), ks_2samp(before, now).pvalue
        alerting["PSI, 28 days before"].append({"psi"} if psi > PSI_LIMIT else set())
        alerting["KS, 28 days before"].append({"ks"} if p_value < KS_LIMIT else set())
    return alerting


def raised(by_day: Iterable[set[str]]) -> list[tuple[int, str]]:
    """(day number, cause) of every alert raised: of each cause that was not open the day before."""
    alerts: list[tuple[int, str]] = []
    before: set[str] = set()
    for k, causes in enumerate(by_day):
        alerts += [(k, cause) for cause in sorted(causes - before)]
        before = causes
    return alerts


def _causes(findings: list[Finding]) -> set[str]:
    return {finding.cause for finding in findings if finding.severity != "ok"}


def _psi(expected: np.ndarray, actual: np.ndarray) -> float:
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, PLAIN_BINS + 1)[1:-1]))
    shares = (
        np.bincount(np.searchsorted(edges, x, "right"), minlength=len(edges) + 1) / len(x)
        for x in (expected, actual)
    )
    p, q = (np.maximum(share, 1e-4) for share in shares)
    return float(((q - p) * np.log(q / p)).sum())


def _expected_wape(world: World, tables: pl.DataFrame) -> dict[int, float]:
    """WAPE by week ahead of the tables before watching began: what a backtest would have said."""
    end = world.first_watched - timedelta(days=1)
    past = tables.filter(pl.col("origin") > end - timedelta(days=140), pl.col("ds") <= end)
    return dict(world.scored(past, world.panel.up_to(end)).group_by("week").agg(WAPE).iter_rows())


def _evidence(
    world: World, known: Panel, past: pl.DataFrame, expected: dict[int, float], day: date
) -> Evidence:
    none, rules = pl.DataFrame(), demand_rules(world.params)
    now = datetime.combine(day + timedelta(days=1), time(6))
    tables = (past, past, past.clear())
    of_model = {"champion_cutoff": day, "serves": None, "refused": ""}
    return Evidence(
        now, known, none, none, none, *tables, expected, **of_model, rules=rules, feeds=none
    )
