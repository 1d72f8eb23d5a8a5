"""Store and journal made small: the same rows in less space, and whole wherever it is cut."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

import storage.store
from contract.errors import StoreBroken, StoreBusy
from contract.quantiles import QUANTILES
from storage import compaction
from storage.compaction import drop_replaced, frees_about_mb, thin_and_begin_anew, write_again
from storage.decisions import Decision, record_decision
from storage.forecasts import publish
from storage.journal import numbers_of
from storage.rebuild import rebuild
from storage.retention import Ages
from storage.runs import Run
from storage.store import claim, journal_of, open_store, transaction

FIRST = date(2024, 1, 1)
NOW = datetime(2024, 6, 1, 5)
SOURCE = "files-1"
AGES = Ages(whole_days=42, first_week_days=60, order_days=30)


def table(store: Path, day: int) -> None:
    origin, run_id = FIRST + timedelta(days=day), f"run-{day:03d}"
    numbers = {"run_id": run_id, "origin": origin, **dict.fromkeys(["y_hat", *QUANTILES], day / 7)}
    forecasts = pl.DataFrame(
        [
            {"unique_id": f"s{k}", "ds": origin + timedelta(days=h), "h": h} | numbers
            for k in range(40)
            for h in range(1, 29)
        ]
    ).with_columns(method=pl.lit("m"), created_at=NOW)
    started_at = datetime(2024, 1, 2, 6) + timedelta(days=day)
    with open_store(store) as con:
        publish(con, Run(run_id, "inference", started_at), {"forecasts": forecasts})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Six tables of twelve weeks, and a decision."""
    path = tmp_path / "data" / "tillcast.duckdb"
    with open_store(path) as con:
        with transaction(con):
            claim(con, SOURCE)
        record_decision(con, Decision("retrain", NOW, "none", "a test"))
    for day in (0, 5, 6, 20, 80, 82):
        table(path, day)
    return path


def compacted(store: Path) -> None:
    with open_store(store) as con:
        thin_and_begin_anew(con, AGES, NOW)
    drop_replaced(store, SOURCE)
    write_again(store, 5)


def test_the_journal_is_one_entry_and_makes_the_same_store(store: Path, dump_of) -> None:
    assert len(numbers_of(journal_of(store, SOURCE))) == 7
    compacted(store)
    before = dump_of(store)
    assert len(list(journal_of(store, SOURCE).glob("[0-9]*"))) == 1
    rebuild(store, store.parent / "stores", SOURCE, NOW)
    assert dump_of(store) == before
    table(store, 90)
    after = dump_of(store)
    store.unlink()
    assert rebuild(store, store.parent / "stores", SOURCE, NOW)[0] == 2
    assert dump_of(store) == after


def test_what_the_file_would_give_back_is_its_free_blocks_and_the_share_that_goes(
    store: Path,
) -> None:
    with open_store(store) as con:
        con.execute("create table much as select random() as x from range(1_000_000)").fetchall()
        con.execute("checkpoint").fetchall()
        con.execute("drop table much").fetchall()
        con.execute("checkpoint").fetchall()
        sizes = "select block_size, free_blocks, used_blocks from pragma_database_size()"
        block, free, used = con.execute(sizes).fetchall()[0]
        rows = con.execute("select count(*) from forecasts").fetchall()[0][0]
        assert free * block > 1e6
        assert frees_about_mb(con, 0) == pytest.approx(free * block / 1e6, abs=0.06)
        half = (free + used / 2) * block / 1e6
        assert frees_about_mb(con, rows // 2) == pytest.approx(half, abs=0.06)


def test_a_second_time_changes_no_row(store: Path, dump_of) -> None:
    compacted(store)
    before, size = dump_of(store), store.stat().st_size
    compacted(store)
    assert dict(dump_of(store), meta=[]) == dict(before, meta=[])  # one change more
    assert store.stat().st_size == size


def test_the_file_gives_back_the_space_and_keeps_all_else(store: Path, dump_of) -> None:
    def schema() -> list[list[tuple]]:
        queries = (
            "select table_name, comment from duckdb_tables() order by all",
            "select table_name, column_name, data_type, is_nullable, comment from duckdb_columns() "
            "where not internal order by all",
            "select view_name, sql, comment from duckdb_views() where not internal order by all",
            "select table_name, constraint_text from duckdb_constraints() order by all",
        )
        with open_store(store, read_only=True) as con:
            return [con.execute(query).fetchall() for query in queries]

    with open_store(store) as con:
        con.execute("create table much as select random() as x from range(2_000_000)").fetchall()
    with open_store(store) as con:
        con.execute("drop table much").fetchall()
        con.execute("checkpoint").fetchall()
    store.chmod(0o600)
    size, rows, tables = store.stat().st_size, dump_of(store), schema()
    write_again(store, 5)
    assert store.stat().st_size < 0.6 * size
    assert (dump_of(store), schema()) == (rows, tables)
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert sorted(path.name for path in store.parent.iterdir()) == ["journal", "tillcast.duckdb"]


def test_a_store_that_is_a_link_stays_one(store: Path, dump_of, tmp_path: Path) -> None:
    target = tmp_path / "disk" / "store.duckdb"
    target.parent.mkdir()
    store.rename(target)
    store.symlink_to(target)
    rows = dump_of(store)
    write_again(store, 5)
    assert store.is_symlink()
    assert dump_of(store) == rows


def test_nobody_writes_while_it_is_copied(store: Path, root: Path, monkeypatch) -> None:
    """A writer meanwhile is kept waiting; what it then opens is the new file."""
    copy, codes = compaction._copy, []
    writing = (
        "import sys\nfrom pathlib import Path\nfrom storage.store import open_store\n"
        "with open_store(Path(sys.argv[1]), 0.1): pass\n"
    )

    def copied_while_somebody_writes(con, smaller: Path) -> None:
        command = [sys.executable, "-c", writing, str(store)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 -- our own words
        codes.append("StoreBusy" in done.stderr)
        copy(con, smaller)

    monkeypatch.setattr(compaction, "_copy", copied_while_somebody_writes)
    write_again(store, 5)
    assert codes == [True]


def test_who_opened_the_file_that_lost_its_name_opens_the_new_one(
    store: Path, tmp_path: Path, monkeypatch
) -> None:
    """The last moment of a compaction: opened before the rename, locked after it."""
    newer = tmp_path / "newer.duckdb"
    newer.write_bytes(store.read_bytes())
    with open_store(newer) as con:
        con.execute("insert into meta values ('which', 'newer')").fetchall()
    connect, opened = duckdb.connect, []

    def connecting(path: Path, **more):
        con = connect(path, **more)
        if not opened:
            newer.rename(store)
        opened.append(path)
        return con

    monkeypatch.setattr(storage.store.duckdb, "connect", connecting)
    with open_store(store) as con:
        assert con.execute("select value from meta where key = 'which'").fetchall() == [("newer",)]
    assert len(opened) == 2


def test_a_store_somebody_wrote_meanwhile_and_died_is_left_as_it_is(
    store: Path, root: Path, monkeypatch
) -> None:
    """What was committed last lies in its log, which the next file must not be given."""
    dying = (
        "import os, sys\nfrom pathlib import Path\nfrom storage.store import open_store\n"
        "with open_store(Path(sys.argv[1])) as con:\n"
        "    con.execute(\"insert into meta values ('last words', 'committed')\").fetchall()\n"
        "    os._exit(9)\n"
    )
    command = [sys.executable, "-c", dying, str(store)]
    assert subprocess.run(command, cwd=root, check=False).returncode == 9  # noqa: S603 -- our own words
    monkeypatch.setattr(compaction, "_take_in_log", lambda *_: None)
    with pytest.raises(StoreBusy, match="written meanwhile"):
        write_again(store, 5)
    monkeypatch.undo()
    write_again(store, 5)
    with open_store(store) as con:
        assert con.execute("select value from meta where key = 'last words'").fetchall()


def test_a_copy_that_lacks_a_row_takes_no_place(store: Path, dump_of, monkeypatch) -> None:
    rows = dump_of(store)

    class Losing:
        def __init__(self, con) -> None:
            self._con = con

        def execute(self, statement: str):
            if statement == "checkpoint smaller":
                self._con.execute("delete from smaller.decisions").fetchall()
            return self._con.execute(statement)

    copy = compaction._copy
    monkeypatch.setattr(compaction, "_copy", lambda con, smaller: copy(Losing(con), smaller))
    with pytest.raises(StoreBroken, match="has 1 rows, its copy 0"):
        write_again(store, 5)
    monkeypatch.undo()
    assert dump_of(store) == rows


KILLED = """
import os, shutil, signal, sys
sys.path[:0] = [{root!r}, {here!r}]
from pathlib import Path
import storage.compaction, storage.journal
from test_compaction import *

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def after(work, times=1):
    done = []
    def dying(*arguments, **more):
        result = work(*arguments, **more)
        done.append(1)
        if len(done) == times:
            die()
        return result
    return dying

{plant}
compacted(Path({store!r}))
"""

PLANTS = {
    "before the entry": "storage.compaction.thin = after(storage.compaction.thin)",
    "in the entry": "storage.journal._write_tables = after(storage.journal._write_tables)",
    "before the commit": "storage.journal.count = die",
    "after the commit": "storage.journal._mark = die",
    "while entries go": "shutil.rmtree = after(shutil.rmtree, 4)",
    "before the copy": "storage.compaction._copy = die",
    "before the rename": "storage.compaction._copy = after(storage.compaction._copy)",
    "after the rename": "Path.replace = after(Path.replace, 2)",
}


@pytest.mark.parametrize("lost", [False, True], ids=["the store is there", "the store is lost too"])
@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_killed_anywhere_nothing_is_lost_and_the_next_run_ends_it(
    store: Path, dump_of: Callable, root: Path, plant: str, lost: bool
) -> None:
    before = dump_of(store)
    script = KILLED.format(
        root=str(root), here=str(Path(__file__).parent), plant=plant, store=str(store)
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)  # noqa: S603 -- our own words
    assert done.returncode == -signal.SIGKILL
    if lost:
        store.unlink()
        rebuild(store, store.parent / "stores", SOURCE, NOW)
    between = dump_of(store)
    compacted(store)
    after = dump_of(store)
    assert len(after["forecasts"]) < len(before["forecasts"])
    assert dict(between, meta=[]) in (dict(before, meta=[]), dict(after, meta=[]))
    rebuild(store, store.parent / "stores", SOURCE, NOW)
    assert dump_of(store) == after
    assert len(list(journal_of(store, SOURCE).glob("[0-9]*"))) == 1
