"""The ledger: a file is wholly in or wholly out, once, and every row of it is accounted for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from contract.errors import BadParams, ContractBroken
from contract.frames import SALES
from storage.batches import Batch, Delivery, holds, read_batches, unreadable, write_delivery
from storage.facts import read_fact
from storage.quarantine import read_quarantine
from storage.series import hierarchy_columns, read_series
from storage.store import open_store

NOW = datetime(2024, 3, 1, 5)
SENTENCES = {"units_negative": "Returns are not demand."}


def batch(
    units: list[float],
    refused: int = 0,
    series: pl.DataFrame | None = None,
    reason: str | None = None,
) -> Batch:
    rows = pl.DataFrame(
        {
            "unique_id": [f"s{k}" for k in range(len(units))],
            "ds": date(2024, 2, 29),
            "y": units,
            "known_at": NOW,
            "row_number": range(1, len(units) + 1),
            "lines": 1,
        }
    )
    lost = pl.DataFrame(
        {
            "row_number": range(refused),
            "reason": "units_negative",
            "raw": '{"y": "-1"}',
            "lines": 1,
        },
        schema={"row_number": pl.Int64, "reason": pl.String, "raw": pl.String, "lines": pl.Int64},
    )
    accepted = rows.with_columns(SALES.conform(rows)) if units else rows.clear()
    return Batch("sales", len(units) + refused, accepted, lost, "file", series, reason)


def delivery(sha256: str = "abc", name: str = "sales.csv") -> Delivery:
    return Delivery("files-1", name, sha256, NOW)


@pytest.fixture
def con(tmp_path: Path):
    with open_store(tmp_path / "store.duckdb") as con:
        yield con


def test_the_same_content_under_another_name_changes_nothing(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert write_delivery(con, delivery(), [batch([1, 2], refused=1)], SENTENCES) == [1]
    assert write_delivery(con, delivery(name="other.csv"), [batch([5, 5])], SENTENCES) == []
    assert read_fact(con, "sales")["y"].to_list() == [1, 2]
    assert read_batches(con).select("name", "rows_in", "rows_accepted", "rows_refused").rows() == [
        ("sales.csv", 3, 2, 1)
    ]


def test_a_refused_row_keeps_its_reason_in_words_and_itself(con: duckdb.DuckDBPyConnection) -> None:
    write_delivery(con, delivery(), [batch([1], refused=1)], SENTENCES)
    row = read_quarantine(con, 1).row(0, named=True)
    assert (row["reason"], row["sentence"], row["raw"]) == (
        "units_negative",
        "Returns are not demand.",
        '{"y": "-1"}',
    )


def test_a_refused_file_may_come_again_once_the_rule_is_mended(
    con: duckdb.DuckDBPyConnection,
) -> None:
    write_delivery(con, delivery(), [unreadable("it is empty")], {})
    assert not holds(con, "abc")
    write_delivery(con, delivery(), [batch([1])], {})
    assert holds(con, "abc")
    assert read_batches(con)["status"].to_list() == ["accepted"]


def test_a_refused_file_that_comes_again_lies_in_quarantine_once(
    con: duckdb.DuckDBPyConnection,
) -> None:
    for _ in range(2):
        write_delivery(con, delivery(), [batch([], refused=9, reason="half a day")], SENTENCES)
    assert con.execute("select count(*), min(batch_id) from batches").fetchall() == [(1, 1)]
    assert con.execute("select count(*) from quarantine").fetchall() == [(9,)]
    assert read_quarantine(con, 1).height == 9


def test_the_ledger_cannot_hold_a_batch_that_lost_a_row(con: duckdb.DuckDBPyConnection) -> None:
    wrong = Batch("sales", 9, batch([1]).accepted, batch([]).refused, "file")
    with pytest.raises(duckdb.ConstraintException):
        write_delivery(con, delivery(), [batch([4]), wrong], {})
    assert read_batches(con).is_empty()
    assert read_fact(con, "sales").is_empty()


def test_hierarchy_columns_are_added_as_sources_name_them(con: duckdb.DuckDBPyConnection) -> None:
    series = pl.DataFrame({"unique_id": ["s0"], "store_id": ["CA'1"]})
    write_delivery(con, delivery("1"), [batch([1], series=series)], {})
    write_delivery(
        con, delivery("2"), [batch([2], series=series.with_columns(state_id=pl.lit("CA")))], {}
    )
    assert hierarchy_columns(con) == ["state_id", "store_id"]
    assert read_series(con).rows() == [("s0", "CA", "CA'1")]
    lived = con.execute("select state_id, first_sale, last_sale, lifecycle from series").fetchall()
    assert lived == [("CA", date(2024, 2, 29), date(2024, 2, 29), "new")]


@pytest.mark.parametrize("name", ["first_sale", 'x"; drop table batches; --', "Lifecycle"])
def test_a_hierarchy_column_cannot_take_the_stores_words_or_run_as_sql(
    con: duckdb.DuckDBPyConnection, name: str
) -> None:
    series = pl.DataFrame({"unique_id": ["s0"], name: ["x"]})
    with pytest.raises((BadParams, ContractBroken)):
        write_delivery(con, delivery(), [batch([1], series=series)], {})
    assert read_batches(con).is_empty()


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from datetime import datetime
    sys.path[:0] = [{root!r}]
    import duckdb
    from test_batches_rows import batch, delivery
    from storage import batches, facts, quarantine, series, store

    countdown = {after}
    class Dying:
        def __init__(self, con): self.con = con
        def __getattr__(self, name): return getattr(self.con, name)
        def execute(self, *args):
            global countdown
            countdown -= 1
            if countdown == 0: os.kill(os.getpid(), signal.SIGKILL)
            return self.con.execute(*args)

    with store.open_store(Path({path!r})) as con:
        batches.write_delivery(Dying(con), delivery("new"), [batch([9.0, 8.0], refused=1)], {{}})
"""


@pytest.mark.parametrize("after", [1, 3, 6, 9, 12, 15, 40])
def test_killed_at_any_statement_a_batch_is_wholly_in_or_wholly_out(
    tmp_path: Path, after: int
) -> None:
    """SIGKILL before the n-th statement of a restating batch; the store is opened again and
    counted.
    """
    path = tmp_path / "store.duckdb"
    with open_store(path) as con:
        write_delivery(con, delivery("old"), [batch([1.0, 8.0])], {})
    rows = tmp_path / "test_batches_rows.py"
    rows.write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    root = Path(__file__).parents[2]
    script = textwrap.dedent(KILLED).format(root=str(root), after=after, path=str(path))
    environment = os.environ | {"PYTHONPATH": f"{root}:{tmp_path}"}
    command = [sys.executable, "-c", script]
    process = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603 -- our own words
    assert process.returncode in (0, -signal.SIGKILL), process.stderr.decode()
    with open_store(path) as con:
        is_in = holds(con, "new")
        assert read_fact(con, "sales")["y"].to_list() == ([9, 8] if is_in else [1, 8])
        assert con.execute("select count(*) from sales_superseded").fetchall() == [(int(is_in),)]
        assert read_quarantine(con).height == int(is_in)
        assert is_in == (process.returncode == 0)
        write_delivery(con, delivery("new"), [batch([9.0, 8.0], refused=1)], {})
        assert read_fact(con, "sales")["y"].to_list() == [9, 8]
