"""The shapes that reading is timed on hold the same rows."""

from __future__ import annotations

import pytest

from benchmarks.speed import reading


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("shapes")
    reading._write(made, 40_000)
    return made


@pytest.mark.parametrize("name", reading.SHAPES)
def test_every_shape_is_read_whole(folder, name):
    found = reading.prepared("ours", str(folder / name))()
    assert found == {"rows": 40_000, "refused": int(name == reading.GERMAN)}  # its total


def test_polars_reads_the_same_rows(folder):
    for name in (reading.CLEAN, reading.PARQUET):
        assert reading.prepared("polars", str(folder / name))() == {"rows": 40_000}
