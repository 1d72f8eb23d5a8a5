"""How large a file is once it is unpacked, found out before: kilobytes can hold gigabytes."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import IO

import polars as pl

from contract.errors import BadInput

_CHUNK = 1 << 22
_BYTES_PER_VALUE = 8
_MB = 1 << 20


def refuse_oversized(path: Path, max_mb: float) -> None:
    """BadInput for a file that would take more than `max_mb` unpacked. Damage is for the reader to
    report.
    """
    try:
        with path.open("rb") as file:
            size = _unpacked_bytes(file, int(max_mb * _MB), path)
    except (OSError, EOFError, RuntimeError, ValueError, zlib.error, zipfile.BadZipFile):
        return
    except pl.exceptions.PolarsError:
        return
    if size > max_mb * _MB:
        raise BadInput(
            f"'{path.name}' holds {size / _MB:,.0f} MB or more once unpacked; "
            f"source.max_unpacked_mb is {max_mb:g}. "
            "Send it in parts, or raise the limit if it is honest."
        )


def _unpacked_bytes(file: IO[bytes], enough: int, path: Path | None = None) -> int:
    """The size of the content, whatever it says it is; counting ends a little after `enough`.

    `path`: where the content lies, if it is a file of its own.
    """
    head = file.read(4)
    file.seek(0)
    if head == b"PAR1":
        return _values_in(path or file.read()) * _BYTES_PER_VALUE
    if head.startswith(b"\x1f\x8b"):
        with gzip.open(file) as content:
            return _counted(content, enough)
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
                if file.read(4)[:2] in (b"\x1f\x8b", b"PK", b"PA"):
                    inner = io.BytesIO(archive.read(member))
                    held = max(held, _unpacked_bytes(inner, enough - size))
        size += held
    return size


def _values_in(source: Path | bytes) -> int:
    """Rows times columns, from the footer alone."""
    scan = pl.scan_parquet(source, glob=False)
    rows: int = scan.select(pl.len()).collect().item()
    return rows * len(scan.collect_schema())


def _counted(content: IO[bytes], enough: int) -> int:
    size = 0
    while size <= enough and (chunk := content.read(_CHUNK)):
        size += len(chunk)
    return size
