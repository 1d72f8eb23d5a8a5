"""The journal's mark of what was committed, and what becomes of one that says nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from contract.errors import StoreBroken
from storage.decisions import Decision, record_decision
from storage.store import claim, open_store, refuse_older, transaction


def decide(store: Path, hour: int) -> None:
    with open_store(store) as con:
        with transaction(con):
            claim(con, "files-1")
        record_decision(con, Decision("retrain", datetime(2024, 3, 1, hour), "none", "a test"))


@pytest.mark.parametrize("said", ["", "\n", "\0\0", "x", "-1"])
def test_a_mark_that_says_nothing_is_taken_from_the_entries(tmp_path: Path, said: str) -> None:
    store = tmp_path / "tillcast.duckdb"
    for hour in range(3):
        decide(store, hour)
    mark = tmp_path / "journal" / "files-1" / "committed"
    mark.write_text(said, encoding="ascii")
    decide(store, 3)
    assert mark.read_text(encoding="ascii") == "4"
    mark.write_text(said, encoding="ascii")
    store.unlink()
    with pytest.raises(StoreBroken):
        decide(store, 4)


def test_a_dry_run_refuses_to_bring_an_older_store_up_to_date(tmp_path: Path) -> None:
    store = tmp_path / "tillcast.duckdb"
    refuse_older(store, 0.1)
    with open_store(store) as con:
        con.execute("update meta set value = '6' where key = 'schema_version'").fetchall()
    before = store.read_bytes()
    with pytest.raises(StoreBroken, match="older schema"):
        refuse_older(store, 0.1)
    assert store.read_bytes() == before
