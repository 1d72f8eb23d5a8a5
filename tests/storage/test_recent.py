"""The past a batch is judged by, as the store counts it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from contract.frames import SALES
from storage.recent import read_recent
from storage.store import open_store

DAY = date(2024, 3, 1)


def test_recent_sales_are_what_the_batchs_feeds_sold_without_zeros_and_without_its_own_keys(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "s.duckdb") as con:
        con.execute("alter table series_attributes add column store_id varchar").fetchall()
        con.execute("insert into series_attributes values ('a', 'S1'), ('b', 'S1'), ('c', 'S2')")
        for unique_id, back, y in (
            ("a", 1, 3.0), ("b", 1, 0.0), ("a", 56, 2.0), ("a", 57, 9.0), ("b", 0, 4.0),
            ("a", 0, 8.0), ("c", 1, 5.0),
        ):  # fmt: skip
            row = [unique_id, DAY - timedelta(days=back), y, datetime(2024, 3, 2), 1]
            statement = (
                "insert into sales (unique_id, ds, y, known_at, batch_id) values (?,?,?,?,?)"
            )
            con.execute(statement, row).fetchall()
        batch = SALES.conform(
            pl.DataFrame({"unique_id": ["a"], "ds": [DAY], "y": [1.0], "known_at": [None]})
        )
        found = read_recent(con, "sales", batch, None).recent_sales
    assert sorted(found.select("unique_id", "y").rows()) == [("a", 2.0), ("a", 3.0), ("b", 4.0)]
