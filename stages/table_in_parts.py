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
from forecasting.part_table import (
    ROWS,
    SERVED,
    SPANS,
    PartTable,
    summary_of_parts,
    sums_of_levels,
)
from forecasting.publication import serving_of
from forecasting.served import drawn
from forecasting.table import TableWork, table_work
from scaling.engines import Engine
from scaling.parts import Parts
from scaling.run import run_parts

MAIN = "table"


@dataclass(frozen=True)
class TableInParts:
    """A table whose rows lie in files, with its levels and their spans."""

    work: TableWork
    levels: pl.DataFrame
    of_levels: pl.DataFrame
    folders: tuple[Path, ...]
    summary: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The run's name."""
        run_id: str = self.work.lineage["run_id"]
        return run_id

    def rows(self) -> pl.LazyFrame:
        """FORECASTS of all series."""
        return pl.scan_parquet([folder / ROWS for folder in self.folders], glob=False)

    def spans(self) -> pl.LazyFrame:
        """DEMAND_SPANS: of all series, then of the levels."""
        of_series = pl.scan_parquet([folder / SPANS for folder in self.folders], glob=False)
        return pl.concat([of_series.sort("key", "from_h", "to_h"), self.of_levels.lazy()])

    def scans(self, created_at: datetime) -> dict[str, pl.LazyFrame]:
        """The tables of series, as a store publishes them."""
        rows = self.rows().with_columns(created_at=pl.lit(created_at))
        return {"forecasts": rows, "demand_spans": self.spans()}

    def served(self) -> pl.DataFrame | None:
        """The feature rows that were kept; None where no model was given any."""
        files = [folder / SERVED for folder in self.folders if (folder / SERVED).exists()]
        return pl.concat([pl.read_parquet(file, glob=False) for file in files]) if files else None


def table_in_parts(
    params: Params, champion: Champion, parts: Parts, question: Question, engine: Engine
) -> TableInParts:
    """The champion's table."""
    outline = parts.outline()
    work = table_work(params, outline, serving_of(params, champion), question)
    ids = outline.series["unique_id"].to_list()
    served = tuple(drawn(ids, params.monitor.parity_series, outline.hash))
    added = run_parts(PartTable(work, served), MAIN, parts, engine)
    levels, of_levels = work.of_levels(sums_of_levels(added))
    folders = tuple(parts.results(MAIN, number) for number in range(parts.count))
    summary = summary_of_parts(work, added, levels.height, of_levels.height)
    return TableInParts(work, levels, of_levels, folders, summary)
