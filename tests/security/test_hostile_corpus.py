"""Hundreds of files made to do harm: none ends the process, none stays in the inbox, each refused
one has a reason for people, and the good day behind them is taken.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from contract.params import Params
from drills.hostile import KINDS, Hostile, corpus
from drills.hostile_parts import honest
from ingest import ingest
from runtime.paths import Paths
from stages.judged_facts import judged_file
from storage.store import open_store

NOW = datetime(2024, 3, 15, 5)
LEAST_FILES = 700
LONGEST_REASON = 2500  # characters


@pytest.fixture(scope="module")
def small(params: Params) -> Params:
    """The canonical reader; little may be unpacked, and rules are judged by Polars."""
    source = params.source.model_copy(
        update={"kind": "simulator", "path": None, "max_unpacked_mb": 16.0}
    )
    rules = params.ingest.model_copy(
        update={"great_expectations_max_rows": 1, "keep_validation_pages": 1}
    )
    return params.model_copy(update={"source": source, "ingest": rules})


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """An empty store."""
    paths = Paths(tmp_path_factory.mktemp("shop") / "data")
    paths.inbox.mkdir(parents=True)
    with open_store(paths.store):
        return paths


def dropped(file: Hostile, paths: Paths) -> Path:
    name = file.name.encode("utf-8", "surrogateescape")
    path = Path(os.fsdecode(os.fsencode(paths.inbox) + b"/" + name))
    path.write_bytes(file.content)
    return path


def test_there_are_hundreds() -> None:
    assert sum(len(corpus(kind)) for kind in KINDS if kind != "swollen") >= LEAST_FILES


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_judged_or_refused_in_words(kind: str, small: Params, shop: Paths) -> None:
    for file in corpus(kind):
        path = dropped(file, shop)
        judged, reason = judged_file(path, small, shop, NOW, is_fill=False)
        path.unlink()
        assert judged or reason, file.name
        if reason:
            assert reason.isprintable(), (file.name, reason)
            assert 20 < len(reason) < LONGEST_REASON, (file.name, reason)


@pytest.mark.parametrize("kind", KINDS)
def test_none_stays_and_the_good_day_behind_them_is_taken(
    kind: str, small: Params, paths: Paths
) -> None:
    files = corpus(kind)
    for file in files[:: max(1, len(files) // 4)]:
        dropped(file, paths)
    (paths.inbox / "sales_last.csv").write_bytes(honest("2024-03-14"))
    summary = ingest(small, paths, now=NOW)
    assert list(paths.inbox.iterdir()) == []
    assert not any("not foreseen" in reason for reason in summary["why_refused"].values())
    with open_store(paths.store, read_only=True) as con:
        ledger = con.execute("select name, status, reason from batches").fetchall()
    assert ("sales_last.csv", "accepted", None) in ledger
    assert all(reason for _, status, reason in ledger if status == "refused")
