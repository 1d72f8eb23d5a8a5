"""Public holidays as a calendar, for a shop that has none: by the package `holidays`, offline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches

import polars as pl

from contract.errors import BadParams
from contract.frames import CALENDAR

PATTERN = "tillcast_holidays_*.csv"  # what its files are called
EVENT_TYPE = "public_holiday"
EVERYWHERE = "*"
YEARS_BACK, YEARS_AHEAD = 15, 2
COLUMNS = ("region", "ds", "event", "event_type", "known_at")
# a feast by the moon must have the name ahead that it had in the past
_ESTIMATED = ((" (estimated)", ""), (", estimated)", ")"))
_MOST_NAMED = 8

Stated = str | dict[str, str]  # a code for all, or one for each region


def holiday_calendar(
    stated: Stated, calendar: pl.DataFrame, oldest_day: date, today: date
) -> pl.DataFrame:
    """COLUMNS: a row for each region and day with holidays, the event naming all of that day.

    What `calendar` has as a public holiday of these years and is none is a row without an event.
    BadParams for a code of no country or region.
    """
    first, last = years_of(oldest_day, today)
    codes = {EVERYWHERE: stated} if isinstance(stated, str) else stated
    rows = [(region, *day) for region, code in codes.items() for day in _events(code, first, last)]
    schema = {name: CALENDAR.schema[name] for name in ("region", "ds", "event")}
    holidays = pl.DataFrame(rows, schema, orient="row")
    gone = calendar.filter(event_type=EVENT_TYPE).join(holidays, on=["region", "ds"], how="anti")
    withdrawn = gone.select("region", "ds", event=pl.lit(None, pl.String))
    year = pl.col("ds").dt.year()
    # the year before is when most are known; nothing is learned ahead of its file
    learned = pl.datetime(pl.min_horizontal(year - 1, pl.lit(today.year)), 1, 1)
    return (
        pl.concat([holidays, withdrawn])
        .filter(pl.col("ds") >= oldest_day, year.is_between(first, last))
        .with_columns(event_type=pl.lit(EVENT_TYPE), known_at=learned)
        .select(COLUMNS)
        .sort("region", "ds")
    )


def years_of(oldest_day: date, today: date) -> tuple[int, int]:
    """The first and the last year whose holidays are stated."""
    return max(oldest_day.year, today.year - YEARS_BACK), today.year + YEARS_AHEAD


def file_name(oldest_day: date, today: date) -> str:
    """What the file of these years is called."""
    first, last = years_of(oldest_day, today)
    return PATTERN.replace("*", f"{first}_{last}")


def _events(code: str, first: int, last: int) -> Iterator[tuple[date, str]]:
    """Each day with holidays and their names, in alphabetical order."""
    from holidays import country_holidays  # 0.3 s, for those alone who state it

    country, _, region = code.partition("-")
    try:
        bare = country_holidays(country, region or None)
    except NotImplementedError as error:
        raise BadParams(_unknown(code, country)) from error
    # stated, else it is the machine's
    english = [name for name in bare.supported_languages if name.startswith("en")]
    language = max(english, default=bare.default_language)
    # a year more on either side: the day before a New Year's Day may be its observed one
    years = range(first - 1, last + 2)
    found = country_holidays(country, region or None, years=years, language=language)
    for ds in found:
        names = set(found.get_list(ds))
        for mark, without in _ESTIMATED:
            names = {name.replace(mark, without) for name in names}
        yield ds, "|".join(sorted(names))


def _unknown(code: str, country: str) -> str:
    from holidays import list_supported_countries

    regions = list_supported_countries()
    countries = [name for name in regions if len(name) == 2]
    of_country = [f"{country}-{name}" for name in regions.get(country, [])]
    known = [country, *of_country] if country in regions else countries
    near = get_close_matches(code, known, _MOST_NAMED, cutoff=0.5) or known[:_MOST_NAMED]
    what = f"region of {country}" if country in regions else "country"
    return (
        f"source.files.holidays names '{code}', whose public holidays are not known: there is no "
        f"such {what}. Near it are {near}; the codes are those of ISO 3166."
    )
