"""What a field says: numbers, days, flags and ids as people write them, judged by the column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from contract.errors import BadInput
from sources.columns import decimal_mark, evidence_in
from sources.flags import read_flags
from sources.ids import read_ids
from sources.moments import DayManner, local_days
from sources.numbers import read_numbers
from sources.reading import read_file

YEAR = [date(2023, 11, 1) + timedelta(days=k) for k in range(366)]
BERLIN, LONDON = "Europe/Berlin", "Europe/London"


def numbers(
    *texts: str | None,
    stated: str | None = None,
    beside: set[str] | None = None,
    share: bool = False,
) -> list[float | None]:
    column = pl.Series("qty", texts, dtype=pl.String)
    mark = decimal_mark("qty", evidence_in(column), beside or set(), stated)
    return read_numbers(column, mark, takes_percent=share).to_list()


@pytest.mark.parametrize(
    ("texts", "read"),
    [
        (("1.234", "1.234,5"), [1234, 1234.5]),
        (("1.234", "12,5"), [1234, 12.5]),
        (("1.234", "2.345.678"), [1234, 2345678]),
        (("1,234", "12.5"), [1234, 12.5]),
        (("0.500", "1.234"), [0.5, 1.234]),
        (("1.234", "1500"), [1.234, 1500]),
        (("7'654.30", "3"), [7654.3, 3]),
        (("7’654", "3"), [7654, 3]),  # noqa: RUF001
        (("7\u00a0654,30", "3"), [7654.3, 3]),
        (("7\u202f654", "3"), [7654, 3]),
        (("12,34,567.5", "3"), [1234567.5, 3]),
        (("\u0662\u066b\u0665", "\u0661\u066c\u0662\u0663\u0664\u066b\u0665"), [2.5, 1234.5]),
        (("४२", "7"), [42, 7]),
        (("(3)", "(1,234.5)"), [-3, -1234.5]),
        (("−3", "3-", "–2"), [-3, -3, -2]),  # noqa: RUF001
        (("$3.50", "-$1.25", "($2.00)", "$(4.00)"), [3.5, -1.25, -2, -4]),
        (("EUR 3,50", "EUR 1.250,00-"), [3.5, -1250]),
        (("3,50 €", "1.250,00 €"), [3.5, 1250]),
        (("5.-", "7.50"), [5, 7.5]),
        (("3 Stk", "12 Stk."), [3, 12]),
        (("1 pc", "3 pcs"), [1, 3]),
        (("3 kg", "500 g", "4 kg"), [3, None, 4]),
        (("3", "4", "12 pcs"), [3, 4, None]),
        (("3 EUR", "4 EUR", "5 USD"), [3, 4, None]),
        (("1.5 M", "2 M"), [None, None]),
        (("5 CR", "3 CR"), [None, None]),
        (("12%", "3%"), [None, None]),
        (("1.234.5", "12.5"), [None, 12.5]),
        (("1 23", "7", "--3", "<5"), [None, 7, None, None]),
    ],
)
def test_a_number_is_what_its_column_proves(texts: tuple[str, ...], read: list) -> None:
    assert numbers(*texts) == read


@pytest.mark.parametrize("texts", [("1.234", "281"), ("1,234", "5,678"), ("1.000", None)])
def test_every_fraction_three_digits_long_must_be_stated(texts: tuple[str | None, ...]) -> None:
    with pytest.raises(BadInput, match=r"'qty'.*thousands.*source\.files\.decimal"):
        numbers(*texts)
    with pytest.raises(BadInput, match="thousands"):  # another column proves its mark, not this one
        numbers(*texts, beside={"." if "." in str(texts[0]) else ","})
    assert numbers("1.234", "281", beside={","}) == [1234, 281]
    assert numbers("1.234", "281", stated=".") == [1.234, 281]


def test_two_decimal_marks_and_a_contradicted_setting_are_refused() -> None:
    with pytest.raises(BadInput, match="two decimal marks"):
        numbers("12,5", "12.5")
    with pytest.raises(BadInput, match=r"'12\.5', but shop\.yaml says source\.files\.decimal"):
        numbers("12.5", "3", stated=",")


def test_a_per_cent_is_a_share_where_shares_are() -> None:
    assert numbers("12%", "0", "7.5 %", share=True) == [0.12, 0, 0.075]


def days(values: list, **manner: object) -> list[date | None]:
    return local_days(pl.Series("day", values), DayManner("day", **manner)).to_list()


@pytest.mark.parametrize(
    "form",
    [
        "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y", "%y-%m-%d", "%y%m%d", "%d%m%y", "%d%m%Y", "%d-%b-%y",
        "%B %d, %Y", "%a %d/%m/%Y", "%A, %d %B %Y", "%Y/%m/%d %A", "%m/%d/%Y %I:%M:%S %p",
        "%Y%m%d%H%M%S", "%a %b %d %H:%M:%S CET %Y", "%d.%m.%Y, 14:05 Uhr", "%Y年%m月%d日",
    ],
)  # fmt: skip
def test_a_year_of_days_is_read_in_every_spelling(form: str) -> None:
    assert days([day.strftime(form) for day in YEAR]) == YEAR


@pytest.mark.parametrize(
    "text",
    ["3. März 2024", "3 mars 2024", "3 de marzo de 2024", "So, 03.03.24", "dim. 3 mars 2024",
     "dom 3 marzo 2024", "03-MRZ-2024", "3rd March 2024"],
)  # fmt: skip
def test_months_and_weekdays_have_names_in_several_languages(text: str) -> None:
    assert days([text]) == [date(2024, 3, 3)]


def test_numbers_that_count_days_or_seconds_are_days() -> None:
    serial = [(day - date(1899, 12, 30)).days for day in YEAR]
    assert days([str(number) for number in serial]) == days([n + 0.5 for n in serial]) == YEAR
    seconds = [(day - date(1970, 1, 1)).days * 86_400 for day in YEAR]
    assert days(seconds) == days([f"{second}000" for second in seconds]) == YEAR


def test_formats_of_two_exports_are_read_each_by_itself() -> None:
    texts = [str(day) for day in YEAR[:40]] + [f"{day:%d/%m/%Y}" for day in YEAR[40:]]
    assert days(texts) == YEAR


def test_a_weekday_tells_day_and_month_apart_and_a_wrong_one_is_no_day() -> None:
    assert days(["Wed 03/04/2024", "Thu 04/04/2024"]) == [date(2024, 4, 3), date(2024, 4, 4)]
    assert days(["Mon 31/01/2024"]) == [None]


@pytest.mark.parametrize(
    "texts", [["01/02/2024", "02/02/2024"], ["01/02/24"], ["240131"], ["010224", "020224"]]
)
def test_a_day_that_could_be_two_must_be_stated(texts: list[str]) -> None:
    with pytest.raises(BadInput, match=r"'day' writes days like.*source\.files\.date_format"):
        days(texts)


def test_a_tenth_of_the_days_proves_a_format() -> None:
    """Fourteen days: with two beyond the twelfth all are read, with one it may be mistyped."""
    assert days([f"{at:02}/01/2024" for at in range(1, 15)])[0] == date(2024, 1, 1)
    with pytest.raises(BadInput, match="date_format"):
        days([f"{at:02}/01/2024" for at in range(1, 14)])


def test_a_few_texts_of_another_shape_are_not_guessed() -> None:
    odd = ["01/02/2024", "240131", "45292", "soon"]
    assert days([*map(str, YEAR), *odd])[-4:] == [None] * 4


def midnights(zone: str) -> list[datetime]:
    return [datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(zone)) for d in YEAR]


@pytest.mark.parametrize("zone", [BERLIN, LONDON, "Asia/Kolkata", "Australia/Sydney"])
@pytest.mark.parametrize("form", [None, "%Y-%m-%d %H:%M:%S"])
def test_midnight_of_another_zone_must_be_stated_and_never_the_day_before(
    zone: str, form: str | None
) -> None:
    moments: list = [at.astimezone(UTC).replace(tzinfo=None) for at in midnights(zone)]
    if form:
        moments = [at.strftime(form) for at in moments]
    with pytest.raises(BadInput, match=r"'day'.*source\.files\.time_zone"):
        days(moments)
    assert days(moments, time_zone=zone) == YEAR
    with pytest.raises(BadInput, match="is not midnight in America/New_York"):
        days(moments, time_zone="America/New_York")
    july = YEAR.index(date(2024, 7, 1))
    assert (days(moments, time_zone="local")[july] == YEAR[july]) is False


@pytest.mark.parametrize("zone", [BERLIN, LONDON])
def test_offsets_that_summer_time_changes_are_one_shops_clock(zone: str) -> None:
    late = [
        at.replace(hour=23, minute=40).strftime("%Y-%m-%dT%H:%M:%S%z") for at in midnights(zone)
    ]
    assert days(late) == days(late, time_zone=zone) == YEAR


def test_moments_in_utc_need_the_zone() -> None:
    moments = [at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in midnights(BERLIN)]
    assert days(moments) == [None] * len(YEAR)
    assert days(moments, time_zone=BERLIN) == YEAR


def test_an_hour_of_closing_or_of_a_few_lines_is_no_midnight() -> None:
    assert days([f"{day} 23:59:59" for day in YEAR]) == YEAR
    assert days([f"{day} 15:00" for day in YEAR[:4]]) == YEAR[:4]
    assert days([f"{day} 15:00" for day in YEAR[:9]], are_lines=True) == YEAR[:9]


@pytest.mark.parametrize(
    ("texts", "read"),
    [
        (("Ja", "nein"), [1, 0]),
        (("J", "N"), [1, 0]),
        (("Oui", "NON"), [1, 0]),
        (("O", "N"), [1, 0]),
        (("Sí", "no"), [1, 0]),
        (("V", "F"), [1, 0]),
        (("TRUE", "False"), [1, 0]),
        (("1.0", "0", None), [1, 0, None]),
        (("x", None), [1, 0]),
        (("X", "X"), [1, 1]),
        (("Y", None), [1, None]),
        (("S",), [None]),
        (("2+1", None), [None, None]),
    ],
)
def test_a_flag_is_read_in_words_letters_and_marks(texts: tuple, read: list) -> None:
    assert read_flags(pl.Series(texts, dtype=pl.String)).to_list() == read


@pytest.mark.parametrize(
    ("column", "read"),
    [
        (pl.Series([1001.0, 7.0]), ["1001", "7"]),
        (pl.Series([1.5, 7.0]), ["1.5", "7.0"]),
        (pl.Series([2.0**60]), [None]),
        (pl.Series(["1001.0", "7"]), ["1001", "7"]),
        (pl.Series(["007", "07.0"]), ["007", "07"]),
        (pl.Series(["1.10", "1.20"]), ["1.10", "1.20"]),
        (pl.Series(["4,00638E+12", "5E10", "1E+05"]), [None, "5E10", None]),
        (pl.Series(['="0042"']), ["0042"]),
        (pl.Series([b"milk"]), ["milk"]),
        (pl.Series(["7"]).cast(pl.Decimal(38, 10)), ["7"]),
    ],
)
def test_an_id_is_what_it_was_before_a_program_spelled_it(column: pl.Series, read: list) -> None:
    assert read_ids(column).to_list() == read


def test_bytes_that_are_no_text_are_one_clear_message() -> None:
    with pytest.raises(BadInput, match="column 'item' holds Binary that is no text"):
        read_ids(pl.Series("item", [b"\xff\xfe"]))


@pytest.fixture
def read(tmp_path, source_of) -> Callable:
    """Reads CSV text mapped as shop, item, day, sold and what more is said."""
    from sources.reading import read_file

    def from_text(text: str, columns: dict | None = None, **files: object) -> list:
        path = tmp_path / "sales.csv"
        path.write_text(text, encoding="utf8")
        base = {"unique_id": ["shop", "item"], "ds": "day", "y": "sold"}
        mapped = {"columns": base | (columns or {}), **files}
        return read_file(path, source_of("files", tmp_path, **mapped))

    return from_text


def table(*fields: str, column: str) -> str:
    rows = [f"A,i{at},2024-01-{1 + at % 9:02},3,{field}" for at, field in enumerate(fields)]
    return "\n".join([f"shop,item,day,sold,{column}", *rows, ""])


def test_a_promotion_in_words_is_read_and_unknown_words_must_be_stated(read: Callable) -> None:
    _, prices = read(table(*["Ja", "Nein"] * 10, column="deal"), {"promo": "deal"})
    assert prices.rows["promo"].sum() == 10
    words = table(*["2 for 1", ""] * 20, column="deal")
    with pytest.raises(BadInput, match=r"column 'deal', mapped to promo, holds '2 for 1'.*codes"):
        read(words, {"promo": "deal"})
    codes = {"column": "deal", "codes": {"2 for 1": 1, "": 0}}
    _, prices = read(words, {"promo": codes})
    assert prices.rows["promo"].to_list().count(1.0) == 20
    assert prices.rows.height == 40
    sales, *_ = read(table(*["zu", "auf"] * 3, column="state"), {
        "is_open": {"column": "state", "codes": {"auf": 1, "zu": 0}}
    })  # fmt: skip
    assert sales.rows["is_open"].to_list() == [False, True] * 3


def test_null_in_words_is_an_empty_field(read: Callable) -> None:
    _, prices = read(table("2.50", "NULL", "nan", "n/a", column="price"), {"price": "price"})
    assert prices.rows["price"].to_list() == [2.5]


def test_what_was_lost_is_said_with_column_examples_and_setting(read: Callable) -> None:
    text = "shop,item,day,sold\n" + "".join(
        f"A,i{at},2024-01-01,{sold}\n"
        for at, sold in enumerate(["12"] * 30 + ["1.234.5", "12 pcs"])
    )
    (sales,) = read(text)
    assert sales.unread is not None
    assert sales.unread.rows == 2
    for word in ("'sold'", "'1.234.5'", "'12 pcs'", "source.files.decimal", "largest values"):
        assert word in sales.unread.why


def test_rows_without_units_or_of_too_many_fields_are_said_to_be_so(read: Callable) -> None:
    """A note that ends after "are unknown, not zero" sends nobody anywhere."""
    text = "shop,item,day,sold\n" + "".join(
        f"A,i{at},2024-01-01,{sold}\n" for at, sold in enumerate(["12"] * 30 + ["", "", "1,2,3"])
    )
    (sales,) = read(text)
    assert sales.unread is not None
    assert (sales.unread.rows, sales.unread.why) == (
        3,
        "column 'sold' (y) is empty in 2 rows; every row must have it. "
        "1 rows: The line has more fields than the header has names.",
    )


def test_goods_that_came_back_are_refused_however_the_minus_is_written(read: Callable) -> None:
    text = "shop,item,day,sold\n" + "".join(
        f"A,milk,2024-01-0{at},{sold}\n"
        for at, sold in enumerate(["9", "(3)", "−3", "3-"], 1)  # noqa: RUF001
    )
    (sales,) = read(text, transactions=True)
    assert sales.refused["reason"].to_list() == ["returned"] * 3
    assert sales.unread is None  # left out on purpose: the day is known
    assert '"ds":null' in sales.refused["raw"][0]


def test_a_word_beside_a_no_is_refused_with_its_file_and_a_typing_error_alone(
    read: Callable,
) -> None:
    with pytest.raises(BadInput, match=r"column 'deal'.*'Promo'.*codes"):
        read(table(*["No"] * 30, *["Promo"] * 5, column="deal"), {"promo": "deal"})
    sales, _ = read(table(*["No"] * 30, *["Yes"] * 5, "Yse", column="deal"), {"promo": "deal"})
    assert sales.refused["reason"].to_list() == ["unreadable_number"]


def test_access_writes_true_as_minus_one(read: Callable) -> None:
    _, prices = read(table("-1", "0", "-1", column="deal"), {"promo": "deal"})
    assert prices.rows["promo"].to_list() == [1, 0, 1]


def _with_day(folder: Path, days_since_1970: int) -> Path:
    days = pl.Series([19_000, days_since_1970], dtype=pl.Int32).cast(pl.Date)
    path = folder / "sales.parquet"
    pl.DataFrame({"id": ["a", "a"], "day": days, "sold": [1, 2]}).write_parquet(path)
    return path


@pytest.mark.parametrize("days_since_1970", [3_650_000, 2**31 - 1, -(2**31)])
def test_a_typed_day_of_no_age_is_unreadable(tmp_path, source_of, days_since_1970):
    """Python has no year 11963, and a file that ends in a traceback stays first in line."""
    columns = {"unique_id": "id", "ds": "day", "y": "sold"}
    path = _with_day(tmp_path, days_since_1970)
    sales, *_ = read_file(path, source_of("files", None, columns=columns))
    assert sales.rows["y"].to_list() == [1.0]
    assert sales.refused["reason"].to_list() == ["unreadable_date"]
