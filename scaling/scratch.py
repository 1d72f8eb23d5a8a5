"""A folder of one run's own, gone with it."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def own_folder(parent: Path) -> Iterator[Path]:
    """A new folder under `parent`, removed afterwards; with it those whose process died."""
    parent.mkdir(parents=True, exist_ok=True)
    for other in parent.iterdir():
        _remove_if_left(other)
    folder = Path(tempfile.mkdtemp(dir=parent)).resolve()
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_if_left(folder: Path) -> None:
    """A lock that can be had is nobody's: the system takes a dead process' locks back."""
    try:
        with (folder / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except (FileNotFoundError, BlockingIOError, NotADirectoryError):
        return
