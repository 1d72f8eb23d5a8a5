"""Unit totals of M5's levels 1 to 9 in its own layout: one line a group, one column a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from contract.received import Received
from contract.scopes import scope_of
from sources import reasons
from sources.m5_sales import DAY, LAYOUT
from sources.mapping import map_table, received
from sources.parsing import Column, Manner
from sources.tables import need_columns

# the columns whose values stand in agg1 and agg2
_COLUMNS = {
    "1": (),
    "2": ("state_id",),
    "3": ("store_id",),
    "4": ("cat_id",),
    "5": ("dept_id",),
    "6": ("state_id", "cat_id"),
    "7": ("state_id", "dept_id"),
    "8": ("store_id", "cat_id"),
    "9": ("store_id", "dept_id"),
}
_GROUP = ("level", "agg1", "agg2")


def totals_of(
    table: pl.DataFrame, day_of: Mapping[str, date], name: str, history_span_days: int
) -> Received:
    """TOTALS: every cell a row, line by line; a line of a level that is none of 1 to 9 and a day
    that the calendar does not date are refused.
    """
    need_columns(table, dict.fromkeys(_GROUP, LAYOUT), name)
    days = [column for column in table.columns if DAY.fullmatch(column)]
    long = table.unpivot(on=days, index=list(_GROUP), variable_name="d", value_name="units")
    long = long.with_columns(pl.col("d").replace_strict(day_of, default=None).alias("ds"))
    columns = [Column(one, (one,), "text", reasons.MISSING_VALUE) for one in _GROUP]
    columns += [Column("ds", ("ds",), "day", reasons.MISSING_VALUE)]
    columns += [Column("y", ("units",), "number", reasons.MISSING_VALUE)]
    mapped = map_table(long, columns, Manner(), name)
    mapped = mapped.refuse(~pl.col("level").is_in(list(_COLUMNS)), reasons.UNKNOWN_CATEGORY)
    rows = _placed(mapped.rows).with_columns(known_at=pl.lit(None, pl.Datetime("us")))
    return received("totals", rows, mapped, is_history=len(days) > history_span_days)


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the column `scope` made of level, agg1 and agg2."""
    names = sorted({name for columns in _COLUMNS.values() for name in columns})
    values = {name: pl.coalesce(*(_value(name, place) for place in (0, 1))) for name in names}
    return rows.with_columns(**values).with_columns(scope_of(values))


def _value(name: str, place: int) -> pl.Expr:
    """What agg1 (place 0) or agg2 says of this column of the series; null where it says another."""
    levels = [level for level, columns in _COLUMNS.items() if columns[place : place + 1] == (name,)]
    return pl.when(pl.col("level").is_in(levels)).then(f"agg{place + 1}")
