"""The levels of the hierarchy: which series are summed into which group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

TOTAL = "total"
SERIES_LEVEL = "series"  # the bottom: one group per unique_id
_VALUE = re.compile(r"(?:^|\|)((?:\\.|[^\\|])*)", re.DOTALL)  # of a key of several columns
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Level:
    """One level: its name, and the columns of the series frame whose values name a group. No
    columns: everything.
    """

    name: str
    columns: tuple[str, ...]

    @property
    def group_key(self) -> pl.Expr:
        """The group a series belongs to: its values `joined` (`CA_1|FOODS_3`), `total` for the
        top.
        """
        if self.name == SERIES_LEVEL:
            return pl.col("unique_id").alias("group_key")
        if not self.columns:
            return pl.lit(TOTAL).alias("group_key")
        return joined(self.columns).alias("group_key")


def joined(columns: Sequence[str]) -> pl.Expr:
    r"""The values of these columns as one key, joined with '|'. A '|' or '\' inside a value has a
    '\' before it, so that two groups never share a key.
    """
    values = [
        pl.col(column)
        .str.replace_all("\\", r"\\", literal=True)
        .str.replace_all("|", r"\|", literal=True)
        for column in columns
    ]
    return pl.concat_str(values, separator="|")


def values_of(key: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The values that were `joined` to this key, one for each column."""
    if not columns:
        return ()
    return tuple(_ESCAPED.sub(r"\1", value) for value in _VALUE.findall(key))


def levels_of(column_sets: tuple[tuple[str, ...], ...]) -> list[Level]:
    """Every level from the top to the series, named by its columns (`store_id*dept_id`); the bottom
    is always there.
    """
    upper = [Level("*".join(columns) or TOTAL, columns) for columns in column_sets]
    return [*upper, Level(SERIES_LEVEL, ("unique_id",))]
