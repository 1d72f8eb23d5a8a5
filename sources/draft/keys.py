"""Which columns make a series: the fewest of which a day has one row each; and what is the same on
all days of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from sources.draft.words import says

_MOST_ROWS = 200_000  # looked at to find the key; the whole table is counted once
_MOST_REPEATED = 0.005  # share of rows that a key of a file of days may repeat
_SAME = 0.999  # share of series with one value, of a column that belongs to them
_MOST_COLUMNS = 3
_MOST_TWICE = 0.81  # share of repeated rows where each stands five times
_RARE = 0.05  # share of rows sent again by mistake
_LEAST_NAMES = 0.9  # different names, of the things they name
_LEAST_DAYS = 1.2  # on which a value stands in the mean, to name a thing


@dataclass(frozen=True)
class Key:
    """The columns of a series; `repeated`: the share of rows that stand a second time for one
    series and day.
    """

    columns: tuple[str, ...]
    repeated: float
    series: int

    @property
    def is_unique(self) -> bool:
        """Whether a day has one row of a series, but for a few repeated ones."""
        return self.repeated <= _MOST_REPEATED


def with_day(table: pl.DataFrame, day: str) -> pl.DataFrame:
    """The table with `(day)`: the day's own text, its clock cut off."""
    kind = table[day].dtype
    text = pl.col(day).dt.date() if isinstance(kind, pl.Datetime) else pl.col(day)
    head = text.cast(pl.String).str.extract(r"^([^T\s]+)")
    return table.with_columns(head.alias("(day)"))


def busiest_days(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the days with most rows: what is unique in a day is seen in a day."""
    days = table.group_by("(day)").len().sort("len", "(day)", descending=[True, False])
    kept = days.filter(pl.col("len").cum_sum() <= _MOST_ROWS).head(20)
    kept = kept if kept.height else days.head(1)
    return table.join(kept.select("(day)"), on="(day)", how="semi").head(_MOST_ROWS)


def key_of(table: pl.DataFrame, columns: Sequence[str]) -> Key:
    """These columns as a key of the table."""
    by = list(columns)
    rows = table.select(pl.struct(*by, "(day)").n_unique()).item() if table.height else 0
    series = table.select(pl.struct(by).n_unique()).item() if table.height else 0
    return Key(tuple(columns), 1 - rows / max(table.height, 1), series)


def smallest_key(
    rows: pl.DataFrame, candidates: Sequence[str], named: Sequence[str] = ()
) -> Key | None:
    """The named columns and the fewest of these with which they are unique in a day; None where
    none are.
    """
    for count in range(1, _MOST_COLUMNS + 1 - bool(named)):
        keys = [key_of(rows, [*named, *more]) for more in combinations(candidates, count)]
        if unique := [key for key in keys if key.is_unique]:
            return min(unique, key=lambda key: key.series)
    return None


@dataclass(frozen=True)
class Repeats:
    """Rows that stand again word for word. `times`: how often each does, if all do alike, else 1;
    `is_rare`: a few do, and without them the key is unique.
    """

    times: int = 1
    is_rare: bool = False


def repeats_of(table: pl.DataFrame, key: Key) -> Repeats:
    """Which rows of a table without a unique key are whole rows sent again."""
    if key.is_unique or key.repeated > _MOST_TWICE:
        return Repeats()
    counts = table.group_by(table.columns).len()
    if not key_of(counts, key.columns).is_unique:
        return Repeats()
    least, most = counts["len"].min(), counts["len"].max()
    if least == most and isinstance(least, int):
        return Repeats(times=least)
    return Repeats(is_rare=key.repeated <= _RARE)


def recurs(busy: pl.DataFrame, name: str) -> bool:
    """Whether a column's values stand on several days; those of a receipt's number do not."""
    days = busy["(day)"].n_unique()
    pairs = busy.select(name, "(day)").drop_nulls().unique()
    return days < 2 or pairs.height >= _LEAST_DAYS * pairs[name].n_unique()


def names_each(table: pl.DataFrame, one: str, other: str) -> bool:
    """Whether a column may say what the values of another are called: one to one, or, where it
    calls itself a name, nearly so, as two articles may be called alike.
    """
    pairs = table.select(one, other).drop_nulls().unique()
    ids, least = pairs[one].n_unique(), _LEAST_NAMES if says("name", other) else 1.0
    return 0 < pairs.height == ids and pairs[other].n_unique() >= least * ids


def series_table(table: pl.DataFrame, key: Sequence[str], others: Iterable[str]) -> pl.DataFrame:
    """One row per combination of the key's columns and the others."""
    return table.select(*dict.fromkeys([*key, *others])).unique()


def belonging(series: pl.DataFrame, key: Sequence[str], others: Iterable[str]) -> list[str]:
    """Those of the other columns that have one value for nearly all series."""
    total = series.select(pl.struct(list(key)).n_unique()).item() if series.height else 0
    return [
        name
        for name in others
        if total and _values(series, [*key, name]) * _SAME <= total and not series[name].has_nulls()
    ]


def _values(series: pl.DataFrame, names: list[str]) -> int:
    return int(series.select(pl.struct(*dict.fromkeys(names)).n_unique()).item())
