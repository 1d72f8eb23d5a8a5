"""A connection to the store's file, and what its queries give as typed frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl

Connection = duckdb.DuckDBPyConnection


def frame_of(con: Connection, query: str, **params: object) -> pl.DataFrame:
    """The rows of a query, in its columns and order; `params` are the values it binds by name."""
    frame: pl.DataFrame = con.sql(query, params=params or None).pl()
    return frame


def insert(con: Connection, table: str, rows: pl.DataFrame) -> None:
    """Rows into a table with the same columns. A registered frame is held until its transaction
    ends, however many follow it; this one is not.
    """
    con.from_arrow(rows.to_arrow()).insert_into(table)


@contextmanager
def registered(con: Connection, **frames: pl.DataFrame) -> Iterator[None]:
    """Frames that statements inside can read as tables of these names; gone afterwards."""
    for name, frame in frames.items():
        con.register(name, frame)
    try:
        yield
    finally:
        for name in frames:
            con.unregister(name)
