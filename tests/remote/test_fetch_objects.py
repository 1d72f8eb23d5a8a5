"""Files in a bucket: each version brought once, hostile ones refused; a folder stands for the
bucket, and where `make extras` brought it a real S3 server does.
"""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fsspec
import pytest

from contract.errors import BadInput, BadParams, DiskRefused, RemoteUnreachable
from contract.params import Params
from ingest import ingest
from remote.bucket import Bucket, Object, bucket_at
from runtime.paths import Paths
from stages.deliver import deliver
from stages.fill import fill
from stages.replay import Refused, replay

MAPPING = {
    "sales": "till*",
    "columns": {"unique_id": ["shop", "sku"], "ds": "day", "y": "sold"},
    "hierarchy": {"store_id": "shop"},
}
FIRST = date(2024, 3, 1)
NOW = datetime(2024, 6, 1, 7)
MISSING = [name for name in ("s3fs", "moto", "flask") if find_spec(name) is None]


def day_of(number: int, sold: float = 3) -> bytes:
    """A day of every item, as CSV."""
    day = FIRST + timedelta(days=number)
    rows = [f"{shop},{sku},{day},{sold:g}" for shop in "NS" for sku in ("milk", "rice", "tea")]
    return ("shop,sku,day,sold\n" + "\n".join(rows) + "\n").encode()


class Store:
    """A store of objects and the prefix of a shop in it; what its owner puts there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files, self.prefix = fsspec.core.url_to_fs(url)

    def put(self, name: str, content: bytes) -> None:
        path = f"{self.prefix}/{name}"
        if "file" in self.files.protocol:
            self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.files.pipe_file(path, content)

    def names(self) -> list[str]:
        self.files.invalidate_cache()
        return sorted(one.removeprefix(f"{self.prefix}/") for one in self.files.find(self.prefix))


@pytest.fixture(scope="module")
def s3_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An S3 server of our own on this machine; skipped where there is none."""
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}; `make extras` brings them")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (tmp_path_factory.mktemp("s3") / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 -- our own command
        try:
            _until_it_responds(port, server)
            yield port
        finally:
            server.terminate()
            server.wait(20)


def _until_it_responds(port: int, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    pytest.fail("the S3 server did not start within 60 s")


@pytest.fixture(params=["folder", "s3"])
def bucket(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """An empty bucket: a folder, and an S3 server."""
    if request.param == "folder":
        (tmp_path / "bucket" / "shop").mkdir(parents=True)
        yield Store(f"file://{tmp_path / 'bucket'}/shop")
        return
    port = request.getfixturevalue("s3_port")
    own = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "s3cret-key", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }  # fmt: skip
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    name = f"b{abs(hash(str(tmp_path)))}"
    store = Store(f"s3://{name}/shop")
    store.files.mkdir(name)
    yield store
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture
def shop(shop_of_files: Callable[[dict], Params], bucket: Store) -> Params:
    """A shop whose files lie in that bucket."""
    own = shop_of_files(MAPPING)
    source = own.source.model_copy(update={"bucket": bucket.url})
    return own.model_copy(update={"source": source})


def test_each_object_is_brought_once_and_stays_where_it_is(shop, bucket, paths, sales_in):
    for number in range(3):
        bucket.put(f"till_{FIRST + timedelta(days=number)}.csv", day_of(number))
    assert ingest(shop, paths, now=NOW)["accepted"] == 3
    assert ingest(shop, paths, now=NOW)["files"] == 0
    bucket.put("till_2024-03-04.csv", day_of(3))
    assert ingest(shop, paths, now=NOW)["files"] == 1
    assert sales_in().height == 24
    assert len(bucket.names()) == 4


def test_an_object_that_was_overwritten_counts_as_new(shop, bucket, paths, sales_in):
    bucket.put("till.csv", day_of(0))
    ingest(shop, paths, now=NOW)
    time.sleep(1.1)  # a folder's version is its time
    bucket.put("till.csv", day_of(0, sold=8))
    assert ingest(shop, paths, now=NOW)["accepted"] == 1
    assert sales_in()["y"].to_list() == [8.0] * 6


def test_a_bucket_that_keeps_versions_brings_each_object_once(shop, bucket, paths, sales_in):
    if bucket.url.startswith("file:"):
        pytest.skip("a folder keeps no versions")
    name = bucket.prefix.partition("/")[0]
    on = {"Bucket": name, "VersioningConfiguration": {"Status": "Enabled"}}
    bucket.files.call_s3("put_bucket_versioning", **on)
    for sold in (3, 4):
        bucket.put("till.csv", day_of(0, sold=sold))
        assert ingest(shop, paths, now=NOW)["accepted"] == 1
        assert ingest(shop, paths, now=NOW)["files"] == 0
    assert sales_in()["y"].to_list() == [4.0] * 6


def test_a_disk_that_is_full_is_no_store_that_does_not_respond(shop, bucket, paths, monkeypatch):
    bucket.put("till.csv", day_of(0))

    def full(self: Bucket, wanted: Object) -> Iterator[bytes]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Bucket, "_chunks", full)
    with pytest.raises(DiskRefused, match="is full"):
        ingest(shop, paths, now=NOW)


def test_of_two_that_state_a_day_the_one_written_later_holds(shop, bucket, paths, sales_in):
    bucket.put("till_z.csv", day_of(0, sold=1))
    time.sleep(1.1)
    bucket.put("till_a.csv", day_of(0, sold=2))
    ingest(shop, paths, now=NOW)
    assert sales_in()["y"].to_list() == [2.0] * 6


def test_what_is_no_file_of_ours_is_left_and_counted(shop, bucket, paths):
    bucket.put("till.csv", day_of(0))
    for name in ("notes.txt", ".till_hidden.csv", "till.csv.part", "~till.csv", "deep/till_1.csv"):
        bucket.put(name, day_of(1))
    summary = ingest(shop, paths, now=NOW)
    assert list(summary["fetched"]) == ["till.csv"]
    notes = " ".join(summary["fetch_notes"])
    assert "1 objects lie in folders" in notes
    assert "4 objects whose names fit no pattern" in notes


def test_an_object_too_large_is_refused_before_it_is_read(shop, bucket, paths, monkeypatch):
    bucket.put("till.csv", day_of(0))
    bucket.put("till_large.csv", day_of(1) * 1000)
    small = shop.source.model_copy(update={"max_unpacked_mb": 0.05})
    read: list[str] = []
    opened = Bucket.bring

    def watched(self: Bucket, wanted: Any, target: Path, most_mb: float) -> None:
        opened(self, wanted, target, most_mb)
        read.append(wanted.name)

    monkeypatch.setattr(Bucket, "bring", watched)
    with pytest.raises(BadInput, match=r"till_large\.csv.*max_unpacked_mb"):
        ingest(shop.model_copy(update={"source": small}), paths, now=NOW)
    assert read == ["till.csv"]


def test_one_that_changes_while_it_is_read_is_left_to_the_next_run(
    shop, bucket, paths, sales_in, monkeypatch
):
    bucket.put("till.csv", day_of(0))
    listed = Bucket.objects

    def overwritten(self: Bucket) -> Any:
        found = listed(self)
        time.sleep(1.1)
        bucket.put("till.csv", day_of(0, sold=9) + b"N,jam,2024-03-01,1\n")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "objects", overwritten)
        with pytest.raises(BadInput, match="overwritten while it was read"):
            ingest(shop, paths, now=NOW)
    assert not list(paths.inbox.iterdir())
    ingest(shop, paths, now=NOW)
    assert sales_in().height == 7


def test_a_kill_before_it_is_listed_brings_it_once_more_to_no_effect(
    shop, bucket, paths, sales_in, monkeypatch
):
    bucket.put("till.csv", day_of(0))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("stages.fetch.write_fetched", killed)
        with pytest.raises(KeyboardInterrupt):
            ingest(shop, paths, now=NOW)
    ingest(shop, paths, now=NOW)
    assert sales_in().height == 6
    assert not list(paths.inbox.iterdir())
    assert ingest(shop, paths, now=NOW)["files"] == 0


def test_a_file_of_somebody_s_in_the_inbox_is_not_written_over(shop, bucket, paths, sales_in):
    bucket.put("till.csv", day_of(0))
    (paths.inbox / "till.csv").write_bytes(day_of(1, sold=5))
    assert ingest(shop, paths, now=NOW)["accepted"] == 2
    assert sales_in().height == 12


def test_a_fill_takes_all_objects_and_the_next_morning_what_came_since(
    shop, bucket, paths, sales_in
):
    bucket.put("till_2024-03-01.csv", day_of(0))
    bucket.put("till_2024-03-02.csv", day_of(1))
    assert fill(shop, paths, now=NOW)["rows_out"] == 12
    bucket.put("till_2024-03-03.csv", day_of(2))
    assert ingest(shop, paths, now=NOW)["files"] == 1
    assert sales_in().height == 18


@pytest.mark.parametrize("begins", ["fill", "ingest"])
def test_a_static_object_stays_in_the_inbox_and_its_newest_version_holds(
    shop_of_files, bucket, paths, begins
):
    mapping = MAPPING | {"static": "shops*", "static_on": ["shop"], "hierarchy": {"land": "land"}}
    own = shop_of_files(mapping)
    source = own.source.model_copy(update={"bucket": bucket.url})
    shop = own.model_copy(update={"source": source})
    bucket.put("shops.csv", b"shop,land\nN,north\nS,south\n")
    bucket.put("till_2024-03-01.csv", day_of(0))
    taken = fill(shop, paths, now=NOW) if begins == "fill" else ingest(shop, paths, now=NOW)
    assert taken["rows_refused"] == 0
    for number, land in enumerate(("west", "east"), start=1):
        time.sleep(1.1)
        bucket.put("shops.csv", f"shop,land\nN,north\nS,{land}\n".encode())
        bucket.put(f"till_2024-03-0{number + 1}.csv", day_of(number))
        assert ingest(shop, paths, now=NOW)["accepted"] == 1
        assert [one.name for one in paths.inbox.iterdir()] == ["shops.csv"]
        assert land in (paths.inbox / "shops.csv").read_text(encoding="utf-8")


def test_rows_refused_of_an_object_are_judged_again_as_of_any_file(shop, bucket, paths):
    bucket.put("till.csv", day_of(0) + b"N,jam,2024-03-01,many\n")
    ingest(shop, paths, now=NOW)
    bucket.files.rm(bucket.prefix, recursive=True)
    again = replay(shop, paths, Refused(1, None), now=NOW, dry_run=True)
    assert again["rows_in"] == 1


@pytest.mark.parametrize("name", ["till_\n.csv", "till_'; drop table sales; --.csv", "till_ü .csv"])
def test_a_hostile_name_is_only_a_name(shop, bucket, paths, sales_in, name, caplog):
    caplog.set_level("INFO", "ingest")
    if "\n" in name and bucket.url.startswith("s3:"):
        pytest.skip("the S3 server of the tests takes no line end in a key")
    bucket.put(name, day_of(0))
    ingest(shop, paths, now=NOW)
    assert sales_in().height == 6
    assert all("\n" not in record.getMessage()[:200] for record in caplog.records)


def test_no_name_leads_out_of_the_inbox(shop, bucket, paths, monkeypatch):
    """S3 takes any key; a folder could not hold these."""
    bucket.put("till.csv", day_of(0))
    good, _ = bucket_at(bucket.url).objects()
    keys = ["shop/../till_up.csv", "shop/till\0.csv", "shop/till" + "x" * 300, "shop/till/.."]
    hostile = [Object(f"{bucket.prefix}/{key}", "1", 10, None) for key in keys]
    monkeypatch.setattr(Bucket, "objects", lambda _: ([*hostile, *good], 0))
    with pytest.raises((BadInput, RemoteUnreachable)):
        ingest(shop, paths, now=NOW)
    outside = [path for path in paths.root.parent.rglob("*till_up*") if path.is_file()]
    assert outside == []


def test_a_bucket_that_is_not_there_is_refused_and_the_inbox_taken(shop, bucket, paths, sales_in):
    (paths.inbox / "till.csv").write_bytes(day_of(0))
    gone = bucket.url.replace("/shop", "-gone/shop")
    source = shop.source.model_copy(update={"bucket": gone})
    with pytest.raises(BadInput, match="gone"):
        ingest(shop.model_copy(update={"source": source}), paths, now=NOW)
    assert sales_in().height == 6


def test_a_store_that_does_not_respond_is_another_try_without_keys(
    shop_of_files, paths, monkeypatch, tmp_path
):
    if "s3fs" in MISSING:
        pytest.skip("not installed: s3fs; `make extras` brings it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "s3cret-key", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    own = shop_of_files(MAPPING)
    source = own.source.model_copy(update={"bucket": "s3://nowhere/shop"})
    with pytest.raises(RemoteUnreachable, match="does not respond") as caught:
        ingest(own.model_copy(update={"source": source}), paths, now=NOW)
    assert "s3cret" not in str(caught.value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.mark.parametrize("url", ["nosuch://bucket/shop", "s4://bucket"])
def test_a_protocol_nobody_speaks_is_a_wrong_param(shop_of_files, paths, url):
    own = shop_of_files(MAPPING)
    source = own.source.model_copy(update={"bucket": url})
    with pytest.raises(BadParams, match="cannot be used"):
        ingest(own.model_copy(update={"source": source}), paths, now=NOW)


def test_a_table_is_delivered_to_the_bucket_once(bucket, params, paths: Paths, table, monkeypatch):
    table()
    monkeypatch.setenv("TILLCAST_TEST_URL", bucket.url.replace("/shop", "/tables"))
    to = params.deliver.model_copy(update={"url_env": "TILLCAST_TEST_URL"})
    own = params.model_copy(update={"deliver": to})
    assert deliver(own, paths, now=NOW)["written"]
    assert not deliver(own, paths, now=NOW)["written"]
    found = bucket.files.find(bucket.prefix.replace("/shop", "/tables"))
    assert sorted(Path(one).name.split("-")[0] for one in found) == [
        "forecasts", "latest.json", "orders", "overridden",
    ]  # fmt: skip
