"""How large a file is once it is unpacked, found out before: kilobytes can hold gigabytes."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import IO

from contract.errors import BadInput
from sources.parquet_size import parquet_bytes

_CHUNK = 1 << 22
_MB = 1 << 20
_PACKED = (b"\x1f\x8b", b"PK", b"PA")  # how packed contents begin


def refuse_oversized(path: Path, max_mb: float) -> None:
    """BadInput for a file that would take more than `max_mb` unpacked. Damage is for the reader to
    report.
    """
    try:
        with path.open("rb") as file:
            size = _unpacked_bytes(file, int(max_mb * _MB), path)
    except (OSError, EOFError, RuntimeError, ValueError, zlib.error, zipfile.BadZipFile):
        return
    if size > max_mb * _MB:
        raise BadInput(
            f"'{path.name}' holds {size / _MB:,.0f} MB or more once unpacked; "
            f"source.max_unpacked_mb is {max_mb:g}. "
            "Send it in parts, or raise the limit if it is honest."
        )


def _unpacked_bytes(file: IO[bytes], enough: int, path: Path | None = None) -> int:
    """The size of the content by what its first bytes say it is, whatever its name or another part
    of it says; counting ends a little after `enough`.

    `path`: where the content lies, if it is a file of its own.
    """
    head = file.read(4)
    file.seek(0)
    if head == b"PAR1":
        return parquet_bytes(path or io.BytesIO(file.read()))
    if head.startswith(b"\x1f\x8b"):
        with gzip.open(file) as content:
            return _content_bytes(content, enough)
    if head == b"PK\x03\x04":
        with zipfile.ZipFile(file) as archive:
            return _members_bytes(archive, enough)
    return file.seek(0, io.SEEK_END)


def _members_bytes(archive: zipfile.ZipFile, enough: int) -> int:
    """What the members hold; one that is packed itself counts as what lies in it."""
    size = 0
    for member in archive.infolist():
        held = member.file_size
        if not member.is_dir() and held <= enough and size <= enough:
            with archive.open(member) as file:
                held = max(held, _content_bytes(file, enough - size, held))
        size += held
    return size


def _content_bytes(content: IO[bytes], enough: int, held: int | None = None) -> int:
    """The size of an unpacked content; one that is packed itself counts as what lies in it. `held`:
    its size, if it need not be counted.
    """
    head = content.read(4)
    if head[:2] in _PACKED:
        inner = head + content.read(enough)
        return max(len(inner), _unpacked_bytes(io.BytesIO(inner), enough))
    return _counted(content, enough) + len(head) if held is None else held


def _counted(content: IO[bytes], enough: int) -> int:
    size = 0
    while size <= enough and (chunk := content.read(_CHUNK)):
        size += len(chunk)
    return size
