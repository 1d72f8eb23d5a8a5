"""Stock and supply, end to end: files of a shop's own into the store, as of any moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.params import Params
from contract.params_file import load_laid
from ingest import ingest
from ordering.scopes import supply_of
from queries.trace import touched_by
from runtime.paths import Paths
from stages.fill import fill
from stages.rebuild import rebuild
from stages.replay import Refused, replay
from stages.store_name import store_name
from storage.batches import read_batches
from storage.panel import read_panel
from storage.quarantine import read_quarantine
from storage.series import read_series
from storage.store import open_store
from storage.supply import read_open_orders, read_stock, read_supply

FILES = {
    "sales": "till*",
    "columns": {"unique_id": ["shop", "sku"], "ds": "day", "y": "sold"},
    "hierarchy": {"store_id": "shop", "item_id": "sku"},
    "stock": "shelf*",
    "stock_columns": {
        "unique_id": ["shop", "sku"],
        "ds": "day",
        "on_hand": "left",
        "on_order": "coming",
        "due_ds": "eta",
    },
    "supply": "vendors*",
    "supply_columns": {"lead_days": "lead", "pack_size": "pack"},
    "supply_on": {"store_id": "shop", "item_id": "sku"},
}
SHELF, VENDORS = "shop,sku,day,left,coming,eta", "shop,sku,lead,pack"


def moment(day: int) -> datetime:
    return datetime(2024, 3, day, 7)


@pytest.fixture
def own(shop_of_files: Callable[[dict], Params]) -> Params:
    """Two items in two shops."""
    return shop_of_files(FILES)


@pytest.fixture
def shop(own: Params, paths: Paths) -> Params:
    """The params of a store that knows four series by one day's sales."""
    lines = [f"{store},{item},2024-03-01,3" for store in "NS" for item in ("milk", "rice")]
    drop(paths, "till_1.csv", "shop,sku,day,sold", *lines)
    ingest(own, paths, now=moment(2))
    return own


def drop(paths: Paths, name: str, *lines: str) -> Path:
    path = paths.inbox / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def take(shop: Params, paths: Paths, day: int, name: str, *lines: str) -> dict:
    drop(paths, name, *lines)
    return ingest(shop, paths, now=moment(day))


def on_hand(paths: Paths, as_of: datetime | None = None) -> dict[str, float]:
    with open_store(paths.store) as con:
        return dict(read_stock(con, as_of).select("unique_id", "on_hand").rows())


def leads(paths: Paths, as_of: datetime | None = None) -> dict[str, str]:
    with open_store(paths.store) as con:
        terms = supply_of(read_supply(con, as_of), read_series(con)).terms
    return dict(terms.select("unique_id", "lead_days").rows())


def test_stock_is_taken_with_reasons_for_what_is_not(shop: Params, paths: Paths) -> None:
    summary = take(
        shop,
        paths,
        3,
        "shelf_1.csv",
        SHELF,
        "N,milk,2024-03-02,4,12,2024-03-05",
        "N,rice,2024-03-02,-1,,",
        "S,milk,2024-03-02,5,,",
        "S,milk,2024-03-02,6,,",
        "S,rice,2024-03-02,5,6,2024-03-01",
        "S,soap,2024-03-02,5,,",
    )
    assert summary["accepted"] == 1
    assert on_hand(paths) == {"N_milk": 4, "N_rice": -1, "S_rice": 5}
    with open_store(paths.store) as con:
        orders = read_open_orders(con)
        refused = read_quarantine(con).select("row_number", "reason").sort("row_number").rows()
        ledger = read_batches(con).filter(pl.col("fact") != "sales")
    assert orders.select("unique_id", "due_ds", "on_order").rows() == [
        ("N_milk", date(2024, 3, 5), 12.0)
    ]
    assert sorted(refused) == [
        (3, "contradicting_rows"),
        (4, "contradicting_rows"),
        (5, "due_before_its_day"),
        (6, "unknown_series"),  # once of the stock, once of its open orders
        (6, "unknown_series"),
    ]
    assert ledger["fact"].to_list() == ["stock", "open_orders"]
    assert (ledger["rows_in"] == ledger["rows_accepted"] + ledger["rows_refused"]).all()


def test_sales_of_the_same_morning_are_taken_before_the_stock(own: Params, paths: Paths) -> None:
    drop(paths, "shelf_1.csv", SHELF, "N,milk,2024-03-01,4,,")
    drop(paths, "till_1.csv", "shop,sku,day,sold", "N,milk,2024-03-01,3", "N,rice,2024-03-01,3")
    summary = ingest(own, paths, now=moment(2))
    assert (summary["accepted"], summary["rows_refused"]) == (2, 0)


def test_stock_restated_and_late_is_read_as_of_any_morning(shop: Params, paths: Paths) -> None:
    take(shop, paths, 3, "shelf_2.csv", SHELF, "N,milk,2024-03-02,4,,", "N,rice,2024-03-02,9,,")
    take(shop, paths, 4, "shelf_2b.csv", SHELF, "N,milk,2024-03-02,3,,")
    take(shop, paths, 5, "shelf_1.csv", SHELF, "N,milk,2024-03-01,8,,", "S,rice,2024-03-01,1,,")
    assert on_hand(paths) == {"N_milk": 3, "N_rice": 9, "S_rice": 1}
    assert on_hand(paths, moment(3)) == {"N_milk": 4, "N_rice": 9}
    assert on_hand(paths, moment(2)) == {}


def test_the_newest_supply_file_holds_whole(shop: Params, paths: Paths) -> None:
    take(shop, paths, 3, "vendors_1.csv", VENDORS, ",,3,1", "N,,1,", ",rice,,12")
    assert leads(paths) == {"N_milk": "1", "N_rice": "1", "S_milk": "3", "S_rice": "3"}
    summary = take(shop, paths, 4, "vendors_2.csv", VENDORS, ",,3,1", ",rice,5,12")
    assert any(note.startswith("supply_replaced") for note in summary["notes"])
    assert leads(paths) == {"N_milk": "3", "N_rice": "5", "S_milk": "3", "S_rice": "5"}
    assert leads(paths, moment(3))["N_milk"] == "1"
    take(shop, paths, 5, "vendors_1b.csv", VENDORS, ",,3,1", "N,,1,", ",rice,,24")
    assert leads(paths)["N_milk"] == "1"
    assert leads(paths, moment(4))["N_milk"] == "3"


def test_a_supply_file_with_a_refused_row_withdraws_nothing(shop: Params, paths: Paths) -> None:
    """What the row that nobody could read said may be the very row that seems to be gone."""
    take(shop, paths, 3, "vendors_1.csv", VENDORS, ",,3,1", "N,,1,", *_others())
    summary = take(shop, paths, 4, "vendors_2.csv", VENDORS, ",,4,1", "N,,soon,", *_others())
    assert any("They stay" in note for note in summary["notes"])
    assert leads(paths)["N_milk"] == "1"
    assert leads(paths)["S_rice"] == "4"


def _others() -> list[str]:
    return [f",item{k},2,6" for k in range(5)]


def test_a_replayed_stock_file_enters_after_the_rule_was_mended(shop: Params, paths: Paths) -> None:
    """The item was never sold when its stock came; once it was, its row is taken."""
    take(shop, paths, 3, "shelf_1.csv", SHELF, "N,milk,2024-03-02,4,,", "S,soap,2024-03-02,5,,")
    take(shop, paths, 4, "till_2.csv", "shop,sku,day,sold", "S,soap,2024-03-03,1")
    replay(shop, paths, Refused(code="unknown_series"), now=moment(5))
    assert on_hand(paths) == {"N_milk": 4, "S_soap": 5}


def test_a_rebuilt_store_says_the_same_of_stock_and_supply(shop: Params, paths: Paths) -> None:
    take(shop, paths, 3, "shelf_1.csv", SHELF, "N,milk,2024-03-02,4,12,2024-03-05")
    take(shop, paths, 4, "vendors_1.csv", VENDORS, ",,3,1", "N,,1,")
    take(shop, paths, 5, "vendors_2.csv", VENDORS, ",,3,1")
    take(shop, paths, 6, "shelf_2.csv", SHELF, "N,milk,2024-03-02,5,12,2024-03-05")
    before = [(on_hand(paths, at), leads(paths, at)) for at in (None, moment(4), moment(3))]
    paths.store.unlink()
    rebuild(shop, paths, now=moment(7))
    after = [(on_hand(paths, at), leads(paths, at)) for at in (None, moment(4), moment(3))]
    assert after == before


def test_no_forecast_is_named_anew_when_stock_arrives(shop: Params, paths: Paths) -> None:
    with open_store(paths.store) as con:
        before = read_panel(con)
    take(shop, paths, 3, "shelf_1.csv", SHELF, "N,milk,2024-03-02,4,,", "S,soap,2024-03-02,5,,")
    with open_store(paths.store) as con:
        after = read_panel(con)
    assert after.hash == before.hash
    assert after.sales.equals(before.sales)
    assert after.series.equals(before.series)


def test_a_stock_file_is_traced_to_its_rows_and_to_no_forecast(shop: Params, paths: Paths) -> None:
    take(shop, paths, 3, "shelf_1.csv", SHELF, "N,milk,2024-03-02,4,,", "N,rice,2024-03-02,5,,")
    touched = touched_by(shop, paths, "shelf_1.csv")
    assert {row["fact"]: row["rows"] for row in touched["brought"]} == {
        "stock": 2,
        "open_orders": 2,
    }
    assert (touched["runs"], touched["models"]) == ([], [])


def test_a_mapping_of_stock_makes_no_other_store(own: Params) -> None:
    bare = own.source.files.model_copy(
        update={"stock": None, "stock_columns": {}, "supply": None, "supply_on": {}}
    )
    assert store_name(own.source) == store_name(own.source.model_copy(update={"files": bare}))


def test_the_simulators_own_files_are_taken_by_a_fill(root: Path, paths: Paths) -> None:
    params = load_laid(root / "params.yaml", None)
    world = params.source.simulator.model_copy(update={"series": 40, "days": 120, "daily_files": 2})
    source = params.source.model_copy(update={"simulator": world})
    rules = params.ingest.model_copy(update={"great_expectations_max_rows": 0})
    params = params.model_copy(update={"source": source, "ingest": rules})
    summary = fill(params, paths, now=datetime(2024, 6, 1))
    assert summary["refused"] == 0
    last = world.start + timedelta(days=world.days - 1)
    with open_store(paths.store) as con:
        stock, series = read_stock(con), read_series(con)
        terms = supply_of(read_supply(con), series).terms
    assert stock["ds"].max() == last
    assert stock.height <= series.height
    assert terms.height == series.height
    assert terms.select("lead_days", "order_days", "unit_cost", "margin").null_count().row(0) == (
        0,
        0,
        0,
        0,
    )


def test_half_a_supply_file_is_refused_and_what_was_known_holds(shop: Params, paths: Paths) -> None:
    """Its other half would be ordered by defaults, and no order line would say so."""
    whole = [",,3,6", *(f",item{k},2,6" for k in range(11))]
    take(shop, paths, 3, "vendors_1.csv", VENDORS, *whole)
    summary = take(shop, paths, 4, "vendors_2.csv", VENDORS, *whole[6:])
    assert summary["refused"] == 1
    assert "6 of 12 rows known" in summary["why_refused"]["vendors_2.csv"]
    assert set(leads(paths).values()) == {"3"}
    noting = shop.model_copy(
        update={"ingest": shop.ingest.model_copy(update={"refuse_unusual": False})}
    )
    assert take(noting, paths, 5, "vendors_2.csv", VENDORS, *whole[6:])["accepted"] == 1
    assert leads(paths) == {}


def test_a_supply_file_without_a_few_of_its_rows_is_taken(shop: Params, paths: Paths) -> None:
    whole = [",,3,6", *(f",item{k},2,6" for k in range(11))]
    take(shop, paths, 3, "vendors_1.csv", VENDORS, *whole)
    summary = take(shop, paths, 4, "vendors_2.csv", VENDORS, *whole[:9])
    assert (summary["accepted"], summary["refused"]) == (1, 0)
    assert any(note.startswith("supply_replaced") for note in summary["notes"])


@pytest.mark.parametrize(("kept", "more"), [(2, " and 2 more. "), (4, ". ")])
def test_the_note_of_rows_that_a_newer_supply_lacks_names_five_and_counts_the_rest(
    shop: Params, paths: Paths, kept: int, more: str
) -> None:
    rows = [f",item{k},3,1" for k in range(9)]
    take(shop, paths, 3, "vendors_1.csv", VENDORS, *rows)
    summary = take(shop, paths, 4, "vendors_2.csv", VENDORS, *rows[:kept])
    (note,) = [note for note in summary["notes"] if note.startswith("supply_replaced")]
    assert note.count("item_id") == 5
    assert f"{more}They hold no longer." in note


def test_stock_in_another_unit_than_yesterday_leaves_yesterdays(own: Params, paths: Paths) -> None:
    ids = [f"item{k}" for k in range(12)]
    drop(paths, "till_1.csv", "shop,sku,day,sold", *(f"N,{item},2024-03-01,3" for item in ids))
    week = [f"N,{item},2024-03-{day:02},{day},," for item in ids for day in range(1, 8)]
    drop(paths, "shelf_1.csv", SHELF, *week)
    ingest(own, paths, now=moment(8))
    grams = [f"N,{item},2024-03-08,8000,," for item in ids]
    summary = take(own, paths, 9, "shelf_2.csv", SHELF, *grams)
    assert "stock_of_another_size" in summary["why_refused"]["shelf_2.csv"]
    assert set(on_hand(paths).values()) == {7}
    right = [line.replace("8000", "8") for line in grams]
    assert take(own, paths, 9, "shelf_2.csv", SHELF, *right)["accepted"] == 1
