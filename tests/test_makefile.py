"""The Makefile in a folder, and with files, whose names hold spaces."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (["repro", "PROFILE=files"], "source|--use|files|--data-from|{data}|repro|"),
        (["start"], "draft|--keep|{data}|repro|inference.py|publish|"),
    ],
)
def test_a_checkout_and_data_in_folders_with_spaces_reach_the_command_whole(
    root: Path, tmp_path: Path, target: list[str], said: str
):
    here = tmp_path / "my checkout 2024"
    for name in (".venv/ready", ".dvc/config"):
        (here / name).parent.mkdir(parents=True)
        (here / name).touch()
    shutil.copy(root / "requirements.lock", here)
    (here / ".venv/ready").touch()  # after the lock: nothing is to be set up
    shutil.copy(root / "Makefile", here)
    python = here / ".venv/bin/python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\nprintf "%s|" "$@" >> "$(dirname "$0")/../../said"\n')
    dvc = python.with_name("dvc")
    shutil.copy(python, dvc)
    for path in (python, dvc):
        path.chmod(0o755)
    command = ["make", *target, "DATA=../my sales 2024"]
    subprocess.run(command, cwd=here, check=True, capture_output=True)  # noqa: S603 -- ours
    recovered = "ingest.py|recover|ingest.py|"  # before anything runs on what a kill left half
    said_first = recovered + said.format(data="../my sales 2024")
    assert (here / "said").read_text().startswith(said_first)
