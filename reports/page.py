"""The report: one offline HTML file, everything in it, for the planner first and the engineer
below.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from contract.panel import Panel
from forecasting.slices import FAST_UNITS, RECENT_DAYS, SLOW_UNITS
from reports import charts, overview, picks, scores
from reports.html import render_template, script_json, vega

MOST_CHANGES = 10
MOST_FEATURES = 20
MOST_SLICES = 24
MOST_OPEN = 12  # rows of a table that stands open; longer ones are folded


_NO_ROWS = pl.DataFrame(
    schema={"ds": pl.Date, **dict.fromkeys(("y", *picks.FAN_COLUMNS), pl.Float64)}
)


@dataclass(frozen=True)
class OfflineResults:
    """What the laboratory's files say. `forecasts`, `levels` as in contract.frames; `backtest` has
    one column per model.
    """

    panel: Panel
    forecasts: pl.DataFrame
    levels: pl.DataFrame
    backtest: pl.DataFrame
    scores: pl.DataFrame
    leaderboard: dict[str, dict[str, float]]
    decision: dict[str, Any]
    card: dict[str, Any]
    validation: dict[str, Any]

    @property
    def origin(self) -> date:
        """The last day known: the date of the page, so that the same files give the same bytes."""
        return self.forecasts["origin"].max()

    @property
    def shown_model(self) -> str:
        """The candidate whose scores are shown in detail."""
        return self.decision["candidate"]


def render(told: OfflineResults) -> str:
    """The page as one HTML text. No clock, no network, no path of this machine in it."""
    means = scores.mean_over_cutoffs(told.scores)
    told_of_units = _overview(told)
    fans = _fans(told, [row["unique_id"] for row in told_of_units["changes"]])
    specs = {fan["id"]: fan.pop("spec") for group in fans for fan in group["fans"]} | _score_specs(
        told, means
    )
    return render_template(
        "page.html",
        told=told,
        served=_served(told.forecasts),
        fans=fans,
        specs=script_json(specs),
        spec_names=list(specs),
        fan_spec=script_json(charts.fan(_NO_ROWS)),
        example=told.panel.series["unique_id"][0],
        most_open=MOST_OPEN,
        rows_used=sorted((int(end), rows) for end, rows in told.card["rows_used"].items()),
        vega=vega(),
        **told_of_units,
        metric_meanings=scores.METRIC_MEANINGS,
        recent_days=RECENT_DAYS,
        fast=f"{FAST_UNITS:g}",
        slow=f"{SLOW_UNITS:g}",
        **_accuracy(told, means),
    )


def _overview(told: OfflineResults) -> dict[str, Any]:
    sums = overview.by_series(told.panel, told.forecasts)
    levels = overview.group_levels(told.levels, told.panel.series)
    groups = [
        {"level": level, "rows": overview.by_group(sums, level).to_dicts()} for level in levels
    ]
    total = overview.by_group(sums, "total").row(0, named=True)
    changes = overview.largest_changes(sums, MOST_CHANGES).to_dicts()
    return {
        "total": total,
        "groups": groups,
        "changes": changes,
        "horizon": told.forecasts["h"].max(),
    }


def _accuracy(told: OfflineResults, means: pl.DataFrame) -> dict[str, Any]:
    return {
        "board": sorted(
            told.leaderboard.items(), key=lambda pair: pair[1].get("wrmsse", float("inf"))
        ),
        "by_level": _per_key(scores.by_level(means), "level"),
        "by_week": _per_key(scores.by_week(means).drop("slice"), "week"),
        "by_slice": _per_key(scores.by_slice(means), "slice")[:MOST_SLICES],
        "models": told.scores["model"].unique(maintain_order=True).to_list(),
        "cutoffs": told.scores["cutoff"].unique().sort().to_list(),
    }


def _score_specs(told: OfflineResults, means: pl.DataFrame) -> dict[str, charts.Spec]:
    weeks = scores.by_week(means)
    covered = scores.coverages(means, told.shown_model)
    return {
        "by_level": charts.by_level(scores.by_level(means)),
        "week_wape": charts.by_week(weeks, "wape", "WAPE"),
        "week_bias": charts.by_week(weeks, "bias", "bias"),
        "importance": charts.importance(told.card["importance"], MOST_FEATURES),
        **({"coverage": charts.coverage(covered)} if covered.height else {}),
    }


def _fans(told: OfflineResults, changed: list[str]) -> list[dict[str, Any]]:
    """Groups of fans: heading, whether they show series, and the fans with id, title and spec."""
    groups = [
        (group, picks.fan_of_group(told.panel, told.levels, level, group))
        for level, group in picks.shown_groups(told.levels)
    ]
    of_series = {
        "Most changed series": changed[: picks.SHOWN_SERIES],
        "Largest series": picks.largest_series(told.forecasts),
        "Worst series of the backtest": picks.worst_series(told.backtest, told.shown_model),
    }
    named = {"Total and stores": groups} | {
        heading: [(name, picks.fan_of_series(told.panel, told.forecasts, name)) for name in names]
        for heading, names in of_series.items()
    }
    return [
        {
            "heading": heading,
            "is_series": heading in of_series,
            "fans": [
                {"id": f"fan_{k}_{n}", "title": title, "spec": charts.fan(rows)}
                for n, (title, rows) in enumerate(fans)
            ],
        }
        for k, (heading, fans) in enumerate(named.items())
    ]


def _per_key(wide: pl.DataFrame, key: str) -> list[dict[str, Any]]:
    """[{key, models: {model: row}}]: one entry per level, week or slice in the frame's order."""
    rows: dict[Any, dict[str, Any]] = {}
    for row in wide.to_dicts():
        rows.setdefault(row[key], {})[row["model"]] = row
    return [{"key": name, "models": models} for name, models in rows.items()]


def _served(forecasts: pl.DataFrame) -> list[dict[str, Any]]:
    """method, reason, rows: what made the published table."""
    return (
        forecasts.group_by("method", "reason")
        .agg(rows=pl.len())
        .sort(["rows", "method", "reason"], descending=[True, False, False])
        .to_dicts()
    )
