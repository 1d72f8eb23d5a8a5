"""What is there: the newest statement of each series, now and as of any moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from contract.frames import OPEN_ORDERS, STOCK, STORED_FACTS, SUPPLY
from storage.batches import Batch, Delivery, contents_taken, write_delivery
from storage.connection import Connection
from storage.facts import read_superseded
from storage.panel import read_panel
from storage.rebuild import rebuild
from storage.store import open_store
from storage.supply import read_open_orders, read_stock, read_supply

DAYS = [date(2024, 3, day) for day in range(1, 8)]


def known(day: int) -> datetime:
    return datetime(2024, 3, day, 6)


def deliver(con: Connection, number: int, **facts: Sequence[dict]) -> None:
    """A file of these rows by fact, received on the day of its number."""
    batches = []
    for fact, rows in facts.items():
        frame = STORED_FACTS[fact].conform(pl.DataFrame(rows, infer_schema_length=None))
        frame = frame.with_columns(
            pl.col("known_at").fill_null(known(number)),
            row_number=pl.int_range(pl.len(), dtype=pl.Int64),
            lines=pl.lit(1, pl.Int64),
        )
        batches.append(Batch(fact, frame.height, frame, pl.DataFrame(), "received"))
    delivery = Delivery("files-1", f"{number}.csv", f"{number}", known(number))
    write_delivery(con, delivery, batches, {})


def stock(series: str, day: int, units: float, known_at: datetime | None = None) -> dict:
    return {"unique_id": series, "ds": DAYS[day], "on_hand": units, "known_at": known_at}


def order(series: str, day: int, due: int, units: float) -> dict:
    row = {"unique_id": series, "ds": DAYS[day], "due_ds": DAYS[due], "on_order": units}
    return row | {"known_at": None}


def sale(series: str, day: int) -> dict:
    return {"unique_id": series, "ds": DAYS[day], "y": 1.0, "known_at": None}


@pytest.fixture
def con(tmp_path: Path):
    with open_store(tmp_path / "store.duckdb") as con:
        yield con


def test_of_each_series_the_newest_day_holds(con: Connection) -> None:
    deliver(con, 2, stock=[stock("a", 0, 5), stock("b", 0, 7)])
    deliver(con, 3, stock=[stock("a", 1, 4)])
    now = STOCK.check_key(read_stock(con))
    assert now.select("unique_id", "ds", "on_hand").rows() == [("a", DAYS[1], 4), ("b", DAYS[0], 7)]
    then = read_stock(con, known(2))
    assert then.select("unique_id", "on_hand").rows() == [("a", 5), ("b", 7)]
    assert read_stock(con, known(1)).is_empty()


def test_stock_restated_is_superseded_and_read_as_of_before(con: Connection) -> None:
    deliver(con, 2, stock=[stock("a", 0, 5)])
    deliver(con, 3, stock=[stock("a", 0, 2)])
    assert read_stock(con)["on_hand"].to_list() == [2]
    assert read_stock(con, known(2))["on_hand"].to_list() == [5]
    assert read_superseded(con, "stock")["on_hand"].to_list() == [5]


def test_a_late_file_of_an_earlier_day_moves_nothing_but_its_own_day(con: Connection) -> None:
    deliver(con, 3, stock=[stock("a", 1, 4)])
    deliver(con, 4, stock=[stock("a", 0, 5), stock("b", 0, 1)])
    assert read_stock(con).select("unique_id", "on_hand").rows() == [("a", 4), ("b", 1)]


def test_a_series_that_the_newest_file_names_without_an_order_has_none(con: Connection) -> None:
    deliver(con, 2, stock=[stock("a", 0, 5)], open_orders=[order("a", 0, 3, 6)])
    assert read_open_orders(con)["on_order"].to_list() == [6]
    deliver(con, 3, stock=[stock("a", 1, 4)], open_orders=[order("a", 1, 1, 0)])
    assert read_open_orders(con).is_empty()
    assert read_open_orders(con, known(2)).select("due_ds", "on_order").rows() == [(DAYS[3], 6)]


def test_in_files_of_open_orders_alone_a_series_that_is_gone_has_none(con: Connection) -> None:
    deliver(con, 2, stock=[stock("a", 0, 5), stock("b", 0, 5)])
    deliver(con, 3, open_orders=[order("a", 0, 3, 6), order("b", 0, 3, 6)])
    deliver(con, 4, stock=[stock("a", 1, 11), stock("b", 1, 4)])
    assert read_open_orders(con)["unique_id"].to_list() == ["a", "b"]  # of yesterday, until today's
    deliver(con, 5, open_orders=[order("b", 1, 3, 6)])
    assert read_open_orders(con).select("unique_id", "ds").rows() == [("b", DAYS[1])]


def test_a_store_whose_file_is_late_keeps_what_was_stated_last(con: Connection) -> None:
    first = {"stock": [stock("a", 0, 5), stock("b", 0, 5)], "open_orders": [order("b", 0, 3, 6)]}
    deliver(con, 2, **first)
    deliver(con, 3, stock=[stock("a", 1, 4)], open_orders=[order("a", 1, 3, 6)])
    assert OPEN_ORDERS.check_key(read_open_orders(con)).select("unique_id", "ds").rows() == [
        ("a", DAYS[1]),
        ("b", DAYS[0]),
    ]


def test_supply_that_was_withdrawn_is_read_as_of_before_alone(con: Connection) -> None:
    row = {"scope": "{}", "lead_days": "2", "known_at": None}
    deliver(con, 2, supply=[row])
    deliver(con, 3, supply=[row | {"lead_days": None}])
    assert read_supply(con).is_empty()
    assert SUPPLY.check_key(read_supply(con, known(2)))["lead_days"].to_list() == ["2"]


def test_no_panel_changes_when_stock_arrives(con: Connection) -> None:
    deliver(con, 2, sales=[sale("a", 0)])
    before, ledger = read_panel(con), contents_taken(con)
    deliver(con, 3, stock=[stock("a", 0, 5)], open_orders=[order("a", 0, 1, 2)])
    deliver(con, 4, supply=[{"scope": "{}", "lead_days": "2", "known_at": None}])
    after = read_panel(con)
    assert after.hash == before.hash
    assert read_panel(con, known(4)).sales.equals(before.sales)
    assert contents_taken(con).equals(ledger)
    deliver(con, 5, sales=[sale("a", 1)])
    assert read_panel(con).hash != before.hash


def test_a_store_made_again_from_its_journal_holds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    reads = (read_stock, read_open_orders, read_supply)
    with open_store(path) as con:
        deliver(con, 2, stock=[stock("a", 0, 5)], open_orders=[order("a", 0, 3, 6)])
        deliver(con, 3, stock=[stock("a", 0, 2)])
        deliver(con, 4, supply=[{"scope": "{}", "lead_days": "2", "known_at": None}])
        before = [read(con, moment) for read in reads for moment in (None, known(2))]
    path.unlink()
    rebuild(path, tmp_path / "aside", "files-1", known(5))
    with open_store(path) as con:
        after = [read(con, moment) for read in reads for moment in (None, known(2))]
    assert all(one.equals(other) for one, other in zip(before, after, strict=True))


def test_what_an_order_stands_on_is_stated_before_its_day(con: Connection) -> None:
    """A count dated the order day is none of a close before it; the one before still holds."""
    deliver(con, 2, stock=[stock("a", 0, 5)], open_orders=[order("a", 0, 3, 6)])
    deliver(con, 3, stock=[stock("a", 1, 4)], open_orders=[order("a", 1, 3, 9)])
    assert read_stock(con, before=DAYS[1])["on_hand"].to_list() == [5]
    assert read_open_orders(con, before=DAYS[1])["on_order"].to_list() == [6]
    assert read_stock(con, before=DAYS[2])["on_hand"].to_list() == [4]
    assert read_stock(con, before=DAYS[0]).is_empty()
