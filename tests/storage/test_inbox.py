"""What is taken from the inbox, where it goes, and what a name can do: nothing."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import polars as pl
import pytest

from runtime.disk import sha256_of
from storage.inbox import (
    archive_file,
    not_archived,
    safe_name,
    waiting_files,
    waiting_folders,
)


def test_only_finished_regular_files_are_taken_plans_first_then_the_oldest(tmp_path: Path) -> None:
    names = (
        "sales_2.csv",
        "Sales_1.csv",
        "prices.csv",
        "calendar.csv",
        ".hidden",
        "half.csv.part",
        "~lock",
        "x.TMP",
    )
    for second, name in enumerate(names):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (second, second))
    (tmp_path / "folder").mkdir()
    (tmp_path / "sales_link.csv").symlink_to("/etc/passwd")
    taken = [path.name for path in waiting_files(tmp_path)]
    assert taken == ["prices.csv", "calendar.csv", "sales_2.csv", "Sales_1.csv"]
    assert waiting_files(tmp_path / "nowhere") == []


def test_plans_go_by_the_names_of_params_and_companions_stay(tmp_path: Path) -> None:
    for second, name in enumerate(("umsatz_1.csv", "aktionen.csv", "filialen.csv")):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (second, second))
    taken = [path.name for path in waiting_files(tmp_path, ["aktionen*"], ["filialen*"])]
    assert taken == ["aktionen.csv", "umsatz_1.csv"]


def test_the_archive_holds_a_content_once_readable_by_its_group_alone(tmp_path: Path) -> None:
    kept = set()
    for name in ("one.csv", "two.csv"):
        path = tmp_path / name
        path.write_text("same")
        kept.add(archive_file(path, tmp_path / "archive", sha256_of(path)))
        assert not path.exists()
    (only,) = kept
    assert only.name.endswith("_one.csv")
    assert stat.S_IMODE(only.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "name",
    ["..", "../../etc/passwd", "<b>x</b>.csv", "a\nb.csv", "$(rm -rf).csv", "=cmd()", "x" * 300],
)
def test_a_name_is_only_letters_afterwards(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe) <= 100
    assert safe == Path(safe).name
    assert not set(safe) & set("/\\<>\n$() ='\"")


def test_a_file_of_somebody_else_is_copied_into_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("a,b\n")
    real = Path.chmod

    def denied(self: Path, mode: int) -> None:
        if self == path:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        real(self, mode)

    monkeypatch.setattr(Path, "chmod", denied)
    target = archive_file(path, tmp_path / "archive", sha256_of(path))
    assert target.read_text() == "a,b\n"
    assert not path.exists()


def test_a_file_that_is_another_than_was_read_comes_back(tmp_path: Path) -> None:
    archive, path = tmp_path / "archive", tmp_path / "sales.csv"
    path.write_text("first half")
    sha256 = sha256_of(path)
    path.write_text("first half and the second")
    assert archive_file(path, archive, sha256) is None
    assert path.read_text() == "first half and the second"
    assert [one for one in archive.rglob("*") if one.is_file()] == []


def test_a_content_that_was_damaged_in_the_archive_is_put_right(tmp_path: Path) -> None:
    archive, path = tmp_path / "archive", tmp_path / "sales.csv"
    path.write_text("whole")
    sha256 = sha256_of(path)
    kept = archive_file(path, archive, sha256)
    kept.write_text("damaged")
    path.write_text("whole")
    assert archive_file(path, archive, sha256) == kept
    assert (kept.read_text(), path.exists()) == ("whole", False)


def test_a_file_is_missing_in_the_archive_when_its_content_is(tmp_path: Path) -> None:
    archive, hashes = tmp_path / "archive", {}
    for name in ("kept.csv", "refused.csv", "changed.csv", "lost.csv"):
        path = tmp_path / name
        path.write_text(name)
        hashes[name] = sha256_of(path)
        folder = archive / "refused" if name == "refused.csv" else archive
        target = archive_file(path, folder, hashes[name])
        if name == "changed.csv":
            target.write_text("another content")
        if name == "lost.csv":
            target.unlink()
    ledger = pl.DataFrame({"sha256": list(hashes.values()), "name": list(hashes)})
    assert not_archived(archive, pl.concat([ledger, ledger])) == ["changed.csv", "lost.csv"]


def test_a_folder_of_parts_waits_for_its_mark_or_a_minute_without_writing(tmp_path: Path) -> None:
    now = time.time()
    for name, age_s, is_marked in (("p_old", 60.2, False), ("p_new", 58, False), ("p_ok", 0, True)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "part.csv").write_text("x")
        if is_marked:
            (folder / "_SUCCESS").touch()
        for path in (folder / "part.csv", folder):
            os.utime(path, (now - age_s, now - age_s))
    groups = waiting_folders(tmp_path, "p_*")
    assert [[path.name for path in group] for group in groups] == [["p_old"], ["p_ok"]]
