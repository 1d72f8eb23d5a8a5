"""What files made to do harm are made of: an honest day, and ways to write it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date

import polars as pl

DAY = "2024-02-29"
LEVELS = "state_id,store_id,cat_id,dept_id,item_id"
HEADER = f"unique_id,ds,y,{LEVELS}"
SERIES = 12
SEED = 23


def line(number: int, ds: str = DAY, y: str = "1", unique_id: str | None = None) -> str:
    """A row of sales of one series."""
    return f"{unique_id or f's{number}'},{ds},{y},CA,CA_1,FOODS,FOODS_1,i{number}"


def table(*lines: str, header: str = HEADER) -> bytes:
    """A CSV file's content."""
    return ("\n".join([header, *lines]) + "\n").encode("utf-8", "surrogatepass")


def honest(ds: str = DAY) -> bytes:
    """A day of sales that nothing is wrong with."""
    return table(*[line(number, ds) for number in range(SERIES)])


def frame(**columns: object) -> pl.DataFrame:
    """The same day as a frame, some columns replaced; None takes one out."""
    numbers = range(SERIES)
    whole = {
        "unique_id": [f"s{number}" for number in numbers],
        "ds": [date.fromisoformat(DAY)] * SERIES,
        "y": [1.0] * SERIES,
        "state_id": ["CA"] * SERIES,
        "store_id": ["CA_1"] * SERIES,
        "cat_id": ["FOODS"] * SERIES,
        "dept_id": ["FOODS_1"] * SERIES,
        "item_id": [f"i{number}" for number in numbers],
    }
    return pl.DataFrame(
        {name: what for name, what in (whole | columns).items() if what is not None}
    )


def parquet(table: pl.DataFrame, **options: object) -> bytes:
    """A frame as a Parquet file's content."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, **options)
    return buffer.getvalue()


def days_of(number: int) -> pl.Series:
    """A column of one day, counted from 1970."""
    return pl.Series([number] * SERIES, dtype=pl.Int32).cast(pl.Date)


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip's content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


Variants = Iterator[tuple[str, bytes]]
