"""What somebody who can drop a file in the inbox can and cannot do: claims of
docs/design/operations.md, Security.
"""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path

import pytest

from contract.params import Params
from ingest import ingest, main
from runtime.paths import Paths
from storage.batches import read_batches
from storage.facts import read_fact
from storage.inbox import safe_name, waiting_files
from storage.series import read_series
from storage.store import open_store

NOW = datetime(2024, 3, 1, 5)
HEADER = "unique_id,ds,y,state_id,store_id,cat_id,dept_id,item_id"
CONFIDENTIAL = "root:x:0:0:confidential"
EVIL = "<script>alert('x')</script>"
SQL = "x'); drop table sales; --"


@pytest.fixture(scope="module")
def small(params: Params) -> Params:
    source = params.source.model_copy(
        update={"kind": "simulator", "path": None, "max_unpacked_mb": 1.0}
    )
    rules = params.ingest.model_copy(update={"great_expectations_max_rows": 1, "lock_wait_s": 0.2})
    return params.model_copy(update={"source": source, "ingest": rules})


def line(series: str, item: str = "A", y: str = "1") -> str:
    return f'"{series}",2024-02-29,{y},CA,CA_1,FOODS,FOODS_1,"{item}"'


def drop(paths: Paths, name: str, *lines: str) -> Path:
    path = paths.inbox / name
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def everything_said(paths: Paths) -> str:
    """Every text tillcast wrote: pages, and what the store holds as text."""
    with open_store(paths.store) as con:
        tables = ("batches", "quarantine", "sales", "series_attributes")
        stored = [str(con.table(table).fetchall()) for table in tables]
    return "\n".join(
        [*stored, *(path.read_text(encoding="utf-8") for path in paths.validation.rglob("*.*"))]
    )


def test_links_folders_pipes_and_hidden_files_are_left_alone(
    small: Params, paths: Paths, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(CONFIDENTIAL, encoding="utf-8")
    (paths.inbox / "sales_link.csv").symlink_to(secret)
    (paths.inbox / "sales_folder.csv").mkdir()
    os.mkfifo(paths.inbox / "sales_pipe.csv")
    (paths.inbox / ".sales_hidden.csv").write_text(HEADER, encoding="utf-8")
    assert waiting_files(paths.inbox) == []
    summary = ingest(small, paths, now=NOW)
    assert (summary["files"], summary["growing"], summary["rows_in"]) == (3, 3, 0)  # and why
    assert len([note for note in summary["notes"] if "never taken" in note]) == 3
    assert secret.read_text(encoding="utf-8") == CONFIDENTIAL


def test_a_linked_companion_in_the_inbox_is_not_read(
    small: Params, paths: Paths, tmp_path: Path
) -> None:
    """M5's sales look for a calendar beside them; a link with its name would lead anywhere."""
    secret = tmp_path / "secret.csv"
    secret.write_text(f"d,date\n{CONFIDENTIAL},2016-01-01\n", encoding="utf-8")
    (paths.inbox / "calendar.csv").symlink_to(secret)
    (paths.inbox / "sales_train_x.csv").write_text(
        "id,item_id,dept_id,cat_id,store_id,state_id,d_1\na,a,a,a,a,a,1\n"
    )
    m5 = small.model_copy(
        update={"source": small.source.model_copy(update={"kind": "m5", "path": None})}
    )
    assert ingest(m5, paths, now=NOW)["refused"] == 1
    assert "confidential" not in everything_said(paths)


def test_no_name_of_a_file_leads_out_of_the_archive(
    small: Params, paths: Paths, tmp_path: Path
) -> None:
    for name in (
        "sales_..%2f..%2fx.csv",
        "sales_\\..\\x.csv",
        "sales_\n.csv",
        "sales_$(touch x).csv",
        "sales_" + "é" * 100,
    ):
        drop(paths, name, line(name[:20].strip()))
    ingest(small, paths, now=NOW)
    assert {path.name for path in tmp_path.iterdir()} == {"data"}
    for path in paths.archive.rglob("*"):
        assert path.resolve().is_relative_to(paths.archive.resolve())
    assert safe_name("../../etc/passwd") == "_.._etc_passwd"
    assert safe_name("...") == "unnamed"


def test_sql_in_a_name_stays_a_name(small: Params, paths: Paths) -> None:
    drop(paths, f"sales_{SQL}.csv", line(SQL, item=SQL))
    assert ingest(small, paths, now=NOW)["accepted"] == 1
    with open_store(paths.store) as con:
        assert read_fact(con, "sales")["unique_id"].to_list() == [SQL]
        assert read_series(con)["item_id"].to_list() == [SQL]
        assert read_batches(con)["name"].to_list() == [f"sales_{SQL}.csv"]


def test_markup_in_a_name_is_text_on_every_page(small: Params, paths: Paths) -> None:
    drop(
        paths,
        f"sales_{EVIL.replace('/', '')}.csv",
        line(EVIL, y="-1"),
        *[line(f"s{k}") for k in range(9)],
    )
    assert ingest(small, paths, now=NOW)["rows_refused"] == 1
    pages = list(paths.validation.glob("*.html"))
    assert len(pages) == 2
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_a_file_larger_than_allowed_is_refused_before_it_is_unpacked(
    small: Params, paths: Paths
) -> None:
    import gzip

    (paths.inbox / "sales_bomb.csv.gz").write_bytes(gzip.compress(bytes(50_000_000)))
    reason = ingest(small, paths, now=NOW)["why_refused"]["sales_bomb.csv.gz"]
    assert "source.max_unpacked_mb is 1" in reason


def test_nothing_written_is_open_to_the_world(paths: Paths, root: Path) -> None:
    """Under the strangest umask: store, archive, pages. Nobody but the owner may write, nobody
    outside the group may read.
    """
    before = os.umask(0o000)
    try:
        drop(paths, "sales_1.csv", line("a"), line("b", y="-1"), *[line(f"s{k}") for k in range(9)])
        (paths.inbox / "sales_1.csv").chmod(0o777)
        assert main(["--params", str(root / "params.yaml"), "--data", str(paths.root)]) == 0
        written = [paths.store, *paths.archive.rglob("*"), *paths.validation.rglob("*")]
    finally:
        os.umask(before)
    for path in written:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert not mode & (stat.S_IWGRP | stat.S_IRWXO), f"{path.name}: {mode:o}"
