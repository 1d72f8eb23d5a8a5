"""Files of stock and of supply: what of them becomes which fact, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, BadParams
from contract.frames import OPEN_ORDERS, STOCK, SUPPLY
from contract.received import Received
from sources.finding import files_of
from sources.reading import read_file
from sources.supply_words import lead_days_in, order_days_in

MAPPING = {
    "sales": "till*",
    "columns": {"unique_id": ["shop", "sku"], "ds": "day", "y": "sold"},
    "hierarchy": {"store_id": "shop", "item_id": "sku", "supplier": "vendor"},
    "stock": "shelf*",
    "stock_columns": {
        "unique_id": ["shop", "sku"],
        "ds": "day",
        "on_hand": "left",
        "on_order": "coming",
        "due_ds": "eta",
    },
    "supply": "vendors*",
    "supply_columns": {"order_days": "days", "lead_days": "lead", "pack_size": "pack"},
    "supply_on": {"supplier": "vendor", "unique_id": ["shop", "sku"]},
}
DAY = date(2024, 3, 4)


@pytest.fixture
def read(tmp_path: Path, source_of) -> Callable[..., dict[str, Received]]:
    """Reads text as a file of this name; further arguments are lines of source.files over
    MAPPING.
    """

    def from_text(text: str, name: str = "shelf.csv", **files: object) -> dict[str, Received]:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        source = source_of("files", tmp_path, **{**MAPPING, **files})
        facts = {fact.fact: fact for fact in read_file(path, source)}
        for fact in facts.values():
            assert fact.rows_in == fact.rows["lines"].sum() + fact.refused.height
        return facts

    return from_text


def test_a_line_of_stock_says_what_is_in_hand_and_what_is_coming(read):
    facts = read(
        "shop,sku,day,left,coming,eta\n"
        'N,milk,04.03.2024,"1.234,5",,\n'
        'N,rice,04.03.2024,"-2,0",12,06.03.2024\n'
        'N,rice,04.03.2024,"-2,0",24,13.03.2024\n'
    )
    stock = STOCK.check_key(facts["stock"].rows)
    assert stock.select("unique_id", "ds", "on_hand", "lines").rows() == [
        ("N_milk", DAY, 1234.5, 1),
        ("N_rice", DAY, -2.0, 2),
    ]
    orders = OPEN_ORDERS.check_key(facts["open_orders"].rows).sort("unique_id", "due_ds")
    assert orders.select("unique_id", "ds", "due_ds", "on_order").rows() == [
        ("N_milk", DAY, DAY, 0.0),  # the file has the columns: none is open
        ("N_rice", DAY, date(2024, 3, 6), 12.0),
        ("N_rice", DAY, date(2024, 3, 13), 24.0),
    ]


def test_a_file_may_bring_either_half_and_then_says_nothing_of_the_other(read):
    assert set(read("shop,sku,day,left\nN,milk,2024-03-04,3\n")) == {"stock"}
    facts = read("shop,sku,day,coming,eta\nN,milk,2024-03-04,3,2024-03-05\nN,rice,someday,1,\n")
    assert set(facts) == {"open_orders"}
    assert facts["open_orders"].refused["reason"].to_list() == ["unreadable_date"]


def test_a_line_that_cannot_be_read_is_refused_once(read):
    facts = read("shop,sku,day,left,coming,eta\nN,milk,2024-03-04,3,,\nN,rice,2024-03-04,few,,\n")
    assert facts["stock"].refused["reason"].to_list() == ["unreadable_number"]
    assert facts["open_orders"].refused.is_empty()
    assert "'few'" in facts["stock"].unread.why


def test_of_several_lines_one_may_leave_the_stock_to_the_others(read):
    facts = read(
        "shop,sku,day,left,coming,eta\n"
        "N,milk,2024-03-04,3,,\n"
        "N,milk,2024-03-04,,6,2024-03-05\n"
        "N,rice,2024-03-04,,,\n"
    )
    rows = facts["stock"].rows.select("unique_id", "on_hand", "row_number").rows()
    assert rows == [("N_milk", 3.0, 1), ("N_rice", None, 3)]  # the second has none: for a rule
    orders = facts["open_orders"].rows.select("unique_id", "on_order", "row_number").rows()
    assert sorted(orders) == [("N_milk", 6.0, 2), ("N_rice", 0.0, 3)]


def test_without_a_column_of_days_the_day_stands_in_the_files_name(read):
    own = {"unique_id": ["shop", "sku"], "on_hand": "left"}
    text = "shop,sku,left\nN,milk,3\n"
    facts = read(text, name="shelf_2024-03-04.csv", stock_columns=own)
    assert facts["stock"].rows["ds"].to_list() == [DAY]
    german = {"stock_columns": own, "date_format": "%d.%m.%Y"}
    facts = read(text, name="Shelf 04.03.2024.csv", **german)
    assert facts["stock"].rows["ds"].to_list() == [DAY]
    with pytest.raises(BadInput, match=r"no day in its name.*stock_columns"):
        read(text, name="shelf_new.csv", stock_columns=own)


def test_a_mapping_without_a_needed_column_names_it(read):
    with pytest.raises(BadInput, match=r"no column \['sku'\].*source\.files\.stock_columns"):
        read("shop,day,left\nN,2024-03-04,3\n")
    with pytest.raises(BadInput, match=r"no column \['left'\].*source\.files\.stock_columns"):
        read("shop,sku,day\nN,milk,2024-03-04\n")
    with pytest.raises(BadInput, match=r"no column \['eta'\]"):
        read("shop,sku,day,left,coming\nN,milk,2024-03-04,3,4\n")
    with pytest.raises(BadParams, match=r"on_order.*needs both"):
        columns = {"unique_id": "sku", "ds": "day", "on_hand": "left", "on_order": "coming"}
        read("sku,day,left,coming\nmilk,2024-03-04,3,4\n", stock_columns=columns)


def test_years_of_stock_without_a_moment_are_a_history(read):
    lines = [f"N,milk,2024-{month:02d}-01,3\n" for month in range(1, 7)]
    assert read("shop,sku,day,left\n" + "".join(lines))["stock"].is_history
    assert not read("shop,sku,day,left\n" + lines[0])["stock"].is_history


def test_a_row_of_supply_holds_for_the_series_that_have_its_values(read):
    facts = read(
        "vendor,shop,sku,days,lead,pack\n"
        "Dairy & Co,,,Mon-Sat,1,\n"
        '"Mill ""B""",*,*,"Mo, Do","2:80% 3:20%",6\n'
        ",N,rice,,,12\n"
        ",,,daily,3 Tage,\n",
        name="vendors.csv",
    )
    rows = SUPPLY.check_key(facts["supply"].rows)
    assert rows.select("scope", "order_days", "lead_days", "pack_size").rows() == [
        ('{"supplier":"Dairy & Co"}', "1 2 3 4 5 6", "1", None),
        ('{"supplier":"Mill \\"B\\""}', "1 4", "2:0.8 3:0.2", 6.0),
        ('{"unique_id":"N_rice"}', None, None, 12.0),
        ("{}", "1 2 3 4 5 6 7", "3", None),
    ]


def test_a_row_of_supply_that_cannot_be_read_has_its_reason(read):
    facts = read(
        "vendor,shop,sku,days,lead,pack\n"
        "A,,,Someday,1,\n"
        "B,,,0 8,1,\n"
        "C,,,,a week,\n"
        "D,N,,,2,\n"
        "E,,,,2,a dozen\n"
        "F,,,,2,6\n",
        name="vendors.csv",
    )
    refused = facts["supply"].refused.sort("row_number")["reason"].to_list()
    assert refused == [
        "unreadable_order_days",
        "unreadable_order_days",
        "unreadable_lead_days",
        "half_named",
        "unreadable_number",
    ]
    assert facts["supply"].rows["scope"].to_list() == ['{"supplier":"F"}']


def test_supply_says_when_it_was_known_and_a_share_may_be_a_per_cent(read):
    own = {"target_service": "service", "known_at": "since", "first_order": "from"}
    facts = read(
        "vendor,shop,sku,service,since,from\nA,,,95%,2024-03-01T08:00:00,2024-03-05\n",
        name="vendors.csv",
        supply_columns=own,
    )
    row = facts["supply"].rows.row(0, named=True)
    assert row["target_service"] == pytest.approx(0.95)
    assert row["known_at"] == datetime(2024, 3, 1, 8)
    assert row["first_order"] == date(2024, 3, 5)


def test_stock_and_supply_come_after_the_sales_that_make_series_known(tmp_path: Path, source_of):
    for name in ("shelf_1.csv", "till_2.csv", "vendors.csv"):
        (tmp_path / name).write_text("a\n")
    source = source_of("files", tmp_path, **MAPPING)
    assert [path.name for path in files_of(source)] == ["till_2.csv", "vendors.csv", "shelf_1.csv"]


def test_a_pattern_of_sales_that_fits_all_leaves_stock_to_its_own(tmp_path: Path, source_of):
    for name in ("shelf_1.csv", "till_2.csv"):
        (tmp_path / name).write_text("a\n")
    source = source_of("files", tmp_path, **{**MAPPING, "sales": "*.csv"})
    assert [path.name for path in files_of(source)] == ["till_2.csv", "shelf_1.csv"]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1 4", "1 4"),
        ("4,1", "1 4"),
        ("Mon Thu", "1 4"),
        ("Mo., Do.", "1 4"),
        ("lundi/jeudi", "1 4"),
        ("segunda-feira", "1"),
        ("Fri - Mon", "1 5 6 7"),
        ("1-5", "1 2 3 4 5"),
        ("täglich", "1 2 3 4 5 6 7"),
        ("0", None),
        ("14", None),
        ("Mon, Holiday", None),
        ("-", None),
        ("Mo und Do", "1 4"),
        ("Mon, Tue and Fri", "1 2 5"),
        ("lundi et jeudi", "1 4"),
        ("Mo bis Fr", "1 2 3 4 5"),
        ("lundi au vendredi", "1 2 3 4 5"),
        ("Mon to Wed, Sat", "1 2 3 6"),
        ("Dienstags", "2"),
        ("Tuesdays and Fridays", "2 5"),
        ("tägl.", "1 2 3 4 5 6 7"),
        ("and", None),
        ("Mo bis", None),
        ("to Fr", None),
        ("never", None),
    ],
)
def test_order_days_are_read_in_the_words_of_people(text: str, days: str | None):
    assert order_days_in(text) == days


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2", "2"),
        ("02", "2"),
        ("2.0", "2"),
        ("2 days", "2"),
        ("2 T", "2"),
        ("-1", "-1"),  # for a rule
        ("2:0.8 3:0.2", "2:0.8 3:0.2"),
        ("3:20%; 2:80%", "2:0.8 3:0.2"),
        ("2:0,8 3:0,2", "2:0.8 3:0.2"),
        ("2:.5,3:.5", "2:0.5 3:0.5"),
        ("2 weeks", None),
        ("2.5", None),
        ("2-3", None),
        ("2:0.8 or 3:0.2", None),
        ("99999999999999999999", None),
    ],
)
def test_lead_times_are_read_in_the_words_of_people(text: str, days: str | None):
    assert lead_days_in(text) == days


def test_the_frames_of_stock_and_supply_are_the_ones_read(read):
    facts = read("shop,sku,day,left,coming,eta\nN,milk,2024-03-04,3,,\n")
    for contract in (STOCK, OPEN_ORDERS):
        assert facts[contract.name].rows.drop("row_number", "lines").schema == pl.Schema(
            contract.schema
        )
