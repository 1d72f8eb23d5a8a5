"""The store as a file: locked, damaged, of another schema, of another source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from contract.errors import ContractBroken, SourceMissing, StoreBroken, StoreBusy
from contract.frames import FACTS, FORECAST_LEVELS, FORECASTS, SCORES
from storage.schema import TABLES, columns_of, quoted
from storage.store import claim, open_store, source_of, transaction
from storage.stores import switch_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


def test_every_table_and_column_says_what_it_is(path: Path) -> None:
    with open_store(path) as con:
        tables = con.execute("select table_name, comment from duckdb_tables()").fetchall()
        query = """
            select c.table_name, c.column_name, c.comment from duckdb_columns() c
            semi join duckdb_tables() t using (table_name)"""
        columns = con.execute(query).fetchall()
    assert {name for name, _ in tables} == {table.name for table in TABLES}
    assert [name for name, comment in tables if not comment] == []
    assert [(table, name) for table, name, comment in columns if not comment] == []


def test_tables_have_the_columns_of_their_frames() -> None:
    columns = {table.name: table.columns for table in TABLES}
    for contract in (*FACTS.values(), FORECASTS, FORECAST_LEVELS, SCORES):
        assert columns_of(contract).keys() <= columns[contract.name].keys()


def test_a_held_store_is_waited_for_and_then_its_holder_is_named(path: Path, held) -> None:
    with open_store(path):
        pass
    with (
        held(path) as pid,
        pytest.raises(StoreBusy, match=f"PID {pid}") as refusal,
        open_store(path, wait_s=0.2),
    ):
        pass
    assert refusal.value.exit_code == 3


def test_a_damaged_file_is_refused_with_the_way_out(path: Path) -> None:
    path.write_bytes(b"not a database" * 500)
    with pytest.raises(StoreBroken, match="make rebuild"), open_store(path):
        pass


def test_a_store_of_another_schema_is_refused(path: Path) -> None:
    with open_store(path) as con:
        con.execute("update meta set value = '99' where key = 'schema_version'").fetchall()
    with pytest.raises(StoreBroken, match="schema version 99"), open_store(path):
        pass


def test_a_database_of_somebody_else_is_refused(path: Path) -> None:
    con = duckdb.connect(path)
    con.execute("create table theirs (x integer)").fetchall()
    con.close()
    with pytest.raises(StoreBroken, match="schema version none"), open_store(path):
        pass


def test_reading_what_is_not_there_says_how_to_make_it(path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"ingest\.py fill"), open_store(path, read_only=True):
        pass


def test_a_transaction_is_all_or_nothing(path: Path) -> None:
    with open_store(path) as con:
        with pytest.raises(ZeroDivisionError), transaction(con):
            claim(con, "m5")
            raise ZeroDivisionError
        assert source_of(con) is None


@pytest.mark.parametrize("is_read_only", [True, False])
def test_a_store_killed_in_its_first_minute_opens_again(
    path: Path, root: Path, is_read_only: bool
) -> None:
    """Tables, views, a new hierarchy column and a first row live in the log alone when the process
    dies.
    """
    script = f"""
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{str(root)!r}]
import polars as pl
from storage.series import write_series
from storage.store import claim, open_store, transaction
with open_store(Path({str(path)!r})) as con:
    with transaction(con):
        claim(con, "m5-1")
        write_series(con, pl.DataFrame({{"unique_id": ["a"], "store_id": ["CA_1"]}}), 1)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    died = subprocess.run([sys.executable, "-c", script], check=False)  # noqa: S603
    assert died.returncode == -9
    assert path.with_name(path.name + ".wal").exists()
    with open_store(path, read_only=is_read_only) as con:
        assert source_of(con) == "m5-1"
        assert con.execute("select unique_id, store_id, lifecycle from series").fetchall() == [
            ("a", "CA_1", "unsold")
        ]


def test_a_store_belongs_to_one_source_and_comes_back_when_it_is_its_turn(
    path: Path, tmp_path: Path
) -> None:
    aside = tmp_path / "stores"
    assert not switch_store(path, aside, "m5-1", 1)
    with open_store(path) as con, pytest.raises(StoreBroken, match="source --use"):
        claim(con, "files-2")
    assert switch_store(path, aside, "files-2", 1)
    assert switch_store(path, aside, "m5-1", 1)
    assert sorted(file.name for file in aside.iterdir()) == ["files-2.duckdb"]
    assert not switch_store(path, aside, "m5-1", 1)


@pytest.mark.parametrize("name", ['x"; drop table sales; --', "", "1st", "a b", "ä", "x" * 64])
def test_what_is_no_name_never_enters_a_statement(name: str) -> None:
    with pytest.raises(ContractBroken):
        quoted(name)


def test_damage_met_while_reading_is_a_broken_store_that_says_what_to_run(tmp_path):
    """The file opens; a block inside it cannot be read (drill `corrupted_store`); no traceback."""
    path = tmp_path / "store.duckdb"
    with open_store(path) as con:
        con.execute(
            "create table filler as select i, hash(i) as h from range(400000) t(i)"
        ).fetchall()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(StoreBroken, match=r"make rebuild"), open_store(path, read_only=True) as con:
        con.sql("select sum(h % 7), max(i) from filler").fetchall()


def test_a_file_in_which_the_power_went_before_its_tables_is_read_as_an_empty_store(tmp_path):
    """Seen in a power cut: the run after it looked at the ledger first, and was refused."""
    path = tmp_path / "store.duckdb"
    duckdb.connect(path).close()
    with open_store(path, read_only=True) as con:
        assert con.execute("select count(*) from batches").fetchall() == [(0,)]
