"""The past a batch is judged by, as the store counts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from contract.frames import SALES, STOCK
from contract.received import Received
from storage.recent import Recent, is_first_load, read_recent, read_unstated
from storage.store import open_store

DAY = date(2024, 3, 1)  # a Friday
LEARNED = datetime(2024, 3, 2)
Con = duckdb.DuckDBPyConnection
Past = Callable[..., Recent]


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


def rows_of(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """SALES of series, days ago, units."""
    known = [(name, ago(back), y, None) for name, back, y in rows]
    frame = pl.DataFrame(known, schema=["unique_id", "ds", "y", "known_at"], orient="row")
    return SALES.conform(frame)


def insert(con: Con, table: str, **columns: object) -> None:
    names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
    statement = f"insert into {table} ({names}, batch_id) values ({marks}, 1)"  # noqa: S608 -- ours
    con.execute(statement, list(columns.values())).fetchall()


def sold(con: Con, *rows: tuple[str, int, float]) -> None:
    for name, back, y in rows:
        insert(con, "sales", unique_id=name, ds=ago(back), y=y, known_at=LEARNED)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[Con]:
    """Series a and b of store S1, c of S2; nothing sold yet."""
    with open_store(tmp_path / "s.duckdb") as con:
        con.execute("alter table series_attributes add column store_id varchar").fetchall()
        con.execute("insert into series_attributes values ('a', 'S1'), ('b', 'S1'), ('c', 'S2')")
        yield con


@pytest.fixture
def past_of(con: Con) -> Past:
    """`past_of(batch)`: what is known beside a batch of sales."""

    def past(
        batch: pl.DataFrame, fact: str = "sales", summed: bool = False, columns: tuple = ()
    ) -> Recent:
        return read_recent(con, fact, batch, "store_id", columns, are_lines_summed=summed)

    return past


def test_recent_sales_are_what_the_batchs_feeds_sold_without_zeros_and_without_its_own_keys(
    con: Con, past_of: Past
) -> None:
    sold(con, ("a", 1, 3.0), ("b", 1, 0.0), ("a", 56, 2.0), ("a", 57, 9.0), ("b", 0, 4.0))
    sold(con, ("a", 0, 8.0), ("c", 1, 5.0), ("b", -1, 7.0))
    found = past_of(rows_of(("a", 0, 1.0))).recent_sales
    assert sorted(found.select("unique_id", "y").rows()) == [("a", 2.0), ("a", 3.0), ("b", 4.0)]


def test_recent_sales_are_those_of_everybody_where_none_of_the_batchs_series_is_known(
    con: Con, past_of: Past
) -> None:
    sold(con, ("a", 1, 3.0), ("c", 1, 5.0))
    found = past_of(rows_of(("new", 0, 1.0))).recent_sales
    assert sorted(found["unique_id"]) == ["a", "c"]


def test_the_past_counts_the_same_weekdays_of_eight_weeks_without_the_batchs_own_keys(
    con: Con, past_of: Past
) -> None:
    sold(con, ("a", 0, 8.0), ("b", 0, 4.0), ("a", 7, 3.0), ("b", 7, 0.0), ("c", 7, 2.0))
    sold(con, ("a", 56, 5.0), ("a", 63, 6.0), ("a", 1, 7.0))
    past = past_of(rows_of(("a", 0, 1.0)), columns=("store_id", "dept_id")).past
    assert sorted(past.select("ds", "store_id", "dept_id", "rows", "selling", "volume").rows()) == [
        (ago(56), "S1", None, 1, 1, 5.0),
        (ago(7), "S1", None, 2, 1, 3.0),
        (ago(7), "S2", None, 1, 1, 2.0),
        (ago(0), "S1", None, 1, 1, 4.0),
    ]


def test_a_known_row_is_repeated_or_restated_and_the_share_is_of_the_day(
    con: Con, past_of: Past
) -> None:
    sold(con, ("a", 0, 8.0), ("b", 0, 4.0), ("c", 0, 2.0), ("d", 0, 1.0), ("a", 1, 5.0))
    recent = past_of(rows_of(("a", 0, 8.0), ("b", 0, 3.0), ("c", 0, 9.0), ("a", 2, 5.0)))
    assert recent.repeated.rows() == [("a", DAY)]
    names = ["ds", "restated_share", "lowered_share", "known_rows"]
    assert recent.restated.select(names).rows() == [(DAY, 0.5, 0.25, 4)]
    assert recent.first_known == ago(1)


def test_keys_known_before_count_where_lines_are_summed_alone(con: Con, past_of: Past) -> None:
    sold(con, ("a", 0, 8.0), ("b", 1, 4.0))
    batch = rows_of(("a", 0, 1.0), ("a", 0, 2.0), ("b", 0, 1.0))
    assert past_of(batch, summed=True).stated_before.rows() == [("a", DAY)]
    assert past_of(batch).stated_before.is_empty()


def test_usual_units_are_of_the_batchs_weekdays_in_the_eight_weeks_before_it(
    con: Con, past_of: Past
) -> None:
    sold(con, ("a", 7, 3.0), ("a", 56, 5.0), ("a", 63, 9.0), ("a", 1, 7.0), ("a", 0, 2.0))
    usual = past_of(rows_of(("a", 0, 1.0))).usual_units
    assert usual.select("unique_id", "weekday", "units", "weeks").rows() == [("a", 5, 8.0, 2)]


def test_known_stock_is_of_series_stated_on_seven_days_and_leaves_out_zero_for_the_least(
    con: Con, past_of: Past
) -> None:
    """Series a on seven days of the eight weeks before, b on six and one long ago, c always 0."""
    for back in range(1, 8):
        insert(con, "stock", unique_id="a", ds=ago(back), on_hand=float(back - 1), known_at=LEARNED)
        insert(con, "stock", unique_id="c", ds=ago(back), on_hand=0.0, known_at=LEARNED)
        far = 57 if back == 1 else back
        insert(con, "stock", unique_id="b", ds=ago(far), on_hand=5.0, known_at=LEARNED)
    insert(con, "stock", unique_id="a", ds=DAY, on_hand=99.0, known_at=LEARNED)
    counted = pl.DataFrame({"unique_id": ["a"], "ds": [DAY], "on_hand": [3.0], "known_at": [None]})
    known = past_of(STOCK.conform(counted), fact="stock").known_stock
    assert known.select("unique_id", "least", "most").rows() == [("a", 1.0, 6.0)]
    assert past_of(rows_of(("a", 0, 1.0))).known_stock.is_empty()


def test_prices_are_read_for_prices_calendar_and_regions_for_sales(con: Con, past_of: Past) -> None:
    for name in ("a", "b"):
        insert(con, "prices", unique_id=name, from_ds=ago(9), to_ds=DAY, price=2.5)
    for back in (57, 56, 0, -1):
        insert(con, "calendar", region="S1", ds=ago(back), event="feast")
    sales = past_of(rows_of(("a", 0, 1.0)))
    assert sales.prices.is_empty()
    assert sales.calendar["ds"].to_list() == [ago(56), DAY]
    assert sorted(sales.regions.rows()) == [("a", "S1"), ("b", "S1"), ("c", "S2")]
    prices = past_of(pl.DataFrame({"unique_id": ["a"]}), fact="prices")
    assert prices.prices["unique_id"].to_list() == ["a"]
    assert (prices.calendar.height, prices.regions, prices.first_known) == (0, None, None)


def test_a_batch_without_a_readable_day_has_no_past(con: Con, past_of: Past) -> None:
    sold(con, ("a", 1, 3.0))
    dateless = rows_of(("a", 0, 1.0)).with_columns(ds=pl.lit(None, pl.Date))
    recent = past_of(dateless)
    assert (recent.first_known, recent.regions) == (None, None)
    assert recent.past.is_empty()
    assert recent.recent_sales.is_empty()


def test_sales_not_stated_again_are_those_with_units_on_the_days_that_are(con: Con) -> None:
    """Store S1 states one of two known rows again, of S2 none."""
    sold(con, ("a", 0, 8.0), ("b", 0, 4.0), ("c", 0, 2.0), ("d", 0, 0.0), ("b", 1, 6.0))
    found = read_unstated(con, rows_of(("a", 0, 8.0), ("a", 0, 8.0)), ["store_id"])
    assert found.select("unique_id", "ds", "y", "stated_share").rows() == [
        ("b", DAY, 4.0, 0.5),
        ("c", DAY, 2.0, 0.0),
    ]


def test_a_first_load_is_older_than_all_that_is_known_or_the_first_of_its_fact(con: Con) -> None:
    def is_first(fact: str, batch: pl.DataFrame) -> bool:
        return is_first_load(con, Received(fact, batch, batch.clear(), batch.height))

    assert is_first("sales", rows_of(("a", 0, 1.0)))
    sold(con, ("a", 5, 3.0), ("a", 4, 3.0))
    assert is_first("sales", rows_of(("a", 9, 1.0), ("a", 6, 1.0)))
    assert not is_first("sales", rows_of(("a", 9, 1.0), ("a", 5, 1.0)))
    assert not is_first("sales", rows_of().clear())
    assert is_first("prices", pl.DataFrame({"unique_id": ["a"]}))
    insert(con, "prices", unique_id="b", from_ds=ago(9), to_ds=DAY, price=2.5)
    assert not is_first("prices", pl.DataFrame({"unique_id": ["a"]}))
