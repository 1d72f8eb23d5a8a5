"""Rows into a table: what is held of them afterwards."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import polars as pl
import pyarrow as pa

from storage.connection import insert
from storage.store import open_store


def test_rows_that_were_inserted_are_not_held_until_their_transaction_ends(
    tmp_path: Path, monkeypatch
) -> None:
    """A table larger than memory comes in many batches, all in one transaction."""
    held = list[weakref.ref[pa.Table]]()
    to_arrow = pl.DataFrame.to_arrow

    def noted(frame: pl.DataFrame) -> pa.Table:
        table = to_arrow(frame)
        held.append(weakref.ref(table))
        return table

    monkeypatch.setattr(pl.DataFrame, "to_arrow", noted)
    with open_store(tmp_path / "store.duckdb") as con:
        con.execute("create table taken (unique_id varchar, y double)")
        con.begin()
        for name in "abc":
            insert(con, "taken", pl.DataFrame({"unique_id": [name], "y": [1.0]}))
        gc.collect()
        assert [table() for table in held] == [None] * 3
        con.rollback()
        insert(con, "taken", pl.DataFrame({"unique_id": ["d"], "y": [None]}))
        rows = con.execute("select * from taken").fetchall()
    assert rows == [("d", None)]
