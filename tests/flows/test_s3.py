"""A remote in S3: pushed from one checkout, pulled into a fresh clone, the same bytes. Against a
server of our own on this machine.

Needs the extras `s3` and `s3-test` of pyproject.toml (`make extras`), which the lock leaves out;
skipped where they are absent. Minutes (DVC runs every stage), so not part of `make test`: `make
production`.
"""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from ruamel.yaml import YAML

BUCKET, START_S = "tillcast", 60
MISSING = [name for name in ("dvc_s3", "moto") if find_spec(name) is None]

pytestmark = [
    pytest.mark.production,
    pytest.mark.skipif(
        bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; `make extras` brings them"
    ),
]


@pytest.fixture
def s3(tmp_path) -> Iterator[str]:
    """The address of an S3 server with one empty bucket; the server ends with the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (tmp_path / "s3.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 -- our own command
        try:
            _until_it_responds(url, server)
            _requested("PUT", f"{url}/{BUCKET}")
            yield url
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    with pytest.raises(OSError, match="refused"):  # nobody is left at that address
        _requested("GET", url)


@pytest.fixture
def shelved(checkout, s3, tmp_path):
    """The checkout with that bucket as its remote, and nobody's real keys or settings in reach."""
    keys = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    files = {
        f"AWS_{name}": str(tmp_path / "none") for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE")
    }
    checkout.environment.update(
        keys | files | {"AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"}
    )
    checkout.dvc("remote", "add", "-d", "shelf", f"s3://{BUCKET}/weeks")
    checkout.dvc("remote", "modify", "shelf", "endpointurl", s3)
    return checkout


def test_what_was_pushed_to_s3_comes_back_byte_for_byte_in_a_fresh_clone(shelved, s3, tmp_path):
    shelved.dvc("repro", "-q")
    pinned = shelved.tagged("week-1")
    assert "in sync" in shelved.dvc("status", "--cloud")
    assert b"<Key>weeks/files/md5/" in _requested("GET", f"{s3}/{BUCKET}?list-type=2")

    # what a tag names stays in the bucket
    shelved.dvc("gc", "--all-tags", "--all-branches", "--cloud", "--force")
    fresh = shelved.cloned(tmp_path / "fresh")
    assert not (fresh.folder / "data/panel").exists()
    fresh.dvc("pull", "-q")
    assert fresh.held() == pinned
    assert hashes(fresh.folder) == hashes(shelved.folder)
    assert "up to date" in fresh.dvc("status")


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file that DVC pins, by its path."""
    lock = YAML(typ="safe").load((folder / "dvc.lock").read_text(encoding="utf-8"))
    outs = [
        folder / out["path"] for stage in lock["stages"].values() for out in stage.get("outs", [])
    ]
    files = [
        path
        for out in outs
        for path in ([out] if out.is_file() else out.rglob("*"))
        if path.is_file()
    ]
    assert len(files) > len(outs) / 2
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def _requested(method: str, url: str) -> bytes:
    alone = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with alone.open(urllib.request.Request(url, method=method), timeout=10) as response:  # noqa: S310 -- our own server
        return response.read()


def _until_it_responds(url: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError):
            _requested("GET", url)
            return
        time.sleep(0.2)
    pytest.fail(f"the S3 server did not answer within {START_S} s (exit code {server.poll()})")
