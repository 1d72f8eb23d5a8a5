"""The rows of one part of a table: files in its folder, and what they add to the whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from contract.panel import Panel
from contract.whole import Table
from forecasting.publication import level_sums
from forecasting.served import given_rows, watch_serving
from forecasting.table import TableWork, counts_of

ROWS, SPANS, SERVED = "forecasts.parquet", "demand_spans.parquet", "served.parquet"
_LEVEL = "level "


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
        watch_serving(model, list(self.served))
        try:
            rows = self.work.rows(panel)
        finally:  # a run that predicts ends before its rows are made
            if (given := given_rows(model)) is not None:
                given.write_parquet(folder / SERVED)
        if self.only is not None:
            rows = rows.filter(pl.col("unique_id").is_in(list(self.only)))
        spans = self.work.spans(panel, rows)
        rows.write_parquet(folder / ROWS)
        spans.write_parquet(folder / SPANS)
        panel.whole.report(counts_of(rows, spans))
        if self.work.hierarchy and self.only is None:
            sums = level_sums(rows, panel.series, self.work.hierarchy)
            panel.whole.report({f"{_LEVEL}{name}": table for name, table in sums.items()})


def sums_of_levels(added: dict[str, Table]) -> dict[str, Table]:
    """By level what all parts reported."""
    return {
        name.removeprefix(_LEVEL): table for name, table in added.items() if name.startswith(_LEVEL)
    }
