"""How params may say that days are written."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from contract.params import FilesParams


@pytest.mark.parametrize(
    "form", ["%d.%m.%Y", "%m/%d/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%S%z", "%d %b %y", "excel", "epoch"]
)
def test_a_format_that_says_a_day_is_taken(form: str) -> None:
    assert FilesParams(sales="*", date_format=form).date_format == form


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("dd.mm.yyyy", "'%d.%m.%Y'"),
        ("MM/DD/YY", "'%m/%d/%y'"),
        ("yyyy-MM-dd HH:mm:ss", "'%Y-%m-%d %H:%M:%S'"),
        ("TT.MM.JJJJ", "'%d.%m.%Y'"),
        ("d-mmm-yy", "'%d-%b-%y'"),
        ("yyyymmdd", "'%Y%m%d'"),
        ("%d.%m", "does not say year, month and day"),
        ("%d.%q.%Y", "is no strptime format"),
    ],
)
def test_another_is_refused_with_what_was_meant(form: str, message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        FilesParams(sales="*", date_format=form)


def test_a_time_zone_has_an_iana_name() -> None:
    assert FilesParams(sales="*", time_zone="Europe/Berlin").time_zone == "Europe/Berlin"
    assert FilesParams(sales="*", time_zone="local").time_zone == "local"
    with pytest.raises(ValidationError, match="nobody knows the time zone 'Berlin'"):
        FilesParams(sales="*", time_zone="Berlin")


@pytest.mark.parametrize("stated", [None, "DE", "NO", "US-CA", "DE-Augsburg", {"BY": "DE-BY"}])
def test_holidays_are_a_code_or_one_for_each_region(stated):
    assert FilesParams(sales="*", holidays=stated).holidays == stated


def test_a_region_is_spelled_as_a_field_of_a_file_is_read():
    assert FilesParams(sales="*", holidays={" BY ": "DE-BY"}).holidays == {"BY": "DE-BY"}


@pytest.mark.parametrize("stated", ["Germany", "de", "DEU", "DE-", "DE/BE", {"BY": "Bavaria"}, 49])
def test_holidays_in_another_form_are_refused_with_the_right_one(stated):
    with pytest.raises(ValidationError, match="holidays"):
        FilesParams(sales="*", holidays=stated)


def test_a_country_by_its_name_is_refused_with_the_look_of_codes():
    with pytest.raises(ValidationError, match=r"\['Germany'\] are no codes .* 'DE-BE' or 'US-CA'"):
        FilesParams(sales="*", holidays="Germany")
