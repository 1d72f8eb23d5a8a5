"""Days are days: what is read as one, and what is refused."""

from datetime import date, datetime

import pytest

from contract.days import days_after, days_between, parse_day, parse_moment
from contract.errors import BadUsage


def test_a_day_is_written_with_dashes():
    assert parse_day("2016-05-22") == date(2016, 5, 22)


def test_a_leap_day_is_a_day():
    assert parse_day("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "22.05.2016",
        "2016-05-22T06:00:00",
        "2023-02-29",
        "2016-5-2",
        "20160522",
        "2016-W20-7",
    ],
)
def test_anything_else_is_no_day_and_the_message_shows_how_to_write_one(text):
    with pytest.raises(BadUsage, match="Write it as YYYY-MM-DD") as refusal:
        parse_day(text)
    assert f"'{text}'" in str(refusal.value)


def test_a_bare_day_as_a_moment_means_that_all_of_the_day_is_known():
    assert parse_moment("2016-05-22") == datetime(2016, 5, 22, 23, 59, 59, 999999)


def test_a_moment_without_a_zone_is_utc():
    assert parse_moment("2016-05-22T06:00:00") == datetime(2016, 5, 22, 6)


def test_a_moment_with_a_zone_is_moved_to_utc_and_loses_it():
    assert parse_moment("2016-05-22T06:00:00+02:00") == datetime(2016, 5, 22, 4)
    assert parse_moment("2016-05-22T06:00:00Z").tzinfo is None


@pytest.mark.parametrize("text", ["", "now", "2016-05-32", "2016-05-22T25:00", "20160522"])
def test_anything_else_is_no_moment(text):
    with pytest.raises(BadUsage, match="Write 2016-05-22 or 2016-05-22T06:00:00"):
        parse_moment(text)


def test_days_between_holds_both_ends():
    assert days_between(date(2024, 2, 28), date(2024, 3, 1)) == [
        date(2024, 2, 28),
        date(2024, 2, 29),
        date(2024, 3, 1),
    ]


def test_days_between_a_day_and_the_day_before_is_empty():
    assert days_between(date(2024, 3, 1), date(2024, 2, 29)) == []


def test_days_after_starts_at_h_one():
    assert days_after(date(2023, 12, 30), 3) == [
        date(2023, 12, 31),
        date(2024, 1, 1),
        date(2024, 1, 2),
    ]
