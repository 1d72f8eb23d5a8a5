"""Files that look right and are not: what programs exchanged, split, summed or left empty is mended
where the file proves it, said in a note, or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput
from contract.received import TOTAL_LINE, Received
from sources.flags import read_flags
from sources.moments import DayManner, local_days
from sources.reading import read_file

DAYS = [date(2024, 1, 5) + timedelta(days=k) for k in range(40)]
ITEMS = ("007", "012", "105")
HEAD = "shop,item,day,sold\n"
Row = tuple[str, str, date, int]
ROWS: list[Row] = [
    (shop, item, day, 1 + (7 * k + 3 * len(shop) + int(item)) % 9)
    for k, day in enumerate(DAYS)
    for shop in ("A", "BB")
    for item in ITEMS
]
UNITS = float(sum(row[3] for row in ROWS))


def lines(rows: list[Row] = ROWS, item: Callable[[Row], str] = lambda row: row[1]) -> str:
    return "".join(f"{row[0]},{item(row)},{row[2]},{row[3]}\n" for row in rows)


@pytest.fixture
def read(tmp_path: Path, source_of):
    """Reads a text as one of your files, `written` in an encoding; more arguments are lines of
    source.files.
    """
    mapping = {
        "columns": {"unique_id": ["shop", "item"], "ds": "day", "y": "sold"},
        "hierarchy": {"store_id": "shop"},
    }

    def from_text(text: str, written: str = "utf8", **files: object) -> Received:
        path = tmp_path / "sales.csv"
        path.write_bytes(text.encode(written))
        return read_file(path, source_of("files", tmp_path, **{**mapping, **files}))[0]

    return from_text


def exchanged(day: date) -> date:
    return date(day.year, day.day, day.month) if day.day <= 12 else day


def spelled(days: list[date]) -> Iterator[pl.Series]:
    """Days as text, as typed days, and half as text: as spreadsheets leave them."""
    yield pl.Series("day", days)
    yield pl.Series("day", [str(day) for day in days])
    yield pl.Series("day", [f"{day:%d/%m/%Y}" for day in days])
    yield pl.Series("day", [f"{day:%d/%m/%Y}" if day.day > 12 else f"{day} 00:00" for day in days])


def test_days_whose_month_a_program_took_for_the_day_are_refused() -> None:
    for column in spelled([exchanged(day) for day in DAYS]):
        with pytest.raises(
            BadInput, match=r"'day'.*month and day exchanged: 2024-04-02 for 2024-02-04"
        ):
            local_days(column, DayManner("day"))
    for column in spelled(DAYS):
        assert local_days(column, DayManner("day")).to_list() == DAYS


def test_half_a_year_more_than_a_year_or_one_file_of_two_may_be_exchanged() -> None:
    ten_months = [date(2024, 1, 1) + timedelta(days=k) for k in range(300)]
    to_june = [date(2023, 1, 1) + timedelta(days=k) for k in range(540)]
    february = [exchanged(day) if day.month == 2 else day for day in DAYS]
    for days in ([exchanged(d) for d in ten_months], [exchanged(d) for d in to_june], february):
        with pytest.raises(BadInput, match="month and day exchanged"):
            local_days(pl.Series("day", days), DayManner("day"))


def test_days_are_taken_as_they_are_where_exchanging_them_proves_nothing() -> None:
    year = [date(2024, 1, 1) + timedelta(days=k) for k in range(366)]
    firsts = [date(2024, month, 1) for month in range(1, 13)]
    corrections = [*DAYS[8:27], date(2024, 12, 1), date(2024, 6, 1)]
    sundays = [day for day in year if day.weekday() == 6]
    feasts = [date(2024, *at) for at in ((1, 6), (2, 2), (2, 9), (3, 29), (5, 20), (12, 25))]
    shut = [day for day in year if day < date(2024, 1, 8) or day > date(2024, 1, 19)]
    turned = [exchanged(day) for day in year]
    for days in (year, firsts, corrections, sundays, feasts, shut, turned):
        assert local_days(pl.Series("day", days), DayManner("day")).to_list() == days


def test_a_stated_format_is_obeyed_whatever_the_days_look_like() -> None:
    days = [exchanged(day) for day in DAYS]
    read = local_days(pl.Series("day", days), DayManner("day", date_format="%Y-%m-%d"))
    assert read.to_list() == days


def test_between_dots_the_day_comes_first_unless_it_cannot() -> None:
    for texts, read in (
        (["05.01.2024"], date(2024, 1, 5)),
        (["01.13.2024", "01.14.2024", "01.05.2024"], date(2024, 1, 13)),
        (["5. 1. 2024"], date(2024, 1, 5)),
    ):
        assert local_days(pl.Series("day", texts), DayManner("day"))[0] == read
    for text in ("05/01/2024", "05-01-2024", "05.01.24"):
        with pytest.raises(BadInput, match="date_format"):
            local_days(pl.Series("day", [text]), DayManner("day"))


@pytest.mark.parametrize("text", ["05012024", "5012024", "5012024.0"])
def test_a_zero_that_a_spreadsheet_cut_from_a_day_is_put_back(text: str) -> None:
    days = [text, *(f"{day:%d%m%Y}" for day in DAYS[8:])]
    assert local_days(pl.Series("day", days), DayManner("day"))[0] == date(2024, 1, 5)


@pytest.mark.parametrize(
    "text",
    [
        *("5 stycznia 2024", "5 января 2024 г.", "5. ledna 2024", "5. januar 2024", "5 oca 2024"),  # noqa: RUF001
        *("Fri Jan  5 00:00:00 2024", "piątek, 5 stycznia 2024", "fredag 5 januari 2024"),
    ],
)
def test_days_are_read_in_more_languages(text: str) -> None:
    assert local_days(pl.Series("day", [text]), DayManner("day")).to_list() == [date(2024, 1, 5)]


@pytest.mark.parametrize("words", ["✓ ✗", "☑ ☐", "● ○", "prawda fałsz", "да нет", "はい いいえ"])
def test_a_cross_beside_a_tick_is_a_no(words: str) -> None:
    assert read_flags(pl.Series(words.split())).to_list() == [1, 0]


def test_a_word_that_must_be_stated_is_not_stated_for_the_reader(read) -> None:
    text = HEAD.replace("\n", ",deal\n") + lines().replace("\n", ",Regular\n")
    columns = {"unique_id": ["shop", "item"], "ds": "day", "y": "sold", "promo": "deal"}
    with pytest.raises(BadInput, match=r"codes: \{'Regular': 0 or 1, \.\.\.\}"):
        read(text, columns=columns)


@pytest.mark.parametrize("word", ["ALL", "(all)", "Ergebnis", "alle Artikel", "A Total", "Suma"])
def test_a_total_has_many_names_and_must_be_the_sum(read, word: str) -> None:
    sums = [("A", word, day, sum(r[3] for r in ROWS if r[:3:2] == ("A", day))) for day in DAYS]
    sales = read(HEAD + lines() + lines(sums))
    assert sales.rows["y"].sum() == UNITS
    assert sales.refused["reason"].to_list() == [TOTAL_LINE] * len(DAYS)
    other = [(*row[:3], row[3] + 1) for row in sums]
    assert read(HEAD + lines() + lines(other)).rows["y"].sum() > UNITS


def test_a_total_behind_the_name_of_its_group_has_no_series(read) -> None:
    sums = [("A Total", "", day, 7) for day in DAYS]
    assert read(HEAD + lines() + lines(sums)).refused["reason"].unique().to_list() == [TOTAL_LINE]


@pytest.mark.parametrize("word", ["NULL", "nan", "#N/A", r"\N"])
def test_no_series_is_called_by_a_word_for_nothing(read, word: str) -> None:
    sales = read(HEAD + lines() + f"A,{word},2024-01-05,5\n")
    assert sales.refused["reason"].to_list() == ["missing_value"]
    assert sales.rows["unique_id"].n_unique() == 6


@pytest.mark.parametrize("name", ["NAN", "None", "NA", "-"])
def test_a_name_that_only_looks_like_nothing_stays(read, name: str) -> None:
    assert f"A_{name}" in set(read(HEAD + f"A,{name},2024-01-05,5\n").rows["unique_id"])


def test_ids_in_two_spellings_that_take_turns_are_noted(read) -> None:
    (note,) = read(HEAD + lines(item=lambda row: row[1].lstrip("0" * (row[2].day % 2)))).notes
    assert note.startswith("ids_alike: 4 series")
    assert "['A_012', 'A_12']" in note
    (note,) = read(HEAD + lines().replace("BB,105,2024-02", "bb,105,2024-02")).notes
    assert note.startswith("ids_alike: 1 series")
    twins = HEAD + lines().replace("BB,105,2024-02", "B\u200bB,105,2024-02")
    assert read(twins).notes[0].startswith("ids_alike: 1 series")
    both = lines() + lines([("A", "7", day, 1) for day in DAYS])
    assert read(HEAD + both).notes == ()


def test_a_file_of_several_days_without_a_unit_is_noted(read) -> None:
    (note,) = read(HEAD + lines([(*row[:3], 0) for row in ROWS])).notes
    assert note.startswith("nothing_sold: all 240 rows")
    assert read(HEAD + lines([(*row[:3], 0) for row in ROWS[:6]])).notes == ()


def test_numbers_of_rows_that_the_header_does_not_name_are_left_out(read) -> None:
    counted = "".join(f'"{k}",{line}\n' for k, line in enumerate(lines().splitlines(), 1))
    sales = read(HEAD + counted)
    assert (sales.rows["y"].sum(), sales.refused.height) == (UNITS, 0)


def test_a_field_too_many_in_every_line_is_one_clear_message(read) -> None:
    with pytest.raises(BadInput, match=r"more fields in every line than its header has names: 4"):
        read(HEAD + lines().replace("\n", ",50\n"))
    assert read(HEAD + lines(ROWS[1:]) + "A,007,2024-01-05,3,50\n").refused.height == 1


def test_utf8_that_is_said_to_have_a_byte_a_letter_is_refused(read) -> None:
    text = HEAD + lines(item=lambda row: f"Müsli {row[1]}")
    with pytest.raises(BadInput, match=r"is UTF-8, but .*source\.files\.encoding: cp1252"):
        read(text, encoding="cp1252")
    sales = read(text, written="cp1252", encoding="cp1252")
    assert "A_Müsli 007" in set(sales.rows["unique_id"])
