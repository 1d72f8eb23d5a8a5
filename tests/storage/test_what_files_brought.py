"""From a file to what it stated and from a run to what it had read; what later files say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from contract.frames import SALES
from storage.batches import Batch, Delivery, came_as_history, unreadable, write_delivery
from storage.facts import corrected_since
from storage.known_at import with_known_at
from storage.lineage import (
    LedgerPosition,
    batches_named,
    batches_of_series,
    inference_runs,
    read_until,
    rows_brought,
    sold_after,
    sold_on,
    versions_of,
)
from storage.panel import counts_since, last_sales_day, ledger_hash
from storage.replays import stated_later, still_refused, was_refused
from storage.runs import Run, write_run
from storage.series import read_series, write_announced, write_series
from storage.store import open_store, transaction
from storage.withdrawals import withdraw, would_withdraw

DAY = date(2024, 3, 1)
SIX = datetime(2024, 3, 2, 6)
Con = duckdb.DuckDBPyConnection
REFUSED = {
    "row_number": pl.Int64, "reason": pl.String, "raw": pl.String, "lines": pl.Int64,
}  # fmt: skip


def day(back: int) -> date:
    return DAY - timedelta(days=back)


def morning(number: int) -> datetime:
    """When the file of a number came: one a day."""
    return SIX + timedelta(days=number)


def sales(*rows: tuple[str, int, float], at: datetime | None) -> pl.DataFrame:
    """Rows of series, days back and units, learned at a moment, as a batch holds them."""
    frame = pl.DataFrame(
        [(name, day(back), y, at, k, 1) for k, (name, back, y) in enumerate(rows, start=1)],
        schema=["unique_id", "ds", "y", "known_at", "row_number", "lines"],
        orient="row",
    )
    return frame.with_columns(SALES.conform(frame))


@pytest.fixture
def con(tmp_path: Path) -> Iterator[Con]:
    with open_store(tmp_path / "store.duckdb") as con:
        yield con


@pytest.fixture
def take(con: Con) -> Callable[..., int]:
    """`take(number, *rows)`: a file of that number; its batch."""

    def taken(
        number: int, *rows: tuple[str, int, float], refused: int = 0, known: str = "file"
    ) -> int:
        accepted = sales(*rows, at=morning(number))
        lost = pl.DataFrame(
            {"row_number": range(refused), "reason": "odd", "raw": "{}", "lines": 1},
            schema=REFUSED,
        )
        series = accepted.select("unique_id").unique()
        batch = Batch("sales", len(rows) + refused, accepted, lost, known, series)
        delivery = Delivery("files", f"till_{number}.csv", f"{number:064d}", morning(number))
        return write_delivery(con, delivery, [batch], {"odd": "Odd."})[0]

    return taken


def test_a_run_is_found_by_its_end_or_where_it_has_none_by_its_beginning(con: Con) -> None:
    hour = timedelta(hours=1)
    with transaction(con):
        write_run(con, Run("ended", "inference", SIX - hour, SIX))
        write_run(con, Run("going", "inference", SIX + hour))
        write_run(con, Run("before", "inference", SIX - 2 * hour, SIX - hour))
        write_run(con, Run("look", "monitor", SIX, SIX))
    assert [run.run_id for run in inference_runs(con, SIX)] == ["ended", "going"]
    assert [run.run_id for run in inference_runs(con, SIX - hour)] == ["before", "ended", "going"]


def test_how_far_a_run_had_read_is_proven_by_its_panel_or_bounded_by_its_beginning(
    con: Con, take: Callable[..., int]
) -> None:
    for number in (1, 2, 3):
        take(number, ("a", number, 1.0))
    two = ledger_hash(None, [f"{number:064d}" for number in (1, 2)])
    exact = Run("r", "inference", morning(1), morning(3), panel_hash=two)
    assert read_until(con, exact) == LedgerPosition(2, is_exact=True)
    offline = Run("r", "inference", morning(2), morning(3), panel_hash="another")
    assert read_until(con, offline) == LedgerPosition(2, is_exact=False)
    assert read_until(con, Run("r", "inference", morning(0), morning(3))) is None
    going = Run("r", "inference", morning(2), panel_hash=two)
    assert read_until(con, going) == LedgerPosition(2, is_exact=True)


def test_a_series_stands_on_the_files_that_stated_what_is_known_of_it(
    con: Con, take: Callable[..., int]
) -> None:
    take(1, ("a", 5, 1.0), ("a", 4, 2.0), ("a", 3, 2.0), ("b", 4, 9.0))
    take(2, ("a", 4, 3.0), ("a", 1, 4.0))
    columns = ["batch_id", "name", "fact", "rows", "first_day", "last_day"]
    assert batches_of_series(con, "a", 2).select(columns).rows() == [
        (1, "till_1.csv", "sales", 2, day(5), day(3)),
        (2, "till_2.csv", "sales", 2, day(4), day(1)),
    ]
    assert batches_of_series(con, "a", 1)["batch_id"].to_list() == [1]
    assert (sold_on(con, "a", day(4)), sold_on(con, "a", day(2))) == (3.0, None)
    assert sold_after(con, day(4)).rows() == [("a", day(3), 2.0), ("a", day(1), 4.0)]
    assert versions_of(con, "a").select("ds", "said_before", "said_now").rows() == [
        (day(4), 2.0, 3.0)
    ]
    assert versions_of(con, "b").is_empty()


def test_a_file_is_found_by_its_number_name_pattern_or_hash(
    con: Con, take: Callable[..., int]
) -> None:
    for number in (1, 2, 12):
        take(number, ("a", number, 1.0))
    together = Delivery("files", "n.csv + s.csv", "f" * 64, SIX)
    write_delivery(con, together, [unreadable("empty")], {})

    def named(name: str | None, batch_id: int | None = None) -> list[int]:
        return batches_named(con, name, batch_id)["batch_id"].to_list()

    assert named(None, 2) == [2]
    assert named("till_1.csv") == [1]
    assert named("till_1*") == [1, 3]
    assert named("s.csv") == [4]
    assert named("f" * 8) == [4]
    assert named("f" * 7) == []


def test_what_a_batch_stated_counts_though_later_ones_said_otherwise_or_the_same(
    con: Con, take: Callable[..., int]
) -> None:
    take(1, ("a", 3, 1.0), ("a", 2, 2.0), ("b", 2, 5.0))
    take(2, ("a", 3, 9.0), ("a", 2, 2.0))
    brought = rows_brought(con, [1]).rows()
    assert brought == [
        ("sales", "a", 2, day(3), day(2), morning(1)),
        ("sales", "b", 1, day(2), day(2), morning(1)),
    ]
    assert rows_brought(con, [2])["rows"].to_list() == [2]
    assert rows_brought(con, []).is_empty()


def test_what_was_corrected_since_is_what_a_later_batch_says_otherwise(
    con: Con, take: Callable[..., int]
) -> None:
    take(1, ("a", 3, 1.0), ("a", 2, 2.0), ("a", 1, 3.0))
    take(2, ("a", 3, 9.0), ("a", 2, 2.0))
    again = sales(("a", 3, 1.0), ("a", 2, 2.0), ("a", 1, 7.0), at=morning(3))
    assert corrected_since(con, "sales", again, 1) == 1
    assert corrected_since(con, "sales", again, 2) == 0
    older = sales(("a", 3, 1.0), at=morning(0))
    assert corrected_since(con, "sales", older, 1) == 0


def test_a_content_came_as_history_when_its_moments_were_assumed(
    con: Con, take: Callable[..., int]
) -> None:
    take(1, ("a", 3, 1.0), known="assumed: ds + 1 days, 06:00")
    take(2, ("a", 2, 1.0), known="received")
    assert came_as_history(con, f"{1:064d}")
    assert not came_as_history(con, f"{2:064d}")


def test_rows_wait_until_they_are_replayed_by_batch_or_reason(
    con: Con, take: Callable[..., int]
) -> None:
    take(1, ("a", 3, 1.0), refused=2)
    take(2, ("a", 2, 1.0))
    write_delivery(con, Delivery("files", "bad.csv", "bad", SIX), [unreadable("no table")], {})
    columns = ["batch_id", "row_number", "reason"]
    assert still_refused(con, 1, None).select(columns).rows() == [(1, 0, "odd"), (1, 1, "odd")]
    assert still_refused(con, None, "odd").height == 2
    assert still_refused(con, 3, None).select(columns).rows() == [(3, None, None)]
    assert still_refused(con, 2, None).is_empty()
    assert [was_refused(con, number, None) for number in (1, 2, 3)] == [True, False, True]
    assert (was_refused(con, None, "odd"), was_refused(con, None, "even")) == (True, False)
    con.execute("update quarantine set replayed_by = 2 where row_number = 0").fetchall()
    assert still_refused(con, 1, None)["row_number"].to_list() == [1]


def test_a_key_was_stated_later_by_a_batch_that_stands_even_if_it_said_the_same(
    con: Con, take: Callable[..., int]
) -> None:
    take(1, ("a", 3, 1.0), ("a", 2, 2.0))
    take(2, ("a", 3, 1.0), ("b", 2, 4.0))
    judged = sales(("a", 3, 1.0), ("a", 2, 2.0), ("b", 2, 1.0), at=None)
    later = stated_later(con, "sales", judged, 1)
    assert sorted(later.rows()) == [("a", day(3)), ("b", day(2))]
    assert stated_later(con, "sales", judged, 2).is_empty()
    known = judged.with_columns(known_at=pl.lit(SIX))
    assert stated_later(con, "sales", known, 1).is_empty()
    withdraw(con, [2], morning(5))
    assert stated_later(con, "sales", judged, 1).is_empty()


def test_what_taking_back_would_change_is_counted_and_nothing_is_changed(
    con: Con, take: Callable[..., int]
) -> None:
    take(1, ("a", 3, 1.0))
    take(2, ("a", 3, 9.0), ("b", 3, 4.0))
    counted = would_withdraw(con, [2], morning(3))
    assert (counted.restored, counted.gone) == (1, 1)
    assert sold_on(con, "a", day(3)) == 9.0
    assert withdraw(con, [2], morning(3)) == counted
    assert (sold_on(con, "a", day(3)), sold_on(con, "b", day(3))) == (1.0, None)


def test_what_is_taken_back_of_two_facts_is_counted_together(
    con: Con, take: Callable[..., int]
) -> None:
    """Of prices one is gone and one comes back, of sales the same."""

    def priced(number: int, *names: str) -> None:
        rows = [(name, DAY, DAY, float(number), morning(number), 1, 1) for name in names]
        columns = ["unique_id", "from_ds", "to_ds", "price", "known_at", "row_number", "lines"]
        frame = pl.DataFrame(rows, schema=columns, orient="row").with_columns(promo=False)
        batch = Batch("prices", frame.height, frame, pl.DataFrame(schema=REFUSED), "file")
        delivery = Delivery("files", f"prices_{number}.csv", f"p{number}", morning(number))
        write_delivery(con, delivery, [batch], {})

    take(1, ("a", 3, 1.0))
    priced(1, "a")
    take(2, ("a", 3, 9.0), ("b", 3, 4.0))
    priced(2, "a", "b")
    counted = would_withdraw(con, [3, 4], morning(3))
    assert (counted.restored, counted.gone) == (2, 2)


def test_what_a_panel_holds_is_counted_from_a_day_on(con: Con, take: Callable[..., int]) -> None:
    assert last_sales_day(con) is None
    assert counts_since(con) == {"series": 0, "days": 0, "sales": 0, "plans": 0}
    take(1, ("a", 5, 1.0), ("a", 1, 1.0), ("b", 3, 1.0))
    for back in (4, 2):
        prices = [day(back + 1), day(back), SIX]
        con.execute("insert into prices values ('a', ?, ?, ?, 2.5, false, 1)", prices).fetchall()
        con.execute(
            "insert into covariates (unique_id, name, ds, known_at, value, batch_id) "
            "values ('a', 'rain', ?, ?, 1.0, 1)",
            [day(back), SIX],
        ).fetchall()
    assert last_sales_day(con) == day(1)
    assert counts_since(con) == {"series": 2, "days": 5, "sales": 3, "plans": 4}
    assert counts_since(con, day(3)) == {"series": 2, "days": 3, "sales": 2, "plans": 2}


def test_plans_place_a_series_until_its_sales_do(con: Con, take: Callable[..., int]) -> None:
    def placed(*rows: tuple[str, str]) -> pl.DataFrame:
        return pl.DataFrame(rows, schema=["unique_id", "store_id"], orient="row")

    with transaction(con):
        write_series(con, placed(("sold", "S1")), 1)
    take(2, ("sold", 3, 1.0))
    with transaction(con):
        write_announced(con, placed(("sold", "S9"), ("new", "S2")), 3)
    stands = dict(read_series(con).select("unique_id", "store_id").rows())
    assert stands == {"sold": "S1", "new": "S2"}
    assert con.execute("select * from announced").fetchall() == [(3, "new")]
    with transaction(con):
        write_announced(con, placed(("new", "S3")), 4)
    assert dict(read_series(con).select("unique_id", "store_id").rows())["new"] == "S3"


@pytest.mark.parametrize(
    ("fact", "delay", "learned", "source"),
    [
        ("sales", None, SIX, "received"),
        ("sales", 1, datetime(2024, 2, 28, 6), "assumed: ds + 1 days, 06:00"),
        ("sales", 99, SIX, "assumed: ds + 99 days, 06:00"),
        ("supply", 1, SIX, "received"),
    ],
)
def test_a_row_without_a_moment_was_learned_now_or_so_many_days_after_its_own(
    fact: str, delay: int | None, learned: datetime, source: str
) -> None:
    rows = sales(("a", 3, 1.0), ("b", 1, 1.0), at=None)
    filled, came_from = with_known_at(fact, rows, SIX, delay)
    assert (filled["known_at"][0], came_from) == (learned, source)
    said = sales(("a", 3, 1.0), at=morning(0))
    assert with_known_at(fact, said, morning(9), delay) == (said, "file")


def test_plans_are_known_on_their_own_day_a_calendar_from_its_first_on() -> None:
    days = sales(("a", 3, 1.0), ("a", 1, 1.0), at=None).with_columns(name=pl.lit("rain"))
    own = [datetime(2024, 2, 27, 6), datetime(2024, 2, 29, 6)]
    plan, came_from = with_known_at("covariates", days, SIX, 1)
    assert (plan["known_at"].to_list(), came_from) == (own, "assumed: plans known on their own day")
    past, _ = with_known_at("covariates", days, SIX, 1, ("rain",))
    assert past["known_at"].to_list() == [moment + timedelta(days=1) for moment in own]
    calendar, came_from = with_known_at("calendar", days, SIX, 1)
    assert calendar["known_at"].to_list() == [own[0], own[0]]
    assert came_from == "assumed: days known from the first"
    prices, _ = with_known_at("prices", days.rename({"ds": "from_ds"}), SIX, 1)
    assert prices["known_at"].to_list() == own
