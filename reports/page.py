"""The report: one offline HTML file, for the planner first and the engineer below."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from contract.names import labels, labels_of_level
from contract.panel import Panel
from forecasting.slices import FAST_UNITS, RECENT_DAYS, SLOW_UNITS
from reports import charts, overview, picks, scores
from reports.html import JsonObject, render_template, script_json, vega

MOST_CHANGES = 10
MOST_FEATURES = 20
MOST_SLICES = 24
MOST_OPEN = 12  # rows of a table that stands open; longer ones are folded

_NO_ROWS = pl.DataFrame(
    schema={"ds": pl.Date, **dict.fromkeys(("y", *picks.FAN_COLUMNS), pl.Float64)}
)


@dataclass(frozen=True)
class OfflineResults:
    """What the offline run's files hold: the page's one input.

    `forecasts`, `levels`, `scores` as in contract.frames; `backtest` has one column per model.
    """

    panel: Panel
    forecasts: pl.DataFrame
    levels: pl.DataFrame
    backtest: pl.DataFrame
    scores: pl.DataFrame
    leaderboard: dict[str, dict[str, float]]
    decision: JsonObject
    card: JsonObject
    validation: JsonObject

    @property
    def origin(self) -> date:
        """The last day known: the date of the page, so that the same files give the same bytes."""
        return picks.origin_of(self.forecasts)

    @property
    def shown_model(self) -> str:
        """The candidate whose scores are shown in detail."""
        candidate: str = self.decision["candidate"]
        return candidate


def render(results: OfflineResults) -> str:
    """The page as one HTML text. No clock, no network, no path of this machine in it."""
    means = scores.mean_over_cutoffs(results.scores)
    sums = overview.by_series(results.panel, results.forecasts)
    changes = overview.largest_changes(sums, MOST_CHANGES).to_dicts()
    fans = _fans(results, [row["unique_id"] for row in changes])
    specs = {fan.id: fan.spec for group in fans for fan in group.fans}
    specs |= _score_specs(results, means)
    return render_template(
        "page.html",
        results=results,
        served=_served(results.forecasts),
        called=labels(results.panel.names),
        called_stores=labels_of_level(results.panel.names, results.panel.series, picks.FEED_LEVEL),
        changes=changes,
        fans=fans,
        specs=script_json(specs),
        spec_names=list(specs),
        fan_spec=script_json(charts.fan(_NO_ROWS)),
        example=results.panel.series["unique_id"][0],
        most_open=MOST_OPEN,
        rows_used=sorted((int(end), rows) for end, rows in results.card["rows_used"].items()),
        vega=vega(),
        **_units(results, sums),
        metric_meanings=scores.METRIC_MEANINGS,
        recent_days=RECENT_DAYS,
        fast=f"{FAST_UNITS:g}",
        slow=f"{SLOW_UNITS:g}",
        **_accuracy(results, means),
    )


def _units(results: OfflineResults, sums: pl.DataFrame) -> JsonObject:
    """The units ahead, in total and by group. `sums` as overview.by_series."""
    series, names = results.panel.series, results.panel.names
    levels = overview.group_levels(results.levels, series)
    return {
        "total": overview.by_group(sums, "total").row(0, named=True),
        "groups": [
            {
                "level": level,
                "rows": overview.by_group(sums, level).to_dicts(),
                "called": labels_of_level(names, series, level),
            }
            for level in levels
        ],
        "horizon": results.forecasts["h"].max(),
    }


def _accuracy(results: OfflineResults, means: pl.DataFrame) -> JsonObject:
    """The backtest's tables. `means` as scores.mean_over_cutoffs."""
    return {
        "board": sorted(
            results.leaderboard.items(), key=lambda pair: pair[1].get("wrmsse", float("inf"))
        ),
        "by_level": _per_key(scores.by_level(means), "level"),
        "by_week": _per_key(scores.by_week(means).drop("slice"), "week"),
        "by_slice": _per_key(scores.by_slice(means), "slice")[:MOST_SLICES],
        "models": results.scores["model"].unique(maintain_order=True).to_list(),
        "cutoffs": results.scores["cutoff"].unique().sort().to_list(),
    }


def _score_specs(results: OfflineResults, means: pl.DataFrame) -> dict[str, charts.Spec]:
    weeks = scores.by_week(means)
    covered = scores.coverages(means, results.shown_model)
    return {
        "by_level": charts.by_level(scores.by_level(means)),
        "week_wape": charts.by_week(weeks, "wape", "WAPE"),
        "week_bias": charts.by_week(weeks, "bias", "bias"),
        "importance": charts.importance(results.card["importance"], MOST_FEATURES),
        **({"coverage": charts.coverage(covered)} if covered.height else {}),
    }


@dataclass(frozen=True)
class _Fan:
    """One chart of history and forecast."""

    id: str
    title: str
    spec: charts.Spec


@dataclass(frozen=True)
class _FanGroup:
    """Fans under one heading; `is_series`: each is of one series, whose name leads to it."""

    heading: str
    is_series: bool
    fans: list[_Fan]


def _fans(results: OfflineResults, changed: list[str]) -> list[_FanGroup]:
    """The total and the stores, then series; `changed`: those that changed most, the most first."""
    panel, levels, forecasts = results.panel, results.levels, results.forecasts
    groups = [
        (group, picks.fan_of_group(panel, levels, level, group))
        for level, group in picks.shown_groups(levels)
    ]
    named = {
        "Most changed series": changed[: picks.SHOWN_SERIES],
        "Largest series": picks.largest_series(forecasts),
        "Worst series of the backtest": picks.worst_series(results.backtest, results.shown_model),
    }
    of_series = {
        heading: [(name, picks.fan_of_series(panel, forecasts, name)) for name in names]
        for heading, names in named.items()
    }
    return [
        _FanGroup(
            heading,
            heading in of_series,
            [
                _Fan(f"fan_{k}_{n}", title, charts.fan(rows))
                for n, (title, rows) in enumerate(titled)
            ],
        )
        for k, (heading, titled) in enumerate(({"Total and stores": groups} | of_series).items())
    ]


def _per_key(wide: pl.DataFrame, key: str) -> list[JsonObject]:
    """[{key, models: {model: row}}]: one entry per level, week or slice in the frame's order."""
    rows: dict[object, dict[str, JsonObject]] = {}
    for row in wide.to_dicts():
        rows.setdefault(row[key], {})[row["model"]] = row
    return [{"key": name, "models": models} for name, models in rows.items()]


def _served(forecasts: pl.DataFrame) -> list[JsonObject]:
    """method, reason, rows: what made the published table."""
    return (
        forecasts.group_by("method", "reason")
        .agg(rows=pl.len())
        .sort(["rows", "method", "reason"], descending=[True, False, False])
        .to_dicts()
    )
