"""A folder of one run's own, gone with it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def own_folder(parent: Path) -> Iterator[Path]:
    """A new folder under `parent`, removed afterwards; with it those whose process died.

    Its lock lies beside it, is held before it is made and goes after it: whenever a process is
    killed, what it leaves has a lock that can be had.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for lock in parent.glob(f"*{_LOCK}"):
        _remove_if_left(lock)
    with _new_lock(parent) as lock:
        folder = _folder(lock)
        folder.mkdir(mode=0o700)
        try:
            yield folder.resolve()
        finally:
            _remove(lock)


def _folder(lock: Path) -> Path:
    return lock.with_name(lock.name.removesuffix(_LOCK))


@contextmanager
def _new_lock(parent: Path) -> Iterator[Path]:
    """A new file that is locked. Another run may take one for a dead one's until it is: that one
    is gone then, and the next is tried.
    """
    while True:
        number, name = tempfile.mkstemp(dir=parent, suffix=_LOCK)
        with os.fdopen(number, "r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            lock = Path(name)
            if lock.exists():
                yield lock
                return


def _remove_if_left(lock: Path) -> None:
    """A lock that can be had is nobody's: the system takes a dead process' locks back."""
    try:
        with lock.open("r+") as held:  # a lock over NFS needs the right to write
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(lock)
    except (FileNotFoundError, BlockingIOError, PermissionError, IsADirectoryError):
        return


def _remove(lock: Path) -> None:
    """The lock stays while its folder does."""
    shutil.rmtree(_folder(lock), ignore_errors=True)
    if not _folder(lock).exists():
        lock.unlink(missing_ok=True)
