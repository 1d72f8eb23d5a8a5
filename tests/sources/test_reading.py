"""The one entry: which files a source has, and what each of them holds."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, BadParams, SourceMissing
from sources.finding import companions_of, content_hash, files_of
from sources.reading import read_file
from sources.simulator import Simulation, make_drop


@pytest.fixture(scope="module")
def drop(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory):
    return make_drop(simulation, tmp_path_factory.mktemp("drop"), simulation.params)


def test_the_simulators_files_come_in_the_order_to_ingest(drop, source_of):
    names = [path.name for path in files_of(source_of("simulator", drop.files[0].parent))]
    assert names[:3] == ["calendar.parquet", "prices.parquet", "sales_history.parquet"]
    sales = [path.name for path in drop.files[3:-2]]
    assert names[3:] == [*sorted(sales), "supply.csv", "stock_2025-02-23.csv"]
    assert files_of(source_of("simulator", None)) == []


def test_what_the_simulator_dropped_is_what_is_read(drop, simulation: Simulation, source_of):
    """The last report of each series and day is the truth, but for the lines that came broken."""
    source = source_of("simulator", drop.files[0].parent)
    sales = [read_file(path, source)[0] for path in files_of(source)[2:-2]]
    assert [batch.is_history for batch in sales] == [True] + [False] * 8
    rows = pl.concat([batch.rows for batch in sales]).filter(pl.col("y") >= 0)
    last = rows.sort("known_at", nulls_last=False).unique(["unique_id", "ds"], keep="last")
    both = simulation.sales.join(last, on=["unique_id", "ds"], how="left", suffix="_read")
    lost = drop.bad_rows.filter(pl.col("kind").is_in(["negative_y", "unreadable_date"])).height
    assert both["y_read"].null_count() <= lost
    assert both.filter(
        (pl.col("y") != pl.col("y_read")) & pl.col("known_at").is_not_null()
    ).is_empty()
    refused = pl.concat([batch.refused for batch in sales])["reason"].to_list()
    kinds = drop.bad_rows["kind"].to_list()
    assert refused.count("unplaced_series") == kinds.count("unknown_series")
    assert refused.count("unreadable_date") == kinds.count("unreadable_date")
    assert sales[0].series.equals(
        simulation.series.filter(pl.col("unique_id").is_in(sales[0].rows["unique_id"].unique()))
    )


def test_the_plans_are_read_as_they_were_made(drop, simulation: Simulation, source_of):
    source = source_of("simulator", drop.files[0].parent)
    for path, frame in zip(
        files_of(source)[:2], (simulation.calendar, simulation.prices), strict=True
    ):
        (fact,) = read_file(path, source)
        assert fact.rows.drop("row_number", "lines").equals(frame)
        assert not fact.is_history


def test_known_at_comes_from_the_file(drop, source_of):
    source = source_of("simulator", drop.files[0].parent)
    on_time = next(path for path in drop.files[3:-2] if path not in drop.late)
    (sales,) = read_file(on_time, source)
    day = date.fromisoformat(on_time.stem.removeprefix("sales_"))
    assert sales.rows["known_at"].unique().to_list() == [
        datetime(day.year, day.month, day.day + 1, 6)
    ]


def test_a_wrong_path_names_what_is_there(tmp_path: Path, source_of):
    (tmp_path / "till.csv").write_text("a\n")
    with pytest.raises(SourceMissing, match=r"till\.csv"):
        files_of(source_of("files", tmp_path))
    with pytest.raises(SourceMissing, match=r"till\.csv"):
        files_of(source_of("files", tmp_path / "absent"))
    with pytest.raises(SourceMissing, match=r"till\.csv"):
        read_file(tmp_path / "sales.csv", source_of("files", tmp_path))
    with pytest.raises(BadInput, match="matches no pattern"):
        read_file(tmp_path / "till.csv", source_of("files", tmp_path))
    with pytest.raises(BadParams, match=r"source\.path is empty"):
        files_of(source_of("m5", None))
    with pytest.raises(BadInput, match="does not say what it holds"):
        read_file(tmp_path / "till.csv", source_of("simulator", tmp_path))


def test_own_files_come_calendar_first_and_the_static_file_goes_beside(tmp_path: Path, source_of):
    for second, name in enumerate(
        ("sales_b.csv", "sales_a.csv", "prices.csv", "days.csv", "stores.csv")
    ):
        (tmp_path / name).write_text("a\n")
        os.utime(tmp_path / name, (second, second))
    source = source_of("files", tmp_path, calendar="days*", prices="prices*", static="stores*")
    assert [path.name for path in files_of(source)] == [
        "days.csv",
        "prices.csv",
        "sales_b.csv",
        "sales_a.csv",
    ]
    assert [path.name for path in companions_of(source)] == ["stores.csv"]
    with pytest.raises(SourceMissing, match="no static file"):
        companions_of(source_of("files", tmp_path, static="absent*"))


def test_the_hash_follows_the_content_and_not_the_place(tmp_path: Path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "a.csv").write_text("1")
        (folder / "b.csv").write_text("2")
    first = content_hash(sorted(here.iterdir()))
    assert first == content_hash(sorted(there.iterdir(), reverse=True))
    (there / "b.csv").write_text("3")
    assert first != content_hash(sorted(there.iterdir()))
