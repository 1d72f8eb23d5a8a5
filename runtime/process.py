"""What a process knows of itself: the moment, the commit its code stands at, who may read what it
writes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path


def clock() -> datetime:
    """Now, in UTC without zone: the one moment an entry point reads, to hand on."""
    return datetime.now(UTC).replace(tzinfo=None)


def git_commit() -> str | None:
    """The commit the code stands at; None outside a checkout."""
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 -- the git that the user's PATH names
        capture_output=True,
        text=True,
        check=False,
    )
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


def restrict_umask() -> None:
    """From here on this process writes nothing that the group may change or others may read,
    whatever the umask was.
    """
    os.umask(os.umask(0o077) | 0o027)
