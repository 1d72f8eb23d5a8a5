"""The door in front of a broken panel: its last days as daily files, judged by the rules that a file would meet."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from contract.frames import REFUSED
from contract.levels import SERIES_LEVEL, Level
from contract.panel import Panel
from contract.params import IngestParams
from contract.received import Received
from expectations.judge import Judgement, judge
from expectations.suite import Context
from expectations.suites import SUITES
from expectations.usual import WEEKS_COMPARED, counted, levels_compared


def through_the_door(
    panel: Panel, days: int, levels: list[Level], ingest: IngestParams
) -> tuple[Panel, dict[str, int]]:
    """The panel with what the rules accept of its last days, each judged against the days taken before it; rows refused by reason."""
    first = panel.last_day - timedelta(days=days - 1)
    taken, refused = replace(panel, sales=panel.sales.filter(pl.col("ds") < first)), Counter()
    for day in (first + timedelta(days=k) for k in range(days)):
        judgement = judged_day(taken, panel.sales.filter(ds=day), day, levels, ingest)
        accepted = judgement.accepted.select(panel.sales.columns)
        taken = replace(taken, sales=pl.concat([taken.sales, accepted]))
        refused.update(judgement.refused["reason"])
    return replace(taken, sales=taken.sales.sort("unique_id", "ds")), dict(refused)


def judged_day(known: Panel, sales: pl.DataFrame, day: date, levels: list[Level], ingest: IngestParams) -> Judgement:
    """A day's rows as the rules see them on the morning after, this panel being known."""
    sets = [level.columns for level in levels if level.name != SERIES_LEVEL]
    compared = levels_compared(sets, known.series, ingest.whole_days)
    before = (pl.lit(day) - pl.col("ds")).dt.total_days()
    weeks = known.sales.filter(before.is_between(1, 7 * WEEKS_COMPARED), before % 7 == 0)
    context = Context(
        ingest, day + timedelta(days=1), series=known.series, levels=compared, calendar=known.calendar.filter(ds=day)
    )
    context = replace(context, past=counted(weeks, known.series, context.columns))
    return judge(_file_of(sales), SUITES["sales"], context, by_great_expectations=False)


def _file_of(sales: pl.DataFrame) -> Received:
    rows = sales.with_row_index("row_number", offset=1).with_columns(
        pl.col("row_number").cast(pl.Int64), lines=pl.lit(1, pl.Int64)
    )
    return Received("sales", rows, REFUSED.empty(), rows.height)
