"""The inbox and the archive: which files are taken, and where they lie afterwards. Names are data here, never paths."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import StoreBusy

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart")
_ORDER = ("calendar", "price", "sell_price")  # plans before the sales they explain
_READABLE_BY_GROUP = 0o640


def waiting_files(inbox: Path) -> list[Path]:
    """Regular files lying directly in the inbox, plans first, then by name. Links, folders, hidden and unfinished files
    are left alone."""
    if not inbox.is_dir():
        return []
    files = [path for path in inbox.iterdir() if path.is_file() and not path.is_symlink() and _is_finished(path.name)]
    return sorted(files, key=lambda path: (not path.name.lower().startswith(_ORDER), path.name.lower(), path.name))


@contextmanager
def claimed_inbox(inbox: Path, wait_s: float) -> Iterator[None]:
    """The inbox for this process alone, so that no file is taken by two. StoreBusy names who has it; a kill frees it."""
    inbox.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    with (inbox / ".lock").open("a+", encoding="ascii") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    lock.seek(0)
                    raise StoreBusy(
                        f"the inbox '{inbox}' is being taken by PID {lock.read()}; waited {wait_s:g} s. Try again when it has "
                        "ended, or raise ingest.lock_wait_s."
                    ) from error
                time.sleep(0.1)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def sha256_of(path: Path) -> str:
    """The identity of a file: the hash of its content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def archive_file(path: Path, archive: Path, sha256: str) -> Path:
    """Move a file into the archive under its hash; atomic, and the same content twice lies there once."""
    folder = archive / sha256[:2]
    folder.mkdir(parents=True, exist_ok=True)
    same = next(iter(sorted(folder.glob(f"{sha256}_*"))), None)
    target = same or folder / f"{sha256}_{safe_name(path.name)}"
    path.chmod(_READABLE_BY_GROUP)
    path.replace(target)
    return target


def safe_name(name: str) -> str:
    """The name with nothing in it that a file system, a shell or a page could take for more than a letter."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[-100:] or "unnamed"


def _is_finished(name: str) -> bool:
    return not name.startswith((".", "~")) and not name.lower().endswith(_UNFINISHED)
