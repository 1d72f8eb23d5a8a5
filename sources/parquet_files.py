"""Parquet of any writer as a table: types that others use for text and numbers become ours."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import polars.selectors as cs

from contract.errors import BadInput
from sources.csv_files import stripped

_EXACT = 2**53  # whole numbers up to here are whole as floats, too


def table_of_parquet(source: Path | bytes, name: str) -> pl.DataFrame:
    """The file's rows: text stripped, empty as null; binary as text, whole decimals as integers.

    Lists, structs and other nested columns are left out: no mapping takes one. BadInput for a file
    that is not whole, or with binary that is no text.
    """
    try:
        # by its whole name: a path may hold [brackets]
        table = pl.read_parquet(source, glob=False, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise BadInput(
            f"'{name}' is not a whole Parquet file ({reason}). Copy it again."
        ) from error
    flat = table.drop(cs.nested() | cs.object() | cs.by_dtype(pl.Null))
    return stripped(_plain(flat, name))


def _plain(table: pl.DataFrame, name: str) -> pl.DataFrame:
    columns = []
    for column in table:
        try:
            columns.append(_plain_column(column))
        except pl.exceptions.PolarsError as error:
            raise BadInput(
                f"'{name}' holds binary that is no text in column '{column.name}'. "
                "Write it as text, or leave the column out."
            ) from error
    return table.with_columns(columns)


def _plain_column(column: pl.Series) -> pl.Series:
    """Binary as text; a decimal as an integer where every value is whole, else as a number."""
    if column.dtype == pl.Binary:
        return column.cast(pl.String)
    if column.dtype == pl.Decimal:
        numbers = column.cast(pl.Float64)
        is_whole = (numbers == numbers.round()).all() and (numbers.abs() < _EXACT).all()
        return column.cast(pl.Int64) if is_whole else _other_decimal(column, numbers)
    return column


def _other_decimal(column: pl.Series, numbers: pl.Series) -> pl.Series:
    """A decimal that is not whole as a number; one too large for a number, as an id may be, as
    text.
    """
    if (numbers.abs() < _EXACT).all():
        return numbers
    text = column.cast(pl.String)
    return text.str.replace(r"\.0*$", "")
