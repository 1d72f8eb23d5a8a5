"""Sales of some spans of days, without what lies between them: a year ago and lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from storage.connection import Connection, frame_of

Span = tuple[date, date]  # both days included


def sales_of_days(con: Connection, spans: Sequence[Span]) -> pl.DataFrame:
    """unique_id, ds, y of the days of these spans, as last known; sorted by series and day."""
    bound = {
        name: day
        for k, (first, last) in enumerate(spans)
        for name, day in ((f"a_{k}", first), (f"b_{k}", last))
    }
    among = " or ".join(f"ds between $a_{k} and $b_{k}" for k in range(len(spans)))
    query = f"select unique_id, ds, y from sales where {among} order by unique_id, ds"  # noqa: S608 -- numbers
    return frame_of(con, query, **bound)


def week_ago_spans(con: Connection, run_id: str, days: int) -> pl.DataFrame:
    """unique_id, mean, q025, q975 of a run's first `days` days, of every series."""
    query = """
        select key as unique_id, mean, q025, q975 from demand_spans
        where run_id = $run_id and level = 'series' and from_h = 1 and to_h = $days
        order by unique_id"""
    return frame_of(con, query, run_id=run_id, days=days)
