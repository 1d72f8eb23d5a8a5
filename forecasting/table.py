"""One question, one table: the rows that go out, their levels, and the lineage both carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from contract.frames import DEMAND_SPANS, FORECAST_LEVELS
from contract.hashes import served_hash, text_hash
from contract.panel import Panel
from contract.params import Params
from contract.question import Question
from forecasting.champion import Champion
from forecasting.ladder import repeated
from forecasting.publication import (
    Serving,
    publish_forecasts,
    publish_levels,
    publish_spans,
    uncalibrated,
)
from forecasting.span_table import windows_of

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

    @property
    def run_id(self) -> str:
        """The run's name."""
        run_id: str = self.lineage["run_id"]
        return run_id


def forecast_table(
    params: Params, panel: Panel, serving: Serving, question: Question
) -> ForecastTable:
    """The champion's table. A part of the series comes without levels."""
    origin, horizon = question.origin or panel.last_day, question.horizon or params.train.horizon
    scope = (origin, horizon, question.series, question.as_of)
    lineage = _lineage(params, panel, serving.champion, scope, serving.champion.reason)
    wanted = panel.matching(question.series).series.select("unique_id") if question.series else None
    rows = publish_forecasts(serving, panel, origin, horizon, lineage["run_id"])
    # features need the neighbours, the question does not; a part of a group has no own calibration
    if wanted is not None:
        rows = rows.join(wanted, on="unique_id", how="semi", maintain_order="left")
        levels, left_out = FORECAST_LEVELS.empty(), []
    else:
        calibration, hierarchy = serving.shapes.main, params.source.hierarchy
        levels = publish_levels(rows, panel.series, hierarchy, calibration)
        left_out = uncalibrated(hierarchy, calibration)
    windows = windows_of(horizon, params.ordering.spans)
    spans = publish_spans(serving, panel, rows, levels, windows)
    return ForecastTable(rows, levels, lineage, tuple(left_out), spans)


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


def summary_of_table(table: ForecastTable) -> dict[str, Any]:
    """What a person wants to know of a table: its lineage, its size, its fallback rows."""
    rows = table.rows
    fallback = rows.filter(pl.col("reason").is_not_null())
    counts = fallback.group_by("method", "reason").len().sort("method", "reason").rows()
    return {
        **table.lineage,
        "origin": rows["origin"][0],
        "series": rows["unique_id"].n_unique(),
        "rows": rows.height,
        "units": round(rows["y_hat"].sum(), 1),
        "fallback_rows": {f"{method}: {reason}": count for method, reason, count in counts},
        "level_rows": table.levels.height,
        "span_rows": table.spans.height,
        "levels_left_out": list(table.levels_left_out),
    }
