"""A forecast table whose rows lie in files, made part by part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from contract.params import Params
from contract.question import Question
from forecasting.champion import Champion
from forecasting.part_table import ROWS, SERVED, SPANS, PartTable, sums_of_levels
from forecasting.publication import serving_of
from forecasting.served import watched
from forecasting.table import TableWork, summary_of, table_work
from scaling.engines import Engine
from scaling.parts import Parts
from scaling.run import run_parts

MAIN = "table"


@dataclass(frozen=True)
class TableInParts:
    """A table whose rows lie in files, with its levels and their spans."""

    work: TableWork
    levels: pl.DataFrame
    spans_of_levels: pl.DataFrame
    folders: tuple[Path, ...]
    summary: dict[str, Any]

    @property
    def lineage(self) -> dict[str, Any]:
        """As ForecastTable.lineage."""
        return self.work.lineage

    @property
    def run_id(self) -> str:
        """The run's name."""
        run_id: str = self.lineage["run_id"]
        return run_id

    @property
    def lazy_rows(self) -> pl.LazyFrame:
        """FORECASTS of all series."""
        return self._scan(ROWS)

    @property
    def spans_of_series(self) -> pl.LazyFrame:
        """DEMAND_SPANS of all series."""
        return self._scan(SPANS)

    def frames(self, created_at: datetime) -> dict[str, pl.DataFrame]:
        """The tables that memory holds, as a store publishes them."""
        return {"forecast_levels": self.levels}

    def scans(self, created_at: datetime) -> dict[str, pl.LazyFrame]:
        """The tables of series, as a store publishes them."""
        rows = self.lazy_rows.with_columns(created_at=pl.lit(created_at))
        spans = pl.concat([self.spans_of_series, self.spans_of_levels.lazy()])
        return {"forecasts": rows, "demand_spans": spans}

    def served(self) -> pl.DataFrame | None:
        """The feature rows that were kept; None where no model was given any."""
        files = [folder / SERVED for folder in self.folders if (folder / SERVED).exists()]
        return pl.concat([pl.read_parquet(file, glob=False) for file in files]) if files else None

    def _scan(self, name: str) -> pl.LazyFrame:
        return pl.scan_parquet([folder / name for folder in self.folders], glob=False)


def table_in_parts(
    params: Params, champion: Champion, parts: Parts, question: Question, engine: Engine
) -> TableInParts:
    """The champion's table."""
    outline = parts.outline()
    work = table_work(params, outline, serving_of(params, champion), question)
    served = tuple(watched(outline, params.monitor.parity_series))
    added = run_parts(PartTable(work, served), MAIN, parts, engine)
    levels, spans_of_levels = work.of_levels(sums_of_levels(added))
    folders = tuple(parts.all_results(MAIN))
    summary = summary_of(work.lineage, work.origin, added, levels.height, work.left_out)
    summary["span_rows"] += spans_of_levels.height
    return TableInParts(work, levels, spans_of_levels, folders, summary)
