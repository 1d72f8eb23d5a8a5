"""A process that ends with the one that started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the signal is Linux's")
CHILD = """
import time
from runtime.process import end_with_parent
{}
print('up', flush=True)
time.sleep(60)
"""
STAGE = """
import time
from runtime.command_line import entry_parser, run
def work(arguments):
    print('up', flush=True)
    time.sleep(60)
run(entry_parser('a stage'), work, [])
"""


@pytest.mark.parametrize(
    ("text", "of_dvc", "goes_on"),
    [
        (CHILD.format("end_with_parent()"), {}, False),
        (CHILD.format(""), {}, True),
        (STAGE, {"DVC_STAGE": "train"}, False),
        (STAGE, {}, True),
    ],
)
def test_it_is_gone_when_its_parent_was_killed(
    root: Path, text: str, of_dvc: dict[str, str], goes_on: bool
) -> None:
    parent = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE); "
        "child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", parent, text]
    own = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    with subprocess.Popen(command, cwd=root, env=own | of_dvc, stdout=subprocess.PIPE) as started:  # noqa: S603 -- ours
        assert started.stdout is not None
        pid = int(started.stdout.readline())
        started.kill()
    assert _is_there_after(pid, 2.0 if goes_on else 20.0, wanted=goes_on)


@pytest.mark.parametrize(("word", "goes_on"), [("exec ", False), ("", True)])
def test_no_shell_keeps_a_stage_alive_that_dvc_started(
    root: Path, tmp_path: Path, word: str, goes_on: bool
) -> None:
    """A shell that stays beside what it runs hides that dvc is gone; dvc.yaml says `exec`."""
    shell, stage = tmp_path / "shell", tmp_path / "stage.py"
    shell.write_text('#!/bin/sh\neval "$2"\ntrue\n', encoding="ascii")
    shell.chmod(0o755)
    up = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    stage.write_text(STAGE.replace("print('up', flush=True)", up), encoding="utf-8")
    parent = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    line = f"{word}'{sys.executable}' '{stage}'"
    command = [sys.executable, "-c", parent, str(shell), "-c", line]
    own = os.environ | {"DVC_STAGE": "train", "PYTHONPATH": str(root)}
    with subprocess.Popen(command, cwd=root, env=own, stdout=subprocess.PIPE) as dvc:  # noqa: S603 -- ours
        assert dvc.stdout is not None
        pid = int(dvc.stdout.readline())
        dvc.kill()
    assert _is_there_after(pid, 2.0 if goes_on else 20.0, wanted=goes_on)


def test_every_stage_is_run_without_a_shell_beside_it(root: Path) -> None:
    lines = (root / "dvc.yaml").read_text(encoding="utf-8").splitlines()
    commands = [line.strip() for line in lines if line.strip().startswith("cmd:")]
    assert len(commands) == 9
    assert [one for one in commands if not one.startswith("cmd: exec ")] == []


def _is_there_after(pid: int, wait_s: float, *, wanted: bool) -> bool:
    """Whether the process is as wanted: still there when the wait is over, or gone within it."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        if not wanted and not _is_running(pid):
            return True
        time.sleep(0.05)
    is_there = _is_running(pid)
    if is_there:
        os.kill(pid, 9)
    return is_there == wanted


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
