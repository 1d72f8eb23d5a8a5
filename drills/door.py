"""The door in front of a broken panel: its last days as daily files, judged by the rules that a file would meet."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import polars as pl

from contract.frames import REFUSED
from contract.levels import SERIES_LEVEL, Level
from contract.panel import Panel
from contract.params import IngestParams
from contract.received import Received
from expectations.judge import judge
from expectations.suite import Context
from expectations.suites import SUITES
from expectations.usual import WEEKS_COMPARED, counted, levels_compared


def through_the_door(
    panel: Panel, days: int, levels: list[Level], ingest: IngestParams
) -> tuple[Panel, dict[str, int]]:
    """The panel with what the rules accept of its last days, each judged against the days taken before it; rows refused by reason."""
    first = panel.last_day - timedelta(days=days - 1)
    taken, refused = panel.sales.filter(pl.col("ds") < first), Counter()
    sets = [level.columns for level in levels if level.name != SERIES_LEVEL]
    compared = levels_compared(sets, panel.series, ingest.whole_days)
    columns = list(dict.fromkeys(column for level in compared for column in level))
    for day in (first + timedelta(days=k) for k in range(days)):
        recent = taken.filter(pl.col("ds") >= day - timedelta(weeks=WEEKS_COMPARED))
        context = Context(
            ingest,
            day + timedelta(days=1),
            past=counted(recent, panel.series, columns),
            series=panel.series,
            levels=compared,
            calendar=panel.calendar,
        )
        judgement = judge(_file_of(panel.sales.filter(ds=day)), SUITES["sales"], context, by_great_expectations=False)
        taken = pl.concat([taken, judgement.accepted.select(taken.columns)])
        refused.update(judgement.refused["reason"])
    return replace(panel, sales=taken.sort("unique_id", "ds")), dict(refused)


def _file_of(sales: pl.DataFrame) -> Received:
    rows = sales.with_row_index("row_number", offset=1).with_columns(
        pl.col("row_number").cast(pl.Int64), lines=pl.lit(1, pl.Int64)
    )
    return Received("sales", rows, REFUSED.empty(), rows.height)
