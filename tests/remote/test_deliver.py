"""The newest table where others read it: once, whole; a failure is said and tried again."""

from __future__ import annotations

import json
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, BadParams, SourceMissing
from contract.params import Params
from monitoring.delivery import delivery
from remote.bucket import Bucket
from runtime.json_files import read_json_if_whole
from stages.deliver import deliver, deliver_if_wanted
from storage.store import open_store

URL = "TILLCAST_TEST_URL"
NOW = datetime(2024, 4, 10, 7)


@pytest.fixture
def own(params: Params) -> Params:
    """Params that name where to deliver."""
    to = params.deliver.model_copy(update={"url_env": URL})
    return params.model_copy(update={"deliver": to})


@pytest.fixture
def lite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SQLite database, its url in the environment."""
    path = tmp_path / "theirs.db"
    sqlite3.connect(path).close()
    monkeypatch.setenv(URL, f"sqlite:///{path}")
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a bucket, its url in the environment."""
    monkeypatch.setenv(URL, f"file://{tmp_path / 'bucket'}/tables")
    return tmp_path / "bucket" / "tables"


def rows_of(path: Path, query: str) -> list[tuple]:
    con = sqlite3.connect(path)
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()


def test_a_table_arrives_in_a_database_as_it_is_and_only_once(own, paths, table, lite):
    table()
    assert deliver(own, paths, now=NOW)["written"]
    assert not deliver(own, paths, now=NOW + timedelta(hours=1))["written"]
    query = "select unique_id, ds, y_hat from tillcast_forecasts order by unique_id"
    there = rows_of(lite, query)
    assert there == [(f"N_{n:04}", "2024-04-10", n / 4) for n in range(30)]
    assert rows_of(lite, "select run_id, forecasts, orders from tillcast_deliveries") == [
        ("run-1", 30, 0)
    ]


def test_a_table_that_fails_half_way_is_not_there(own, paths, table, lite):
    table()
    deliver(own, paths, now=NOW)
    table("run-2", rows=50, day=date(2024, 4, 10))
    con = sqlite3.connect(lite)
    con.execute(
        "create trigger full before insert on tillcast_forecasts when new.unique_id = 'N_0040' "
        "begin select raise(abort, 'no more rows'); end"
    )
    con.close()
    with pytest.raises(BadInput, match="no more rows"):
        deliver(own, paths, now=NOW)
    assert rows_of(lite, "select run_id, count(*) from tillcast_forecasts group by 1") == [
        ("run-1", 30)
    ]


def test_a_reader_of_a_bucket_sees_one_delivery_or_the_other(
    own, paths, table, folder, monkeypatch
):
    table()
    assert deliver(own, paths, now=NOW)["written"]
    assert not deliver(own, paths, now=NOW)["written"]
    first = json.loads((folder / "latest.json").read_text(encoding="utf-8"))
    table("run-2", day=date(2024, 4, 10))

    def cut(bucket, name: str, path: Path) -> None:
        if name == "latest.json":
            raise KeyboardInterrupt
        written(bucket, name, path)

    written = Bucket.write
    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "write", cut)
        with pytest.raises(KeyboardInterrupt):
            deliver(own, paths, now=NOW)
    assert json.loads((folder / "latest.json").read_text(encoding="utf-8")) == first
    deliver(own, paths, now=NOW)
    newest = json.loads((folder / "latest.json").read_text(encoding="utf-8"))
    assert newest["run_id"] == "run-2"
    for name, file in newest["files"].items():
        assert pl.read_parquet(folder / file["key"]).height == file["rows"], name
    assert not list(folder.rglob("*.part"))


def test_a_delivery_that_was_damaged_is_made_again(own, paths, table, folder):
    table()
    deliver(own, paths, now=NOW)
    for damage in ("{", "[]", "{}"):
        (folder / "latest.json").write_text(damage, encoding="utf-8")
        assert deliver(own, paths, now=NOW)["written"]
    next(folder.rglob("forecasts-*")).unlink()
    assert deliver(own, paths, now=NOW)["written"]


def test_a_failure_is_an_alert_until_a_delivery_succeeds(own, paths, table, lite, monkeypatch):
    table()
    assert not delivery(read_json_if_whole(paths.delivered)).is_judged
    monkeypatch.setenv(URL, f"sqlite:///{lite.with_name('gone.db')}")
    for hours in (0, 24):
        with pytest.raises(SourceMissing):
            deliver(own, paths, now=NOW + timedelta(hours=hours))
    finding = delivery(read_json_if_whole(paths.delivered))
    assert finding.severity == "error"
    assert f"since {NOW}" in finding.what
    assert "gone.db" in finding.what
    monkeypatch.setenv(URL, f"sqlite:///{lite}")
    deliver(own, paths, now=NOW + timedelta(hours=25))
    assert delivery(read_json_if_whole(paths.delivered)).severity == "ok"


def test_who_stops_delivering_is_not_alarmed_for_ever(own, params, paths, table, monkeypatch):
    table()
    monkeypatch.delenv(URL, raising=False)
    with pytest.raises(BadParams):
        deliver(own, paths, now=NOW)
    assert delivery(read_json_if_whole(paths.delivered)).severity == "error"
    deliver_if_wanted(params, paths, now=NOW)
    closed = delivery(read_json_if_whole(paths.delivered))
    assert (closed.severity, closed.is_judged) == ("ok", True)


def test_nothing_is_delivered_where_no_place_is_named(params, paths):
    assert not deliver_if_wanted(params, paths, now=NOW)["written"]
    with pytest.raises(BadParams, match=r"deliver\.url_env"):
        deliver(params, paths, now=NOW)
    assert not paths.delivered.exists()


def test_a_morning_without_a_table_delivers_nothing_and_says_so(own, paths, lite):
    with open_store(paths.store, 1.0):
        pass
    with pytest.raises(SourceMissing, match="no table to deliver"):
        deliver(own, paths, now=NOW)
    assert rows_of(lite, "select count(*) from sqlite_master") == [(0,)]
