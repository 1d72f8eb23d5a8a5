"""What is wrong with a column's fields, in a sentence for people."""

from __future__ import annotations

import polars as pl

from sources.numbers import loose_numbers
from sources.parsing import Column, examples_in

_LARGE = 0.95  # quantile; unreadable numbers beyond it are the largest of their column


def missing_in(column: Column, rows: int) -> str:
    """A sentence about a column that every row must have and some do not."""
    names = ", ".join(f"'{name}'" for name in column.origin)
    return f"column {names} ({column.name}) is empty in {rows} rows; every row must have it."


def trouble_of(column: Column, is_unread: pl.Series, value: pl.Series, table: pl.DataFrame) -> str:
    """A sentence about the fields of a column that could not be read: how many, three of them, the
    setting; and whether they are the largest.
    """
    names = ", ".join(f"'{name}'" for name in column.origin)
    origin = table[column.origin[0]]
    if len(column.origin) > 1:
        origin = table.select(pl.concat_str(column.origin, separator="_")).to_series()
    said = (
        f"column {names} ({column.name}): {int(is_unread.sum())} fields like "
        f"{examples_in(origin, is_unread)} could not be read; see {column.setting}."
    )
    if column.kind != "number" or origin.dtype != pl.String:
        return said
    lost = loose_numbers(origin.filter(is_unread)).median()
    large = value.quantile(_LARGE)
    if lost is None or large is None or float(str(lost)) <= large:
        return said
    return f"{said} They are the largest values of the column: its best days are missing."
