"""What a draft finds in files nobody has described: by evidence first, by names second, and never
by a guess.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from contract.errors import BadInput
from sources.draft.findings import Draft
from sources.draft.mapping import find_mapping

FIRST = date(2024, 1, 1)
Row = Callable[[date, int], str]


@pytest.fixture
def drafted(tmp_path: Path) -> Callable[..., Draft]:
    """The draft of one CSV: its header, and one line per day and item, written by `row`."""

    def draft(head: str, row: Row, items: int = 3, days: int = 60, **choices: str) -> Draft:
        lines = [row(FIRST + timedelta(days=k), i) for k in range(days) for i in range(items)]
        path = tmp_path / "sales.csv"
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return find_mapping([path], choices)

    return draft


def columns(draft: Draft) -> dict[str, object]:
    return draft.values["source"]["files"]["columns"]


def questions(draft: Draft) -> dict[str, tuple[str, ...]]:
    return {doubt.setting: doubt.choices for doubt in draft.needs_a_person}


def units(ds: date, item: int) -> int:
    return (ds.toordinal() * 7 + item * 3) % 11


def test_roles_are_found_by_what_fields_hold_and_what_names_say(drafted):
    draft = drafted(
        "Datum;Filiale;Artikel;Menge;VK-Preis;Aktion;Umsatz",
        lambda ds, i: (
            f"{ds:%d.%m.%Y};F{i % 2};A{i};{units(ds, i)};{i + 1},{ds.day % 9}5;"
            f"{'ja' if ds.day < 5 else 'nein'};1.234,5{i}"
        ),
    )
    assert columns(draft) == {
        "unique_id": ["Artikel", "Filiale"],
        "ds": "Datum",
        "y": "Menge",
        "price": "VK-Preis",
        "promo": "Aktion",
    }
    assert questions(draft) == {}
    assert draft.unused["Umsatz"] == "money, and not units"


def test_every_line_carries_its_evidence_with_examples(drafted):
    draft = drafted("date,item,qty", lambda ds, i: f"{ds},A{i},{units(ds, i)}")
    whys = {line.place[-1]: line.why for line in draft.lines}
    assert "100.0% read as days: '2024-01-01', '2024-01-02', '2024-01-03'" in whys["ds"]
    assert "100% whole" in whys["y"]
    assert "one row each a day" in whys["unique_id"]


def test_names_nobody_knows_are_found_by_evidence_alone(drafted):
    draft = drafted("aaa,bbb,ccc", lambda ds, i: f"{ds},thing {i},{units(ds, i)}.5")
    assert columns(draft) == {"unique_id": ["bbb"], "ds": "aaa", "y": "ccc"}


def test_the_smallest_key_of_a_day_is_the_series(drafted):
    draft = drafted(
        "date,store,style,size,qty",
        lambda ds, i: f"{ds},S{i // 4},T{i // 2 % 2},{'SM'[i % 2]},{units(ds, i)}",
        items=8,
    )
    assert columns(draft)["unique_id"] == ["store", "style", "size"]


def test_receipts_make_lines_and_no_series(drafted):
    draft = drafted(
        "date,receipt_no,sku,qty",
        lambda ds, i: f"{ds},{ds.toordinal() * 100 + i},A{i % 2},{1 + i % 3}",
        items=9,
    )
    assert draft.values["source"]["files"]["transactions"] is True
    assert columns(draft)["unique_id"] == ["sku"]


def test_a_file_exported_twice_is_a_question_and_not_lines(drafted):
    draft = drafted("date,item,qty", lambda ds, i: f"{ds},A{i // 2},{units(ds, i // 2)}", items=6)
    assert questions(draft) == {"transactions": ("true", "false")}


def test_a_column_of_one_value_per_series_is_a_level_and_a_twin_of_the_item_a_name(drafted):
    draft = drafted(
        "date,item,item_name,category,qty",
        lambda ds, i: f"{ds},{100 + i},Bread no. {i},{'Food' if i < 2 else 'Home'},{units(ds, i)}",
        items=4,
    )
    assert draft.values["source"]["files"]["hierarchy"] == {"cat_id": "category", "item_id": "item"}
    assert draft.values["source"]["levels"] == [[], ["cat_id"]]
    assert draft.values["source"]["files"]["names"] == {"item_id": "item_name"}


def test_what_departments_are_called_is_no_level_beside_their_numbers(drafted):
    draft = drafted(
        "date,item,dept,dept_name,qty",
        lambda ds, i: f"{ds},A{i},{10 + i % 3},{('Bread', 'Fruit', 'Milk')[i % 3]},{units(ds, i)}",
        items=9,
    )
    files = draft.values["source"]["files"]
    assert files["hierarchy"] == {"dept_id": "dept", "item_id": "item"}
    assert files["names"] == {"dept_id": "dept_name"}


def test_two_articles_called_alike_are_names_and_no_level(drafted):
    draft = drafted(
        "date,item,product_name,qty",
        lambda ds, i: f"{ds},{100 + i},Bread no. {max(i, 1)},{units(ds, i)}",
        items=20,
    )
    files = draft.values["source"]["files"]
    assert (files["hierarchy"], files["names"]) == (
        {"item_id": "item"},
        {"item_id": "product_name"},
    )


@pytest.mark.parametrize("head", ["Filialleiter", "manager_name", "store_manager", "owner"])
def test_who_runs_a_store_is_not_what_it_is_called(drafted, head: str):
    draft = drafted(
        f"date,store,{head},city,qty",
        lambda ds, i: f"{ds},S{i},Kim Doe {i},Town {i},{units(ds, i)}",
    )
    assert draft.values["source"]["files"]["names"] == {"store_id": "city"}
    assert draft.unused[head].startswith("personal")


def test_two_columns_of_units_are_a_question(drafted):
    draft = drafted(
        "date,item,qty_ordered,qty_shipped", lambda ds, i: f"{ds},A{i},{units(ds, i)},{i}"
    )
    assert questions(draft) == {"y": ("qty_ordered", "qty_shipped")}


def test_what_a_person_decides_is_taken(drafted):
    draft = drafted(
        "date,item,qty_ordered,qty_shipped",
        lambda ds, i: f"{ds},A{i},{units(ds, i)},{i}",
        y="qty_shipped",
    )
    assert columns(draft)["y"] == "qty_shipped"
    assert questions(draft) == {}


def test_a_decision_for_a_column_that_is_not_there_is_refused(drafted):
    with pytest.raises(BadInput, match=r"no column \['nonsense'\]"):
        drafted("date,item,qty", lambda ds, i: f"{ds},A{i},{i}", y="nonsense")


def test_days_that_can_be_read_in_two_ways_are_a_question_with_both(drafted):
    row: Row = lambda ds, i: f"{ds.day % 12 + 1:02d}/{ds.month:02d}/2024,A{i},{units(ds, i)}"  # noqa: E731
    draft = drafted("date,item,qty", row, days=90)
    assert set(questions(draft)["date_format"]) == {"%d/%m/%Y", "%m/%d/%Y"}
    decided = drafted("date,item,qty", row, days=90, date_format="%d/%m/%Y")
    assert questions(decided) == {}
    assert decided.values["source"]["files"]["date_format"] == "%d/%m/%Y"


def test_moments_in_utc_are_a_question_of_the_stores_time_zone(drafted):
    row: Row = lambda ds, i: f"{ds}T{9 + i}:30:00Z,A{i},{units(ds, i)}"  # noqa: E731
    assert list(questions(drafted("sold_at,item,qty", row))) == ["time_zone"]
    assert questions(drafted("sold_at,item,qty", row, time_zone="Europe/Berlin")) == {}


def test_a_column_that_says_closed_is_opening_turned_around(drafted):
    draft = drafted("date,item,qty,closed", lambda ds, i: f"{ds},A{i},{i},{int(ds.day == 1)}")
    assert columns(draft)["is_open"] == {"column": "closed", "codes": {"1": 0.0, "0": 1.0}}


def test_names_with_numbers_are_names(drafted):
    head = ",".join(["date", "item", "qty", *(f"c{k}" for k in range(40))])
    draft = drafted(head, lambda ds, i: f"{ds},A{i},{units(ds, i)}" + f",{i}" * 40)
    assert columns(draft)["y"] == "qty"


def test_a_number_on_every_row_is_no_promotion(drafted):
    draft = drafted(
        "date,item,qty,discount", lambda ds, i: f"{ds},A{i},{units(ds, i)},0.{1 + ds.day % 9}"
    )
    assert "promo" not in columns(draft)


def test_codes_of_a_known_future_text_are_those_of_all_its_rows(drafted):
    draft = drafted(
        "date,item,qty,state_holiday",
        lambda ds, i: f"{ds},A{i},{units(ds, i)},{'a' if ds.day == 1 and i == 2 else '0'}",
    )
    origin = draft.values["source"]["files"]["known_future"]["state_holiday"]
    assert origin == {"column": "state_holiday", "codes": {"0": 0, "a": 1}}


def test_numbers_that_can_be_read_in_two_ways_are_a_question(drafted):
    draft = drafted("date;item;qty", lambda ds, i: f"{ds};A{i};{1 + units(ds, i)}.234")
    assert questions(draft) == {"decimal": (",", ".")}


def test_columns_about_persons_are_never_mapped_and_said_so(drafted):
    draft = drafted(
        "date,item,qty,contact,customer_id",
        lambda ds, i: f"{ds},A{i},{units(ds, i)},c{i}@example.com,{i}",
    )
    assert columns(draft) == {"unique_id": ["item"], "ds": "date", "y": "qty"}
    assert "e-mail" in draft.unused["contact"]
    assert "never mapped" in draft.unused["customer_id"]
    assert draft.values["source"]["files"]["hierarchy"] == {"item_id": "item"}


def test_no_sentence_shows_what_stands_in_a_column_about_persons(drafted, tmp_path):
    with pytest.raises(BadInput, match="no file of sales") as refused:
        drafted("email,item,note", lambda ds, i: f"c{i}@example.com,1,hello")
    assert "example.com" not in str(refused.value)
    draft = drafted(
        "date,item,qty,email",
        lambda ds, i: f"{'Total' if ds == FIRST else ds},A{i},{units(ds, i)},c{i}@example.com",
    )
    assert "'Total' in its place" in draft.notes[0]
    said = [*draft.notes, *draft.unused.values(), *(line.why for line in draft.lines)]
    assert "example.com" not in " ".join(said)


def test_an_unknown_number_is_left_out_and_a_holiday_known_ahead(drafted):
    draft = drafted(
        "date,item,qty,school_holiday,visitors,margin",
        lambda ds, i: f"{ds},A{i},{units(ds, i)},{int(ds.day < 4)},{ds.day * 9},{ds.day}.5",
    )
    files = draft.values["source"]["files"]
    assert files["known_future"] == {"school_holiday": "school_holiday"}
    assert files["past_only"] == {"visitors": "visitors"}
    assert "margin" in draft.unused


def test_a_column_that_says_the_same_on_every_row_has_no_role(drafted):
    draft = drafted("date,item,qty,is_open", lambda ds, i: f"{ds},A{i},{units(ds, i)},1")
    assert columns(draft) == {"unique_id": ["item"], "ds": "date", "y": "qty"}
    assert draft.unused["is_open"] == "says '1' on every row"


def test_the_only_store_is_part_of_a_series_as_a_second_may_open(drafted):
    draft = drafted("date,store,item,qty", lambda ds, i: f"{ds},S1,A{i},{units(ds, i)}")
    assert columns(draft)["unique_id"] == ["item", "store"]
    assert draft.values["source"]["levels"] == [[]]


def test_weekdays_before_a_day_do_not_make_it_another(drafted):
    draft = drafted("date,item,qty", lambda ds, i: f"{ds:%a %d.%m.%Y},A{i},{units(ds, i)}")
    assert "transactions" not in draft.values["source"]["files"]


def test_files_that_share_their_days_are_a_question_and_no_lines(tmp_path):
    for name, more in (("sales.csv", 0), ("sales (1).csv", 1)):
        rows = [
            f"{FIRST + timedelta(days=k)},A{i},{k % 5 + more}" for k in range(40) for i in (1, 2)
        ]
        (tmp_path / name).write_text("\n".join(["date,item,qty", *rows]), encoding="utf-8")
    draft = find_mapping([tmp_path], {})
    assert questions(draft) == {"transactions": ("true", "false")}
    assert draft.values["source"]["files"]["sales"] == "sales*"
    assert questions(find_mapping([tmp_path], {"transactions": "true"})) == {}


def test_without_an_item_or_a_store_somebody_must_name_one(drafted):
    draft = drafted("date,total_sales", lambda ds, i: f"{ds},{units(ds, i)}.5", items=1)
    assert list(questions(draft)) == ["unique_id"]


def test_weeks_and_three_days_are_no_history_of_days(drafted):
    weeks = drafted(
        "week,item,qty",
        lambda ds, i: f"{FIRST + 7 * (ds - FIRST)},A{i},{units(ds, i)}",
    )
    assert "weeks" in weeks.obstacles[0]
    short = drafted("date,item,qty", lambda ds, i: f"{ds},A{i},{i}", days=3)
    assert "28 are needed" in short.obstacles[0]


def test_a_short_history_gets_a_horizon_it_can_be_tested_on(drafted):
    draft = drafted("date,item,qty", lambda ds, i: f"{ds},A{i},{units(ds, i)}", days=90)
    train = draft.values["train"]
    assert (train["horizon"], train["blocks"]) == (14, [7, 14])
    assert train["min_rows_in_leaf"] < 100
    assert draft.values["evaluate"] == {"step_days": 7}
    enough = drafted("date,item,qty", lambda ds, i: f"{ds},A{i},{units(ds, i)}", items=50, days=400)
    assert "train" not in enough.values


def test_a_table_without_rows_and_one_of_texts_are_refused(drafted, tmp_path):
    with pytest.raises(BadInput, match="no rows below"):
        drafted("date,item,qty", lambda ds, i: "", items=0)
    with pytest.raises(BadInput, match="no file of sales"):
        drafted("1a,2b", lambda ds, i: "hello,world")


def test_a_folder_is_sorted_into_sales_plans_static_and_the_rest(tmp_path):
    def write(name: str, head: str, rows: list[str]) -> None:
        (tmp_path / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")

    days = [FIRST + timedelta(days=k) for k in range(95)]
    sold = [f"{ds},{i},{units(ds, i)},{int(ds.day < 4)}" for ds in days[:60] for i in (1, 2, 3)]
    plan = [f"{ds},{i},{int(ds.day < 4)}" for ds in days[60:] for i in (1, 2, 3)]
    write("sales_2024-01.csv", "date,item,qty,promo", sold[:90])
    write("sales_2024-02.csv", "date,item,qty,promo", sold[90:])
    write("plan.csv", "date,item,promo", plan)
    write("items.csv", "item,category", ["1,Food", "2,Food", "3,Home"])
    write("holidays.csv", "date,event", ["2024-01-01,New Year", "2024-03-29,Good Friday"])
    (tmp_path / "notes.pdf").write_bytes(b"%PDF-1.7")
    draft = find_mapping([tmp_path], {})
    files = draft.values["source"]["files"]
    assert (files["sales"], files["plans"]) == ("sales*", "plan*")
    assert (files["static"], files["static_on"]) == ("items*", ["item"])
    assert files["hierarchy"] == {"item_id": "item", "cat_id": "category"}
    assert files["calendar_columns"] == {"ds": "date", "event": "event"}
    assert "PDF" in draft.unused["notes.pdf"]


def test_a_plan_of_what_the_sales_do_not_name_is_not_used_and_said_so(tmp_path):
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(60)]
    rows = [f"{day},i{item}," for day in days for item in range(4)]
    units = "".join(f"{row}{number % 7 + 1}\n" for number, row in enumerate(rows))
    (tmp_path / "sales.csv").write_text(f"date,item,units\n{units}")
    promo = "".join(f"{row}{number % 5 // 4}\n" for number, row in enumerate(rows))
    (tmp_path / "promo_plan.csv").write_text(f"date,item,promo\n{promo}")
    draft = find_mapping([tmp_path], {})
    assert "plans" not in draft.values["source"]["files"]
    assert "'promo_plan.csv' looks like plans, but the sales have none" in " ".join(draft.notes)


def test_what_folders_say_of_their_rows_is_a_column(tmp_path):
    for k in range(40):
        part = tmp_path / f"day={FIRST + timedelta(days=k)}" / "part-0.csv"
        part.parent.mkdir()
        part.write_text(f"item,qty\nA,{k % 5}\nB,{k % 3}\n", encoding="utf-8")
    draft = find_mapping([tmp_path], {})
    assert columns(draft) == {"unique_id": ["item"], "ds": "day", "y": "qty"}
    assert draft.values["source"]["files"]["sales"] == "day=*"


def test_prices_in_a_file_of_their_own_are_mapped_and_dated_as_the_sales_prove(tmp_path):
    def write(name: str, head: str, rows: list[str]) -> None:
        (tmp_path / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")

    days = [FIRST + timedelta(days=k) for k in range(60)]
    sold = [f"{ds:%d/%m/%Y};{i};{units(ds, i)}" for ds in days for i in (1, 2)]
    write("verkauf.csv", "Datum;Artikel;Menge", sold)
    prices = [f"{i};01/0{m}/2024;0{m + 6}/0{m}/2024;{i + m},50" for i in (1, 2) for m in (1, 2, 3)]
    write("preise.csv", "Artikel;gültig ab;gültig bis;Preis", prices)
    files = find_mapping([tmp_path], {}).values["source"]["files"]
    assert files["prices"] == "preise*"
    assert files["price_columns"] == {
        "unique_id": "Artikel",
        "from_ds": "gültig ab",
        "to_ds": "gültig bis",
        "price": "Preis",
    }
    assert files["date_format"] == "%d/%m/%Y"


def test_a_pattern_fits_tomorrows_file_and_no_other(tmp_path):
    text = "date,item,qty\n" + "".join(
        f"{FIRST + timedelta(days=k)},A{i},{i + k}\n" for k in range(60) for i in range(2)
    )
    for name in ("umsatz_2024-01.csv", "umsatz_2024-02.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "umsatzplan.csv").write_text("date,hello\n2024-01-01,x\n", encoding="utf-8")
    draft = find_mapping([tmp_path], {})
    assert draft.values["source"]["files"]["sales"] == "umsatz_*"


def test_stock_and_supply_beside_the_sales_are_mapped(tmp_path: Path):
    """By what their columns hold and say; both are of other ids than prices and plans are."""
    days = [FIRST + timedelta(days=k) for k in range(60)]
    keys = [(s, i) for s in (1, 2) for i in range(9)]
    sales = [f"{ds:%d.%m.%Y};F{s};A{i};{units(ds, i + s)}" for ds in days for s, i in keys]
    stock = [f"F{s};A{i};{i + s};{i or ''};{'01.03.2024' if i else ''}" for s, i in keys]
    files = {
        "verkauf.csv": ["Datum;Filiale;Artikel;Menge", *sales],
        "bestand_2024-02-28.csv": ["Filiale;Artikel;Bestand;Bestellt;Liefertermin", *stock],
        "bestand_2024-02-29.csv": ["Filiale;Artikel;Bestand;Bestellt;Liefertermin", *stock[::-1]],
        "lieferanten.csv": [
            "Filiale;Artikel;Bestelltage;Lieferzeit;Gebinde;EK-Preis",
            ";;Mo Do;2;1;",
            *(f";A{i};;;{i + 2};0,{i + 1}5" for i in range(9)),
        ],
    }
    for name, lines in files.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft = find_mapping([tmp_path], {})
    mapped = draft.values["source"]["files"]
    assert mapped["sales"] == "verkauf*"
    assert mapped["stock"] == "bestand*"
    assert mapped["stock_columns"] == {
        "unique_id": ["Artikel", "Filiale"],
        "on_hand": "Bestand",
        "on_order": "Bestellt",
        "due_ds": "Liefertermin",
    }
    assert mapped["supply"] == "lieferanten*"
    assert mapped["supply_columns"] == {
        "order_days": "Bestelltage",
        "lead_days": "Lieferzeit",
        "pack_size": "Gebinde",
        "unit_cost": "EK-Preis",
    }
    assert mapped["supply_on"] == {"store_id": "Filiale", "item_id": "Artikel"}
    assert not draft.notes


def test_sales_with_a_column_of_stock_stay_sales(drafted):
    draft = drafted(
        "date,item,stock,units", lambda ds, i: f"{ds},A{i},{units(ds, i) + 3},{units(ds, i)}"
    )
    assert columns(draft) == {"unique_id": ["item"], "ds": "date", "y": "units"}


def test_stock_that_finds_no_series_is_said(tmp_path: Path):
    lines = [
        f"{FIRST + timedelta(days=k)},S{s},A{i},{i + k % 3}"
        for k in range(60)
        for s in (1, 2)
        for i in (1, 2)
    ]
    (tmp_path / "sales.csv").write_text("date,store,item,units\n" + "\n".join(lines) + "\n")
    (tmp_path / "warehouse.csv").write_text("date,item,on_hand\n2024-02-29,A1,3\n2024-02-29,A2,4\n")
    draft = find_mapping([tmp_path], {})
    assert "stock" not in draft.values["source"]["files"]
    (note,) = draft.notes
    assert note.startswith("not_used: 'warehouse.csv' looks like stock, but it lacks one of")
