"""All watchers over one moment's evidence: the order in which a person would ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from contract.panel import Panel
from contract.params import MonitorParams
from monitoring.accuracy import accuracy, accuracy_table, bias
from monitoring.calibration import calibration
from monitoring.came_true import came_true
from monitoring.drift import drift
from monitoring.finding import Finding
from monitoring.freshness import freshness
from monitoring.model_age import model_age
from monitoring.quality import quality
from monitoring.service import fallback, forecast_age, sanity

BIAS_BY = ("store_id", "dept_id")  # slices whose bias rings by itself, where a source has them
MOST_GROUPS = 60  # a chain of a thousand stores has a few odd ones every day; nobody would read their alerts


@dataclass(frozen=True)
class Evidence:
    """What was known at `now`. `newest` and `past` as contract.frames.FORECASTS: today's table, and earlier ones to be judged.

    `promised` is the champion's backtest WAPE by week ahead; `champion_cutoff` None: no model was promoted.
    """

    now: datetime
    panel: Panel
    batches: pl.DataFrame
    quarantine: pl.DataFrame
    newest: pl.DataFrame
    past: pl.DataFrame
    promised: dict[int, float]
    champion_cutoff: date | None
    absent_means_zero: bool


def watch(evidence: Evidence, told: pl.DataFrame, params: MonitorParams) -> list[Finding]:
    """Every watcher's findings: inputs, then today's table, then what came true (`told_of`), then the mix."""
    panel, last_day, cutoff = evidence.panel, evidence.panel.last_day, evidence.champion_cutoff
    return [
        *freshness(panel.sales, panel.series, evidence.now.date(), params.max_staleness_days),
        *quality(evidence.batches, evidence.quarantine, evidence.now, params.max_refused_share),
        forecast_age(evidence.newest, last_day, params.max_staleness_days),
        sanity(evidence.newest, panel.series),
        *([fallback(evidence.newest, params.max_fallback_share)] if cutoff else []),  # without a champion: one cause
        model_age(cutoff, last_day, params.max_model_age_days),
        accuracy(told, evidence.promised, params.max_wape_ratio),
        *bias(told, panel.series, params.max_abs_bias),
        *(finding for column in _columns(panel) for finding in bias(told, panel.series, params.max_abs_bias, column)),
        *calibration(told, params.max_coverage_gap),
        *drift(panel, params.max_psi),
    ]


def told_of(evidence: Evidence) -> pl.DataFrame:
    """The forecasts that came true, as from came_true."""
    return came_true(evidence.past, evidence.panel, evidence.absent_means_zero)


def causes_before_truth(panel: Panel, newest: pl.DataFrame, now: datetime, params: MonitorParams) -> list[str]:
    """The causes that would ring this morning already, before a single day of this table came true."""
    findings = [
        *freshness(panel.sales, panel.series, now.date(), params.max_staleness_days),
        sanity(newest, panel.series),
        fallback(newest, params.max_fallback_share),
        *drift(panel, params.max_psi),
    ]
    return [finding.cause for finding in findings if finding.severity != "ok"]


def came_true_tables(told: pl.DataFrame, evidence: Evidence) -> dict[str, list[dict]]:
    """Units, WAPE and bias of what came true by week ahead and by each slice that is watched, as plain rows."""
    series = evidence.panel.series
    return {
        f"by_{column}": accuracy_table(told, series, column).to_dicts()
        for column in ("week", *_columns(evidence.panel))
    }


def _columns(panel: Panel) -> list[str]:
    series = panel.series
    return [column for column in BIAS_BY if column in series.columns and series[column].n_unique() <= MOST_GROUPS]
