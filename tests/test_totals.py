"""Totals of groups, older than the sales of items: from the file into the panel, as of any moment,
through freezing, withdrawal and rebuild.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml

from contract.errors import BadParams
from contract.params import Params
from contract.params_file import load_laid
from ingest import ingest
from runtime.paths import Paths
from stages.freeze import freeze as freeze_store
from stages.rebuild import rebuild
from stages.replay import Refused, replay
from stages.withdraw import withdraw
from storage.panel import read_panel, read_tail
from storage.panel_files import freeze, read_frozen, read_frozen_ranges
from storage.quarantine import read_quarantine
from storage.store import open_store

FILES = {
    "sales": "till*",
    "columns": {"unique_id": ["shop", "sku"], "ds": "day", "y": "sold"},
    "hierarchy": {"store_id": "shop", "dept_id": "dept"},
    "totals": "sums*",
    "totals_columns": {"ds": "day", "y": "units"},
    "totals_on": {"store_id": "shop", "dept_id": "dept"},
}
SALES, SUMS = "shop,sku,dept,day,sold", "shop,dept,day,units"
ALL, NORTH, FOOD = "{}", '{"store_id":"N"}', '{"dept_id":"food","store_id":"N"}'


def moment(day: int) -> datetime:
    return datetime(2024, 3, day, 7)


@pytest.fixture
def own(shop_of_files: Callable[[dict], Params]) -> Params:
    return shop_of_files(FILES)


def take(shop: Params, paths: Paths, day: int, name: str, *lines: str) -> dict:
    (paths.inbox / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ingest(shop, paths, now=moment(day))


@pytest.fixture
def shop(own: Params, paths: Paths) -> Params:
    """A store that knows two series by one day's sales, and three totals of the year before."""
    take(own, paths, 2, "till_1.csv", SALES, "N,milk,food,2024-03-01,3", "S,rice,food,2024-03-01,4")
    lines = [",,2023-03-01,90", "N,*,2023-03-01,60", "N,food,2023-03-01,50"]
    take(own, paths, 3, "sums_1.csv", SUMS, *lines)
    return own


def totals(paths: Paths, as_of: datetime | None = None) -> dict[str, float]:
    with open_store(paths.store) as con:
        panel = read_panel(con, as_of)
    return dict(panel.totals.select("scope", "y").iter_rows())


EVERY = {ALL: 90.0, FOOD: 50.0, NORTH: 60.0}


def test_a_row_is_the_total_of_the_values_it_names(shop: Params, paths: Paths):
    assert totals(paths) == EVERY
    assert totals(paths, moment(2)) == {}
    with open_store(paths.store) as con:
        panel = read_panel(con)
    assert panel.series["unique_id"].to_list() == ["N_milk", "S_rice"]  # totals make no series
    assert panel.first_day == date(2024, 3, 1)
    assert panel.as_known_at(moment(2)).totals.is_empty()


def test_a_total_is_restated_as_any_fact(shop: Params, paths: Paths):
    take(shop, paths, 4, "sums_2.csv", SUMS, ",,2023-03-01,95", ",,2023-03-02,80")
    assert totals(paths, moment(3)) == EVERY
    with open_store(paths.store) as con:
        rows = read_panel(con).totals.filter(scope=ALL)
    assert rows["y"].to_list() == [95.0, 80.0]


BROKEN = [
    ("N,food,,5", "missing_value"),
    ("N,food,2023-03-09,", "missing_value"),
    ("N,food,2023-03-09,-1", "total_negative"),
    ("N,food,2024-03-09,5", "total_of_tomorrow"),
    ("N,food,1999-12-31,5", "day_too_old"),
    ("N,food,2023-03-09,many", "unreadable_number"),
]


@pytest.mark.parametrize(("line", "reason"), BROKEN)
def test_a_broken_total_is_refused_with_its_reason(shop: Params, paths: Paths, line, reason):
    summary = take(shop, paths, 4, "sums_2.csv", SUMS, line, "N,food,2023-03-02,7")
    assert (summary["rows_in"], summary["rows_refused"]) == (2, 1)
    with open_store(paths.store) as con:
        assert read_quarantine(con)["reason"].to_list() == [reason]


def test_two_totals_of_one_group_and_day_contradict_each_other(shop: Params, paths: Paths):
    lines = ["N,food,2023-03-09,5", "N,food,2023-03-09,6", *["S,food,2023-03-09,5"] * 2]
    take(shop, paths, 4, "sums_2.csv", SUMS, *lines, *(f"S,,2023-04-{d:02},1" for d in range(1, 9)))
    with open_store(paths.store) as con:
        reasons = read_quarantine(con)["reason"].value_counts().rows()
    assert dict(reasons) == {"contradicting_rows": 2, "repeated_row": 1}


def test_the_total_of_a_group_nobody_is_in_is_taken_with_a_note(shop: Params, paths: Paths):
    summary = take(shop, paths, 4, "sums_2.csv", SUMS, "Nord,food,2023-03-01,5")
    assert "total_of_nobody: 1 rows" in str(summary["notes"])
    assert len(totals(paths)) == 4


def test_totals_are_withdrawn_replayed_and_rebuilt_as_any_fact(shop: Params, paths: Paths):
    take(shop, paths, 4, "sums_2.csv", SUMS, ",,2023-03-01,95", "N,food,2024-03-05,1")
    assert totals(paths)[ALL] == 95
    replay(shop, paths, Refused(code="total_of_tomorrow"), now=moment(6))
    with open_store(paths.store) as con:
        assert read_panel(con).totals.filter(ds=date(2024, 3, 5))["y"].to_list() == [1.0]
        batch = con.execute("select min(batch_id) from batches where name = 'sums_2.csv'")
        batch_id = batch.fetchall()[0][0]
    withdraw(shop, paths, batch_id, now=moment(7))
    assert totals(paths) == EVERY
    rebuild(shop, paths, now=moment(8))
    assert totals(paths) == EVERY
    assert totals(paths, moment(4))[ALL] == 95


def test_the_frozen_panel_has_them_and_one_without_has_no_file_of_them(shop, paths, tmp_path):
    with open_store(paths.store) as con:
        panel = read_panel(con)
    frozen = freeze(panel, tmp_path / "panel")
    again = read_frozen(tmp_path / "panel")
    assert again.totals.equals(panel.totals)
    assert again.superseded["totals"].is_empty()
    bare = replace(panel, totals=panel.totals.clear(), superseded={})
    assert freeze(bare, tmp_path / "bare").hash != frozen.hash
    assert not (tmp_path / "bare" / "totals.parquet").exists()
    assert read_frozen(tmp_path / "bare").totals.equals(bare.totals)


@pytest.mark.parametrize("since", [date(2023, 3, 1), date(2023, 3, 2), date(2024, 3, 1)])
def test_a_tail_has_the_totals_of_its_days(shop: Params, paths: Paths, since: date):
    with open_store(paths.store) as con:
        tail, whole = read_tail(con, since, 0.25), read_panel(con)
    assert tail.totals.equals(whole.since(since, 0.25).totals)
    assert tail.totals.height == (3 if since == date(2023, 3, 1) else 0)


def test_a_cutoff_cuts_totals_as_it_cuts_sales(shop: Params, paths: Paths):
    take(shop, paths, 4, "sums_2.csv", SUMS, ",,2024-03-01,7", ",,2024-03-03,8")
    with open_store(paths.store) as con:
        panel = read_panel(con)
    assert panel.up_to(date(2024, 3, 1)).totals["ds"].max() == date(2024, 3, 1)
    assert panel.up_to(date(2023, 2, 28)).totals.is_empty()


def test_params_name_only_levels_that_are_mapped(root: Path, tmp_path: Path):
    lines = {"source": {"kind": "files", "files": {"totals_on": {"region": "Region"}}}}
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(lines))
    with pytest.raises(BadParams, match=r"totals_on names \['region'\]"):
        load_laid(root / "params.yaml", tmp_path / "shop.yaml")


@pytest.mark.parametrize("ranges", [2, 1000])
def test_ranges_keep_totals_prices_and_refused_days_of_no_known_series(
    shop_of_files: Callable[[dict], Params], paths: Paths, ranges: int
):
    """A group that no series is of, a price of what never sold, and one and a refused row of a
    series whose file was withdrawn.
    """
    prices = {"unique_id": ["shop", "sku"], "from_ds": "a", "to_ds": "b", "price": "eur"}
    own = shop_of_files(FILES | {"prices": "price*", "price_columns": prices})
    rows = [f"{shop},milk,food,2024-03-0{day},3" for shop in "NSX" for day in (1, 2, 3)]
    take(own, paths, 4, "till_1.csv", SALES, *rows, "Q,rice,food,2024-03-02,-9")
    take(own, paths, 5, "till_2.csv", SALES, "Q,rice,food,2024-03-03,4", "S,milk,food,2024-03-03,5")
    stated = [f"{name},2024-03-01,2024-03-31,2" for name in ("A,tea", "N,milk", "Q,rice", "Z,tea")]
    take(own, paths, 6, "price_1.csv", "shop,sku,a,b,eur", *stated)
    take(own, paths, 7, "price_2.csv", "shop,sku,a,b,eur", stated[0] + "1", stated[1] + "1")
    sums = [f"{name},*,2023-03-0{day},60" for name in ("N", "nobody") for day in (1, 2)]
    take(own, paths, 8, "sums_1.csv", SUMS, *sums)
    withdraw(own, paths, 2, now=moment(9))
    in_one = freeze_store(own, paths)
    files = {file.name: file.read_bytes() for file in paths.panel.iterdir()}
    panel = read_frozen(paths.panel)
    assert panel.series["unique_id"].to_list() == ["N_milk", "S_milk", "X_milk"]
    assert panel.prices["unique_id"].to_list() == ["A_tea", "N_milk", "Q_rice", "Z_tea"]
    assert panel.sales.filter(unique_id="Q_rice").height == 1
    assert panel.totals.height == 4
    many = own.model_copy(update={"scale": own.scale.model_copy(update={"parts": ranges})})
    assert freeze_store(many, paths) == in_one
    assert {file.name: file.read_bytes() for file in paths.panel.iterdir()} == files
    for fact in ("sales", "prices", "totals"):
        of_ranges = [one.fact(fact).height for one in read_frozen_ranges(paths.panel, ranges)]
        assert sum(of_ranges) == panel.fact(fact).height
