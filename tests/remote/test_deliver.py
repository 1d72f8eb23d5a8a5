"""The newest table where others read it: once, whole; a failure is said and tried again."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, BadParams, RemoteUnreachable, SourceMissing, StoreBusy
from contract.frames import DEMAND_SPANS, ORDERS
from contract.params import Params
from monitoring.delivery import delivery
from remote.bucket import Bucket
from runtime.json_files import read_json_if_whole
from stages.deliver import deliver, deliver_if_wanted
from storage.claims import claimed
from storage.orders import publish_orders
from storage.overrides import Override, write_override
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
    with closing(sqlite3.connect(path)) as con:
        return con.execute(query).fetchall()


def changed(path: Path, *statements: str) -> None:
    """What somebody else does there."""
    with closing(sqlite3.connect(path)) as con, con:
        for statement in statements:
            con.execute(statement)


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
    changed(
        lite,
        "create trigger full before insert on tillcast_forecasts when new.unique_id = 'N_0040' "
        "begin select raise(abort, 'no more rows'); end",
    )
    with pytest.raises(BadInput, match=r"no more rows.*deliver\.db_schema"):
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


# strangers: kills, two at once, names, clocks, other people's tables

KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
import fsspec.implementations.local as local
from sqlalchemy import event
from sqlalchemy.engine import Engine
from contract.params_file import load_params
from runtime.paths import Paths
from stages.deliver import deliver

left = int(sys.argv[2])

def step(*_arguments, **_more):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
    event.listen(Engine, name, step)
for name in ("put_file", "mv"):
    whole = getattr(local.LocalFileSystem, name)
    def stepped(*arguments, whole=whole, **more):
        step()
        whole(*arguments, **more)
        step()
    setattr(local.LocalFileSystem, name, stepped)
params = load_params(Path("params.yaml"))
to = params.deliver.model_copy(update={"url_env": "TILLCAST_TEST_URL"})
deliver(params.model_copy(update={"deliver": to}), Paths(Path(sys.argv[1])),
        now=datetime(2024, 4, 11, 7))
"""


def killed_at(paths, root: Path, step: int) -> bool:
    """Whether a delivery was killed at that step, or ended before."""
    command = [sys.executable, "-c", KILLED, str(paths.root), str(step)]
    ended = subprocess.run(command, cwd=root, env=os.environ | {"PYTHONPATH": own_path(root)})  # noqa: S603, PLW1510
    assert ended.returncode in (0, -signal.SIGKILL)
    return ended.returncode != 0


def own_path(root: Path) -> str:
    return os.pathsep.join([str(root), *filter(None, sys.path)])


@pytest.mark.parametrize("step", [1, 14, 19, 27])
def test_a_kill_in_the_middle_leaves_the_delivery_before(own, paths, table, lite, root, step):
    table()
    deliver(own, paths, now=NOW)
    before = dump_of(lite)
    table("run-2", rows=50, day=date(2024, 4, 10))
    assert killed_at(paths, root, step)
    assert dump_of(lite) == before
    assert deliver(own, paths, now=NOW + timedelta(days=1))["written"]
    query = "select run_id, count(*) from tillcast_forecasts group by 1 order by 1"
    assert rows_of(lite, query) == [("run-1", 30), ("run-2", 50)]


def dump_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as con:
        return list(con.iterdump())


@pytest.mark.parametrize("step", [1, 2, 9, 10])
def test_a_kill_in_the_middle_leaves_the_manifest_before(own, paths, table, folder, root, step):
    table()
    deliver(own, paths, now=NOW)
    before = (folder / "latest.json").read_bytes()
    table("run-2", rows=50, day=date(2024, 4, 10))
    assert killed_at(paths, root, step)
    assert (folder / "latest.json").read_bytes() == before
    assert deliver(own, paths, now=NOW)["written"]
    for file in json.loads((folder / "latest.json").read_bytes())["files"].values():
        assert pl.read_parquet(folder / file["key"]).height == file["rows"]
    assert not list(folder.rglob("*.part"))
    assert not (paths.staging / "deliver").exists()


def test_of_two_deliveries_at_once_one_waits(own, paths, table, lite):
    table()
    once = own.model_copy(update={"ingest": own.ingest.model_copy(update={"lock_wait_s": 0.1})})
    busy = pytest.raises(StoreBusy, match="the newest table is being delivered by PID")
    with claimed(paths.root / "delivered.lock", "it", 1.0), busy:
        deliver(once, paths, now=NOW)
    assert deliver(once, paths, now=NOW)["written"]


def test_another_machine_that_delivers_the_same_is_no_refusal(own, paths, table, lite):
    """It writes the line between our look and our write."""
    table()
    deliver(own, paths, now=NOW)
    changed(
        lite,
        "update tillcast_deliveries set content = 'other'",
        "create trigger quick after delete on tillcast_deliveries begin "
        "insert into tillcast_deliveries values ('run-1', 'x', '', 1, 1); end",
    )
    with pytest.raises(RemoteUnreachable, match="at the same time"):
        deliver(own, paths, now=NOW)


def test_a_table_that_was_renamed_makes_way_for_a_new_one(own, paths, table, lite):
    """Its indexes keep their names."""
    for number in range(3):
        table(f"run-{number}", day=date(2024, 4, 9) + timedelta(days=number))
        assert deliver(own, paths, now=NOW)["written"]
        changed(lite, f"alter table tillcast_forecasts rename to old_{number}")
    indexes = rows_of(lite, "select name from sqlite_master where name like '%by_day%' "
                            "and tbl_name like 'old%' order by 1")  # fmt: skip
    assert len(indexes) == 3


@pytest.mark.parametrize("where", ["lite", "folder"])
def test_what_a_person_changed_and_the_orders_arrive_with_the_table(
    own, paths, table, where, request
):
    table("run-1")
    place = request.getfixturevalue(where)
    deliver(own, paths, now=NOW)
    changed = pl.DataFrame(
        {"unique_id": ["N_0003"], "ds": [date(2024, 4, 10)], "model": [0.75], "y_hat": [9.0]}
    )
    day = date(2024, 4, 10)
    ada = Override(NOW, "ada", "total", "total", day, day, "percent", 50.0, "fair", "run-1", day)
    number = {name: 1.0 for name, kind in ORDERS.schema.items() if kind == pl.Float64}
    order = {"order_day": day, "run_id": "run-1", "unique_id": "N_0003", "cover_from": day,
             "cover_to": day, "stock_ds": day, **number}  # fmt: skip
    with open_store(paths.store, 1.0) as con:
        write_override(con, ada, changed)
        publish_orders(con, day, ORDERS.conform(pl.DataFrame([order])), DEMAND_SPANS.empty())
    summary = deliver(own, paths, now=NOW)
    assert (summary["written"], summary["overridden"], summary["orders"]) == (True, 1, 1)
    assert not deliver(own, paths, now=NOW)["written"]
    expected = ("run-1", "N_0003", 0.75, 9.0)
    if where == "lite":
        query = "select run_id, unique_id, model, y_hat from tillcast_overridden"
        assert rows_of(place, query) == [expected]
        assert rows_of(place, "select unique_id, units from tillcast_orders") == [("N_0003", 1.0)]
        return
    files = json.loads((place / "latest.json").read_bytes())["files"]
    rows = pl.read_parquet(place / files["overridden"]["key"])
    assert rows.select("run_id", "unique_id", "model", "y_hat").rows() == [expected]
    assert pl.read_parquet(place / files["orders"]["key"])["unique_id"].to_list() == ["N_0003"]


def test_rows_that_somebody_took_out_are_delivered_again(own, paths, table, lite):
    table()
    deliver(own, paths, now=NOW)
    changed(lite, "delete from tillcast_forecasts where unique_id = 'N_0003'")
    assert deliver(own, paths, now=NOW)["written"]
    assert rows_of(lite, "select count(*) from tillcast_forecasts") == [(30,)]


def test_a_clock_that_went_back_forgets_no_newer_table(own, paths, table, lite):
    to = own.deliver.model_copy(update={"keep_runs": 2})
    own = own.model_copy(update={"deliver": to})
    for number, hours in ((1, 0), (2, 1), (3, -99)):
        table(f"run-{number}", day=date(2024, 4, 8) + timedelta(days=number))
        deliver(own, paths, now=NOW + timedelta(hours=hours))
    query = "select distinct run_id from tillcast_forecasts order by 1"
    assert rows_of(lite, query) == [("run-2",), ("run-3",)]


def test_a_table_of_theirs_with_more_columns_is_written_and_kept(own, paths, table, lite):
    table()
    deliver(own, paths, now=NOW)
    changed(lite, "alter table tillcast_forecasts add column seen_by text")
    table("run-2", day=date(2024, 4, 10))
    assert deliver(own, paths, now=NOW)["written"]
    changed(lite, "alter table tillcast_forecasts rename column y_hat to mean")
    table("run-3", day=date(2024, 4, 11))
    with pytest.raises(BadInput, match=r"lacks \['y_hat'\]"):
        deliver(own, paths, now=NOW)


def test_a_bucket_that_is_full_is_tried_again_and_keeps_the_delivery_before(
    own, paths, table, folder, monkeypatch
):
    table()
    deliver(own, paths, now=NOW)
    before = (folder / "latest.json").read_bytes()
    table("run-2", day=date(2024, 4, 10))

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("fsspec.implementations.local.LocalFileSystem.put_file", full)
        with pytest.raises(RemoteUnreachable, match="No space left"):
            deliver(own, paths, now=NOW)
    assert (folder / "latest.json").read_bytes() == before
    assert not (paths.staging / "deliver").exists()
    assert deliver(own, paths, now=NOW)["written"]
