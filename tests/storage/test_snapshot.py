"""The dashboards' copy: complete, also after a power cut; whole or not at all; never in a writer's
way.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from contract.errors import SourceMissing, StoreBusy
from storage.snapshot import VIEWS, write_snapshot
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
    assert sorted(path.name for path in target.parent.iterdir()) == [target.name]


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
