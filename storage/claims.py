"""One process at a time: locks that a kill frees."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from contract.errors import DiskRefused, StoreBusy
from runtime.disk import disk_refusals
from storage.holder import pid_in, process_name

_READABLE_BY_GROUP = 0o640


@contextmanager
def claimed(lock_path: Path, what: str, wait_s: float) -> Iterator[None]:
    """Something for this process alone. StoreBusy names who has it; a kill frees it. `what`: in
    words, like "the inbox 'data/inbox' is being taken".
    """
    deadline = time.monotonic() + wait_s
    with _opened(lock_path) as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    lock.seek(0)
                    holder = process_name(pid_in(f"PID {lock.read()}"))
                    raise StoreBusy(
                        f"{what} by {holder}; waited {wait_s:g} s. Try again when it has ended, or "
                        "raise ingest.lock_wait_s."
                    ) from error
                time.sleep(0.1)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _opened(path: Path) -> TextIO:
    """The open lock. A link or a pipe in its place is refused, not followed: what it leads to would
    be emptied.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    with disk_refusals(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            opened = os.open(path, flags, _READABLE_BY_GROUP)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise DiskRefused(_NO_LOCK.format(path=path)) from error
            raise
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise DiskRefused(_NO_LOCK.format(path=path))
        return os.fdopen(opened, "r+", encoding="ascii", errors="replace")


_NO_LOCK = (
    "'{path}' is no regular file, but a link, a folder or a pipe: it cannot be a lock. Take it "
    "away; it is made anew."
)
