"""A disk that is full, read-only or holds another thing: a sentence says so, nothing is
half-written, the next run goes on.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ingest
from contract.errors import DiskRefused, StoreBroken, StoreBusy
from runtime.disk import disk_refusals, sha256_of
from storage import inbox
from storage.inbox import archive_file
from storage.store import open_store

FREE_KB = [0, 64, 150, 300, 700, 1200, 1700, 2000, 2400, 3000, 4500]


@pytest.fixture(scope="module")
def small_disk(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What happened on a tmpfs of its own, in a mount namespace that ends with the process."""
    unshare = shutil.which("unshare")
    if unshare is None or _fails([unshare, "--mount", "true"]):
        pytest.skip("this user may not make a mount namespace (unshare --mount): no disk to fill")
    disk, apart = tmp_path_factory.mktemp("disk"), tmp_path_factory.mktemp("apart")
    script = [sys.executable, "tests/storage/small_disk.py", str(disk), str(apart)]
    command = [unshare, "--mount", *script, *map(str, FREE_KB)]
    environment = os.environ | {"PYTHONPATH": str(root)}
    ended = subprocess.run(  # noqa: S603 -- our own words
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if "mount" in ended.stderr and "CalledProcessError" in ended.stderr:
        pytest.skip("this user may not mount a tmpfs, so there is no disk to fill")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _fails(command: list[str]) -> bool:
    ended = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 -- our own words
    return ended.returncode != 0


def test_a_disk_that_fills_up_at_any_moment_is_named_and_the_next_run_ends_as_on_a_large_one(
    small_disk: dict,
) -> None:
    """Full in the journal, in DuckDB's log, at its checkpoint, at the pages, at the archive."""
    for result in small_disk["full"]:
        assert result["is_whole"], result
        assert result["first"] == "done" or "DiskRefused: the disk of" in result["first"], result
        assert (
            result["first"] == "done"
            or "Make room there, then run the same command again" in result["first"]
        )
    ends = [result["first"][:4] for result in small_disk["full"]]
    assert (ends[0], ends[-1]) == ("Disk", "done")


def test_a_read_only_disk_takes_no_file_and_can_still_be_read(small_disk: dict) -> None:
    assert "is read-only" in small_disk["read_only"]
    assert small_disk["rows_read"] == 20_000


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EDQUOT, errno.EFBIG])
def test_other_refusals_of_the_system_read_alike(number: int, tmp_path: Path) -> None:
    """A quota, a limit, a missing right: root meets none of them here, so the system's error is
    raised by hand.
    """
    with (
        pytest.raises(DiskRefused, match="then run the same command again") as refusal,
        disk_refusals(tmp_path),
    ):
        raise OSError(number, os.strerror(number))
    assert refusal.value.exit_code == 1
    with pytest.raises(IsADirectoryError), disk_refusals(tmp_path):
        raise IsADirectoryError(errno.EISDIR, "Is a directory")


def test_a_folder_in_the_place_of_the_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "tillcast.duckdb").mkdir()
    with pytest.raises(StoreBroken, match="make rebuild"), open_store(tmp_path / "tillcast.duckdb"):
        pass


def test_a_damaged_store_in_a_folder_called_lock_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock" / "store.duckdb"
    path.parent.mkdir()
    path.write_bytes(b"x" * 9000)
    since = time.monotonic()
    with pytest.raises(StoreBroken), open_store(path, wait_s=5):
        pass
    assert time.monotonic() - since < 4


def test_who_holds_the_store_is_named_with_what_it_runs(tmp_path: Path, held) -> None:
    path = tmp_path / "store.duckdb"
    with open_store(path):
        pass
    with held(path) as pid:
        since = time.monotonic()
        named = rf"PID {pid} \(.*python.* -c import duckdb.*\); waited 0.3 s"
        with pytest.raises(StoreBusy, match=named), open_store(path, wait_s=0.3):
            pass
        assert time.monotonic() - since >= 0.3
    with open_store(path, wait_s=5):
        pass


def test_an_inbox_on_a_disk_of_its_own_is_archived_by_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename across disks is refused by the system; the file is copied whole before it goes."""
    path = tmp_path / "inbox" / "a.csv"
    path.parent.mkdir()
    path.write_text("rows")
    rename = Path.replace

    def refusing(self: Path, target: Path) -> Path:
        if self == path:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(inbox.Path, "replace", refusing)
    kept = archive_file(path, tmp_path / "archive", sha256_of(path))
    assert (kept.read_text(), path.exists()) == ("rows", False)
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize(
    "where", [".", "inbox", "archive", "journal", "validation", "tillcast.duckdb"]
)
def test_something_else_in_the_place_of_a_folder_or_the_store_is_named_by_the_run(
    where: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused with exit 1 and the way out; moved away, the next run takes the file."""
    data, waiting = tmp_path / "data", tmp_path / "waiting"
    waiting.mkdir()
    (waiting / "sales_1.csv").write_text("unique_id,ds,y,item_id\na,2024-02-01,1,a\n")
    if where not in {".", "inbox"}:
        shutil.copytree(waiting, data / "inbox")
    data.mkdir(exist_ok=True)
    _in_the_way(data / where)
    arguments = ["--data", str(data), "--params", str(root / "params.yaml")]
    assert ingest.main(arguments) == 1
    assert re.search("Move that file away|make rebuild", capsys.readouterr().err.splitlines()[-1])
    _out_of_the_way(data / where)
    shutil.copytree(waiting, data / "inbox", dirs_exist_ok=True)
    assert ingest.main(arguments) == 0
    assert [path.name[64:] for path in (data / "archive").rglob("*.csv")] == ["_sales_1.csv"]


def _in_the_way(path: Path) -> None:
    if path.suffix == ".duckdb":
        path.mkdir()
        return
    shutil.rmtree(path, ignore_errors=True)
    path.write_text("a file")


def _out_of_the_way(path: Path) -> None:
    path.rmdir() if path.is_dir() else path.unlink()


def test_ingest_before_a_held_store_waits_then_ends_with_3(root: Path, tmp_path: Path) -> None:
    """By the command line: the wait of params.yaml, the holder's name, exit 3, the file still in
    the inbox; then it is taken.
    """
    store, inbox_folder = tmp_path / "data" / "tillcast.duckdb", tmp_path / "data" / "inbox"
    inbox_folder.mkdir(parents=True)
    (inbox_folder / "sales_1.csv").write_text("unique_id,ds,y,item_id\na,2024-02-01,1,a\n")
    params = tmp_path / "params.yaml"
    text = (root / "params.yaml").read_text(encoding="utf-8")
    params.write_text(re.sub(r"(?m)^( +lock_wait_s:) *\S+", r"\1 1", text))
    command = [sys.executable, "ingest.py", "--data", str(store.parent), "--params", str(params)]
    with open_store(store):
        refused = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    assert refused.returncode == 3, refused.stderr
    assert re.search(rf"is held by PID {os.getpid()} \(.+\); waited 1 s", refused.stderr)
    assert (inbox_folder / "sales_1.csv").exists()
    taken = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    assert (taken.returncode, list(inbox_folder.glob("*.csv"))) == (0, []), taken.stderr
