"""Errors of a disk or of memory are known by their type and number, never by words that a file may
hold.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import duckdb
import polars as pl
import pytest

from contract.errors import BadInput, DiskRefused, MemoryRefused
from runtime.disk import disk_refusals
from runtime.memory import memory_refusals

FULL = os.strerror(errno.ENOSPC)


@pytest.mark.parametrize(
    "error",
    [
        BadInput(f"'sales.csv' has no column ['y']; it has ['{FULL}']"),
        BadInput(FULL),
        ValueError(FULL),
        KeyError(f"could not write: {FULL}"),
        duckdb.BinderException(f"Binder Error: column {FULL}"),
        pl.exceptions.ComputeError(f"could not parse '{FULL}' as a day, see row 3"),
    ],
)
def test_words_in_a_file_are_no_full_disk(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)), disk_refusals(tmp_path):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, FULL),
        OSError(f"{FULL} (os error 28): /data/journal"),
        pl.exceptions.ComputeError(f"parquet: underlying IO error: {FULL} (os error 28)"),
        duckdb.IOException(f'IO Error: Could not write file "/data/tillcast.duckdb.wal": {FULL}'),
        duckdb.IOException(
            'IO Error: Async write failed for range [offset=5, size=1]: {"exception_type":"IO",'
            f'"exception_message":"Could not write \\"/data/t\\": {FULL}","errno":"28"}}'
        ),
    ],
)
def test_a_full_disk_is_known_whoever_meets_it(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(DiskRefused, match="is full"), disk_refusals(tmp_path):
        raise error


def test_words_in_a_file_are_no_end_of_memory() -> None:
    with pytest.raises(BadInput), memory_refusals():
        raise BadInput("'sales.csv' holds 'out of memory'")
    with pytest.raises(MemoryRefused), memory_refusals():
        raise MemoryError
