"""The dashboards' copy: complete, also after a power cut; whole or not at all; never in a writer's
way.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from contract.errors import SourceMissing, StoreBusy
from storage.snapshot import _BLOCK_BYTES, VIEWS, _write_what_differs, write_snapshot
from storage.store import open_store

KILLED = """
import os, sys
from pathlib import Path
from storage.store import open_store
with open_store(Path(sys.argv[1])) as con:
    con.execute("insert into meta values ('last words', 'committed')").fetchall()
    os._exit(9)
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "tillcast.duckdb"
    with open_store(path):
        pass
    return path


def values_of(snapshot: Path) -> dict[str, str]:
    with duckdb.connect(snapshot, read_only=True) as con:
        return dict(con.execute("select key, value from meta").fetchall())


def test_what_was_committed_before_a_power_cut_is_in_it(store, root, tmp_path):
    """The last change lies in the log alone: nobody has opened the store since."""
    command = [sys.executable, "-c", KILLED, str(store)]
    assert subprocess.run(command, cwd=root, check=False).returncode == 9  # noqa: S603 -- our own words
    assert store.with_name("tillcast.duckdb.wal").exists()
    write_snapshot(store, tmp_path / "copy" / "tillcast.duckdb", 5)
    assert values_of(tmp_path / "copy" / "tillcast.duckdb")["last words"] == "committed"


def test_it_has_every_view_with_its_grain_and_nothing_beside_it(store, tmp_path):
    target = tmp_path / "copy" / "tillcast.duckdb"
    assert write_snapshot(store, target, 5) == target.stat().st_size
    with duckdb.connect(target, read_only=True) as con:
        query = "select view_name, comment from duckdb_views() where not internal"
        comments = dict(con.execute(query).fetchall())
        assert {name: comments[name] for name in VIEWS} == {
            name: grain for name, (grain, _) in VIEWS.items()
        }
        assert all(con.table(name).count("*").fetchall() == [(0,)] for name in VIEWS)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_the_store_itself_gets_no_view_of_it(store, tmp_path):
    write_snapshot(store, tmp_path / "copy.duckdb", 5)
    with open_store(store, read_only=True) as con:
        views = {name for (name,) in con.execute("select view_name from duckdb_views()").fetchall()}
    assert not views & set(VIEWS)


def test_while_a_writer_holds_the_store_the_old_copy_stays(store, root, tmp_path):
    target = tmp_path / "copy.duckdb"
    write_snapshot(store, target, 5)
    before = target.read_bytes()
    holding = "import sys, time\nfrom pathlib import Path\nfrom storage.store import open_store\n"
    holding += (
        "with open_store(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", holding, str(store)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as writer:  # noqa: S603 -- our own words
        try:
            assert writer.stdout.readline() == b"held\n"
            with pytest.raises(StoreBusy):
                write_snapshot(store, target, 0.2)
        finally:
            writer.kill()
    assert target.read_bytes() == before


def test_without_a_store_there_is_nothing_to_copy(tmp_path):
    with pytest.raises(SourceMissing):
        write_snapshot(tmp_path / "none.duckdb", tmp_path / "copy.duckdb", 1)
    assert not (tmp_path / "copy.duckdb").exists()


def test_two_runs_may_write_one_at_once(store, tmp_path, monkeypatch):
    """Each makes a copy of its own; found by the drill `lost_worker`, whose orphans took each
    other's away.
    """
    from storage import snapshot

    target = tmp_path / "copy" / "tillcast.duckdb"
    copied = snapshot._copy

    def another_run_meanwhile(store: Path, beside: Path) -> None:
        copied(store, beside)
        monkeypatch.setattr(snapshot, "_copy", copied)
        monkeypatch.setattr(snapshot.os, "getpid", lambda: 12345)
        write_snapshot(store, target, 5)

    monkeypatch.setattr(snapshot, "_copy", another_run_meanwhile)
    write_snapshot(store, target, 5)
    names = sorted(path.name for path in target.parent.iterdir())
    assert names == [f".{target.name}.former", target.name]


def test_a_copy_nobody_finished_is_taken_away_after_an_hour(store, tmp_path):
    import os
    import time

    target = tmp_path / "copy" / "tillcast.duckdb"
    target.parent.mkdir()
    old, young = (target.parent / f".{target.name}.{pid}.part" for pid in (1, 2))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 4000,) * 2)
    write_snapshot(store, target, 5)
    assert (old.exists(), young.exists()) == (False, True)


def add(store: Path, key: str) -> None:
    with open_store(store) as con:
        con.execute("insert into meta values ($key, 'x')", {"key": key}).fetchall()


@pytest.fixture
def no_wait(monkeypatch):
    """A copy that was replaced is taken for unread at once."""
    monkeypatch.setattr("storage.snapshot.UNREAD_AFTER_S", 0)


def test_the_next_is_made_of_the_one_before_the_last(store, tmp_path, no_wait):
    target = tmp_path / "copy" / "tillcast.duckdb"
    made = []
    for key in ("one", "two", "three", "four"):
        add(store, key)
        write_snapshot(store, target, 5)
        assert key in values_of(target)
        made.append(target.stat().st_ino)
    assert made[2:] == made[:2]


def test_only_blocks_that_differ_are_written():
    class Counting(io.BytesIO):
        written = 0

        def write(self, block: bytes) -> int:
            self.written += len(block)
            return super().write(block)

    block, other = b"a" * _BLOCK_BYTES, b"b" * _BLOCK_BYTES
    for before in (block + other + block, block * 5, block, b""):
        copy = Counting(before)
        _write_what_differs(io.BytesIO(block + block + other + b"end"), copy)
        assert copy.getvalue() == block + block + other + b"end"
        if before.startswith(block + other):
            assert copy.written == 2 * _BLOCK_BYTES + len(b"end")


def test_who_has_the_one_before_the_last_open_keeps_it(store, root, tmp_path, no_wait):
    target = tmp_path / "copy.duckdb"
    add(store, "one")
    write_snapshot(store, target, 5)
    reading = (
        "import duckdb, sys\ncon = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print('open', flush=True)\nsys.stdin.readline()\n"
        "keys = con.execute('select key from meta').fetchall()\n"
        "print(('one',) in keys, ('two',) in keys, flush=True)\n"
    )
    command, pipe = [sys.executable, "-c", reading, str(target)], subprocess.PIPE
    with subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe) as reader:  # noqa: S603 -- our own words
        assert reader.stdout.readline() == b"open\n"
        for key in ("two", "three"):
            add(store, key)
            write_snapshot(store, target, 5)
        assert reader.communicate(b"read\n")[0] == b"True False\n"
    assert "three" in values_of(target)


def test_who_copies_one_without_a_lock_has_an_hour_for_it(store, tmp_path):
    target = tmp_path / "copy.duckdb"
    add(store, "one")
    write_snapshot(store, target, 5)
    before = target.read_bytes()
    with target.open("rb") as copying:
        for key in ("two", "three"):
            add(store, key)
            write_snapshot(store, target, 5)
        assert copying.read() == before


def test_a_run_killed_before_its_copy_took_the_place_leaves_the_last_one_alone(
    store, tmp_path, no_wait
):
    """Killed with the last copy under two names: the next must not be made of the one in use."""
    target = tmp_path / "copy.duckdb"
    write_snapshot(store, target, 5)
    target.with_name(f".{target.name}.former").hardlink_to(target)
    add(store, "later")
    before = target.read_bytes()
    with target.open("rb") as copying:
        write_snapshot(store, target, 5)
        assert copying.read() == before
    assert "later" in values_of(target)


def test_a_half_written_former_copy_is_made_whole(store, tmp_path, no_wait):
    target = tmp_path / "copy.duckdb"
    former = target.with_name(f".{target.name}.former")
    for content in (b"", b"\x93" * 700_000, b"x" * 50_000_000):
        former.write_bytes(content)
        add(store, f"after {len(content)}")
        write_snapshot(store, target, 5)
        assert f"after {len(content)}" in values_of(target)
