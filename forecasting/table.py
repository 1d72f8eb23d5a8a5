"""One question, one table: the rows that go out, their levels, and the lineage both carry."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from contract.frames import DEMAND_SPANS
from contract.hashes import served_hash, text_hash
from contract.levels import Level
from contract.panel import Panel, names_fitting
from contract.params import Params
from contract.question import Question
from contract.whole import Table, one_row
from forecasting.champion import Champion
from forecasting.ladder import repeated
from forecasting.publication import (
    Serving,
    level_sums,
    levels_of_sums,
    publish_forecasts,
    spans_of_levels,
    spans_of_series,
    uncalibrated,
)
from forecasting.span_table import Window, windows_of

ROWS_COUNTED, BY_REASON = "rows counted", "rows by reason"

Scope = tuple[date, int, str | None, datetime | None]  # origin, horizon, series, as_of


@dataclass(frozen=True)
class ForecastTable:
    """FORECASTS, FORECAST_LEVELS and DEMAND_SPANS of one run, and their lineage.

    `lineage`: run_id, and the model, data and params behind it.

    `levels_left_out`: levels that have no calibration yet. `spans` are empty where the calibration
    is of older code, and of a table that goes out again.
    """

    rows: pl.DataFrame
    levels: pl.DataFrame
    lineage: dict[str, Any]
    levels_left_out: tuple[str, ...] = ()
    spans: pl.DataFrame = field(default_factory=DEMAND_SPANS.empty)

    def frames(self, created_at: datetime) -> dict[str, pl.DataFrame]:
        """The tables by name, as a store publishes them."""
        rows = self.rows.with_columns(created_at=created_at)
        return {"forecasts": rows, "forecast_levels": self.levels, "demand_spans": self.spans}

    def scans(self, created_at: datetime) -> dict[str, pl.LazyFrame]:
        """The tables among them that may be larger than memory: none."""
        return {}

    @property
    def lazy_rows(self) -> pl.LazyFrame:
        """The rows, as whoever needs a few of them takes them."""
        return self.rows.lazy()

    @property
    def run_id(self) -> str:
        """The run's name."""
        run_id: str = self.lineage["run_id"]
        return run_id


@dataclass(frozen=True)
class TableWork:
    """What makes the rows of one question: of a panel, or of each of its parts."""

    params: Params
    serving: Serving
    question: Question
    origin: date
    lineage: dict[str, Any]

    @property
    def horizon(self) -> int:
        """Days after the origin."""
        return self.question.horizon or self.params.train.horizon

    @property
    def windows(self) -> list[Window]:
        """Of which spans are published."""
        return windows_of(self.horizon, self.params.ordering.spans)

    @property
    def hierarchy(self) -> list[Level]:
        """The levels that are published: none of a part of the series, which has no calibration of
        its own.
        """
        return [] if self.question.series else self.params.source.hierarchy

    @property
    def left_out(self) -> list[str]:
        """The levels among them that have no calibration yet."""
        return uncalibrated(self.hierarchy, self.serving.shapes.main)

    def rows(self, panel: Panel) -> pl.DataFrame:
        """FORECASTS of the wanted series among the panel's. Features need the neighbours, the
        question does not.
        """
        run_id = self.lineage["run_id"]
        rows = publish_forecasts(self.serving, panel, self.origin, self.horizon, run_id)
        if self.question.series is None:
            return rows
        fitting = fnmatch.filter(panel.series["unique_id"], self.question.series)
        return rows.filter(pl.col("unique_id").is_in(fitting))

    def spans(self, panel: Panel, rows: pl.DataFrame) -> pl.DataFrame:
        """DEMAND_SPANS of these rows."""
        if rows.is_empty():
            return DEMAND_SPANS.empty()
        return spans_of_series(self.serving, panel, rows, self.windows)

    def of_levels(self, sums: dict[str, Table]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """FORECAST_LEVELS and their DEMAND_SPANS, from the sums of all series."""
        calibration = self.serving.shapes.main
        levels = levels_of_sums(sums, self.lineage["run_id"], self.origin, calibration)
        return levels, spans_of_levels(self.serving, levels, self.windows)


def table_work(params: Params, panel: Panel, serving: Serving, question: Question) -> TableWork:
    """The work of a question about this panel, or about the one it is a part of. BadUsage where no
    series fits.
    """
    origin, horizon = question.origin or panel.last_day, question.horizon or params.train.horizon
    if question.series:
        names_fitting(panel.whole.series(panel.series), question.series)
    scope = (origin, horizon, question.series, question.as_of)
    lineage = _lineage(params, panel, serving.champion, scope, serving.champion.reason)
    return TableWork(params, serving, question, origin, lineage)


def forecast_table(
    params: Params, panel: Panel, serving: Serving, question: Question
) -> ForecastTable:
    """The champion's table. A part of the series comes without levels."""
    work = table_work(params, panel, serving, question)
    rows = work.rows(panel)
    sums = level_sums(rows, panel.series, work.hierarchy) if work.hierarchy else {}
    levels, of_levels = work.of_levels(sums)
    spans = pl.concat([work.spans(panel, rows), of_levels])
    return ForecastTable(rows, levels, work.lineage, tuple(work.left_out), spans)


def repeated_table(
    params: Params, panel: Panel, last: tuple[pl.DataFrame, pl.DataFrame], today: date
) -> ForecastTable:
    """The lowest rung: no sale can be read, so the last table and its levels go out again."""
    horizon = params.train.horizon
    lineage = _lineage(params, panel, Champion(None, None, {}), (today, horizon, None, None))
    rows, levels = (repeated(table, today, horizon, lineage["run_id"]) for table in last)
    return ForecastTable(rows, levels, lineage)


def _lineage(
    params: Params, panel: Panel, champion: Champion, scope: Scope, reason: str | None = None
) -> dict[str, Any]:
    """Which model, data and params made the rows.

    The run_id is their hash: the same question twice is the same run.
    """
    params_hash = served_hash(params)
    beside = [part for part in (reason, champion.interval_scale) if part]
    return {
        "run_id": text_hash(champion.model_id, panel.hash, params_hash, *scope, *beside),
        "door": "inference",  # the column of table `runs`: the entry point
        "params_hash": params_hash,
        "panel_hash": panel.hash,
        "model_id": champion.model_id,
        "as_of": scope[-1],
    }


def counts_of(rows: pl.DataFrame, spans: pl.DataFrame) -> dict[str, Table]:
    """What a summary says of rows and spans, as tables that parts can add up."""
    fallback = rows.filter(pl.col("reason").is_not_null())
    key = pl.format("{}: {}", "method", "reason")
    counts = fallback.group_by(key.alias("key")).len().sort("key")
    numbers = {
        "series": rows["unique_id"].n_unique(),
        "rows": rows.height,
        "units": float(rows["y_hat"].sum()),
        "spans": spans.height,
    }
    by_reason = Table(counts["key"], {"rows": counts["len"].to_numpy()})
    return {ROWS_COUNTED: one_row(numbers), BY_REASON: by_reason}


def summary_of_table(table: ForecastTable) -> dict[str, Any]:
    """What a person wants to know of a table: its lineage, its size, its fallback rows."""
    counts, origin = counts_of(table.rows, table.spans), table.rows["origin"][0]
    return summary_of(table.lineage, origin, counts, table.levels.height, table.levels_left_out)


def summary_of(
    lineage: dict[str, Any],
    origin: date,
    counts: dict[str, Table],
    level_rows: int,
    left_out: Sequence[str],
) -> dict[str, Any]:
    """As `summary_of_table`, of `counts_of` all rows and spans."""
    count = {name: float(of[0]) for name, of in counts[ROWS_COUNTED].values.items()}
    fallback = counts[BY_REASON]
    return {
        **lineage,
        "origin": origin,
        "series": int(count["series"]),
        "rows": int(count["rows"]),
        "units": round(count["units"], 1),
        "fallback_rows": dict(zip(fallback.keys, fallback.values["rows"].tolist(), strict=True)),
        "level_rows": level_rows,
        "span_rows": int(count["spans"]),
        "levels_left_out": list(left_out),
    }
