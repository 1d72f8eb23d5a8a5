"""Series that plans place before their first sale: from the file into the panel, as of any moment,
and back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from contract.params import Params
from expectations.pages import read_pages
from ingest import ingest
from monitoring.arrivals import noted
from runtime.paths import Paths
from stages.rebuild import rebuild
from stages.withdraw import withdraw
from storage.lineage import panel_as_read
from storage.panel import read_panel
from storage.quarantine import read_quarantine
from storage.series import read_names
from storage.store import open_store

FILES = {
    "sales": "till*",
    "columns": {"unique_id": ["shop", "sku"], "ds": "day", "y": "sold", "price": "price"},
    "hierarchy": {"store_id": "shop", "dept_id": "dept"},
    "plans": "plan*",
    "prices": "list*",
    "price_columns": {
        "unique_id": ["shop", "sku"],
        "from_ds": "from",
        "to_ds": "to",
        "price": "price",
    },
    "names": {"unique_id": "called"},
}
SALES, PLAN = "shop,sku,dept,day,sold,price", "shop,sku,dept,called,day,price"
SERIES = [(store, item) for store in "NS" for item in ("milk", "rice")]


def moment(day: int) -> datetime:
    return datetime(2024, 3, day, 7)


@pytest.fixture
def own(shop_of_files: Callable[[dict], Params]) -> Params:
    """The params of a shop that sends plans and price lists."""
    return shop_of_files(FILES)


def take(shop: Params, paths: Paths, day: int, name: str, *lines: str) -> dict:
    (paths.inbox / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ingest(shop, paths, now=moment(day))


def till(day: int, *more: str) -> list[str]:
    return [SALES, *(f"{s},{i},food,2024-03-{day:02},3,2" for s, i in SERIES), *more]


@pytest.fixture
def shop(own: Params, paths: Paths) -> Params:
    """The params of a store that knows four series by one day's sales."""
    take(own, paths, 2, "till_1.csv", *till(1))
    return own


def series(paths: Paths, as_of: datetime | None = None) -> dict[str, str]:
    with open_store(paths.store) as con:
        panel = read_panel(con, as_of)
    return dict(panel.series.select("unique_id", "dept_id").iter_rows())


KNOWN = {"N_milk": "food", "N_rice": "food", "S_milk": "food", "S_rice": "food"}
SOAP = "N,soap,wash,Soap for all,2024-03-05,4"


def test_a_plan_with_the_levels_places_a_series_that_has_not_sold(shop: Params, paths: Paths):
    summary = take(shop, paths, 3, "plan_1.csv", PLAN, SOAP, "N,milk,other,,2024-03-05,3")
    assert str(summary["notes"]).count("series_announced: 1 series") == 1
    assert series(paths) == {**KNOWN, "N_soap": "wash"}  # and moves none that is there
    assert series(paths, moment(2)) == KNOWN
    assert series(paths, moment(3)) == {**KNOWN, "N_soap": "wash"}
    with open_store(paths.store) as con:
        assert read_names(con).rows() == [("N_soap", "Soap for all")]
        panel = read_panel(con)
    assert panel.prices.filter(unique_id="N_soap")["price"].to_list() == [4.0]
    assert panel.as_known_at(moment(2)).series["unique_id"].to_list() == list(KNOWN)
    assert "N_soap" in panel.as_known_at(moment(3)).series["unique_id"]


def test_a_price_list_places_it_too_and_one_without_the_levels_nobody(shop: Params, paths: Paths):
    take(shop, paths, 3, "list_1.csv", "shop,sku,from,to,price", "N,salt,2024-03-05,2024-03-31,4")
    assert series(paths) == KNOWN
    line = "N,soap,wash,2024-03-05,2024-03-31,4"
    take(shop, paths, 3, "list_2.csv", "shop,sku,dept,from,to,price", line)
    assert series(paths) == {**KNOWN, "N_soap": "wash"}


def test_the_static_file_may_have_the_levels(shop_of_files: Callable[[dict], Params], paths: Paths):
    own = shop_of_files({**FILES, "static": "items*", "static_on": ["sku"]})
    items = "sku,dept,called\nmilk,food,Milk\nrice,food,\nsoap,wash,Soap\n"
    (paths.inbox / "items.csv").write_text(items, encoding="utf-8")
    rows = [f"{s},{i},2024-03-01,3,2" for s, i in SERIES]
    take(own, paths, 2, "till_1.csv", "shop,sku,day,sold,price", *rows)
    plan = ("shop,sku,day,price", "N,soap,2024-03-05,4", "N,unlisted,2024-03-05,4")
    take(own, paths, 3, "plan_1.csv", *plan)
    assert series(paths) == {**KNOWN, "N_soap": "wash"}


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("plan_1.csv", ("shop,sku,day,price", "N,milk,2024-03-05,4")),
        ("list_1.csv", ("shop,sku,from,to,price", "N,milk,2024-03-05,2024-03-31,4")),
    ],
)
def test_plans_and_price_lists_need_no_static_file_to_be_there(
    shop_of_files: Callable[[dict], Params], paths: Paths, name: str, lines: tuple[str, ...]
):
    own = shop_of_files({**FILES, "static": "items*", "static_on": ["sku"]})
    assert take(own, paths, 3, name, *lines)["accepted"] == 1


def test_a_plan_taken_back_takes_the_series_with_it_and_a_second_one_keeps_it(
    shop: Params, paths: Paths
):
    take(shop, paths, 3, "plan_1.csv", PLAN, SOAP)
    take(shop, paths, 4, "plan_2.csv", PLAN, SOAP.replace("03-05", "03-06"))
    take(shop, paths, 5, "plan_3.csv", PLAN, "S,salt,food,,2024-03-07,1")
    withdraw(shop, paths, _batch(paths, "plan_1.csv"), now=moment(6))
    assert series(paths) == {**KNOWN, "N_soap": "wash", "S_salt": "food"}
    withdraw(shop, paths, _batch(paths, "plan_2.csv"), now=moment(7))
    assert series(paths) == {**KNOWN, "S_salt": "food"}
    assert series(paths, moment(6)) == {**KNOWN, "N_soap": "wash", "S_salt": "food"}
    take(shop, paths, 8, "plan_4.csv", PLAN, SOAP.replace("03-05", "03-09"))
    assert series(paths) == {**KNOWN, "N_soap": "wash", "S_salt": "food"}
    before = everything(paths)
    rebuild(shop, paths, now=moment(9))
    assert everything(paths) == before


def test_a_mistaken_place_is_mended_by_the_next_plan_or_after_a_withdrawal(
    shop: Params, paths: Paths
):
    take(shop, paths, 3, "plan_1.csv", PLAN, SOAP.replace("wash", "wrong"))
    take(shop, paths, 4, "plan_2.csv", PLAN, SOAP)
    assert series(paths)["N_soap"] == "wash"
    for name in ("plan_2.csv", "plan_1.csv"):
        withdraw(shop, paths, _batch(paths, name), now=moment(5))
    assert series(paths) == KNOWN
    take(shop, paths, 6, "plan_3.csv", PLAN, SOAP.replace("wash", "bath"))
    assert series(paths)["N_soap"] == "bath"


def test_a_shop_that_maps_no_levels_announces_nobody_and_its_plans_are_taken(
    shop_of_files: Callable[[dict], Params], paths: Paths
):
    own = shop_of_files({**FILES, "hierarchy": {}, "names": {}})
    take(own, paths, 2, "till_1.csv", *till(1))
    done = take(own, paths, 3, "plan_1.csv", "shop,sku,day,price", "N,soap,2024-03-05,4")
    assert (done["accepted"], series_ids(paths)) == (1, sorted(KNOWN))
    line = "N,soap,2024-03-05,2024-03-31,4"
    assert take(own, paths, 4, "list_1.csv", "shop,sku,from,to,price", line)["accepted"] == 1
    assert series_ids(paths) == sorted(KNOWN)


def series_ids(paths: Paths) -> list[str]:
    with open_store(paths.store) as con:
        return read_panel(con).series["unique_id"].to_list()


def test_who_sold_is_announced_no_more_by_every_plan_that_names_it(shop: Params, paths: Paths):
    take(shop, paths, 3, "plan_1.csv", PLAN, SOAP)
    take(shop, paths, 4, "till_2.csv", *till(3, "N,soap,bath,2024-03-03,1,4"))
    assert series(paths)["N_soap"] == "bath"  # where it sells, not where it was planned
    take(shop, paths, 5, "plan_2.csv", PLAN, SOAP.replace("03-05", "03-06"))
    with open_store(paths.store) as con:
        assert con.execute("select count(*) from announced").fetchall() == [(1,)]
        until = con.execute("select max(batch_id) from batches where fact = 'sales'").fetchall()
        panel = panel_as_read(con, until[0][0] - 1, None, "then")
    assert "N_soap" in panel.series["unique_id"]


def test_a_plan_of_more_new_series_than_are_known_announces_none_and_says_so(
    shop: Params, paths: Paths
):
    lines = [f"N,new{k},wash,,2024-03-05,4" for k in range(5)]
    summary = take(shop, paths, 3, "plan_1.csv", PLAN, *lines)
    assert "announced_too_many: 5 series were never seen, 4 are known" in str(summary["notes"])
    assert series(paths) == KNOWN


def test_known_series_that_a_file_puts_elsewhere_are_noted_and_many_raise_an_alert(
    shop: Params, paths: Paths
):
    rows = [row.replace("food", "toys") if row.startswith("N,milk") else row for row in till(3)]
    summary = take(shop, paths, 4, "till_2.csv", *rows)
    assert "series_moved_since: 1 of 4 known" in str(summary["notes"])
    assert "'N_milk' (dept_id 'food', now 'toys')" in str(summary["notes"])
    again = take(shop, paths, 5, "till_3.csv", *[row.replace("03-03", "03-04") for row in rows])
    assert "series_moved_since" not in str(again["notes"])
    every = [row.replace(",food,", ",oops,").replace(",toys,", ",oops,") for row in till(5)]
    take(shop, paths, 6, "till_4.csv", *every)
    wrong = [row.replace(",3,2", ",-3,2") if row.startswith("N,milk") else row for row in every]
    left = [row.replace("03-05", "03-06").replace("oops", "left") for row in wrong]
    summary = take(shop, paths, 7, "till_5.csv", *left)  # the place of a refused row is none
    assert "series_moved_since: 3 of 3 known" in str(summary["notes"])
    causes = [finding.cause for finding in noted(read_pages(paths.validation), moment(6))]
    assert "noted:series_moved_since:2024-03-05" in causes


def test_a_name_that_only_its_spelling_tells_from_a_known_one_is_announced_by_nobody(
    shop: Params, paths: Paths
):
    summary = take(shop, paths, 3, "plan_1.csv", PLAN, "N,MILK,food,,2024-03-05,4", SOAP)
    assert "announced_alike: 1 new series" in str(summary["notes"])
    assert series(paths) == {**KNOWN, "N_soap": "wash"}


def test_a_stores_own_file_in_another_spelling_is_refused_row_by_row(shop: Params, paths: Paths):
    """No id of it is known, so nobody can say by its ids which store's file it is."""
    own = shop.ingest.model_copy(update={"whole_days": False, "max_refused_share": 1.0})
    lines = [SALES, *(f"N,{item.upper()},food,2024-03-03,3,2" for item in ("milk", "rice"))]
    take(shop.model_copy(update={"ingest": own}), paths, 4, "till_2.csv", *lines)
    with open_store(paths.store) as con:
        refused = read_quarantine(con)["reason"].to_list()
    assert refused == ["spelt_otherwise"] * 4  # units and prices


def _batch(paths: Paths, name: str) -> int:
    query = "select min(batch_id) from batches where name = $name and withdraws is null"
    with open_store(paths.store) as con:
        return con.execute(query, {"name": name}).fetchall()[0][0]


def everything(paths: Paths) -> dict[str, list[tuple[object, ...]]]:
    tables = ["batches", "announced", "series_attributes", "prices", "prices_superseded"]
    with open_store(paths.store) as con:
        return {
            name: sorted(con.execute(f"select * from {name}").fetchall(), key=str)  # noqa: S608 -- ours
            for name in tables
        }
