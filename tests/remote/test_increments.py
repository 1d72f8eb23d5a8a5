"""What of a table is new, to the last row and digit; and its values as a file holds them."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from contract.errors import BadInput, RemoteUnreachable, SourceMissing
from contract.params import TableParams
from ingest import ingest
from remote.database import connected
from remote.increments import Increment, Wanted, write_increment
from remote.marks import can_follow, less_overlap, mark_of, not_ahead, read, written
from remote.values import series_of

URL = "TILLCAST_TEST_URL"
NOW = datetime(2024, 4, 10, 7)


class Lines:
    """A SQLite table `lines` (day, n, mark), and what is read of it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.target = folder / "lines.db", folder / "out.parquet"
        self.run("create table lines (day, n, mark)")

    def run(self, statement: str, rows: list[tuple] | None = None) -> None:
        con = sqlite3.connect(self.path)
        with con:
            con.executemany(statement, rows) if rows is not None else con.execute(statement)
        con.close()

    def add(self, *rows: tuple) -> None:
        self.run("insert into lines values (?, ?, ?)", [*rows])

    def new(self, since=None, day: str | None = None, zone=None, **fact) -> Increment:
        self.target.unlink(missing_ok=True)
        table = TableParams(**({"table": "lines", "watermark": "mark", "overlap": 0} | fact))
        wanted = Wanted(frozenset({"day", "n"}), day, zone)
        with connected(URL, is_reading=True) as con:
            return write_increment(con, table, wanted, since, self.target, 1000)

    def n(self) -> list:
        """The numbers of the rows that were read."""
        return sorted(pl.read_parquet(self.target)["n"]) if self.target.exists() else []


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lines:
    """An empty table, its url in the environment."""
    made = Lines(tmp_path)
    monkeypatch.setenv(URL, f"sqlite:///{made.path}")
    return made


# rows without a watermark


def test_a_row_without_a_watermark_is_read(lines):
    lines.add(("d", 1, 10), ("d", 2, None))
    first = lines.new()
    assert (lines.n(), first.mark) == ([1, 2], 10)
    lines.add(("d", 3, None), ("d", 4, 11))
    lines.new(since=11)
    assert lines.n() == [2, 3, 4]


def test_a_table_whose_rows_all_lack_a_watermark_is_read_whole(lines):
    lines.add(("d", 1, None), ("d", 2, None))
    assert lines.new() == Increment(2, None)
    assert lines.new(since=7) == Increment(2, 7)  # how far it was read before


def test_a_day_that_has_a_row_without_a_watermark_is_read_whole(lines):
    lines.add(("2024-03-01", 1, 10), ("2024-03-01", 2, None), ("2024-03-02", 3, 11))
    lines.add(("2024-03-03", 4, 12))
    lines.new(since=12, day="day")
    assert lines.n() == [1, 2, 4]


def test_sales_that_a_loader_left_without_a_moment_of_change_arrive(
    shop, database, paths, sales_in
):
    ingest(shop, paths, now=NOW)
    before = sales_in().height
    database.run("insert into sales select shop, sku, '2024-04-10', 5, null, buyer from sales "
                 "where day = '2024-04-09'")  # fmt: skip
    ingest(shop, paths, now=NOW + timedelta(days=1))
    assert sales_in().height == before + 6


# marks


@pytest.mark.parametrize(
    "value",
    [
        2**60 + 1, 10**30 + 1, -5, Decimal("1700000000.123456789"), Decimal(10**30 + 1),
        1700000000.123456, 1e300, datetime(2024, 3, 1, 10, 0, 0, 123456),
        datetime(2024, 3, 1, 10, tzinfo=ZoneInfo("Europe/Berlin")), date(2024, 3, 1),
        "2024-03-01", "2024-03-01 10:00:00.123456789",
    ],
)  # fmt: skip
def test_a_mark_is_kept_to_the_last_digit(value):
    mark = read(json.loads(json.dumps(written(mark_of(value, "id")))))
    assert mark == value
    assert less_overlap(mark, 0) <= value
    if not isinstance(value, str):
        assert less_overlap(mark, 0) == value


def test_a_number_is_moved_back_exactly():
    assert less_overlap(2**60 + 1, None) == 2**60 + 1 - 1000
    assert less_overlap(10, 0.5) == 9
    assert less_overlap(-10, 0.5) == -11
    assert less_overlap(Decimal("12345678901234567890123456789.5"), 1) == Decimal(
        "12345678901234567890123456788.5"
    )


def test_half_a_day_of_overlap_is_a_day():
    assert less_overlap(date(2024, 3, 2), 0.5) == date(2024, 3, 1)


@pytest.mark.parametrize(
    ("mark", "first"),
    [(date(1, 1, 1), date.min), (datetime(1, 1, 1, 0, 30), datetime.min),
     (date(2024, 1, 1), date.min)],
)  # fmt: skip
def test_no_mark_is_moved_back_beyond_the_first_day(mark, first):
    assert less_overlap(mark, None if mark.year == 1 else 1e9) == first


@pytest.mark.parametrize("number", [2**60, 2**53 + 1])
def test_the_row_beside_a_large_number_is_not_missed(lines, number):
    lines.add(("d", 1, number), ("d", 2, number + 1))
    since = lines.new().mark
    lines.add(("d", 3, number + 1), ("d", 4, number + 2))
    lines.new(since=since)
    assert lines.n() == [2, 3, 4]


def test_a_watermark_with_fractions_is_a_number(lines):
    lines.add(("d", 1, 1700000000.25), ("d", 2, 1700000001.0))
    since = lines.new().mark
    lines.add(("d", 3, 1700000001.000001))
    assert lines.new(since=since).mark == 1700000001.000001
    assert lines.n() == [2, 3]


@pytest.mark.parametrize(
    ("mark", "later"),
    [
        ("2024-03-01 10:00:00.5", "2024-03-01 10:00:00.5"),
        ("2024-03-01 10:00:00.500", "2024-03-01 10:00:00.500"),
        ("2024-03-01 10:00", "2024-03-01 10:00"),
        ("2024-03-01T10:00:00Z", "2024-03-01T10:00:00.7Z"),
        ("2024-03-01T10:00:00.123456789", "2024-03-01T10:00:00.123456789"),
        ("2024-03-01T10:00:00", "2024-03-01 10:30:00"),
        ("2024-03-01T10:00:00+02:00", "2024-03-01T10:00:00.1+02:00"),
        ("20240301T100000", "20240301T100000"),
        ("2024-W09-5", "2024-W09-5"),
    ],
)
def test_a_text_of_the_same_moment_or_a_later_one_is_not_missed(lines, mark, later):
    lines.add(("d", 1, mark))
    since = lines.new().mark
    lines.add(("d", 2, later))
    lines.new(since=since)
    assert 2 in lines.n()


def test_one_row_of_the_year_2999_hides_none_that_comes_after():
    assert not_ahead(datetime(2999, 1, 1), NOW) == datetime(2024, 4, 9, 7)
    assert not_ahead(datetime(2999, 1, 1, tzinfo=UTC), NOW).tzinfo is UTC
    assert not_ahead(date(2999, 1, 1), NOW) == date(2024, 4, 9)
    assert not_ahead("2999-01-01 10:00:00", NOW) == "2024-04-09"
    for now in (7, datetime(2024, 4, 10, 9), date(2024, 4, 11), "2024-04-09 10:00:00"):
        assert not_ahead(now, NOW) == now


def test_a_typo_in_a_moment_of_change_stops_no_feed(shop, database, paths, sales_in):
    database.run("update sales set changed_at = '2999-01-01' where rowid = 1")
    ingest(shop, paths, now=NOW)
    for number in (1, 2, 3, 4):
        day = date(2024, 4, 9) + timedelta(days=number)
        database.add(day, datetime.combine(day, time(22)))
        ingest(shop, paths, now=NOW + timedelta(days=number))
    assert sales_in()["ds"].max() == date(2024, 4, 13)


def test_a_table_made_anew_is_read_from_its_beginning(lines):
    lines.add(("d", 1, 5), ("d", 2, 6))
    assert lines.new(since=5000).rows == 2
    lines.add(("d", 3, 5001))
    assert lines.new(since=5000).rows == 1


@pytest.mark.parametrize(
    ("mark", "since"),
    [
        (datetime(2024, 1, 2), 7), (7, datetime(2024, 1, 2)), ("2024-01-02", date(2024, 1, 2)),
        (datetime(2024, 1, 2), datetime(2024, 1, 1, tzinfo=UTC)),
        (date(2024, 1, 2), datetime(2024, 1, 1)),
    ],
)  # fmt: skip
def test_a_mark_of_another_kind_is_no_mark(mark, since):
    assert not can_follow(mark, since, 0)
    assert can_follow(mark, mark, None)


def test_numbers_are_one_kind():
    assert can_follow(Decimal("7.5"), 7, 0)
    assert can_follow(7.5, Decimal(7), 0)


# whole days


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2024-03-01 10:15:00", "2024-03-01"),
        ("2024-03-01", "2024-03-01 10:15:00"),
        ("2024-03-01T23:59", "2024-03-01 00:00"),
        ("2024-03-01", "2024-03-01"),
        ("1.3.2024", "1.3.2024"),
        (20240301, 20240301),
        ("9999-12-31", "9999-12-31 10:00"),
    ],
)
def test_all_rows_of_a_day_are_read_however_they_write_it(lines, old, new):
    lines.add((old, 1, 10), ("2024-02-29", 7, 10), ("2024-03-02", 8, 10), (None, 9, 10))
    lines.add((new, 2, 20))
    lines.new(since=15, day="day")
    assert lines.n() == [1, 2]


def test_days_with_and_without_clocks_among_the_new_rows_are_read_whole(lines):
    lines.add(("2024-03-01 10:00", 1, 10), ("2024-03-01", 2, 10), ("2024-03-02", 3, 10))
    lines.add(("2024-03-01", 4, 20), ("2024-03-02 11:00", 5, 20))
    lines.new(since=15, day="day")
    assert lines.n() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1.3.2024", "1.3.2024 10:15"), ("1.3.2024 10:15", "1.3.2024"),
        ("20240301", "20240301 101500"), ("20240301T1015", "20240301"),
        (1709251200, 1709287200), ("1709251200", "1709287200"), (45352.0, 45352.5),
        ("2024-03-01T10:00:00Z", "2024-03-01T11:00:00Z"),
        ("Fri, 1 Mar 2024", "Fri, 1 Mar 2024"),
    ],
)  # fmt: skip
def test_days_that_nobody_can_tell_apart_are_refused_and_not_read_by_halves(lines, old, new):
    lines.add((old, 1, 10), (new, 2, 20))
    with pytest.raises(BadInput, match="whole days cannot be read by"):
        lines.new(since=15, day="day")


def test_the_stores_own_clock_says_the_day_whatever_its_offset(lines):
    lines.add(("2024-03-01T10:00:00Z", 1, 10), ("2024-03-01T11:00:00+02:00", 2, 20))
    lines.new(since=15, day="day", zone="local")
    assert lines.n() == [1, 2]


# values


@pytest.mark.parametrize(
    ("values", "kind", "kept"),
    [
        ((b"milk", b"tea"), pl.String, ["milk", "tea"]),
        ((b"\xff\x00", b"\xfe\x00"), pl.String, ["ff00", "fe00"]),
        ((bytearray(b"a"), memoryview(b"b")), pl.String, ["a", "b"]),
        (([1, 2], None), pl.String, ["[1, 2]", None]),
        (([1], ["ä"]), pl.String, ["[1]", '["ä"]']),
        (({"a": Decimal("1.50")}, {"b": [None]}), pl.String, ['{"a": "1.50"}', '{"b": [null]}']),
        ((timedelta(days=1), time(10)), pl.String, ["1 day, 0:00:00", "10:00:00"]),
        ((UUID(int=7),), pl.String, ["00000000-0000-0000-0000-000000000007"]),
        ((2**63, 1), pl.String, [str(2**63), "1"]),
        ((1, 2.5, None), pl.Float64, [1.0, 2.5, None]),
        ((1, True), pl.String, ["1", "True"]),
        ((7, "7a", 7.0), pl.String, ["7", "7a", "7"]),
        ((Decimal("1.50"), None), pl.Decimal(38, 2), [Decimal("1.50"), None]),
        ((Decimal("1e-30"), Decimal("1e20")), pl.String, ["0." + 29 * "0" + "1", "1" + 20 * "0"]),
        ((Decimal("NaN"), Decimal(1)), pl.String, ["NaN", "1"]),
        ((Decimal(10) ** 40,), pl.String, ["1" + 40 * "0"]),
        ((Decimal("1E+3"),), pl.Decimal(38, 0), [Decimal(1000)]),
        (("\ud800", "a"), pl.String, ["?", "a"]),
        ((date(2024, 1, 1), datetime(2024, 1, 1, 10)), pl.String,
         ["2024-01-01", "2024-01-01 10:00:00"]),
        ((datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1)), pl.String,
         ["2024-01-01 00:00:00+00:00", "2024-01-01 00:00:00"]),
        ((None, None), pl.Null, [None, None]),
    ],
)  # fmt: skip
def test_values_of_any_driver_are_kept_as_columns_or_as_text(values, kind, kept):
    column = series_of("x", values)
    assert column.dtype == kind
    assert column.to_list() == kept


def test_parts_of_other_types_become_one_column(lines):
    lines.add(*[("d", "a", number) for number in range(1000)])
    lines.add(*[("d", b"\xff", 1000 + number) for number in range(1000)])
    lines.add(*[("d", 7, 2000 + number) for number in range(10)])
    assert lines.new().rows == 2010
    assert set(lines.n()) == {"a", "ff", "7"}


# queries


@pytest.mark.parametrize(
    "query",
    [
        "select day, n, mark from lines -- all of it",
        "select day, n, mark from lines; -- all of it",
        "select day, n, mark from lines /* all; of it */ ;\n-- end",
        "select day, n, mark from lines where n <> ';--' ; ;",
        "select day, n, mark from lines -- it's: 'half\n",
        "with own as (select * from lines) select * from own -- end",
    ],
)
def test_a_query_may_end_with_a_semicolon_and_a_comment(lines, query):
    lines.add(("d", 1, 10))
    assert lines.new(table=None, query=query).rows == 1
    assert lines.new(since=10, table=None, query=query).rows == 1


@pytest.mark.parametrize(
    "query",
    [
        "selec day, n, mark from lines", "select day, n, mark from lines where (",
        "select day, n, mark from lines, lines two", "select sum(n) n from lines where max(n)",
        "select day, nosuch(n) n, mark from lines", "select '", "select 1; select 2",
        "delete from lines", "select cast(x'ff41' as text) n, 1 mark",
    ],
)  # fmt: skip
def test_a_wrong_query_is_no_outage(lines, query):
    lines.add(("d", 1, 10))
    with pytest.raises(SourceMissing, match=r"source\.sql\.facts"):
        lines.new(table=None, query=query)


def test_a_database_that_another_holds_is_tried_again(lines):
    lines.add(("d", 1, 10))
    con = sqlite3.connect(lines.path, isolation_level=None)
    con.execute("begin exclusive")
    with pytest.raises(RemoteUnreachable, match="is busy"), pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL, f"sqlite:///{lines.path}?timeout=0.1")
        lines.new()
    con.close()


def test_a_connection_for_reading_reads(lines):
    with pytest.raises(SourceMissing, match="readonly"), connected(URL, is_reading=True) as con:
        con.exec_driver_sql("insert into lines values (1, 1, 1)")
