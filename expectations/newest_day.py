"""The newest day of a history: the one day of it that can be cut short, and can be sent again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl

from contract.frames import REFUSED, SALES
from contract.received import Received
from expectations.judge import Judgement, judge, refuse_keys
from expectations.sales import SALES_SUITE, WHOLE_DAY_CODES
from expectations.suite import Context
from expectations.usual import WEEKS_COMPARED, counted


def with_newest_day_judged(judgement: Judgement, context: Context) -> Judgement:
    """A judged history of sales; its newest day is refused where a morning's file of that day alone
    would be, and a note says so.
    """
    rows = judgement.accepted
    if rows.is_empty() or not context.ingest.refuse_unusual:
        return judgement
    day = rows["ds"].max()
    newest = rows.filter(pl.col("ds") == day)
    weeks = [day - timedelta(weeks=week) for week in range(1, WEEKS_COMPARED + 1)]  # type: ignore[operator]
    before = counted(rows.filter(pl.col("ds").is_in(weeks)), context.series, context.columns)
    context = replace(context, past=pl.concat([context.past, before], how="diagonal_relaxed"))
    lines = int(newest["lines"].sum())
    alone = Received("sales", newest, REFUSED.empty(), lines)
    judged = judge(alone, SALES_SUITE, context, by_great_expectations=False)
    broken = [result for result in judged.results if result.code in WHOLE_DAY_CODES]
    broken = [result for result in broken if result.broken_rows]
    if not broken:
        return judgement
    first = broken[0]
    what = f"all {lines} rows of {day}, the newest day, were refused"
    note = f"{first.code}: {what}. {first.sentence}"
    refused = refuse_keys(judgement, SALES_SUITE, newest.select(SALES.key), first.code)
    return replace(refused, notes=(*refused.notes, note))
