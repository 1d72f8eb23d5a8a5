"""Parquet of any writer as a table: types that others use for text and numbers become ours."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import polars.selectors as cs

from contract.errors import BadInput
from sources.csv_files import stripped

_MOST_TEXT = 2**31  # bytes of one column: ten million names of the longest kind
_CALENDAR = (-719_162, 2_932_896)  # days since 1970: 0001-01-01 and 9999-12-31
_PARTS = {"d": 1, "ms": 86_400 * 10**3, "us": 86_400 * 10**6}  # of a day
_EXACT = 2**53  # whole numbers up to here are whole as floats, too


def table_of_parquet(source: Path | bytes, name: str) -> pl.DataFrame:
    """The file's rows: text stripped, empty as null; binary as text, whole decimals as integers.

    Lists, structs and other nested columns are left out: no mapping takes one. BadInput for a file
    that is not whole, or with binary that is no text.
    """
    try:
        scan = pl.scan_parquet(source, glob=False, hive_partitioning=False)
        kinds = scan.collect_schema()
        flat = [name for name, kind in kinds.items() if not kind.is_nested()]
        # by its whole name: a path may hold [brackets]
        table = pl.read_parquet(source, glob=False, hive_partitioning=False, columns=flat)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise BadInput(
            f"'{name}' is not a whole Parquet file ({reason}). Copy it again."
        ) from error
    table = table.drop(cs.nested() | cs.object() | cs.by_dtype(pl.Null))
    _refuse_endless_text(table, name)
    return stripped(_plain(table, name))


def _refuse_endless_text(table: pl.DataFrame, name: str) -> None:
    """BadInput for a column of more text than any list of sales has. Its values may share one
    place, as a repeated text does, until they are looked at.
    """
    for column in table.select(cs.string() | cs.binary()):
        is_text = column.dtype == pl.String
        size = (column.str.len_bytes() if is_text else column.bin.size()).cast(pl.Int64).sum()
        if size > _MOST_TEXT:
            raise BadInput(
                f"'{name}' holds {size / 2**20:,.0f} MB of text in column '{column.name}'; "
                f"{_MOST_TEXT / 2**20:,.0f} MB at most. Leave that column out."
            )


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
    if isinstance(column.dtype, pl.Date | pl.Datetime):
        return _within_calendar(column)
    if column.dtype == pl.Decimal:
        numbers = column.cast(pl.Float64)
        is_whole = (numbers == numbers.round()).all() and (numbers.abs() < _EXACT).all()
        return column.cast(pl.Int64) if is_whole else _other_decimal(column, numbers)
    return column


def _within_calendar(column: pl.Series) -> pl.Series:
    """Days and moments; as text where some lie beyond the years 1 to 9999, which no engine prints:
    those rows are refused, and the others read.
    """
    unit = getattr(column.dtype, "time_unit", "d")
    if unit == "ns":  # 64 bits of them end in the year 2262
        return column
    counted = column.to_physical().cast(pl.Int64)
    first, last = (bound * _PARTS[unit] for bound in _CALENDAR)
    is_beyond = ~counted.is_between(first, last + _PARTS[unit] - 1)
    if not is_beyond.any():
        return column
    text = column.set(is_beyond, None).cast(pl.String)
    beyond = pl.select(pl.format(f"{{}} {unit} since 1970", counted.filter(is_beyond)))
    return text.scatter(is_beyond.fill_null(value=False).arg_true(), beyond.to_series())


def _other_decimal(column: pl.Series, numbers: pl.Series) -> pl.Series:
    """A decimal that is not whole as a number; one too large for a number, as an id may be, as
    text.
    """
    if (numbers.abs() < _EXACT).all():
        return numbers
    text = column.cast(pl.String)
    return text.str.replace(r"\.0*$", "")
