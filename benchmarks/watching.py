"""The watchers over a replay, day by day: what rang when, by signal, by fixed limit, and by the plain two-sample tests.

A look at a day sees what that day's watcher would: signals cut at the day, limits of that week.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
from scipy.stats import ks_2samp

from benchmarks.replay import World
from contract.days import WEEK
from contract.panel import Panel
from contract.params import MonitorParams
from features.dense import Days, units_sold
from forecasting.actuals import with_actuals
from monitoring.churn import churn, level_and_shape
from monitoring.covariates import covariate_signals
from monitoring.input_signals import arrived, input_signals
from monitoring.judge import judge, known_days, limits_of, past_of
from monitoring.outcome_signals import daily_sums, outcome_signals
from monitoring.signal import Signal
from monitoring.watch import Evidence, fixed_limits, group_columns

Rung = dict[str, list[set[str]]]  # watcher -> for each day the causes that ring
PLAIN_DAYS = 28
PSI_LIMIT, KS_LIMIT = 0.25, 0.05  # as in every handbook: a "significant" shift
PLAIN_BINS = 10


@dataclass
class Limits:
    """Limits by signal and week: they move on Mondays only, so a replay resamples once a week."""

    known: dict[tuple[str, int, date], np.ndarray | None]

    def of(self, signal: Signal, params: MonitorParams) -> np.ndarray | None:
        """The week's limit; None while the past is too short."""
        key = (signal.name, len(signal.groups), signal.last - timedelta(days=signal.last.weekday()))
        if key not in self.known:
            past = past_of(signal, params.signals)
            is_long = known_days(past) >= params.signals.least_past_days
            self.known[key] = limits_of(signal, params.signals) if is_long else None
        return self.known[key]


def signals_over(world: World, panel: Panel, tables: pl.DataFrame) -> list[Signal]:
    """Every signal over the whole of a panel; causal, so cutting one at a day is what that day knew."""
    zeros, features = world.params.ingest.absent_means_zero, world.params.features
    told = with_actuals(tables.filter(pl.col("h") <= WEEK), panel, *world.known_by)
    columns = group_columns(panel.series)
    seen = arrived(panel, (panel.last_day - panel.first_day).days, zeros)
    return [
        *outcome_signals(daily_sums(told, panel.series, columns), world.params.monitor),
        *input_signals(seen, columns),
        *covariate_signals(seen, panel, features.known_future, features.past_only),
    ]


def rung_by_signals(signals: list[Signal], days: list[date], params: MonitorParams, limits: Limits) -> Rung:
    """The causes of every day, by signal; a signal that could not be judged on any of the days is left out."""
    rung: Rung = {}
    for signal in signals:
        by_day, judged = [], 0
        for day in days:
            cut = signal.up_to(day)
            week = limits.of(cut, params) if cut.values.shape[1] else None
            findings = [] if week is None else judge(cut, params.signals, week)
            judged += bool(findings)
            by_day.append({finding.cause for finding in findings if finding.severity != "ok"})
        if judged:
            rung[signal.name] = by_day
    return rung


def rung_by_fixed_limits(world: World, panel: Panel, tables: pl.DataFrame, days: list[date]) -> Rung:
    """The same, by the constants of params.yaml: total and group bias, accuracy, calibration, PSI of the mix."""
    params = world.params
    promised = _expected_wape(world, tables)
    rung: Rung = {}
    for k, day in enumerate(days):
        known = panel.up_to(day)
        past = tables.filter(pl.col("origin").is_between(day - timedelta(days=35), day - timedelta(days=1)))
        told = with_actuals(past, known, *world.known_by)
        evidence = _evidence(world, known, past, promised, day)
        for finding in fixed_limits(evidence, told, params.monitor):
            name = "bias by group" if finding.cause.startswith("bias:") else finding.cause
            rung.setdefault(name, [set() for _ in days])
            if finding.severity != "ok":
                rung[name][k].add(finding.cause)
    rung.setdefault("bias by group", [set() for _ in days])
    return rung


def rung_by_todays_table(world: World, panel: Panel, tables: pl.DataFrame, days: list[date]) -> Rung:
    """Whether a table jumps against the one of a week before, explodes or lies flat: the weekly tables, each until the next one."""
    p = world.params.monitor
    rung: Rung = {}
    for origin in sorted(tables["origin"].unique().to_list()):
        newest, past = tables.filter(origin=origin), tables.filter(origin=origin - timedelta(days=WEEK))
        steady = level_and_shape(newest, panel.up_to(origin), p.max_level_ratio, p.least_shape)
        for finding in [churn(newest, past, p.max_churn), *steady]:
            on_days = rung.setdefault(finding.cause, [set() for _ in days])
            for k, day in enumerate(days):
                if finding.severity != "ok" and origin <= day < origin + timedelta(days=WEEK):
                    on_days[k].add(finding.cause)
    return rung


def rung_by_plain_tests(world: World, panel: Panel, days: list[date]) -> Rung:
    """PSI above 0.25 and KS below 0.05, of units a series and day: the last 28 days against the 28 before."""
    first = days[0] - timedelta(days=2 * PLAIN_DAYS)
    axis = Days(first, (days[-1] - first).days + 1, 0, padding=0)
    y = units_sold(_since(panel, first), axis, world.params.ingest.absent_means_zero)
    rung: Rung = {"PSI, 28 days before": [], "KS, 28 days before": []}
    for day in days:
        end = axis.of(day) + 1
        now, before = y[:, end - PLAIN_DAYS : end].ravel(), y[:, end - 2 * PLAIN_DAYS : end - PLAIN_DAYS].ravel()
        now, before = now[np.isfinite(now)], before[np.isfinite(before)]
        rung["PSI, 28 days before"].append({"psi"} if _psi(before, now) > PSI_LIMIT else set())
        rung["KS, 28 days before"].append({"ks"} if ks_2samp(before, now).pvalue < KS_LIMIT else set())
    return rung


def raised(by_day: Iterable[set[str]]) -> list[tuple[int, str]]:
    """(day number, cause) of every alert raised: one for a cause that was not open the day before."""
    told, before = [], set()
    for k, causes in enumerate(by_day):
        told += [(k, cause) for cause in sorted(causes - before)]
        before = causes
    return told


def _since(panel: Panel, first: date) -> Panel:
    from dataclasses import replace

    return replace(panel, sales=panel.sales.filter(pl.col("ds") >= first))


def _psi(expected: np.ndarray, actual: np.ndarray) -> float:
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, PLAIN_BINS + 1)[1:-1]))
    p, q = (
        np.bincount(np.searchsorted(edges, x, "right"), minlength=len(edges) + 1) / len(x) for x in (expected, actual)
    )
    p, q = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    return float(((q - p) * np.log(q / p)).sum())


def _expected_wape(world: World, tables: pl.DataFrame) -> dict[int, float]:
    """WAPE by week of the tables before watching began: what a backtest would have promised."""
    end = world.first_watched - timedelta(days=1)
    past = tables.filter(pl.col("origin") > end - timedelta(days=140), pl.col("ds") <= end)
    told = with_actuals(past, world.panel.up_to(end), *world.known_by)
    weeks = told.group_by("week").agg(wape=pl.col("error").abs().sum() / pl.col("y").sum())
    return dict(weeks.iter_rows())


def _evidence(world: World, known: Panel, past: pl.DataFrame, promised: dict[int, float], day: date) -> Evidence:
    none = pl.DataFrame()
    now = datetime.combine(day + timedelta(days=1), time(6))
    return Evidence(
        now, known, none, none, none, past, past, past.clear(), promised, day, world.params.ingest.absent_means_zero
    )
