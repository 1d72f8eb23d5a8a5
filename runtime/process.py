"""What a process knows of itself: the moment, the commit its code stands at, who may read what it
writes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def clock() -> datetime:
    """Now, in UTC without zone: the one moment an entry point reads, to hand on."""
    return datetime.now(UTC).replace(tzinfo=None)


def git_commit() -> str | None:
    """The commit the code stands at; of an image what it was built of; None where nobody knows."""
    if built_of := os.environ.get("TILLCAST_COMMIT"):
        return built_of
    try:
        revision = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 -- the git that the user's PATH names
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # a slim image has no git
        return None
    return revision.stdout.strip() or None


def text_in_head(path: Path) -> str | None:
    """A file's text in the commit its checkout stands at; None where git has none, or is none."""
    command = ["git", "show", f"HEAD:./{path.name}"]
    try:
        shown = subprocess.run(command, cwd=path.parent, capture_output=True, check=False)  # noqa: S603 -- a file of ours
    except FileNotFoundError:
        return None
    return shown.stdout.decode("utf-8", "replace") if shown.returncode == 0 else None


def path_with_python() -> str:
    """PATH with this interpreter's folder first: DVC's stages say `python`."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def is_dvc_stage() -> bool:
    """Whether `dvc repro` started this process."""
    return "DVC_STAGE" in os.environ


def end_with_parent() -> None:
    """From here on this process is killed when the one that started it is gone: a stage that goes
    on alone would write beside its own second run. On Linux; elsewhere it goes on.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def restrict_umask() -> None:
    """From here on this process writes nothing that the group may change or others may read,
    whatever the umask was.
    """
    os.umask(os.umask(0o077) | 0o027)
