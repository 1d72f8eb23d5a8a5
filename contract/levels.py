"""The levels of the hierarchy: which series are summed into which group."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from contract.errors import BadUsage

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


SERIES_ITSELF = Level(SERIES_LEVEL, ("unique_id",))


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
    return [*map(level_by, column_sets), SERIES_ITSELF]


def level_by(columns: Sequence[str]) -> Level:
    """The level whose groups these columns name; no columns: everything."""
    return Level("*".join(columns) or TOTAL, tuple(columns))


def level_called(name: str) -> Level:
    """The level of this name, as tables hold it."""
    if name == SERIES_LEVEL:
        return SERIES_ITSELF
    return level_by(() if name == TOTAL else name.split("*"))


def is_ambiguous(level: Level) -> bool:
    """Whether its name is another level's, or of other columns: a column called `series`, `total`
    or with a `*` in it makes such a one.
    """
    return level_called(level.name) != level


def series_where(series: pl.DataFrame, where: Mapping[str, str]) -> pl.DataFrame:
    """The series that have these values in these columns: at least one. BadUsage names the columns
    or values that there are instead.
    """
    if unknown := sorted(set(where) - set(series.columns)):
        raise BadUsage(
            f"no column of the series is called {unknown}; there are {series.columns}. Give --where"
            " with one of them."
        )
    members = series
    for column, value in where.items():
        values = members[column].unique().sort()
        if value not in values:
            raise BadUsage(
                f"no series has {column} = '{value}'"
                + (" there" if members.height < series.height else "")
                + f"; {len(values)} values are known, such as {values.head(3).to_list()}."
            )
        members = members.filter(pl.col(column) == value)
    return members
