"""What somebody may put into the inbox that is no file, or a file at the wrong moment; and failures
that nobody foresaw.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest

from contract.errors import DiskRefused, MemoryRefused, StoreBroken
from contract.params import Params
from drills.hostile_parts import honest
from ingest import ingest
from runtime.disk import sha256_of
from runtime.one_line import OneLine, one_line
from runtime.paths import Paths
from stages import judged_facts
from stages.tries import MOST_TRIES, how_ended
from storage.batches import read_batches
from storage.inbox import archive_file, claimed_inbox
from storage.store import open_store

NOW = datetime(2024, 3, 15, 5)
OUTSIDE = "the store, or anything this user may write"


@pytest.fixture(scope="module")
def small(params: Params) -> Params:
    source = params.source.model_copy(update={"kind": "simulator", "path": None})
    rules = params.ingest.model_copy(
        update={"great_expectations_max_rows": 1, "keep_validation_pages": 1, "lock_wait_s": 0.2}
    )
    return params.model_copy(update={"source": source, "ingest": rules})


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Something outside that nobody but us may change."""
    path = tmp_path / "target"
    path.write_text(OUTSIDE, encoding="utf-8")
    return path


def good_day(paths: Paths, name: str = "sales_1.csv") -> Path:
    path = paths.inbox / name
    path.write_bytes(honest("2024-03-14"))
    return path


def a_loop(path: Path, target: Path) -> None:
    path.symlink_to(path.name)


def a_socket(path: Path, target: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        where = Path.cwd()
        os.chdir(path.parent)  # a socket's name is short
        one.bind(path.name)
        os.chdir(where)


def a_device(path: Path, target: Path) -> None:
    try:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero: it never ends
    except PermissionError:
        pytest.skip("this user may make no device")


def a_deep_folder(path: Path, target: Path) -> None:
    (path / "/".join("d" * 20)).mkdir(parents=True)


def a_folder_of_links(path: Path, target: Path) -> None:
    path.mkdir()
    (path / "part-00000.csv").symlink_to(target)
    (path / "nowhere").symlink_to("nothing")


OBJECTS: dict[str, Callable[[Path, Path], object]] = {
    "link": lambda path, target: path.symlink_to(target),
    "dangling": lambda path, target: path.symlink_to("nothing"),
    "loop": a_loop,
    "folder": lambda path, target: path.mkdir(),
    "link to a folder": lambda path, target: path.symlink_to(target.parent),
    "pipe": lambda path, target: os.mkfifo(path),
    "socket": a_socket,
    "device": a_device,
    "deep": a_deep_folder,
    "folder of links": a_folder_of_links,
}
NAMES = (
    "sales_a.csv", "calendar.csv", "prices.csv", "till=1", ".lock", ".discarded.json",
    "..discarded.json", ".fill", ".together", ".replay", "inbox.lock", "sales\n.csv",
)  # fmt: skip


@pytest.mark.parametrize("what", OBJECTS)
def test_no_object_of_the_inbox_stops_it_or_leads_out_of_it(
    what: str, small: Params, paths: Paths, target: Path
) -> None:
    """Under every name that means something to us, all of them at once."""
    mode = target.stat().st_mode
    for name in NAMES:
        OBJECTS[what](paths.inbox / name, target)
    good_day(paths, "sales_good.csv")
    assert ingest(small, paths, now=NOW)["accepted"] == 1
    assert target.read_text(encoding="utf-8") == OUTSIDE
    assert target.stat().st_mode == mode


@pytest.mark.parametrize("what", ["link", "dangling", "loop", "folder", "pipe", "socket"])
def test_a_lock_that_is_no_file_is_refused_and_not_followed(
    what: str, paths: Paths, target: Path
) -> None:
    OBJECTS[what](paths.root / "inbox.lock", target)
    with pytest.raises(DiskRefused, match="no regular file"), claimed_inbox(paths.inbox, 0.1):
        pass
    assert target.read_text(encoding="utf-8") == OUTSIDE


def panic(message: str) -> BaseException:
    return pl.exceptions.PanicException(message)


FAILURES = [
    KeyError("ds"),
    RecursionError("too deep"),
    MemoryError("no more"),
    OverflowError("day"),
    AssertionError(),
    MemoryRefused("none left"),
    OSError(5, "Input/output error"),
    UnicodeDecodeError("utf8", b"x", 0, 1, "no"),
    panic("out of range"),
    ZeroDivisionError("x\ny"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
def test_a_failure_nobody_foresaw_is_refused_named_and_logged(
    failure: BaseException,
    small: Params,
    paths: Paths,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    read = judged_facts.read_file

    def failing(path: Path, *rest: object, **more: object) -> object:
        if path.name == "sales_0.csv":
            raise failure
        return read(path, *rest, **more)

    monkeypatch.setattr(judged_facts, "read_file", failing)
    good_day(paths, "sales_0.csv").write_bytes(honest("2024-03-13"))
    good_day(paths)
    summary = ingest(small, paths, now=NOW)
    assert (summary["refused"], summary["accepted"]) == (1, 1)
    reason = summary["why_refused"]["sales_0.csv"]
    assert "memory" in reason or type(failure).__name__ in reason
    assert f"error={type(failure).__name__}" in caplog.text
    assert list(paths.inbox.iterdir()) == []
    assert len(list((paths.archive / "refused").rglob("*_sales_0.csv"))) == 1


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(1), StoreBroken("all files")])
def test_who_ends_the_process_or_what_every_file_meets_ends_the_run(
    end: BaseException, small: Params, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*rest: object, **more: object) -> object:
        raise end

    monkeypatch.setattr(judged_facts, "read_file", failing)
    path = good_day(paths)
    with pytest.raises(type(end)):
        ingest(small, paths, now=NOW)
    assert path.exists()
    assert list(paths.tries.iterdir()) == []


def _mark(paths: Paths, path: Path, tries: str) -> None:
    paths.tries.mkdir(parents=True)
    (paths.tries / sha256_of(path)).write_text(tries, encoding="ascii")


def test_a_file_whose_run_was_killed_is_read_apart_and_taken(small: Params, paths: Paths) -> None:
    _mark(paths, good_day(paths), "1")
    assert ingest(small, paths, now=NOW)["accepted"] == 1
    assert list(paths.tries.iterdir()) == []


@pytest.mark.parametrize("tries", [str(MOST_TRIES), "99"])
def test_a_file_that_ended_run_after_run_is_set_aside_unread(
    tries: str, small: Params, paths: Paths
) -> None:
    _mark(paths, good_day(paths), tries)
    good_day(paths, "sales_2.csv").write_bytes(honest("2024-03-13"))
    summary = ingest(small, paths, now=NOW)
    assert (summary["refused"], summary["accepted"]) == (1, 1)
    assert "set aside" in summary["why_refused"]["sales_1.csv"]


@pytest.mark.parametrize(
    ("target", "arguments", "said"),
    [
        (os.abort, (), "SIGABRT"),
        (sys.exit, (3,), "exit code 3"),
        (sys.exit, (77,), "memory"),
        (time.sleep, (60,), "seconds"),
        (int, (), None),
    ],
)
def test_how_a_process_ended_is_said(
    target: Callable[..., object], arguments: tuple[int, ...], said: str | None
) -> None:
    child = get_context("spawn").Process(target=target, args=arguments)
    child.start()
    ended = how_ended(child, 2.0 if target is time.sleep else 60.0)
    assert (ended is None) if said is None else said in str(ended)


def test_an_upload_that_pauses_is_left_until_it_is_whole(small: Params, paths: Paths) -> None:
    content = honest("2024-03-14")
    with (paths.inbox / "sales_1.csv").open("wb") as upload:
        upload.write(content[: len(content) * 4 // 5])
        upload.flush()
        assert ingest(small, paths, now=NOW)["growing"] == 1
        upload.write(content[len(content) * 4 // 5 :])
    assert ingest(small, paths, now=NOW)["rows_out"] == 12


def test_a_file_younger_than_the_least_age_is_left_and_one_of_the_future_is_not(
    small: Params, paths: Paths
) -> None:
    rules = small.ingest.model_copy(update={"min_age_s": 3600})
    patient = small.model_copy(update={"ingest": rules})
    path = good_day(paths)
    assert ingest(patient, paths, now=NOW)["growing"] == 1
    os.utime(path, (time.time() + 9e6, time.time() + 9e6))
    assert ingest(patient, paths, now=NOW)["accepted"] == 1


def test_a_file_written_to_while_it_is_archived_comes_back(paths: Paths) -> None:
    path = good_day(paths)
    sha256 = sha256_of(path)
    path.write_bytes(honest("2024-03-14") + b"more\n")
    assert archive_file(path, paths.archive, sha256) is None
    assert path.read_bytes().endswith(b"more\n")
    assert [one for one in paths.archive.rglob("*") if one.is_file()] == []


def test_a_list_of_what_to_discard_in_the_inbox_is_a_stranger_s(
    small: Params, paths: Paths
) -> None:
    """Our own lies beside the inbox; one inside once took folders away."""
    folder = paths.inbox / "mine"
    folder.mkdir()
    (paths.inbox / ".discarded.json").write_text('{"mine": null}', encoding="utf-8")
    ingest(small, paths, now=NOW)
    assert folder.exists()


@pytest.mark.parametrize(
    "unseen", ["\n", "\r", "\x1b[2J", "\u2028", "\u202e", "\x85", "\udcff", "\0"]
)
def test_no_text_forges_a_line_of_the_log(unseen: str) -> None:
    text = f"a{unseen}2024-03-15 05:00:00,000 INFO ingest took all"
    assert one_line(text).isprintable()
    record = logging.LogRecord("ingest", logging.INFO, "", 1, "took %s", (text,), None)
    assert OneLine("%(message)s").format(record).isprintable()
    assert one_line("Käse 'süß' 牛乳\u200dx") == "Käse 'süß' 牛乳\u200dx"


def test_a_name_of_two_lines_stands_on_one_in_the_ledger(small: Params, paths: Paths) -> None:
    good_day(paths, "sales_\nINFO.csv")
    summary = ingest(small, paths, now=NOW)
    assert summary["accepted"] == 1
    with open_store(paths.store) as con:
        assert read_batches(con)["name"].to_list() == ["sales_\\nINFO.csv"]
