"""The rows of one part of a table: files in its folder, and what they add to the whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from contract.panel import Panel
from contract.whole import Table, one_row
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.publication import level_sums
from forecasting.served_rows import ServedRows
from forecasting.table import TableWork

ROWS, SPANS, SERVED = "forecasts.parquet", "demand_spans.parquet", "served.parquet"
_COUNT, _FALLBACK, _LEVEL = "table", "fallback rows", "level "


@dataclass(frozen=True)
class PartTable:
    """`work`, to be run for each part of a panel (scaling.run). `served`: the series whose feature
    rows are kept; `only`: where given, those whose rows are.
    """

    work: TableWork
    served: tuple[str, ...] = ()
    only: frozenset[str] | None = None

    def __call__(self, panel: Panel, folder: Path) -> None:
        """Rows and spans of the part as files; sums of levels and counts reported."""
        model = self.work.serving.champion.model
        served = ServedRows(list(self.served)) if isinstance(model, GlobalLightGBM) else None
        if isinstance(model, GlobalLightGBM):
            model.served = served
        try:
            rows = self.work.rows(panel)
        finally:  # a run that predicts ends before its rows are made
            if served is not None and served.parts:
                served.frame().write_parquet(folder / SERVED)
        if self.only is not None:
            rows = rows.filter(pl.col("unique_id").is_in(list(self.only)))
        spans = self.work.spans(panel, rows)
        rows.write_parquet(folder / ROWS)
        spans.write_parquet(folder / SPANS)
        panel.whole.report(self._added(panel, rows, spans))

    def _added(self, panel: Panel, rows: pl.DataFrame, spans: pl.DataFrame) -> dict[str, Table]:
        fallback = rows.filter(pl.col("reason").is_not_null()).select(
            key=pl.format("{}: {}", "method", "reason")
        )
        counts = fallback.group_by("key").len().sort("key")
        numbers = {
            "series": rows["unique_id"].n_unique(),
            "rows": rows.height,
            "units": float(rows["y_hat"].sum()),
            "spans": spans.height,
        }
        added = {
            _COUNT: one_row(numbers),
            _FALLBACK: Table(counts["key"], {"rows": counts["len"].to_numpy()}),
        }
        if self.work.hierarchy and self.only is None:
            sums = level_sums(rows, panel.series, self.work.hierarchy)
            added |= {f"{_LEVEL}{name}": table for name, table in sums.items()}
        return added


def sums_of_levels(added: dict[str, Table]) -> dict[str, Table]:
    """By level what all parts reported."""
    return {
        name.removeprefix(_LEVEL): table for name, table in added.items() if name.startswith(_LEVEL)
    }


def summary_of_parts(
    work: TableWork, added: dict[str, Table], levels: int, spans: int
) -> dict[str, Any]:
    """As forecasting.table.summary_of_table; so many rows of levels and of their spans."""
    count = {name: float(of[0]) for name, of in added[_COUNT].values.items()}
    fallback = added[_FALLBACK]
    return {
        **work.lineage,
        "origin": work.origin,
        "series": int(count["series"]),
        "rows": int(count["rows"]),
        "units": round(count["units"], 1),
        "fallback_rows": dict(zip(fallback.keys, fallback.values["rows"].tolist(), strict=True)),
        "level_rows": levels,
        "span_rows": int(count["spans"]) + spans,
        "levels_left_out": work.left_out,
    }
