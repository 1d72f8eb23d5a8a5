"""Public holidays as a calendar: which days, what they are called, since when they are known."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadParams
from contract.frames import CALENDAR
from sources.public_holidays import (
    EVENT_TYPE,
    Stated,
    file_name,
    holiday_calendar,
    years_of,
)
from sources.reading import read_file

OLDEST, TODAY = date(2000, 1, 1), date(2026, 11, 26)
NOTHING = CALENDAR.empty()


def calendar_of(stated: Stated, today: date = TODAY) -> pl.DataFrame:
    return holiday_calendar(stated, NOTHING, OLDEST, today)


def events(stated: Stated, year: int) -> dict[date, str]:
    rows = calendar_of(stated).filter(pl.col("ds").dt.year() == year)
    return dict(rows.select("ds", "event").rows())


def test_bavaria_keeps_epiphany_and_berlin_does_not():
    rows = calendar_of({"BY": "DE-BY", "BE": "DE-BE"}).filter(ds=date(2027, 1, 6))
    assert rows.select("region", "event").rows() == [("BY", "Epiphany")]


def test_one_country_holds_everywhere():
    assert calendar_of("DE")["region"].unique().to_list() == ["*"]


def test_names_are_english_and_every_row_is_a_public_holiday():
    assert events("DE", 2026)[date(2026, 10, 3)] == "German Unity Day"
    assert calendar_of("DE")["event_type"].unique().to_list() == [EVENT_TYPE]


def test_where_there_is_no_english_names_are_as_they_are_there():
    """South Africa's are written in English and in nothing else."""
    assert events("ZA", 2026)[date(2026, 4, 27)] == "Freedom Day"


def test_two_holidays_of_a_day_and_region_are_one_row_in_the_order_of_their_names():
    """Presidents' Day of 2021 fell on the fifteenth of February, Susan B. Anthony Day in
    California.
    """
    assert events("US-CA", 2021)[date(2021, 2, 15)] == "Presidents' Day|Susan B. Anthony Day"
    CALENDAR.check_key(calendar_of("US-CA"))


def test_an_observed_day_is_a_row_with_a_name_of_its_own():
    found = events("US", 2021)
    assert found[date(2021, 7, 4)] == "Independence Day"
    assert found[date(2021, 7, 5)] == "Independence Day (observed)"


def test_the_last_day_of_the_last_year_is_observed_for_the_year_after():
    """2028 begins on a Saturday: the last of 2027 is free, though no holiday of 2028 is stated."""
    rows = calendar_of("US", date(2025, 5, 1))
    assert rows["ds"].max() == date(2027, 12, 31)
    assert rows["event"][-1] == "New Year's Day (observed)"


def test_a_feast_by_the_moon_is_called_the_same_ahead_as_in_the_past():
    past, ahead = events("EG", 2024), events("EG", 2028)
    assert {"Eid al-Fitr", "Eid al-Adha"} <= set(past.values()) & set(ahead.values())
    assert not [name for name in calendar_of("EG")["event"] if "estimated" in name]


@pytest.mark.parametrize(
    ("oldest", "today", "years"),
    [
        (OLDEST, TODAY, (2011, 2028)),
        (date(2023, 1, 1), TODAY, (2023, 2028)),
        (OLDEST, date(2027, 1, 1), (2012, 2029)),
    ],
)
def test_years_reach_from_the_oldest_day_or_fifteen_back_to_two_ahead(oldest, today, years):
    assert years_of(oldest, today) == years
    assert file_name(oldest, today) == f"tillcast_holidays_{years[0]}_{years[1]}.csv"


def test_no_day_lies_before_the_oldest_one():
    rows = holiday_calendar("DE", NOTHING, date(2024, 5, 2), TODAY)
    assert rows["ds"].min() == date(2024, 5, 9)  # Ascension Day; the first of May is too old


def test_a_holiday_is_known_a_year_before_and_none_after_its_file():
    known = {ds.year: at for ds, at in calendar_of("DE").select("ds", "known_at").rows()}
    assert known[2020] == datetime(2019, 1, 1)
    assert known[2027] == datetime(2026, 1, 1)
    assert known[2028] == datetime(2026, 1, 1)
    assert max(known.values()) <= datetime(TODAY.year, TODAY.month, TODAY.day)


@pytest.mark.parametrize(
    ("code", "near"),
    [
        ("DE-BAY", "no such region of DE. Near it are .*'DE-BY'"),
        ("MC-XX", r"no such region of MC. Near it are \['MC'\]"),
        ("XD", "no such country. Near it are .*'SD'"),
    ],
)
def test_a_code_of_nowhere_is_refused_with_those_near_it(code, near):
    with pytest.raises(BadParams, match=f"names '{code}', .*{near}"):
        calendar_of(code)


def test_what_is_no_holiday_any_more_is_stated_without_an_event_and_stays_so():
    before = calendar_of({"BY": "DE-BY"})
    after = holiday_calendar({"BY": "DE-BE"}, CALENDAR.conform(before), OLDEST, TODAY)
    epiphany = after.filter(region="BY", ds=date(2027, 1, 6))
    assert epiphany.select("event", "event_type").rows() == [(None, EVENT_TYPE)]
    assert after.filter(ds=date(2027, 12, 25))["event"].to_list() == ["Christmas Day"]
    again = holiday_calendar({"BY": "DE-BE"}, CALENDAR.conform(after), OLDEST, TODAY)
    assert again.equals(after)


def test_days_that_are_no_public_holidays_are_left_alone():
    own = CALENDAR.conform(
        pl.DataFrame(
            {
                "region": ["*"],
                "ds": [date(2026, 8, 8)],
                "known_at": [datetime(2026, 1, 1)],
                "event": ["Summer sale"],
            }
        )
    )
    assert holiday_calendar("DE", own, OLDEST, TODAY).equals(calendar_of("DE"))


def test_bytes_do_not_depend_on_the_machines_language(root: Path):
    code = (
        "from datetime import date\n"
        "from contract.frames import CALENDAR\n"
        "from sources.public_holidays import holiday_calendar\n"
        "stated = {'a': 'DE', 'b': 'NZ', 'c': 'TH', 'd': 'UA'}\n"
        "rows = holiday_calendar(stated, CALENDAR.empty(), date(2025, 1, 1), date(2026, 1, 1))\n"
        "print(rows.write_csv().encode())"
    )
    written = {
        subprocess.run(  # noqa: S603 -- our own code
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "LANGUAGE": language, "LANG": language, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for language in ("C", "th", "uk")
    }
    assert len(written) == 1


def test_the_file_is_read_as_written_whatever_is_said_of_the_shops_own(tmp_path: Path, source_of):
    """A pattern that every name fits, days as in America, a comma as in Germany."""
    manner = {"sales": "*", "date_format": "%m/%d/%Y", "decimal": ",", "separator": ";"}
    source = source_of("files", tmp_path, holidays="DE", encoding="latin-1", **manner)
    rows = calendar_of("DE")
    path = tmp_path / file_name(OLDEST, TODAY)
    rows.write_csv(path)
    (fact,) = read_file(path, source)
    assert fact.fact == "calendar"
    assert fact.refused.is_empty() and not fact.is_history
    assert fact.rows.select(rows.columns).equals(rows)
