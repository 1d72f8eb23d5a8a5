"""What is taken from the inbox, where it goes, and what a name can do: nothing."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from runtime.disk import sha256_of
from storage.inbox import archive_file, safe_name, waiting_files


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
