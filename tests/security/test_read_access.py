"""What lies where somebody with the data folder, or the checkout, can read it."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime
from pathlib import Path

import duckdb

from contract.params import Params
from ingest import ingest
from runtime.paths import Paths
from storage.inbox import archived_file
from storage.snapshot import write_snapshot
from storage.store import open_store

NOW = datetime(2024, 3, 15, 5)
KEYS = re.compile(
    r"(AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|ghp_\w{36}|"
    r"(?:password|secret_access_key|api_key)\s*[=:]\s*['\"][^'\"]{6,})"
)


def test_the_archive_keeps_every_column_as_it_was_sent(params: Params, paths: Paths) -> None:
    source = params.source.model_copy(update={"kind": "simulator", "path": None})
    rules = params.ingest.model_copy(update={"great_expectations_max_rows": 0})
    small = params.model_copy(update={"source": source, "ingest": rules})
    text = "unique_id,ds,y,cashier\n" + "".join(f"s{k},2024-03-14,3,Ada\n" for k in range(9))
    (paths.inbox / "sales_1.csv").write_text(text, encoding="utf-8")
    ingest(small, paths, now=NOW)
    with open_store(paths.store) as con:
        ((sha256,),) = con.execute("select distinct sha256 from batches").fetchall()
        columns = con.execute("select column_name from duckdb_columns()").fetchall()
    archived = archived_file(paths.archive, sha256)
    assert archived is not None
    assert archived.read_text(encoding="utf-8") == text
    assert ("cashier",) not in columns


def test_who_reads_the_dashboards_copy_keeps_no_writer_waiting(tmp_path: Path) -> None:
    store, copy = tmp_path / "tillcast.duckdb", tmp_path / "snapshot" / "tillcast.duckdb"
    with open_store(store):
        pass
    write_snapshot(store, copy, 1)
    with duckdb.connect(copy, read_only=True) as reader, open_store(store, 1) as con:
        con.execute("insert into meta values ('written', 'meanwhile')").fetchall()
        seen = reader.execute("select count(*) from meta where key = 'written'").fetchall()
    assert seen == [(0,)]


def test_no_key_lies_in_the_checkout(root: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 -- the git of the user's PATH
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    names = [name for name in listed.stdout.split("\0") if name]
    assert len(names) > 400
    texts = {name: (root / name).read_text(encoding="utf-8", errors="replace") for name in names}
    assert [name for name, text in texts.items() if KEYS.search(text)] == []


def test_a_key_is_seen() -> None:
    assert KEYS.search("AKIA" + "A1" * 8)
    assert KEYS.search("password = '" + "hunter22'")
