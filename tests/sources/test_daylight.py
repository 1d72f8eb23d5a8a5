"""A day is the store's local date: nothing shifts one, and what could only be guessed is refused
with a sentence.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.days import days_after
from contract.params import FilesParams
from contract.received import Received
from sources.files import read_sales
from sources.reasons import REASONS, UNREADABLE_DATE

COLUMNS = {"unique_id": "series", "ds": "day", "y": "units"}
# America, then Europe
DST = [date(2024, 3, 10), date(2024, 11, 3), date(2024, 3, 31), date(2024, 10, 27)]
EDGES = [
    *DST,
    date(2024, 2, 28),
    date(2024, 2, 29),
    date(2024, 3, 1),
    date(2023, 12, 31),
    date(2024, 1, 1),
]


def read(
    tmp_path: Path, days: list, date_format: str | None = None, parquet: bool = False
) -> Received:
    table = pl.DataFrame(
        {"series": [f"s{k}" for k in range(len(days))], "day": days, "units": [1.0] * len(days)}
    )
    path = tmp_path / ("sales.parquet" if parquet else "sales.csv")
    table.write_parquet(path) if parquet else table.write_csv(path)
    files = FilesParams(sales="sales*", columns=COLUMNS, date_format=date_format)
    return read_sales(path, files, None, 31)[0]


@pytest.mark.parametrize("day", EDGES)
@pytest.mark.parametrize(
    "clock",
    ["", "T00:00:00", " 00:00", "T02:30:00", "T23:59:59", "T23:59:59-06:00", "T00:30:00+14:00"],
)
def test_the_day_is_the_one_that_is_written(tmp_path: Path, day: date, clock: str) -> None:
    """At half past two on the morning the clocks change, before midnight far west, after midnight
    far east.
    """
    assert read(tmp_path, [f"{day}{clock}"]).rows["ds"].to_list() == [day]


@pytest.mark.parametrize(
    "zone", [None, "America/New_York", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"]
)
@pytest.mark.parametrize("day", EDGES)
def test_a_moment_with_the_stores_zone_keeps_its_local_day(
    tmp_path: Path, day: date, zone: str | None
) -> None:
    late = pl.Series([datetime(day.year, day.month, day.day, 23, 59)]).dt.replace_time_zone(zone)
    assert read(tmp_path, late, parquet=True).rows["ds"].to_list() == [day]


@pytest.mark.parametrize(
    "text", ["2024-03-11T04:30:00Z", "2024-03-11T04:30:00+00:00", "2024-03-11 04:30 UTC"]
)
def test_a_moment_in_utc_is_refused_and_says_what_to_write(tmp_path: Path, text: str) -> None:
    """Half past four in London is half past eleven of the day before in Chicago: the file does not
    say where the store is.
    """
    got = read(tmp_path, ["2024-03-10", text])
    assert got.refused["reason"].to_list() == [UNREADABLE_DATE]
    assert "UTC" in REASONS[UNREADABLE_DATE]
    moment = pl.Series([datetime(2024, 3, 11, 4, 30)]).dt.replace_time_zone("UTC")
    assert read(tmp_path, moment, parquet=True).refused["reason"].to_list() == [UNREADABLE_DATE]


@pytest.mark.parametrize(
    "text", ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000+00:00", "2024-02-29 00:00Z"]
)
def test_midnight_in_utc_is_how_a_mere_date_is_exported(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, [text]).rows["ds"].to_list() == [date(2024, 2, 29)]


def test_a_stated_format_with_a_zone_does_not_move_the_day(tmp_path: Path) -> None:
    """Read as a moment, 23:30 in Chicago would be the next day's early morning in UTC."""
    got = read(tmp_path, ["2024-12-31T23:30:00-0600"], date_format="%Y-%m-%dT%H:%M:%S%z")
    assert got.rows["ds"].to_list() == [date(2024, 12, 31)]


def test_a_day_that_is_none_is_refused(tmp_path: Path) -> None:
    got = read(tmp_path, ["2024-02-29", "2023-02-29", "2024-02-30", "2024-13-01"])
    assert got.rows["ds"].to_list() == [date(2024, 2, 29)]
    assert got.refused["reason"].to_list() == [UNREADABLE_DATE] * 3


def test_days_follow_each_other_over_every_edge() -> None:
    """No day is lost or doubled where clocks change, in leap years, at year ends."""
    for first in (
        date(2023, 2, 27),
        date(2024, 2, 27),
        date(2024, 12, 30),
        date(2024, 3, 29),
        date(2024, 11, 1),
    ):
        assert list(days_after(first, 5)) == [first + timedelta(days=k) for k in range(1, 6)]
