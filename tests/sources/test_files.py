"""Your own files: mapped as params say, nothing lost, nothing unmapped let through, every refusal
with its reason.
"""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, BadParams
from contract.frames import COVARIATES, PRICES, SALES
from contract.received import Received
from sources.reading import read_file
from sources.reasons import REASONS

TINY = {
    "columns": {"unique_id": ["shop", "item"], "ds": "day", "y": "sold"},
    "hierarchy": {"store_id": "shop"},
}


@pytest.fixture
def read(tmp_path: Path, source_of):
    """Reads CSV text as one of your files; more arguments are lines of source.files over TINY."""

    def from_text(text: str | bytes, name: str = "sales.csv", **files: object) -> list[Received]:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_file(path, source_of("files", tmp_path, **{**TINY, **files}))

    return from_text


def _reasons(received: Received) -> list[tuple[int, str]]:
    return received.refused.select("row_number", "reason").rows()


def test_a_line_becomes_a_row_in_the_contracts_words(read):
    (sales,) = read("shop,item,day,sold\nA,milk,2024-02-29,3.5\nB,milk,2024-02-29,0\n")
    SALES.check_key(sales.rows)
    assert sales.rows.select("unique_id", "ds", "y", "known_at", "row_number", "lines").rows() == [
        ("A_milk", date(2024, 2, 29), 3.5, None, 1, 1),
        ("B_milk", date(2024, 2, 29), 0.0, None, 2, 1),
    ]
    assert sales.series.rows() == [("A_milk", "A"), ("B_milk", "B")]
    assert (sales.rows_in, sales.refused.height, sales.is_history) == (2, 0, False)


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("\ufeffshop,item,day,sold\nA,milk,2024-02-29,3.5\n", {}),
        ("shop;item;day;sold\r\nA;milk;2024-02-29;3,5\r\n", {"decimal": ","}),
        ("shop\titem\tday\tsold\nA\tmilk\t2024-02-29\t3.5", {}),
        ("shop|item|day|sold\nA|milk|29.02.2024|3.5\n", {}),
        ('"shop","item","day","sold"\n"A","milk","2024-02-29 23:59:00","3.5"\n', {}),
        ("\n shop , item , day , sold \n A , milk , 2024-02-29T00:00:00+14:00 , 3.5 \n\n,,,\n", {}),
        ("shop,item,day,sold\nA,milk,2024/02/29,3.5\n", {}),
        ("shop,item,day,sold\nA,milk,20240229,3.5\n", {}),
        ("shop,item,day,sold\nA,milk,29 Feb 24,3.5\n", {"date_format": "%d %b %y"}),
        ('shop,item,day,sold\nA,milk,2024-02-29,"3,5"\n', {"decimal": ","}),
    ],
)
def test_every_way_to_write_the_same_line_reads_the_same(read, text: str, files: dict):
    (sales,) = read(text, **files)
    assert sales.refused.is_empty()
    assert sales.rows.select("unique_id", "ds", "y").rows() == [("A_milk", date(2024, 2, 29), 3.5)]


def test_each_broken_line_is_refused_with_its_reason_and_its_own_text(read):
    (sales,) = read(
        "shop,item,day,sold\nA,milk,2024-02-29,3\nA,milk,2024-02-30,3\nA,milk,2024-03-01,three\n"
        "A,milk,2024-03-02,\nA,,2024-03-03,1\n,milk,2024-03-04,1\nA,milk,2024-03-05,1,9\nA,milk\nA,milk,2024-03-06,nan\n"
    )
    assert _reasons(sales) == [
        (2, "unreadable_date"),
        (3, "unreadable_number"),
        (4, "missing_value"),
        (5, "missing_value"),
        (6, "missing_value"),
        (7, "ragged_line"),
        (8, "missing_value"),
        (9, "missing_value"),
    ]
    assert json.loads(sales.refused["raw"][1]) == {
        "shop": "A",
        "item": "milk",
        "day": "2024-03-01",
        "sold": "three",
        "(read)": {"unique_id": "A_milk", "ds": "2024-03-01", "known_at": None},
    }
    assert sales.rows_in == 9
    assert set(sales.refused["reason"]) <= set(REASONS)


def test_a_stray_quote_costs_no_other_line(read):
    (sales,) = read(
        'shop,item,day,sold\nA,5" pipe,2024-03-01,1\n"A","milk",2024-03-01,2\nB,tea,2024-03-01,3\n'
    )
    assert sales.rows["y"].to_list() == [1.0, 2.0, 3.0]
    assert sales.rows["unique_id"][0] == 'A_5" pipe'


@pytest.mark.parametrize(
    ("decimal", "text", "value"),
    [
        (",", "1.234,50", 1234.5),
        (",", "1234,5", 1234.5),
        (",", "1.234", 1234.0),
        (",", "1.234.5", None),
        (".", "1,234.5", 1234.5),
        (".", "1,234", 1234.0),
        (".", "1,2345.5", None),
        (".", "-2", -2.0),
        (".", "1e3", 1000.0),
        (".", "1 234", 1234.0),
        (".", "1 23", None),
        (".", "inf", None),
    ],
)
def test_a_number_is_read_only_if_it_can_be_read_one_way(
    read, decimal: str, text: str, value: float | None
):
    (sales,) = read(f"shop;item;day;sold\nA;milk;2024-02-29;{text}\n", decimal=decimal)
    assert sales.rows["y"].to_list() == ([value] if value is not None else [])
    assert sales.refused["reason"].to_list() == ([] if value is not None else ["unreadable_number"])


def test_days_that_could_be_two_days_need_the_format_stated(read):
    with pytest.raises(BadInput, match=r"source\.files\.date_format"):
        read("shop,item,day,sold\nA,milk,03/04/2024,1\n")
    (american,) = read("shop,item,day,sold\nA,milk,03/04/2024,1\nA,milk,03/31/2024,1\n")
    assert american.rows["ds"].to_list() == [date(2024, 3, 4), date(2024, 3, 31)]


def test_one_mistyped_day_does_not_turn_all_others_around(read):
    """100 rows of the 1st of February and one typing error: the error alone reads as American."""
    days = ["01/02/2024"] * 100 + ["01/13/2024"]
    text = "shop,item,day,sold\n" + "".join(f"A,i{k},{day},1\n" for k, day in enumerate(days))
    with pytest.raises(BadInput, match=r"'01/02/2024', which is 2024-02-01"):
        read(text)
    (sales,) = read(text, date_format="%d/%m/%Y")
    assert (sales.rows.height, _reasons(sales)) == (100, [(101, "unreadable_date")])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (
            b"shop,item,day\nA,milk,2024-01-01\n",
            r"no column \['sold'\]; it has \['shop', 'item', 'day'\].*shop.yaml",
        ),
        (
            b"shop,item,day,sold\nA,\xe4pfel,2024-01-01,1\n",
            r"byte 21 is 0xe4.*source\.files\.encoding",
        ),
        (b"shop,shop,day,sold\n", "two columns called"),
    ],
)
def test_a_file_that_is_not_what_params_say_is_one_clear_message(
    read, content: bytes, message: str
):
    with pytest.raises(BadInput, match=message):
        read(content)


def test_the_encoding_can_be_stated(read):
    (sales,) = read(
        "shop,item,day,sold\nA,äpfel,2024-01-01,1\n".encode("latin-1"), encoding="latin-1"
    )
    assert sales.rows["unique_id"].to_list() == ["A_äpfel"]


def test_a_header_alone_is_a_day_without_sales(read):
    (sales,) = read("shop,item,day,sold\n")
    assert (sales.rows_in, sales.rows.height, sales.series.height) == (0, 0, 0)


@pytest.mark.parametrize("keep_bytes", [0, 10, 400])
def test_a_truncated_parquet_is_refused_whole(tmp_path: Path, source_of, keep_bytes: int):
    path = tmp_path / "sales.parquet"
    pl.DataFrame(
        {"shop": ["A"], "item": ["b"], "day": [date(2024, 1, 1)], "sold": [1]}
    ).write_parquet(path)
    path.write_bytes(path.read_bytes()[:keep_bytes])
    with pytest.raises(BadInput, match="not a whole Parquet file"):
        read_file(path, source_of("files", tmp_path, **TINY))


def test_a_damaged_gzip_is_refused_whole(read):
    with pytest.raises(BadInput, match="cannot be unpacked"):
        read(b"\x1f\x8bnonsense", name="sales.csv.gz")


def test_parquet_types_are_taken_as_they_are(tmp_path: Path, source_of):
    path = tmp_path / "sales.parquet"
    moment = datetime(2024, 1, 1, 23, 30)
    pl.DataFrame(
        {"shop": [1, 2], "item": ["a", " b "], "day": [moment, None], "sold": [1.98, float("nan")]},
        schema_overrides={"sold": pl.Float32, "day": pl.Datetime("ns", "America/New_York")},
    ).write_parquet(path)
    (sales,) = read_file(path, source_of("files", tmp_path, **TINY))
    assert sales.rows.select("unique_id", "ds", "y").rows() == [
        ("1_a", pl.read_parquet(path)["day"][0].date(), 1.98)
    ]
    assert _reasons(sales) == [(2, "missing_value")]


def test_what_is_not_mapped_never_passes(read):
    (sales,) = read("shop,item,day,sold,customer\nA,milk,2024-02-29,3,Ada\nA,milk,bad,3,Grace\n")
    everything = sales.rows.write_csv() + sales.refused.write_csv() + sales.series.write_csv()
    assert "Ada" not in everything
    assert "Grace" not in everything


def test_a_personal_column_may_tell_duplicates_apart_and_still_never_passes(read):
    text = (
        "shop,item,day,sold,customer\n"
        "A,milk,2024-02-29,3,Ada\nA,milk,2024-02-29,3,Ada\nA,milk,2024-02-29,3,Grace\n"
    )
    (sales,) = read(
        text, transactions=True, deduplicate_on=["shop", "item", "day", "sold", "customer"]
    )
    assert sales.rows["y"].to_list() == [6.0]
    assert _reasons(sales) == [(2, "duplicate_line")]
    assert "Ada" not in sales.refused["raw"][0]


def test_prices_and_covariates_in_the_sales_file_become_facts_of_their_own(read):
    text = "shop,item,day,sold,price,deal,weather,visitors\n" + "".join(
        f"A,milk,2024-03-0{day},1,{price},{deal},{weather},{visitors}\n"
        for day, price, deal, weather, visitors in [
            (1, 2.5, 0, "sun", 9),
            (2, 2.5, 0, "rain", ""),
            (3, 2.0, 1, "", 8),
            (5, 2.0, 1, "sun", 7),
            (6, "x", 1, "sun", 7),
            (7, 2.0, 1, "hail", 7),
        ]
    )
    sales, prices, covariates = read(
        text,
        columns={**TINY["columns"], "price": "price", "promo": "deal"},
        known_future={"rain": {"column": "weather", "codes": {"sun": 0, "rain": 1}}},
        past_only={"visitors": "visitors"},
    )
    assert _reasons(sales) == [(5, "unreadable_number"), (6, "unknown_category")]
    assert PRICES.check_key(prices.rows).select(
        "from_ds", "to_ds", "price", "promo", "lines"
    ).rows() == [
        (date(2024, 3, 1), date(2024, 3, 1), 2.5, 0.0, 1),
        (date(2024, 3, 2), date(2024, 3, 2), 2.5, 0.0, 1),
        (date(2024, 3, 3), date(2024, 3, 3), 2.0, 1.0, 1),
        (date(2024, 3, 5), date(2024, 3, 5), 2.0, 1.0, 1),
    ]
    assert COVARIATES.check_key(covariates.rows).sort("name", "ds").select(
        "name", "value"
    ).rows() == [
        ("rain", 0.0),
        ("rain", 1.0),
        ("rain", 0.0),
        ("visitors", 9.0),
        ("visitors", 8.0),
        ("visitors", 7.0),
    ]
    assert all(
        fact.rows_in == fact.rows["lines"].sum() + fact.refused.height
        for fact in (sales, prices, covariates)
    )


def test_open_days_and_stock_outs_stand_on_the_sales_row(read):
    columns = {**TINY["columns"], "is_open": "open", "stockout_share": "hours_out"}
    text = (
        "shop,item,day,sold,open,hours_out\n"
        "A,b,2024-01-01,0,No,8\nA,b,2024-01-02,0,TRUE,\nA,b,2024-01-03,0,perhaps,0\n"
    )
    (sales,) = read(text, columns=columns, scale={"stockout_share": 0.0625})
    assert sales.rows.select("is_open", "stockout_share").rows() == [(False, 0.5), (True, None)]
    assert _reasons(sales) == [(3, "unreadable_flag")]


def test_on_one_day_a_series_stands_in_one_group_the_one_of_its_first_row(read):
    hierarchy = {"store_id": "shop", "region_id": "region"}
    (sales,) = read(
        "shop,item,day,sold,region\nA,b,2024-01-01,1,north\nA,b,2024-01-01,1,south\nA,b,2024-01-03,1,\n",
        hierarchy=hierarchy,
    )
    assert _reasons(sales) == [(2, "contradicting_hierarchy"), (3, "unplaced_series")]
    assert sales.series.rows() == [("A_b", "A", "north")]
    assert sales.notes == ()


@pytest.mark.parametrize("transactions", [False, True])
def test_a_series_that_moves_stands_where_its_newest_day_puts_it(read, transactions: bool):
    """Once every row after the move was refused, and no replay could free them. The order of the
    lines says nothing.
    """
    hierarchy = {"store_id": "shop", "region_id": "region"}
    text = (
        "shop,item,day,sold,region\n"
        "A,b,2024-01-03,1,south\nA,b,2024-01-01,1,north\nC,b,2024-01-01,1,north\n"
    )
    (sales,) = read(text, hierarchy=hierarchy, transactions=transactions)
    assert (sales.rows.height, _reasons(sales)) == (3, [])
    assert sales.series.rows() == [("A_b", "A", "south"), ("C_b", "C", "north")]
    assert [note.split(" stand")[0] for note in sales.notes] == ["series_moved: 1 series"]


def test_a_static_file_adds_levels_and_a_store_missing_there_is_refused(read, tmp_path: Path):
    (tmp_path / "stores.csv").write_text("shop,kind,manager\nA,big,Ada\n")
    hierarchy = {"store_id": "shop", "kind_id": "kind"}
    files = {"static": "stores.csv", "static_on": ["shop"], "hierarchy": hierarchy}
    text = "shop,item,day,sold\nA,b,2024-01-01,1\nC,b,2024-01-01,1\n"
    (sales,) = read(text, **files)
    assert sales.series.rows() == [("A_b", "A", "big")]
    assert _reasons(sales) == [(2, "unplaced_series")]
    (tmp_path / "stores.csv").write_text("shop,kind\nA,big\nA,small\n")
    with pytest.raises(BadInput, match="several rows"):
        read(text, **files)


def test_names_are_labels_of_levels_the_last_stated_and_never_a_reason_to_refuse(read, tmp_path):
    """From the sales and the static file; a blank says nothing, a rounded number is no id here."""
    (tmp_path / "stores.csv").write_text("shop,city\nA,Berlin\nC,\n")
    names = {"unique_id": "title", "store_id": "city"}
    text = (
        "shop,item,day,sold,title\n"
        "A,b,2024-01-02,1,Bread\nA,b,2024-01-01,1,Loaf\nA,b,2024-01-03,1,\n"
        f"C,b,2024-01-01,1,4E+12\nC,d,2024-01-01,1,{'x' * 300}\n"
    )
    (sales,) = read(text, static="stores.csv", static_on=["shop"], names=names)
    assert _reasons(sales) == []
    assert sales.series.columns == [
        "unique_id", "store_id", "name_of_unique_id", "name_of_store_id",
    ]  # fmt: skip
    assert sales.series.rows() == [
        ("A_b", "A", "Bread", "Berlin"),
        ("C_b", "C", "4E+12", None),
        ("C_d", "C", "x" * 200, None),
    ]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('="007"', "007"),
        ("a\u202egnp", "agnp"),
        ("\u200b", None),
        ("Br\x85ot", "Br ot"),
        ("\N{FAMILY}\u200d\N{BREAD}", "\N{FAMILY}\u200d\N{BREAD}"),
        ("שלום", "שלום"),
    ],
)
def test_a_name_is_what_is_seen_of_it(read, written: str, name: str | None):
    """A mark that turns what stands after it would turn the code, too."""
    (sales,) = read(
        f"shop,item,day,sold,city\nA,b,2024-01-01,1,{written}\n", names={"store_id": "city"}
    )
    assert sales.series["name_of_store_id"].to_list() == [name]


def test_a_group_has_one_name_the_last_stated_of_any_of_its_series(read):
    """A bread no longer sold does not keep its shop's old name; who moves takes no name along."""
    text = (
        "shop,dept,item,day,sold,city,section\n"
        "A,1,bread,2024-01-01,1,Berlin,Food\nA,2,tea,2024-01-02,1,Potsdam,Drinks\n"
        "A,1,milk,2024-01-01,1,Berlin,Food\nA,2,milk,2024-01-03,1,,\n"
    )
    names = {"store_id": "city", "dept_id": "section"}
    (sales,) = read(text, names=names, hierarchy={"store_id": "shop", "dept_id": "dept"})
    assert sales.series.select("unique_id", "name_of_store_id", "name_of_dept_id").rows() == [
        ("A_bread", "Potsdam", "Food"),
        ("A_milk", "Potsdam", "Drinks"),
        ("A_tea", "Potsdam", "Drinks"),
    ]


def test_a_file_without_its_column_of_names_is_taken_with_a_note(read):
    (sales,) = read("shop,item,day,sold\nA,b,2024-01-01,1\n", names={"store_id": "city"})
    assert (sales.rows.height, sales.series.rows()) == (1, [("A_b", "A")])
    assert [note.split(":")[0] for note in sales.notes] == ["names_missing"]


def test_a_part_without_the_column_of_names_and_one_with_two_of_them_are_taken(read):
    """A label is no reason to refuse: what says no name says none, the first column speaks."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("sales_1.csv", "shop,item,day,sold\nA,b,2024-01-01,1\n")
        text = "shop,item,day,sold,city,city\nA,b,2024-01-02,1,Berlin,Bonn\n"
        archive.writestr("sales_2.csv", text)
    (sales,) = read(content.getvalue(), name="sales.zip", names={"store_id": "city"})
    assert (sales.rows.height, sales.series.rows()) == (2, [("A_b", "A", "Berlin")])


def test_names_of_a_wide_table_and_of_invoice_lines_are_read(read):
    names = {"store_id": "city"}
    (wide,) = read("shop,item,city,2024-01-01,2024-01-02\nA,b,Berlin,1,2\n", names=names)
    lines = "shop,item,day,sold,city\nA,b,2024-01-01,1,\nA,b,2024-01-01,2,Berlin\n"
    (summed,) = read(lines, names=names, transactions=True)
    for sales, rows in ((wide, 2), (summed, 1)):
        assert (sales.rows.height, sales.series["name_of_store_id"].to_list()) == (rows, ["Berlin"])


INVOICES = """shop,item,day,sold,price
A,milk,2024-01-01 09:00,2,1.00
A,milk,2024-01-01 17:00,6,2.00
A,milk,2024-01-02 09:00,-3,1.00
A,milk,2024-01-02 10:00,5,1.00
A,POST,2024-01-02 10:00,1,9.00
"""


@pytest.mark.parametrize(
    ("returns", "y", "refused"),
    [
        ("refuse", [8.0, 5.0], [(3, "returned"), (5, "not_a_product")]),
        ("net", [8.0, 2.0], [(5, "not_a_product")]),
    ],
)
def test_invoice_lines_are_summed_to_days(read, returns: str, y: list[float], refused: list):
    """Worked example: 2 at 1.00 and 6 at 2.00 are 8 units at (2 + 12) / 8 = 1.75."""
    sales, prices = read(
        INVOICES,
        transactions=True,
        returns=returns,
        keep={"item": "^[a-z]+$"},
        columns={**TINY["columns"], "price": "price"},
    )
    assert sales.rows["y"].to_list() == y
    assert _reasons(sales) == refused
    assert prices.rows["price"].to_list() == [1.75, 1.0]
    assert sales.rows_in == sales.rows["lines"].sum() + sales.refused.height == 5


def test_a_calendar_and_a_price_file_of_their_own(read):
    mapping = {
        "calendar": "days*",
        "calendar_columns": {"ds": "day", "event": "feast", "is_closed": "shut"},
    }
    (calendar,) = read(
        "day,feast,shut\n2024-12-25,Christmas,yes\n2024-12-26,,no\n", name="days.csv", **mapping
    )
    assert calendar.rows.select("region", "ds", "event", "is_closed").rows() == [
        ("*", date(2024, 12, 25), "Christmas", True),
        ("*", date(2024, 12, 26), None, False),
    ]
    columns = {"unique_id": ["shop", "item"], "ds": "day", "price": "p"}
    text = "shop,item,day,p\nA,b,2024-01-01,2\nA,b,2024-01-02,2\nA,b,2024-01-03,x\n"
    (prices,) = read(text, name="prices.csv", prices="prices*", price_columns=columns)
    assert prices.rows.select("from_ds", "to_ds", "price").rows() == [
        (date(2024, 1, day), date(2024, 1, day), 2.0) for day in (1, 2)
    ]
    assert _reasons(prices) == [(3, "unreadable_number")]
    assert prices.rows_in == 3


def test_years_in_one_file_are_a_history_and_a_week_is_not(read):
    days = pl.date_range(date(2024, 1, 1), date(2024, 2, 10), eager=True).to_list()
    long, short = (
        "shop,item,day,sold\n" + "".join(f"A,b,{day},1\n" for day in days[:count])
        for count in (41, 7)
    )
    assert read(long)[0].is_history
    assert not read(short)[0].is_history


def test_a_contract_name_nobody_knows_and_a_missing_one_are_named(read):
    text = "shop,item,day,sold\n"
    with pytest.raises(BadInput, match="colour"):
        read(text, columns={**TINY["columns"], "colour": "shop"})
    with pytest.raises(BadInput, match=r"no column to \['y'\]"):
        read(text, columns={"unique_id": "shop", "ds": "day"})


def test_a_static_file_without_a_column_to_join_on_is_a_wrong_param(read, tmp_path: Path):
    (tmp_path / "stores.csv").write_text("shop,kind\nA,big\n")
    with pytest.raises(BadParams, match="static_on"):
        read("shop,item,day,sold\nA,b,2024-01-01,1\n", static="stores.csv")


def test_what_was_learned_later_is_not_merged_into_an_earlier_period(read):
    """Else the price of the 2nd would stand in a period known on the 1st."""
    columns = {**TINY["columns"], "price": "p", "known_at": "known"}
    text = "shop,item,day,sold,p,known\n" + "".join(
        f"A,b,2024-01-0{day},1,2,{known}\n"
        for day, known in [(1, "2024-01-01 06:00"), (2, "2024-01-02T06:00:00Z")]
    )
    _, prices = read(text, columns=columns)
    assert prices.rows.select("from_ds", "known_at").rows() == [
        (date(2024, 1, 1), datetime(2024, 1, 1, 6)),
        (date(2024, 1, 2), datetime(2024, 1, 2, 6)),
    ]


def test_one_file_as_the_source_needs_no_pattern(tmp_path: Path, source_of):
    path = tmp_path / "till-export.csv"
    path.write_text("shop,item,day,sold\nA,b,2024-01-01,1\n")
    (sales,) = read_file(path, source_of("files", path, **TINY))
    assert sales.rows.height == 1


def test_a_quote_that_is_never_closed_swallows_no_line(read):
    body = "\n".join(
        f"{quote}Best ham,A,{k},2024-01-01,1"
        for k, quote in enumerate(["", "", "", '"', "", "", "", "", ""])
    )
    with pytest.raises(
        BadInput,
        match="opens a quote in row 4 and does not close it there: its field holds 5 more lines",
    ):
        read(f"text,shop,item,day,sold\n{body}\n")
    for mixed in (
        '"ham,A,a,2024-01-01,1\n"egg",A,b,2024-01-01,2\n',
        'x,A,a,2024-01-01,"1\ny,A,b,2024-01-01,"2"\n',
    ):
        with pytest.raises(BadInput, match="opens a quote in row 1"):
            read(f"text,shop,item,day,sold\n{mixed}")
    (sales, *_) = read(
        'text,shop,item,day,sold\n"two\nlines, said",A,b,2024-01-01,1\nham,A,c,2024-01-01,2\n'
    )
    assert sales.rows["y"].to_list() == [1, 2]
