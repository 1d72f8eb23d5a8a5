"""Frames and arrays of sums by key, added up over all parts of a panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from contract.whole import Arrays, Table, Whole, as_texts, from_texts

_KEY = "key of a row"


def summed(whole: Whole, name: str, frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The frame, one row for each key `by`, whose other columns are numbers that add up: that of
    all parts, where there are any.

    `name`: no two of a step share one. A key may hold nulls, a number none.
    """
    if not whole.is_part:
        return frame
    numbers = [column for column in frame.columns if column not in by]
    texts = pl.struct(pl.col(*by).cast(pl.String))
    keyed = frame.with_columns(texts.struct.json_encode().alias(_KEY)).sort(_KEY)
    own = Table(keyed[_KEY], {column: keyed[column].to_numpy() for column in numbers})
    total = whole.totals({name: own})[name]
    key = total.keys.str.json_decode(pl.Struct(dict.fromkeys(by, pl.String))).struct.unnest()
    columns = key.with_columns(_typed(column, frame.schema[column]) for column in by)
    sums = columns.with_columns(pl.Series(column, total.values[column]) for column in numbers)
    return sums.select(frame.columns).sort(by)


def kept_frame(whole: Whole, name: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """What `make` gives, made once though a part runs several times; texts, days and numbers, none
    of them null.
    """
    if not whole.is_part:
        return make()

    def arrays() -> Arrays:
        return {column.name: _as_array(column) for column in make()}

    return pl.DataFrame([_as_column(*kept) for kept in whole.kept(name, arrays).items()])


def _as_array(column: pl.Series) -> np.ndarray:
    return as_texts(column) if column.dtype == pl.String else column.to_numpy()


def _as_column(name: str, array: np.ndarray) -> pl.Series:
    column = from_texts(array) if array.dtype.kind == "U" else pl.Series(array)
    return column.alias(name)


def _typed(column: str, kind: pl.DataType) -> pl.Expr:
    text = pl.col(column)
    return text.str.to_date() if kind == pl.Date else text.cast(kind)


def summed_by_group(
    whole: Whole, name: str, groups: Sequence[str], own: Arrays
) -> tuple[list[str], Arrays]:
    """The groups, and arrays whose first axis they are, added up over all parts; sorted where there
    are any.
    """
    if not whole.is_part:
        return list(groups), own
    order = np.argsort(np.array(groups))
    keys = pl.Series([groups[at] for at in order], dtype=pl.String)
    table = Table(keys, {of: values[order] for of, values in own.items()})
    total = whole.totals({name: table})[name]
    return total.keys.to_list(), total.values


def gathered(whole: Whole, name: str, unique_ids: pl.Series, own: Arrays) -> Arrays:
    """Arrays whose first axis are some series, sorted by name, with the rows of all parts."""
    return whole.totals({name: Table(unique_ids, own)})[name].values
