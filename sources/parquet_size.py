"""How much memory the columns of a Parquet file take, from its footer alone."""

from __future__ import annotations

from pathlib import Path
from typing import IO

_BYTES_PER_VALUE = 8
_BYTES_PER_TEXT = 16  # of the place a text has in a column, beside its letters


def parquet_bytes(source: Path | IO[bytes]) -> int:
    """The size of the columns that are read, unpacked; ValueError for a footer that is none.

    A run of equal values packs a thousand million of them into a few bytes, so each value counts as
    what it takes in memory, too.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(source) as file:
            footer = file.metadata
            groups = [footer.row_group(at) for at in range(footer.num_row_groups)]
            flat = [at for at in range(footer.num_columns) if _is_flat(footer.schema.column(at))]
    except (ArrowException, OSError) as error:
        raise ValueError(f"no Parquet footer: {error}") from error
    chunks = [group.column(at) for group in groups for at in flat]
    return sum(_chunk_bytes(chunk) for chunk in chunks)


def _is_flat(column: object) -> bool:
    """Whether a column holds one value a row. Lists and structs are left out when a file is
    read.
    """
    return column.path == column.name and column.max_repetition_level == 0  # type: ignore[attr-defined]


def _chunk_bytes(chunk: object) -> int:
    is_text = chunk.physical_type in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")  # type: ignore[attr-defined]
    each = _BYTES_PER_TEXT if is_text else _BYTES_PER_VALUE
    values: int = chunk.num_values * each  # type: ignore[attr-defined]
    unpacked: int = chunk.total_uncompressed_size  # type: ignore[attr-defined]
    return max(unpacked, values)
