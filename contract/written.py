"""How params may say that days are written, and whose holidays hold: checked when params are
read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EXCEL = "excel"  # as a date format: numbers that count days since 1900
EPOCH = "epoch"  # as a date format: seconds since 1970, or thousandths and less of them
WORDS = (EXCEL, EPOCH)
LOCAL = "local"  # as a time zone: moments are written by the stores' own clock
_SAMPLE = datetime(2024, 3, 31, 21, 45, 56, tzinfo=UTC)
# letters of spreadsheets, of English, German and French, by how often they stand in a row
_LETTERS = {
    "y": {4: "%Y", 2: "%y"},
    "m": {4: "%B", 3: "%b", 2: "%m", 1: "%m"},
    "d": {4: "%A", 3: "%a", 2: "%d", 1: "%d"},
    "h": {2: "%H", 1: "%H"},
    "n": {2: "%M"},
    "s": {2: "%S"},
}
_SAME_LETTER = {"j": "y", "a": "y", "t": "d"}
_HOLIDAY_CODE = r"[A-Z]{2}(-\w[\w ]*)?"  # DE, DE-BE; a few regions have a name: DE-Augsburg


def date_format_of(form: str) -> str:
    """A strptime format of whole days, or one of WORDS; ValueError says how to write it."""
    if form in WORDS:
        return form
    if "%" not in form:
        raise ValueError(f"{form!r} is no strptime format; write {_translated(form)!r}")
    try:
        read = datetime.strptime(_SAMPLE.strftime(form), form)
    except ValueError as error:
        if "%f" in form or "%.f" in form or "%:z" in form:
            return form  # the engine knows more than Python
        raise ValueError(f"{form!r} is no strptime format ({error})") from error
    if read.date() != _SAMPLE.date():
        raise ValueError(f"{form!r} does not say year, month and day, like '%d.%m.%Y' does")
    return form


def time_zone_of(name: str) -> str:
    """An IANA name, or 'local'; ValueError for another."""
    if name == LOCAL:
        return name
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"nobody knows the time zone {name!r}; write one like 'Europe/Berlin', or '{LOCAL}' "
            "for moments by the stores' own clock"
        ) from error
    return name


def holidays_of(stated: str | dict[str, str] | None) -> str | dict[str, str] | None:
    """Codes of countries or regions (DE, US-CA), one or by region of the source; ValueError for
    another form. Whether there is such a country is known where its holidays are.
    """
    codes = stated.values() if isinstance(stated, dict) else [stated] if stated else []
    if wrong := [code for code in codes if not re.fullmatch(_HOLIDAY_CODE, code)]:
        raise ValueError(
            f"{wrong} are no codes of a country, or of a country and its region; write them like "
            "'DE', 'DE-BE' or 'US-CA'"
        )
    if isinstance(stated, dict):  # as a file's fields are read
        return {region.strip(): code for region, code in stated.items()}
    return stated


def _translated(form: str) -> str:
    """A format of letters as strptime writes it: dd.mm.yyyy is %d.%m.%Y."""
    written, is_clock = "", False
    for run in re.finditer(r"([a-z])\1*|.", form.lower()):
        letter = _SAME_LETTER.get(run[0][0], run[0][0])
        is_clock |= letter == "h"
        mark = _LETTERS.get(letter, {}).get(len(run[0]), run[0])
        written += "%M" if is_clock and mark == "%m" else mark
    return written


def bucket_of(url: str) -> str:
    """The url of a bucket and prefix, like s3://bucket/sales; ValueError for one that is none, or
    that holds a key.
    """
    if not re.match(r"[a-z][a-z0-9+.-]*://\S", url):
        raise ValueError(f"{url!r} is no url of a bucket; write one like s3://bucket/sales")
    if "@" in url or "?" in url or "::" in url:
        raise ValueError(
            "the url of a bucket is a place alone, without keys: they come from the environment "
            "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL)"
        )
    return url.rstrip("/")
