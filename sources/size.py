"""How large a file is once it is unpacked, found out before: kilobytes can hold gigabytes."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

import polars as pl

from contract.errors import BadInput

_CHUNK = 1 << 22
_BYTES_PER_VALUE = 8
_MB = 1 << 20


def refuse_oversized(path: Path, max_mb: float) -> None:
    """BadInput for a file that would take more than `max_mb` unpacked. Damage is for the reader to
    report.
    """
    size = _unpacked_bytes(path, int(max_mb * _MB))
    if size > max_mb * _MB:
        raise BadInput(
            f"'{path.name}' holds {size / _MB:,.0f} MB or more once unpacked; "
            f"source.max_unpacked_mb is {max_mb:g}. "
            "Send it in parts, or raise the limit if it is honest."
        )


def _unpacked_bytes(path: Path, enough: int) -> int:
    """The size of the content; counting a stream ends a little after `enough`."""
    suffix = path.suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            return _values_in(path) * _BYTES_PER_VALUE
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return sum(member.file_size for member in archive.infolist())
        if suffix == ".gz":
            return _counted(path, enough)
        return path.stat().st_size
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, pl.exceptions.PolarsError):
        return 0


def _values_in(path: Path) -> int:
    """Rows times columns, from the footer alone."""
    scan = pl.scan_parquet(path, glob=False)
    rows: int = scan.select(pl.len()).collect().item()
    return rows * len(scan.collect_schema())


def _counted(path: Path, enough: int) -> int:
    size = 0
    with gzip.open(path) as file:
        while size <= enough and (chunk := file.read(_CHUNK)):
            size += len(chunk)
    return size
