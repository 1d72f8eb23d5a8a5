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
