"""Files on a disk: their identity, their safety from a power cut, and what a disk refuses, in one
place for every package that writes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import DiskRefused, TillcastError

_REFUSALS = {
    errno.ENOSPC: ("is full", "Make room there"),
    errno.EDQUOT: ("is full for this user", "Make room there, or raise the quota"),
    errno.EFBIG: ("takes no file that large", "Raise the limit (ulimit -f)"),
    errno.EROFS: ("is read-only", "Mount it for writing"),
    errno.EACCES: ("denies access", "Give this user the right to write there"),
    errno.EPERM: ("denies access", "Give this user the right to write there"),
    errno.ENOTDIR: ("holds a file where a folder belongs", "Move that file away"),
    errno.EEXIST: ("holds a file where a folder belongs", "Move that file away"),
}
# by their names, as no engine is imported here: Python's and Polars', then DuckDB's
_OF_FILES = ("OSError", "ComputeError", "IOException", "FatalException", "TransactionException")


@contextmanager
def disk_refusals(path: Path) -> Iterator[None]:
    """DiskRefused instead of what DuckDB, Polars or the system says when `path` cannot be written;
    all else passes.
    """
    try:
        yield
    except TillcastError:
        raise  # it may quote anything
    except Exception as error:
        number = getattr(error, "errno", None) or _number_said(error)
        if number not in _REFUSALS:
            raise
        what, way_out = _REFUSALS[number]
        raise DiskRefused(
            f"the disk of '{path}' {what}: {str(error).splitlines()[0][:500]}. "
            f"What was not finished is not kept. {way_out}, "
            "then run the same command again: it goes on where this one stopped."
        ) from error


def sha256_of(path: Path) -> str:
    """The identity of a file: the hash of its content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Where to write a file that is then `path`, or `path` as it was, whenever the process is
    killed or the power goes.
    """
    unfinished = path.with_name(f".{path.name}.part")
    yield unfinished
    flush_to_disk(unfinished)
    unfinished.replace(path)


def write_whole(path: Path, text: str) -> None:
    """The file with this text, or as it was: see written_whole."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def flush_to_disk(path: Path) -> None:
    """What was written of a file, or renamed in a folder, survives the power."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _number_said(error: Exception) -> int | None:
    """The system's number behind an error of an engine that gives the system's sentence alone: at
    the end of its line, and only of types that speak of files. A file's content may hold any words.
    """
    if type(error).__name__ not in _OF_FILES:
        return None
    said = (str(error).splitlines() or [""])[0]
    # Polars; DuckDB where it writes in the background
    if numbered := re.search(r"\(os error (\d+)\)|\"errno\":\"(\d+)\"}$", said):
        return int(numbered[1] or numbered[2])
    said = said.rstrip(".")
    return next((number for number in _REFUSALS if said.endswith(os.strerror(number))), None)
