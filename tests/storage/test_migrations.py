"""Schema versions: an older store is brought up to date or left as it was, a newer one refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from contract.errors import StoreBroken
from storage import migrations
from storage.batches import Batch, Delivery, holds, read_batches, unreadable, write_delivery
from storage.facts import read_fact
from storage.migrations import version_of
from storage.schema import SCHEMA_VERSION
from storage.store import open_store

NOW = datetime(2024, 3, 1, 5)
DDL = (Path(__file__).parent / "schema_1.sql").read_text(encoding="utf-8")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as version 1 left it: its own tables, a ledger line, a sale, a refused row."""
    path = tmp_path / "store.duckdb"
    con = duckdb.connect(path)
    for statement in DDL.split(";\n"):
        con.execute(statement).fetchall()
    for statement in (
        "insert into meta values ('schema_version', '1'), ('source', 'files-1')",
        "insert into batches values "
        "(1, 'sales', 'files-1', 'a.csv', 'abc', '2024-03-01 05:00', 'file', 2, 1, 1, 1, 0, "
        "'accepted', null)",
        "insert into sales values ('a', '2024-02-29', 3, '2024-03-01 05:00', null, null, 1)",
        "insert into quarantine values "
        "(1, 2, 'units_negative', 'w', '{}', 1, '2024-03-01 05:00', null)",
        "insert into series_attributes values ('a')",
    ):
        con.execute(statement).fetchall()
    con.close()
    return path


def schema_of(path: Path) -> list[tuple]:
    with open_store(path) as con:
        query = """
            select table_name, column_name, data_type, is_nullable, comment
            from duckdb_columns() where not internal order by all"""
        constraints = "select table_name, constraint_text from duckdb_constraints() order by all"
        return [*con.execute(query).fetchall(), *con.execute(constraints).fetchall()]


def test_a_store_of_version_1_is_brought_up_to_date_and_keeps_every_row(old: Path) -> None:
    with open_store(old) as con:
        assert version_of(con) == SCHEMA_VERSION
        assert read_fact(con, "sales")["y"].to_list() == [3]
        line = read_batches(con).row(0, named=True)
        assert (line["batch_id"], line["name"], line["attempt"], line["replay_of"]) == (
            1,
            "a.csv",
            0,
            None,
        )
        assert holds(con, "abc")
        write_delivery(con, Delivery("files-1", "b.csv", "def", NOW), [unreadable("empty")], {})
        with pytest.raises(duckdb.ConstraintException):
            con.execute("update batches set rows_in = 7").fetchall()


def test_a_migrated_store_has_the_schema_of_a_new_one(old: Path, tmp_path: Path) -> None:
    assert schema_of(old) == schema_of(tmp_path / "new.duckdb")


def test_a_reader_brings_it_up_to_date_too(old: Path) -> None:
    with open_store(old, read_only=True) as con:
        assert version_of(con) == SCHEMA_VERSION


def test_a_store_that_says_no_version_is_of_the_first(old: Path) -> None:
    con = duckdb.connect(old)
    con.execute("delete from meta where key = 'schema_version'").fetchall()
    con.close()
    with open_store(old) as con:
        assert version_of(con) == SCHEMA_VERSION


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(con: duckdb.DuckDBPyConnection) -> None:
        con.execute("drop table sales").fetchall()
        raise ZeroDivisionError

    before = old.read_bytes()
    monkeypatch.setitem(migrations.MIGRATIONS, "1", broken)
    with pytest.raises(ZeroDivisionError), open_store(old):
        pass
    monkeypatch.undo()
    assert len(old.read_bytes()) == len(before)
    with open_store(old) as con:
        assert read_fact(con, "sales")["y"].to_list() == [3]


def test_a_newer_store_is_refused_with_the_way_out(old: Path) -> None:
    with open_store(old) as con:
        con.execute("update meta set value = '99' where key = 'schema_version'").fetchall()
    for read_only in (True, False):
        with (
            pytest.raises(StoreBroken, match=r"schema version 99.*Check out the code"),
            open_store(old, read_only=read_only),
        ):
            pass


def test_a_migrated_store_is_journalled_whole_with_its_first_change(
    old: Path, dump_of, tmp_path: Path
) -> None:
    """What version 1 took in stands in no journal: the first entry is the whole store."""
    from storage.rebuild import rebuild

    with open_store(old) as con:
        write_delivery(con, Delivery("files-1", "b.csv", "def", NOW), [Batch(**BAD)], {})
    before = dump_of(old)
    old.unlink()
    rebuild(old, tmp_path / "aside", "files-1", NOW)
    assert dump_of(old) == before


BAD = vars(unreadable("empty"))
