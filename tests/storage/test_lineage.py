"""What a run had read, from the ledger: the newest statement of every key among those of the
batches up to one.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.frames import SALES
from storage.facts import read_fact, write_fact
from storage.lineage import panel_as_read
from storage.series import write_series
from storage.store import open_store, transaction

DAY = date(2024, 3, 1)
KNOWN = datetime(2024, 3, 2)

# a batch: for each of three keys nothing, or (units, hours after KNOWN at which it was known)
STATEMENT = st.none() | st.tuples(st.integers(0, 2), st.integers(0, 4))
BATCHES = st.lists(st.tuples(STATEMENT, STATEMENT, STATEMENT), min_size=1, max_size=5)


def frame_of(batch) -> pl.DataFrame:
    rows = [
        {
            "unique_id": f"s{k}",
            "ds": DAY,
            "y": float(statement[0]),
            "known_at": KNOWN + timedelta(hours=statement[1]),
        }
        for k, statement in enumerate(batch)
        if statement is not None
    ]
    return SALES.conform(
        pl.DataFrame(
            rows, schema={name: SALES.schema[name] for name in ("unique_id", "ds", "y", "known_at")}
        )
    )


@given(BATCHES)
def test_what_later_batches_said_is_not_in_it(tmp_path_factory, batches):
    """Oracle: the sales as they stood after each batch, read right then."""
    store = Path(tmp_path_factory.mktemp("lineage")) / "tillcast.duckdb"
    stood = []
    with open_store(store) as con:
        with transaction(con):
            series = {"unique_id": ["s0", "s1", "s2"], "store_id": ["S", "S", "S"]}
            write_series(con, pl.DataFrame(series), 1)
        for number, batch in enumerate(batches, start=1):
            with transaction(con):
                write_fact(con, "sales", frame_of(batch), number)
            stood.append(read_fact(con, "sales").drop("known_at"))
        for number, expected in enumerate(stood, start=1):
            panel = panel_as_read(con, number, None, "then")
            assert panel.sales.drop("known_at").equals(expected)
            assert set(panel.series["unique_id"]) == set(expected["unique_id"])


@pytest.mark.parametrize(("hours", "units"), [(0, 1.0), (2, 5.0), (9, 7.0)])
def test_a_run_as_of_a_moment_knew_what_was_known_then_of_its_batches(tmp_path, hours, units):
    with open_store(tmp_path / "tillcast.duckdb") as con:
        for number, statement in enumerate([(1, 0), (5, 2), (7, 4), (9, 6)], start=1):
            with transaction(con):
                write_fact(con, "sales", frame_of((statement, None, None)), number)
        panel = panel_as_read(con, 3, KNOWN + timedelta(hours=hours), "then")
    assert panel.sales["y"].to_list() == [units]
