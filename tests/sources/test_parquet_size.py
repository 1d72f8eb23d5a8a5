"""What a Parquet file takes in memory, from its footer: runs, repeated texts and nested columns
counted for what they are.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput
from sources.parquet_files import table_of_parquet
from sources.parquet_size import parquet_bytes
from sources.size import refuse_oversized

MB = 1 << 20


def written(frame: pl.DataFrame) -> io.BytesIO:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    buffer.seek(0)
    return buffer


def test_a_run_of_equal_numbers_counts_as_what_it_takes() -> None:
    buffer = written(pl.DataFrame({"y": pl.repeat(1, 2_000_000, eager=True)}))
    assert len(buffer.getvalue()) < MB / 10
    assert parquet_bytes(buffer) >= 8 * 2_000_000


def test_long_texts_count_by_their_letters() -> None:
    buffer = written(pl.DataFrame({"a": ["x" * 4 * MB, "y" * 4 * MB]}))
    assert parquet_bytes(buffer) >= 8 * MB


def test_nested_columns_are_neither_counted_nor_read() -> None:
    nested = {"a": [1], "lists": [[0] * 1_000_000], "struct": [{"x": "y" * MB}]}
    buffer = written(pl.DataFrame(nested))
    assert parquet_bytes(buffer) < MB
    assert table_of_parquet(buffer.getvalue(), "sales.parquet").columns == ["a"]


def test_what_is_no_footer_is_left_to_the_reader(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no Parquet footer"):
        parquet_bytes(io.BytesIO(b"PAR1" + bytes(40) + b"PAR1"))
    path = tmp_path / "sales.parquet"
    path.write_bytes(b"PAR1" + bytes(40) + b"PAR1")
    refuse_oversized(path, 1)


@pytest.mark.parametrize("times", [1, 2])
def test_a_packed_content_counts_as_what_lies_in_it(tmp_path: Path, times: int) -> None:
    content = written(pl.DataFrame({"y": pl.repeat(1, 2_000_000, eager=True)})).getvalue()
    for _ in range(times):
        content = gzip.compress(content)
    path = tmp_path / "sales.csv.gz"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="max_unpacked_mb is 2"):
        refuse_oversized(path, 2)
    refuse_oversized(path, 64)


def test_days_beyond_any_calendar_are_text_and_the_others_read() -> None:
    days = pl.Series([19_782, 2**31 - 1, None], dtype=pl.Int32).cast(pl.Date)
    moments = pl.Series([0, 2**62, None], dtype=pl.Int64).cast(pl.Datetime("us"))
    table = table_of_parquet(written(pl.DataFrame({"d": days, "m": moments})).getvalue(), "x")
    assert table["d"].to_list() == ["2024-02-29", "2147483647 d since 1970", None]
    assert table["m"][0].startswith("1970-01-01 00:00:00")
    assert table["m"][1] == f"{2**62} us since 1970"
