"""Who holds the store or the inbox: its process id, and what it runs."""

from __future__ import annotations

import fcntl
import os
import re
import struct
from pathlib import Path

_LONGEST = 200
_LOCK = "hhqqi4x"  # struct flock of 64-bit Linux: kind, whence, start, length, pid


def holder_of(file: Path) -> int | None:
    """The process that has a database file open, to read or to write; None: none has. By the
    system's lock, as DuckDB may not be able to open it.
    """
    with file.open("rb+") as opened:
        lock = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_LOCK, fcntl.fcntl(opened, fcntl.F_GETLK, lock))
    return None if kind == fcntl.F_UNLCK else pid


def pid_in(text: str) -> int | None:
    """The process id DuckDB names in its message."""
    match = re.search(r"PID (\d+)", text)
    return int(match[1]) if match else None


def process_name(pid: int | None) -> str:
    """`PID 4711 (python ingest.py fill)`; without the command where the system does not say it."""
    if pid is None:
        return "another process"
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return f"PID {pid}"
    command = " ".join(word.decode("utf-8", "replace") for word in words if word)[:_LONGEST]
    return f"PID {pid} ({command})" if command else f"PID {pid}"
