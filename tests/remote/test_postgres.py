"""The same against a real server: rights, roads that break off, its own types; in and out."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from contract.errors import BadInput, RemoteUnreachable
from contract.frames import FORECASTS, ORDERS
from contract.params import TableParams
from ingest import ingest
from remote.database import connected
from remote.increments import Wanted, write_increment
from remote.marks import read, written
from remote.published import Delivery, publish
from stages.fetch import fetch_only

URL = "TILLCAST_TEST_URL"
LAST = date(2024, 4, 9)
ITEMS = [(shop, item) for shop in "NS" for item in ("milk", "rice", "tea")]


def morning(day: date, hour: int = 7) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time()).replace(hour=hour)


@pytest.fixture(autouse=True)
def _cursors_of_broken_roads_go_here() -> Iterator[None]:
    """The driver warns of a cursor that nobody could close, as its server was gone."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def server(postgres, monkeypatch):
    """The server with a schema of its own: 40 days of sales, and a reader without more rights."""
    monkeypatch.setenv(URL, postgres.url())
    postgres.run(
        "drop schema if exists shop cascade",
        "drop schema if exists planning cascade",
        "create schema shop",
        "create schema planning",
        "create table shop.sales (shop text, sku text, day date, sold numeric(12, 3), "
        "changed_at timestamptz, sold_at timestamptz, buyer text)",
        "drop role if exists reader",
        "create role reader login password 're4der!word'",
        "grant usage on schema shop to reader",
    )
    add(postgres, [LAST - timedelta(days=number) for number in range(40)])
    return postgres


def add(postgres, days: list[date], sold: float | None = None) -> None:
    postgres.run(
        "insert into shop.sales values (%s, %s, %s, %s, %s, %s, 'ada')",
        rows=[
            (shop, item, day, 3 + day.toordinal() % 7 if sold is None else sold,
             morning(day, 6).replace(tzinfo=UTC), morning(day, 0).replace(tzinfo=UTC))
            for day in days for shop, item in ITEMS
        ],
    )  # fmt: skip


def psycopg_of(server):
    """A connection of somebody else's."""
    import psycopg

    return psycopg.connect(server.url())


@pytest.fixture
def of_server(shop_of_tables):
    """The shop's params."""
    return shop_of_tables({"sales": {"table": "shop.sales", "watermark": "changed_at"}})


def test_mornings_bring_what_is_new_once(server, of_server, paths, sales_in):
    assert ingest(of_server, paths, now=morning(LAST))["rows_out"] == 240
    day = LAST + timedelta(days=1)
    add(server, [day], sold=2)
    assert ingest(of_server, paths, now=morning(day))["rows_in"] == 12
    assert ingest(of_server, paths, now=morning(day, 8)).get("files", 0) <= 1
    assert sales_in().filter(ds=day)["y"].to_list() == [2.0] * 6
    assert sales_in().height == 246


def test_local_days_of_moments_with_an_offset_are_read_whole(
    server, shop_of_tables, paths, sales_in
):
    """Half past eleven in the evening in UTC is the next day in Berlin."""
    server.run("update shop.sales set sold_at = day + time '23:30' - interval '1 day' + "
               "interval '1 hour' * (case when sku = 'tea' then 15 else 0 end)")  # fmt: skip
    columns = {"unique_id": ["shop", "sku"], "ds": "sold_at", "y": "sold"}
    shop = shop_of_tables(
        {"sales": {"table": "shop.sales", "watermark": "changed_at", "overlap": 0}},
        columns=columns, time_zone="Europe/Berlin",
    )  # fmt: skip
    ingest(shop, paths, now=morning(LAST, 23))
    before = sales_in()
    day = LAST - timedelta(days=9)
    server.run(
        "update shop.sales set sold = 50, changed_at = '2024-04-10 09:00+00' "
        f"where day = '{day}' and sku = 'tea' and shop = 'N'"
    )
    ingest(shop, paths, now=morning(LAST, 23))
    changed = sales_in().join(before, on=["unique_id", "ds", "y"], how="anti")
    assert changed.select("unique_id", "y").rows() == [("N_tea", 50.0)]


@pytest.mark.parametrize("who", ["owner:wr0ng!word", "nobody_here:wr0ng!word"])
def test_a_login_that_is_refused_says_so_without_its_password(
    server, of_server, paths, monkeypatch, who
):
    monkeypatch.setenv(URL, server.url(who=who))
    with pytest.raises(RemoteUnreachable, match="refuses the login") as caught:
        ingest(of_server, paths, now=morning(LAST))
    assert "wr0ng" not in str(caught.value)


def test_a_table_without_rights_is_refused(server, of_server, paths, monkeypatch):
    monkeypatch.setenv(URL, server.url(who="reader:re4der!word"))
    with pytest.raises(BadInput, match="permission denied"):
        ingest(of_server, paths, now=morning(LAST))
    assert not list(paths.inbox.iterdir())


def test_nothing_is_written_where_we_read(server, shop_of_tables, paths):
    server.run("create sequence shop.counted")
    shop = shop_of_tables({"sales": {"query": "select *, nextval('shop.counted') from shop.sales"}})
    with pytest.raises(BadInput, match="read-only"):
        ingest(shop, paths, now=morning(LAST))


def test_a_road_that_breaks_off_leaves_nothing_and_the_next_look_all(
    server, of_server, paths, sales_in, cut_after, monkeypatch
):
    add(server, [LAST - timedelta(days=number) for number in range(40, 400)])
    broken = 0
    for after in (10, 2_000, 6_000, 20_000, 60_000, 100_000):
        monkeypatch.setenv(URL, cut_after(after))
        try:
            fetch_only(of_server, paths, now=morning(LAST), whole=False)
        except RemoteUnreachable as error:
            broken += 1
            assert "own3r" not in str(error)
            assert not list(paths.inbox.iterdir())
            assert not list(paths.staging.iterdir())
    assert broken >= 4
    monkeypatch.setenv(URL, server.url())
    ingest(of_server, paths, now=morning(LAST))
    assert sales_in().height == 2400


def test_a_server_that_ends_our_reading_is_no_empty_table(server, tmp_path):
    """A superuser ends the session while rows are on their way."""
    query = "select shop, sku, day, sold, pg_sleep(0.01)::text as slow from shop.sales"
    with pytest.raises(RemoteUnreachable), connected(URL, is_reading=True) as con:
        ended = (
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where usename = 'owner' and pid <> pg_backend_pid()"
        )
        threading.Timer(0.7, lambda: server.run(ended)).start()
        wanted = Wanted(frozenset({"shop", "sku", "day", "sold", "slow"}))
        write_increment(con, TableParams(query=query), wanted, None, tmp_path / "x.parquet", 1000)
    assert not (tmp_path / "x.parquet").exists()


def test_types_of_the_server_arrive_as_a_file_of_any_writer_would_bring_them(server, tmp_path):
    server.run(
        "create table shop.odd (n numeric, u uuid, b bytea, f bool, r real, i int, t time, x text)",
        "insert into shop.odd values (1.50, gen_random_uuid(), 'abc', true, 1.5, 7, '10:00', 'ä'), "
        "(null, null, null, null, null, null, null, null), (12345678901234567890, null, "
        "'x', false, 'NaN', -1, '11:00', '')",
    )
    wanted = Wanted(frozenset("nubfritx"))
    with connected(URL, is_reading=True) as con:
        table = TableParams(table="shop.odd")
        written = write_increment(con, table, wanted, None, tmp_path / "odd.parquet", 1000)
    assert written.rows == 3
    read = pl.read_parquet(tmp_path / "odd.parquet").sort("i")
    assert read["f"].to_list() == [None, False, True]
    assert read["i"].to_list() == [None, -1, 7]
    assert [float(n) if n is not None else None for n in read["n"]] == [
        None,
        1.2345678901234567e19,
        1.5,
    ]


def test_values_of_any_type_of_the_server_arrive_and_lose_nothing(server, tmp_path):
    server.run(
        "create table shop.odd (a int[], j jsonb, i interval, n numeric, b bytea, e numeric, "
        "r int4range, big numeric(38, 0), id int)",
        """insert into shop.odd values
        ('{1,2}', '{"ä": [1]}', '1 day', 'NaN', '\\xff00', 1e-30, '[1,3)', 12345678901234567890, 1),
        (null, null, null, 1.5, 'milk', 1e20, null, 1, 2)""",
    )
    wanted = Wanted(frozenset({"a", "j", "i", "n", "b", "e", "r", "big", "id"}))
    with connected(URL, is_reading=True) as con:
        table = TableParams(table="shop.odd", watermark="big", overlap=0)
        first = write_increment(con, table, wanted, None, tmp_path / "odd.parquet", 1000)
    assert first.mark == 12345678901234567890
    one, two = pl.read_parquet(tmp_path / "odd.parquet").sort("id").drop("id", "big").rows()
    assert one == ("[1, 2]", '{"ä": [1]}', "1 day, 0:00:00", "NaN", "ff00", "0." + 29 * "0" + "1",
                   "[1, 3)")  # fmt: skip
    assert two == (None, None, None, "1.5", "milk", "1" + 20 * "0", None)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("timestamptz", ["2024-03-01 10:00:00.123455+01", "2024-03-01 10:00:00.123456+01"]),
        ("timestamp", ["2024-03-01 10:00:00.123455", "2024-03-01 10:00:00.123456"]),
        ("numeric(30, 9)", ["12345678901234567.123456788", "12345678901234567.123456789"]),
        ("numeric", ["12345678901234567890123", "12345678901234567890124"]),
        ("bigint", ["9223372036854775806", "9223372036854775807"]),
        ("double precision", ["1700000000.123455", "1700000000.123456"]),
    ],
)
def test_a_mark_is_held_to_the_last_digit_of_its_column(server, tmp_path, kind, values):
    server.run(f"create table shop.marked (n int, mark {kind})")
    server.run("insert into shop.marked values (%s, %s)", rows=[*enumerate(values)])
    server.run("insert into shop.marked values (9, null)")
    table = TableParams(table="shop.marked", watermark="mark", overlap=0)
    wanted, target = Wanted(frozenset({"n"})), tmp_path / "x.parquet"
    with connected(URL, is_reading=True) as con:
        since = read(written(write_increment(con, table, wanted, None, target, 1000).mark))
    server.run("insert into shop.marked values (%s, %s)", rows=[(7, values[1])])
    with connected(URL, is_reading=True) as con:
        write_increment(con, table, wanted, since, target, 1000)
    assert pl.read_parquet(target)["n"].sort().to_list() == [1, 7, 9]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select * from shop.sales -- all", None),
        ("select * from shop.sales where sku <> '--;' ; -- all", None),
        ("selec * from shop.sales", "syntax"),
        ("select day / 0 from shop.sales", "operator"),
        ("select 1 / (sold - sold) as sold from shop.sales", "division by zero"),
        ("select sold, sold from shop.sales", "several columns"),
    ],
)
def test_a_query_of_the_server_is_right_or_wrong_and_no_outage(server, tmp_path, query, words):
    wanted = Wanted(frozenset({"sold"}))
    expected = pytest.raises(BadInput, match=words) if words else nullcontext()
    with expected, connected(URL, is_reading=True) as con:
        source = TableParams(query=query)
        assert write_increment(con, source, wanted, None, tmp_path / "x.parquet", 1000).rows == 240


def test_a_table_that_another_holds_is_tried_again(server, tmp_path):
    server.run("alter role owner set lock_timeout = '200ms'")
    try:
        with psycopg_of(server) as con:
            con.execute("lock table shop.sales in access exclusive mode")
            table, wanted = TableParams(table="shop.sales"), Wanted(frozenset({"sold"}))
            busy = pytest.raises(RemoteUnreachable, match="is busy")
            with busy, connected(URL, is_reading=True) as own:
                write_increment(own, table, wanted, None, tmp_path / "x.parquet", 1000)
    finally:
        server.run("alter role owner reset lock_timeout")


# out


def delivery(run_id: str = "run-1", content: str = "a", rows: int = 300) -> Delivery:
    day = date(2024, 4, 10)
    forecasts = FORECASTS.conform(
        pl.DataFrame({"unique_id": [f"N_{number}" for number in range(rows)]}).with_columns(
            run_id=pl.lit(run_id), origin=pl.lit(day), ds=pl.lit(day), h=pl.lit(1), y_hat=1.5,
            method=pl.lit("made_up"), created_at=pl.lit(datetime(2024, 4, 10)),
            **{name: pl.lit(1.0) for name in FORECASTS.columns if name.startswith("q")},
        )
    )  # fmt: skip
    orders = ORDERS.empty()
    frames = {"forecasts": forecasts, "orders": orders}
    return Delivery(run_id, content, datetime(2024, 4, 10, 7), frames)


def delivered(server) -> list[tuple]:
    """Runs and rows of each table, as a reader sees them."""
    return server.run(
        "select l.run_id, l.content, l.forecasts, (select count(*) from planning."
        "tillcast_forecasts f where f.run_id = l.run_id) from planning.tillcast_deliveries l "
        "order by l.run_id"
    )


def publish_to(what: Delivery, keep_runs: int = 30) -> bool:
    with connected(URL, is_reading=False) as con:
        return publish(con, what, "planning", keep_runs)


def test_a_delivery_is_there_once_and_other_content_replaces_it(server):
    assert publish_to(delivery())
    assert not publish_to(delivery())
    assert delivered(server) == [("run-1", "a", 300, 300)]
    assert publish_to(delivery(content="b", rows=200))
    assert delivered(server) == [("run-1", "b", 200, 200)]


def test_the_newest_runs_stay(server):
    for number in range(4):
        one = delivery(f"run-{number}", rows=5)
        later = one.delivered_at + timedelta(days=number)
        assert publish_to(Delivery(one.run_id, one.content, later, one.frames), keep_runs=2)
    assert [run_id for run_id, *_ in delivered(server)] == ["run-2", "run-3"]
    assert server.run("select count(*) from planning.tillcast_forecasts") == [(10,)]


def test_a_delivery_cut_in_the_middle_is_not_there_and_the_one_before_stays(
    server, cut_after, monkeypatch
):
    publish_to(delivery())
    broken = 0
    for after in (3_000, 8_000, 30_000, 60_000, 100_000, 200_000):
        monkeypatch.setenv(URL, cut_after(after))
        try:
            publish_to(delivery("run-2", rows=3000))
        except RemoteUnreachable:
            broken += 1
            assert delivered(server) == [("run-1", "a", 300, 300)]
    assert broken >= 4
    monkeypatch.setenv(URL, server.url())
    publish_to(delivery("run-2", rows=3000))
    assert delivered(server) == [("run-1", "a", 300, 300), ("run-2", "a", 3000, 3000)]


def test_a_table_of_somebody_else_is_refused_and_left(server):
    server.run("create table planning.tillcast_forecasts (note text)")
    with pytest.raises(BadInput, match=r"'tillcast_forecasts' of that database lacks"):
        publish_to(delivery())
    assert server.run("select * from planning.tillcast_forecasts") == []


def test_a_reader_without_the_right_to_write_is_refused(server, monkeypatch):
    monkeypatch.setenv(URL, server.url(who="reader:re4der!word"))
    with pytest.raises(BadInput, match="permission denied"):
        publish_to(delivery())


@pytest.mark.parametrize(
    "quicker",
    [
        "create table planning.tillcast_forecasts (run_id text)",
        "insert into planning.tillcast_deliveries values ('run-1', 'b', now(), 1, 0)",
    ],
)
def test_of_two_machines_that_deliver_at_once_the_second_tries_again(server, quicker):
    if "insert" in quicker:
        publish_to(delivery("run-0"))
    with psycopg_of(server) as con:
        con.execute(quicker)
        threading.Timer(0.7, con.commit).start()
        with pytest.raises(RemoteUnreachable, match="at the same time"):
            publish_to(delivery())
    if "insert" in quicker:
        server.run("delete from planning.tillcast_deliveries where run_id = 'run-1'")
        assert publish_to(delivery())


def test_a_name_of_any_length_and_alphabet_arrives(server):
    names = ["ü'\"%s :x \\ 日本", "long " * 100, "", " ", "\u202e", "🍎"]
    one = delivery(rows=len(names))
    named = one.frames["forecasts"].with_columns(
        unique_id=pl.Series(names), reason=pl.lit("x" * 3000)
    )
    frames = {**one.frames, "forecasts": named}
    assert publish_to(Delivery("run-1", "a", one.delivered_at, frames))
    there = server.run("select unique_id from planning.tillcast_forecasts")
    assert sorted(name for (name,) in there) == sorted(names)
    assert not publish_to(Delivery("run-1", "a", one.delivered_at, frames))


def test_a_renamed_table_makes_way_for_a_new_one(server):
    publish_to(delivery())
    server.run("alter table planning.tillcast_forecasts rename to old")
    assert publish_to(delivery("run-2"))
    assert server.run("select run_id, count(*) from planning.tillcast_forecasts group by 1") == [
        ("run-2", 300)
    ]
