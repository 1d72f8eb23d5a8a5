"""A batch taken back: known no more, as known as ever before, and as if the rest alone had come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.batches import Batch, Delivery, holds, read_batches, write_delivery
from storage.facts import read_fact
from storage.rebuild import rebuild
from storage.series import read_series, series_at, write_series
from storage.store import Connection, open_store
from storage.withdrawals import lines_with, withdraw

DAY = date(2024, 1, 1)
BEGIN = datetime(2024, 1, 2, 6)
HOUR = timedelta(hours=1)
FAR = BEGIN + 99 * HOUR


@dataclass(frozen=True)
class Step:
    """A batch (values by key, known at an hour), or the withdrawal of an earlier one at an hour."""

    values: dict[str, float]
    hour: int
    takes_back: int | None = None


def rows(values: dict[str, float], known_at: datetime) -> pl.DataFrame:
    frame = {
        "unique_id": list(values),
        "ds": [DAY] * len(values),
        "y": list(values.values()),
        "known_at": [known_at] * len(values),
        "row_number": range(1, len(values) + 1),
        "lines": [1] * len(values),
    }
    return pl.DataFrame(frame, schema_overrides={"known_at": pl.Datetime("us"), "y": pl.Float64})


def write(con: Connection, number: int, step: Step, groups: dict[str, str] | None = None) -> int:
    known_at = BEGIN + step.hour * HOUR
    series = pl.DataFrame({"unique_id": list(step.values)})
    if groups:
        series = series.with_columns(store_id=pl.col("unique_id").replace_strict(groups))
    accepted = rows(step.values, known_at)
    batch = Batch("sales", accepted.height, accepted, pl.DataFrame(), "file", series)
    delivery = Delivery("simulator", f"sales_{number}.csv", f"{number:064d}", known_at)
    return write_delivery(con, delivery, [batch], {})[0]


def take_back(con: Connection, batch_id: int, at: datetime) -> None:
    withdraw(con, lines_with(con, batch_id)["batch_id"].to_list(), at)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[Connection]:
    with open_store(tmp_path / "tillcast.duckdb") as con:
        yield con


def known(con: Connection, as_of: datetime | None = None) -> dict[str, float]:
    return dict(read_fact(con, "sales", as_of).select("unique_id", "y").iter_rows())


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Batches in any order of what they were known at, and withdrawals of some."""
    steps: list[Step] = []
    for number in range(draw(st.integers(2, 7))):
        hour = draw(st.integers(0, 12))
        batches = [k for k, step in enumerate(steps) if step.takes_back is None]
        gone = {step.takes_back for step in steps}
        standing = [k for k in batches if k not in gone]
        if number and standing and draw(st.booleans()):
            steps.append(Step({}, hour + 3, draw(st.sampled_from(standing))))
        else:
            keys = draw(st.sets(st.sampled_from("abc"), min_size=1))
            values = {key: float(draw(st.integers(1, 3))) for key in sorted(keys)}
            steps.append(Step(values, hour))
    return steps


def naively(steps: list[Step], moment: datetime) -> dict[str, float]:
    """Key by key, the newest statement that was known by then and not taken back by then."""
    ended = {step.takes_back: BEGIN + step.hour * HOUR for step in steps if not step.values}
    said = [
        (key, BEGIN + step.hour * HOUR, number, value)
        for number, step in enumerate(steps)
        for key, value in step.values.items()
        if BEGIN + step.hour * HOUR <= moment < ended.get(number, datetime.max)
    ]
    return {key: value for key, _, _, value in sorted(said, key=lambda one: one[1:3])}


@given(steps=histories())
def test_every_reading_is_that_of_what_stands(
    steps: list[Step], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Now and as of every hour, whatever came in whatever order; and once more from the journal."""
    folder = tmp_path_factory.mktemp("store")
    store = folder / "tillcast.duckdb"
    with open_store(store) as con:
        ids: dict[int, int] = {}
        for number, step in enumerate(steps):
            if step.takes_back is None:
                ids[number] = write(con, number, step)
            else:
                take_back(con, ids[step.takes_back], BEGIN + step.hour * HOUR)
        assert known(con) == naively(steps, FAR)
        for hour in range(17):
            moment = BEGIN + hour * HOUR
            assert known(con, moment) == naively(steps, moment), (hour, steps)
        tables = _tables(con)
    rebuild(store, folder / "aside", "simulator", FAR)
    with open_store(store) as con:
        assert _tables(con) == tables


def _tables(con: Connection) -> dict[str, list[tuple[object, ...]]]:
    names = ("batches", "sales", "sales_superseded", "sales_confirmed", "series_attributes")
    return {
        name: sorted(con.execute(f"select * from {name}").fetchall(), key=str)  # noqa: S608 -- ours
        for name in names
    }


def test_a_value_that_was_restated_comes_back_and_a_new_key_goes(con: Connection) -> None:
    write(con, 1, Step({"a": 5.0}, 0))
    bad = write(con, 2, Step({"a": 7.0, "b": 9.0}, 1))
    take_back(con, bad, BEGIN + 2 * HOUR)
    assert known(con) == {"a": 5.0}
    assert known(con, BEGIN + HOUR) == {"a": 7.0, "b": 9.0}
    assert known(con, BEGIN) == {"a": 5.0}


def test_the_same_content_may_come_again(con: Connection) -> None:
    bad = write(con, 1, Step({"a": 5.0}, 0))
    take_back(con, bad, BEGIN + HOUR)
    assert not holds(con, f"{1:064d}")
    again = write(con, 1, Step({"a": 5.0}, 2))
    assert known(con) == {"a": 5.0}
    assert known(con, BEGIN + HOUR) == {}
    assert read_batches(con)["batch_id"].to_list() == [bad, 2, again]


def test_a_series_that_only_it_brought_goes_and_one_that_it_moved_goes_back(
    con: Connection,
) -> None:
    write(con, 1, Step({"a": 1.0}, 0), {"a": "CA_1"})
    bad = write(con, 2, Step({"a": 1.0, "b": 1.0}, 1), {"a": "TX_2", "b": "TX_2"})
    take_back(con, bad, BEGIN + 2 * HOUR)
    assert read_series(con).rows() == [("a", "CA_1")]
    before = BEGIN + HOUR
    sold = read_fact(con, "sales", before)["unique_id"]
    assert series_at(con, sold, before)["unique_id"].to_list() == ["a", "b"]


def test_a_later_move_holds_and_its_own_withdrawal_leads_to_the_first_place(
    con: Connection,
) -> None:
    write(con, 1, Step({"a": 1.0}, 0), {"a": "first"})
    second = write(con, 2, Step({"a": 2.0}, 1), {"a": "second"})
    third = write(con, 3, Step({"a": 3.0}, 2), {"a": "third"})
    take_back(con, second, BEGIN + 3 * HOUR)
    assert read_series(con)["store_id"].to_list() == ["third"]
    take_back(con, third, BEGIN + 4 * HOUR)
    assert read_series(con)["store_id"].to_list() == ["first"]


@st.composite
def moves(draw: st.DrawFn) -> list[tuple[str, str] | int]:
    """Files that state one series in a group, and the numbers of files taken back, in any order."""
    steps: list[tuple[str, str] | int] = []
    for number in range(draw(st.integers(2, 8))):
        files = [k for k, step in enumerate(steps) if not isinstance(step, int)]
        standing = [k for k in files if k not in steps]
        if number and standing and draw(st.booleans()):
            steps.append(draw(st.sampled_from(standing)))
        else:
            steps.append(("a", draw(st.sampled_from(["north", "south", "west"]))))
    return steps


@given(steps=moves())
def test_a_series_stands_where_the_newest_file_that_stands_put_it(
    steps: list[tuple[str, str] | int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with open_store(tmp_path_factory.mktemp("store") / "tillcast.duckdb") as con:
        ids: dict[int, int] = {}
        for number, step in enumerate(steps):
            if isinstance(step, int):
                take_back(con, ids[step], BEGIN + number * HOUR)
            else:
                ids[number] = write(con, number, Step({"a": 1.0}, number), dict([step]))
            stand = [
                one[1]
                for k, one in enumerate(steps[: number + 1])
                if not isinstance(one, int) and k not in steps[: number + 1]
            ]
            placed = [("a", stand[-1])] if stand else []
            assert read_series(con).select("unique_id", "store_id").rows() == placed


def test_a_series_never_seen_before_is_not_written_down_as_changed(con: Connection) -> None:
    write_series(con, pl.DataFrame({"unique_id": ["a"], "store_id": ["CA_1"]}), 1)
    assert con.execute("select * from series_changes").fetchall() == []
