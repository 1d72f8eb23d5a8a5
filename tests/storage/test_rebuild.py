"""A store made again from its journal: whatever became of the file, its tables are the same."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import pytest

from contract.errors import StoreBroken, StoreBusy
from contract.frames import SALES
from contract.quantiles import QUANTILES
from storage.alerts import Alert
from storage.batches import Batch, Delivery, unreadable, write_delivery
from storage.decisions import Decision
from storage.forecasts import publish
from storage.journal import numbers_of
from storage.looks import Look, record_look
from storage.models import Model, champion, promote
from storage.offline import Verdict, publish_offline
from storage.rebuild import rebuild
from storage.runs import Run
from storage.schema import SCHEMA_VERSION
from storage.store import journal_of, open_store, read_store, source_of
from storage.stores import switch_store

NOW = datetime(2024, 3, 1, 5)
SOURCE = "files-1"


def rows(units: float, day: int, series: int = 40) -> Batch:
    frame = pl.DataFrame(
        {
            "unique_id": [f"s'{k}" for k in range(series)],
            "ds": date(2024, 2, 1) + timedelta(days=day),
            "y": units,
            "known_at": NOW + timedelta(days=day, hours=units),
            "row_number": range(series),
            "lines": 1,
        }
    )
    refused = pl.DataFrame(
        {"row_number": [99], "reason": ["odd"], "raw": ['{"y": "-1"}'], "lines": [1]}
    )
    groups = frame.select("unique_id", store_id=pl.lit("CA"))
    return Batch(
        "sales", series + 1, frame.with_columns(SALES.conform(frame)), refused, "file", groups
    )


def tables(run: str, y_hat: float) -> dict[str, pl.DataFrame]:
    numbers = {
        "run_id": run,
        "origin": date(2024, 2, 9),
        "ds": date(2024, 2, 10),
        "h": 1,
    } | dict.fromkeys(["y_hat", *QUANTILES], y_hat)
    return {
        "forecasts": pl.DataFrame(
            [{"unique_id": "s'1", "method": "m", "created_at": NOW} | numbers]
        ),
        "forecast_levels": pl.DataFrame([{"level": "total", "group_key": "total"} | numbers]),
        "scores": pl.DataFrame(
            [
                {
                    "run_id": run,
                    "model": "m",
                    "cutoff": None,
                    "level": "l",
                    "slice": "s",
                    "metric": "x",
                    "value": 0.1,
                }
            ]
        ),
    }


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Days, a restatement, a late one, a refused file sent again, two models, a daily table."""
    path = tmp_path / "data" / "tillcast.duckdb"
    with open_store(path) as con:
        for number, (units, day) in enumerate([(1, 0), (2, 2), (3, 0), (4, 1), (2, 0)]):
            write_delivery(
                con,
                Delivery(SOURCE, f"{number}.csv", f"h{number}", NOW),
                [rows(units, day)],
                {"odd": "Odd."},
            )
        for reason in ("unreadable", "again"):
            write_delivery(con, Delivery(SOURCE, "bad.csv", "bad", NOW), [unreadable(reason)], {})
        for name in ("a", "b"):
            model = Model(name, "global_lightgbm", date(2024, 2, 1), "p", "q", "{}", NOW)
            run = Run(name, "inference", NOW)
            publish_offline(con, model, run, tables(name, 2.5), Verdict(True))
        daily = tables("daily", 0.1)
        publish(
            con,
            Run("daily", "inference", NOW, NOW, as_of=NOW),
            {name: daily[name] for name in ("forecasts", "forecast_levels")},
        )
        promote(con, "a", "b is worse", NOW, "rollback")
    return path


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_to_nothing(path: Path) -> None:
    os.truncate(path, 0)


def zeroed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192 : len(content) // 2] = bytes(len(content) // 2 - 8192)
    path.write_bytes(content)


def garbage(path: Path) -> None:
    path.write_bytes(b"\x93" * 70_000)


def header_gone(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes(12_288) + content[12_288:])


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def corrupt_log(path: Path) -> None:
    path.with_name(path.name + ".wal").write_bytes(b"\x07" * 5_000)


def missing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "damage",
    [truncated, cut_to_nothing, zeroed, garbage, header_gone, a_folder, corrupt_log, missing],
)
def test_a_damaged_store_is_made_again_row_for_row_and_set_aside(
    store: Path, dump_of, damage: Callable
) -> None:
    before = dump_of(store)
    damage(store)
    entries, aside = rebuild(store, store.parent / "stores", SOURCE, NOW)
    assert dump_of(store) == before
    assert entries == 11
    assert (aside is None) == (damage is missing)
    assert aside is None or aside.exists()
    assert not (store.parent / ".rebuild").exists()


def test_a_rebuilt_store_goes_on_as_if_nothing_had_been(
    store: Path, dump_of, tmp_path: Path
) -> None:
    with open_store(store) as con:
        write_delivery(con, Delivery(SOURCE, "n.csv", "new", NOW), [rows(9, 1)], {})
    undisturbed = dump_of(store)
    rebuild(store, tmp_path, SOURCE, NOW)
    rebuild(store, tmp_path / "second", SOURCE, NOW)
    with open_store(store) as con:
        assert write_delivery(con, Delivery(SOURCE, "n.csv", "new", NOW), [rows(9, 1)], {}) == []
        assert champion(con) == "a"
    assert dump_of(store) == undisturbed


def test_a_change_killed_before_its_commit_leaves_an_entry_that_the_next_change_replaces(
    store: Path, dump_of
) -> None:
    script = f"""
import os, signal, sys
sys.path[:0] = [{str(Path(__file__).parents[2])!r}, {str(Path(__file__).parent)!r}]
from pathlib import Path
import storage.journal
from test_rebuild import *
storage.journal.count = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with open_store(Path({str(store)!r})) as con:
    write_delivery(con, Delivery(SOURCE, "n.csv", "new", NOW), [rows(9, 1)], {{}})
"""
    before, journal = dump_of(store), journal_of(store, SOURCE)
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL  # noqa: S603
    assert dump_of(store) == before
    assert len(numbers_of(journal)) == 12
    with open_store(store) as con:
        write_delivery(con, Delivery(SOURCE, "other.csv", "other", NOW), [rows(7, 1)], {})
    assert len(numbers_of(journal)) == 12
    after = dump_of(store)
    rebuild(store, store.parent / "stores", SOURCE, NOW)
    assert dump_of(store) == after


@pytest.mark.parametrize("opened", [open_store, read_store, partial(open_store, read_only=True)])
def test_a_store_that_vanished_is_not_begun_anew_without_a_word(store: Path, opened) -> None:
    store.unlink()
    with pytest.raises(StoreBroken, match=r"is gone; .*Run `make rebuild`"), opened(store):
        pass
    assert not store.exists()


def test_a_store_that_was_set_aside_is_not_gone(store: Path) -> None:
    switch_store(store, store.parent / "stores", "files-2", 1)
    with open_store(store) as con:
        assert source_of(con) == "files-2"
    (store.parent / "stores" / f"{SOURCE}.duckdb").unlink()
    store.unlink()
    with pytest.raises(StoreBroken, match="is gone"), open_store(store):
        pass


def test_an_older_copy_of_the_store_is_refused_before_it_forgets_what_came_after(
    store: Path, dump_of
) -> None:
    copy = store.read_bytes()
    with open_store(store) as con:
        write_delivery(con, Delivery(SOURCE, "n.csv", "new", NOW), [rows(9, 1)], {})
    after = dump_of(store)
    store.write_bytes(copy)
    with (
        open_store(store) as con,
        pytest.raises(StoreBroken, match=r"holds 11 changes.*knows of 12.*make rebuild"),
    ):
        write_delivery(con, Delivery(SOURCE, "m.csv", "more", NOW), [rows(7, 1)], {})
    rebuild(store, store.parent / "stores", SOURCE, NOW)
    assert dump_of(store) == after


@pytest.mark.parametrize("name", ["entry.json", "0_accepted.parquet"])
def test_a_damaged_journal_is_seen_and_the_store_left_alone(store: Path, name: str) -> None:
    content = store.read_bytes()
    path = journal_of(store, SOURCE) / "000003" / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(StoreBroken, match="backup"):
        rebuild(store, store.parent / "stores", SOURCE, NOW)
    assert store.read_bytes() == content


def test_a_lost_entry_is_seen_and_the_next_change_begins_the_journal_anew(
    store: Path, dump_of
) -> None:
    shutil.rmtree(journal_of(store, SOURCE) / "000011")
    with open_store(store) as con:
        write_delivery(con, Delivery(SOURCE, "n.csv", "new", NOW), [rows(9, 1)], {})
    before = dump_of(store)
    store.unlink()
    assert rebuild(store, store.parent / "stores", SOURCE, NOW)[0] == 1
    assert dump_of(store) == before
    shutil.rmtree(journal_of(store, SOURCE) / "000012")
    shutil.rmtree(journal_of(store, SOURCE) / "000004")
    with pytest.raises(StoreBroken, match=r"lacks the entries \[4\]"):
        rebuild(store, store.parent / "stores", SOURCE, NOW)


def test_a_baseline_in_a_folder_of_any_name_is_read_again(
    store: Path, dump_of, tmp_path: Path
) -> None:
    """Its tables are read by DuckDB, which takes [ and * for a pattern."""
    folder = tmp_path / "[shop] *'s"
    store.parent.rename(folder)
    shutil.rmtree(journal_of(folder / store.name, SOURCE) / "000011")
    with open_store(folder / store.name) as con:
        write_delivery(con, Delivery(SOURCE, "n.csv", "new", NOW), [rows(9, 1)], {})
    before = dump_of(folder / store.name)
    rebuild(folder / store.name, folder / "stores", SOURCE, NOW)
    assert dump_of(folder / store.name) == before


@pytest.mark.parametrize(
    ("schema", "is_read"), [("11", True), ("10", True), ("9", True), ("8", False)]
)
def test_a_journal_of_before_overrides_is_read_one_of_before_totals_is_not(
    store: Path, dump_of, schema: str, is_read: bool
) -> None:
    before = dump_of(store)
    for path in journal_of(store, SOURCE).glob("*/entry.json"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f'"{SCHEMA_VERSION}"', f'"{schema}"'), encoding="utf-8")
    if is_read:
        rebuild(store, store.parent / "stores", SOURCE, NOW)
        assert dump_of(store) == before
    else:
        with pytest.raises(StoreBroken, match=f"schema version {schema}"):
            rebuild(store, store.parent / "stores", SOURCE, NOW)


def test_nothing_to_make_a_store_of_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match="holds no entry"):
        rebuild(tmp_path / "store.duckdb", tmp_path, SOURCE, NOW)


def test_a_store_in_use_is_not_moved_away(store: Path, held) -> None:
    with held(store) as pid, pytest.raises(StoreBusy, match=rf"PID {pid} \(.*python"):
        rebuild(store, store.parent / "stores", SOURCE, NOW)
    assert store.exists()


def look_at(hours: int, raised: list[str], gone: list[str]) -> Look:
    """The watchers' look some hours after NOW."""
    at = NOW + timedelta(hours=hours)
    alerts = [Alert(cause, "warning", f"{cause} {hours}", None, 0.5, "a") for cause in raised]
    decision = Decision("retrain", at, "alert", f"look {hours}", "a")
    return Look(Run(f"look {hours}", "monitor", at, at, peak_mb=1.5), decision, alerts, gone)


LOOKS = [look_at(1, ["bias", "age"], []), look_at(2, ["age"], ["bias"]), look_at(3, ["bias"], [])]


def test_looks_come_back_with_their_alerts_decisions_and_runs(store: Path, dump_of) -> None:
    with open_store(store) as con:
        for look in LOOKS:
            record_look(con, look)
    before = dump_of(store)
    states = [("bias", "closed", 1), ("age", "open", 2), ("bias", "open", 3)]
    with open_store(store) as con:
        query = "select cause, state, last_seen_at - timestamp '2024-03-01 05:00' from alerts"
        assert sorted(con.execute(query).fetchall()) == sorted(
            (cause, state, timedelta(hours=hours)) for cause, state, hours in states
        )
    rebuild(store, store.parent / "stores", SOURCE, NOW)
    assert dump_of(store) == before


def test_a_baseline_holds_the_alerts_of_before_it(store: Path, dump_of) -> None:
    with open_store(store) as con:
        record_look(con, LOOKS[0])
    shutil.rmtree(journal_of(store, SOURCE) / "000012")  # a gap: the next entry is a baseline
    with open_store(store) as con:
        record_look(con, LOOKS[1])
    before = dump_of(store)
    assert rebuild(store, store.parent / "stores", SOURCE, NOW)[0] == 1
    assert dump_of(store) == before


def test_a_look_is_one_change(store: Path, dump_of, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump_of(store)

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("storage.looks.write_run", full)  # its last statement
    with open_store(store) as con, pytest.raises(OSError, match="full"):
        record_look(con, LOOKS[0])
    assert dump_of(store) == before


def test_a_transaction_of_a_broken_connection_says_what_broke_it(tmp_path: Path) -> None:
    from storage.store import transaction

    with (
        open_store(tmp_path / "s.duckdb") as con,
        pytest.raises(duckdb.CatalogException),
        transaction(con),
    ):
        con.execute("select * from nowhere").fetchall()
