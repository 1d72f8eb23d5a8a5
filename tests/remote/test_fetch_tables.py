"""Sales in a database: every morning what is new, once, whatever breaks in between."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.errors import BadInput, BadParams, RemoteUnreachable
from ingest import ingest
from stages.fetch import fetch_only
from stages.fill import fill
from stages.withdraw import withdraw
from storage.batches import read_batches
from storage.store import open_store

FIRST = date(2024, 3, 1)
LAST = FIRST + timedelta(days=39)


def morning(day: date, hour: int = 7) -> datetime:
    """The morning after a day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time()).replace(hour=hour)


def ledger_of(paths) -> pl.DataFrame:
    with open_store(paths.store, 1.0, read_only=True) as con:
        return read_batches(con)


def sent(paths) -> list[pl.DataFrame]:
    """What was fetched and taken, oldest first."""
    names = ledger_of(paths).select("sha256", "name").unique(maintain_order=True)
    return [
        pl.read_parquet(next(paths.archive.rglob(f"{sha256}_*")), hive_partitioning=False)
        for sha256 in names["sha256"]
    ]


def test_a_first_morning_takes_years_as_a_history_and_the_next_only_what_is_new(
    shop, database, paths, sales_in
):
    first = ingest(shop, paths, now=morning(LAST))
    assert first["accepted"] == 1
    assert first["rows_out"] == 240
    assert ledger_of(paths)["known_at_from"][0].startswith("assumed")
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6), sold=9)
    second = ingest(shop, paths, now=morning(day))
    assert second["rows_refused"] == 0
    newest = sent(paths)[-1]
    assert set(newest["day"]) == {str(LAST), str(day)}  # the overlap reads the last day again
    assert ledger_of(paths)["rows_restated"][-1] == 0
    assert sales_in().height == 246
    assert sales_in().filter(ds=day)["y"].to_list() == [9.0] * 6


def test_a_morning_without_news_leaves_no_file_and_no_line(shop, database, paths, sales_in):
    ingest(shop, paths, now=morning(LAST))
    before = ledger_of(paths)
    for hour in (8, 9):
        again = ingest(shop, paths, now=morning(LAST, hour))
        assert again["files"] == 0 or again["known"] == again["files"] or hour == 8
    after = ledger_of(paths)
    assert after.height <= before.height + 1  # the overlap may come once more as a file
    assert ingest(shop, paths, now=morning(LAST, 10))["files"] == 0
    assert sales_in().height == 240


def test_an_increment_is_taken_at_once_where_files_must_lie_for_a_while(shop, database, paths):
    patient = shop.ingest.model_copy(update={"min_age_s": 60})
    shop = shop.model_copy(update={"ingest": patient})
    assert ingest(shop, paths, now=morning(LAST))["accepted"] == 1


def test_columns_that_nobody_maps_never_leave_the_database(shop, database, paths):
    ingest(shop, paths, now=morning(LAST))
    assert sorted(sent(paths)[0].columns) == ["day", "shop", "sku", "sold"]


def test_a_late_row_and_a_restated_one_correct_their_days_and_no_other(
    shop, database, paths, sales_in
):
    ingest(shop, paths, now=morning(LAST))
    before = sales_in()
    day = FIRST + timedelta(days=20)
    database.run(
        f"update sales set sold = 77, changed_at = '{morning(LAST, 9)}' "
        f"where day = '{day}' and shop = 'N' and sku = 'tea'"
    )
    ingest(shop, paths, now=morning(LAST, 10))
    changed = sales_in().join(before, on=["unique_id", "ds", "y"], how="anti")
    assert changed.rows() == [("N_tea", day, 77.0)]


def test_a_row_taken_out_of_the_database_is_withdrawn_with_its_day(shop, database, paths, sales_in):
    ingest(shop, paths, now=morning(LAST))
    day = FIRST + timedelta(days=20)
    database.run(
        f"delete from sales where day = '{day}' and shop = 'N' and sku = 'tea'",
        f"update sales set changed_at = '{morning(LAST, 9)}' "
        f"where day = '{day}' and shop = 'N' and sku = 'milk'",
    )
    ingest(shop, paths, now=morning(LAST, 10))
    assert sales_in().filter(unique_id="N_tea", ds=day)["y"].to_list() == [0.0]


def test_most_of_a_day_loaded_later_states_no_zero_for_the_rest(shop, database, paths, sales_in):
    """Half the shops at four, the others at seven: an increment by the mark alone would be most of
    the day, and a day sent again whole withdraws what it lacks.
    """
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 2), shops="N")
    database.add(day, morning(day, 7), shops="S")
    database.run(
        f"update sales set changed_at = '{morning(day, 7)}' "
        f"where day = '{day}' and shop = 'N' and sku <> 'tea'"
    )
    ingest(shop, paths, now=morning(day, 8))
    database.run(f"update sales set changed_at = '{morning(day, 9)}' where day = '{day}' "
                 "and not (shop = 'N' and sku = 'tea')")  # fmt: skip
    ingest(shop, paths, now=morning(day, 10))
    assert sales_in().filter(unique_id="N_tea", ds=day)["y"].to_list() == [3.0]


def test_an_increment_refused_whole_moves_no_mark(shop_of_tables, database, paths, sales_in):
    """Half of the day was there: refused as half a file. The next look holds all of it."""
    table = {"table": "sales", "watermark": "changed_at", "overlap": 0}
    shop = shop_of_tables({"sales": table})
    database.add(LAST, morning(LAST, 4), sold=0)  # so that the last day is no part of the next
    database.run(f"delete from sales where day = '{LAST}' and sold > 0")
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6), shops="N")
    database.run(f"update sales set changed_at = '2024-03-02' where day = '{LAST}'")
    first = ingest(shop, paths, now=morning(day))
    assert first["refused"] == 1
    assert "day_incomplete" in str(first["why_refused"])
    database.add(day, morning(day, 3), shops="S")
    assert ingest(shop, paths, now=morning(day, 9))["accepted"] == 1
    assert sales_in().filter(ds=day).height == 6


def test_a_day_refused_within_an_increment_is_read_again_when_the_rest_is_there(
    shop, database, paths, sales_in
):
    """The overlap's rows are accepted, the half day is not; its other half was changed long before
    the mark.
    """
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6), shops="N")
    first = ingest(shop, paths, now=morning(day))
    assert (first["accepted"], first["rows_refused"]) == (1, 3)
    database.add(day, morning(day, 3), shops="S")
    ingest(shop, paths, now=morning(day, 9))
    assert sales_in().filter(ds=day).height == 6


def test_a_day_that_stays_half_does_not_hold_the_mark_for_ever(shop, database, paths):
    ingest(shop, paths, now=morning(LAST))
    days = [LAST + timedelta(days=number) for number in range(1, 12)]
    database.add(days[0], morning(days[0], 6), shops="N")
    read = []
    for day in days[1:]:
        database.add(day, morning(day, 6))
        read.append(ingest(shop, paths, now=morning(day))["rows_in"])
    assert read[-1] < max(read) <= 60


@pytest.mark.parametrize("stops_at", ["write_fetched", "lay_in", "take_inbox"])
def test_a_kill_between_fetch_and_ledger_loses_and_doubles_nothing(
    shop, database, paths, sales_in, monkeypatch, stops_at
):
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6), sold=5)

    def killed(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    place = "stages.take_inbox" if stops_at == "take_inbox" else "stages.fetch"
    with monkeypatch.context() as patched:
        patched.setattr(f"{place}.{stops_at}", killed)
        with pytest.raises(KeyboardInterrupt):
            ingest(shop, paths, now=morning(day))
    database.add(day + timedelta(days=1), morning(day + timedelta(days=1), 6), sold=6)
    ingest(shop, paths, now=morning(day + timedelta(days=1)))
    assert sales_in().filter(pl.col("ds") >= day)["y"].to_list() == [5.0, 6.0] * 6
    assert ledger_of(paths)["rows_restated"].sum() == 0
    assert not list(paths.inbox.iterdir())


def test_a_list_that_is_lost_costs_a_second_reading_and_nothing_else(
    shop, database, paths, sales_in
):
    ingest(shop, paths, now=morning(LAST))
    before = sales_in()
    for damage in ("", "{", "[]", '{"sql-1": 3}'):
        paths.fetched.write_text(damage, encoding="utf-8")
        ingest(shop, paths, now=morning(LAST, 9))
        assert sales_in().equals(before)
    assert ledger_of(paths)["rows_restated"].sum() == 0


def test_a_file_that_calls_itself_an_increment_moves_no_mark(shop, database, paths, sales_in):
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    lines = [f"{shop},{sku},{day},4" for shop in "NS" for sku in ("milk", "rice", "tea")]
    text = "shop,sku,day,sold\n" + "\n".join(lines) + "\n"
    (paths.inbox / "sales.2999-01-01T00-00-00.csv").write_text(text, encoding="utf-8")
    ingest(shop, paths, now=morning(day, 5))
    database.add(day, morning(day, 6), sold=8)
    ingest(shop, paths, now=morning(day, 7))
    assert sales_in().filter(ds=day)["y"].to_list() == [8.0] * 6


def test_what_was_withdrawn_comes_again_as_the_database_says_it_then(
    shop, database, paths, sales_in
):
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6), sold=70)
    ingest(shop, paths, now=morning(day))
    withdraw(shop, paths, int(ledger_of(paths)["batch_id"].max()), now=morning(day, 8))
    assert sales_in().filter(ds=day).is_empty()
    database.run(f"update sales set sold = 7 where day = '{day}'")  # its moment of change stays
    ingest(shop, paths, now=morning(day, 9))
    assert sales_in().filter(ds=day)["y"].to_list() == [7.0] * 6


def test_everything_can_be_fetched_anew(shop, database, paths, sales_in):
    """For what a watermark did not show."""
    ingest(shop, paths, now=morning(LAST))
    database.run(f"update sales set sold = 50 where day = '{FIRST}' and sku = 'tea'")
    ingest(shop, paths, now=morning(LAST, 8))
    assert sales_in().filter(y=50.0).is_empty()
    fetch_only(shop, paths, now=morning(LAST, 9), whole=True)
    ingest(shop, paths, now=morning(LAST, 10))
    assert sales_in().filter(ds=FIRST, y=50.0).height == 2


def test_a_fill_takes_all_of_it_and_the_next_morning_what_came_since(
    shop, database, paths, sales_in
):
    assert fill(shop, paths, now=morning(LAST))["rows_out"] == 240
    assert not list(paths.staging.iterdir())
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6))
    ingest(shop, paths, now=morning(day))
    assert set(sent(paths)[-1]["day"]) == {str(LAST), str(day)}
    assert sales_in().height == 246


def test_invoice_lines_are_summed_once_though_their_day_is_fetched_twice(
    shop_of_tables, database, paths, sales_in
):
    facts = {"sales": {"table": "sales", "watermark": "changed_at"}}
    lines = shop_of_tables(facts, transactions=True)
    database.add(LAST, morning(LAST, 6), sold=2)  # a second line of each item
    ingest(lines, paths, now=morning(LAST))
    fetch_only(lines, paths, now=morning(LAST, 8), whole=True)
    fetch_only(lines, paths, now=morning(LAST, 9), whole=True)
    assert len(list(paths.inbox.iterdir())) == 1  # the newer holds the rows of the one before
    ingest(lines, paths, now=morning(LAST, 10))
    assert sales_in().filter(ds=LAST)["y"].to_list() == [3 + 39 % 7 + 2.0] * 6


def test_days_that_are_moments_are_read_whole(shop_of_tables, database, paths, sales_in):
    query = "select shop, sku, day || ' 10:15:00' as day, sold, changed_at from sales"
    shop = shop_of_tables({"sales": {"query": query, "watermark": "changed_at"}})
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6), sold=2)
    assert ingest(shop, paths, now=morning(day))["rows_in"] == 12
    assert sales_in().filter(ds=day)["y"].to_list() == [2.0] * 6


@pytest.mark.parametrize(
    ("column", "values"),
    [("number", "rowid"), ("day", "day"), ("moment", "changed_at"), ("number", "rowid * 1.0")],
)
def test_a_mark_is_a_moment_a_day_or_a_counter(
    shop_of_tables, database, paths, sales_in, column, values
):
    query = f"select shop, sku, day, sold, {values} as mark from sales"
    fact = {"query": query, "watermark": "mark", "overlap": 0}
    ingest(shop_of_tables({"sales": fact}), paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6))
    summary = ingest(shop_of_tables({"sales": fact}), paths, now=morning(day))
    assert summary["rows_in"] < 20, column
    assert sales_in().height == 246


def test_a_table_without_a_mark_is_read_whole_and_its_equal_content_is_known(
    shop_of_tables, database, paths
):
    database.run(
        "create table prices (shop text, sku text, first date, last date, price numeric(6, 2))",
        "insert into prices select distinct shop, sku, '2024-03-01', '2024-12-31', 1.5 from sales",
    )
    facts = {
        "sales": {"table": "sales", "watermark": "changed_at"},
        "prices": {"table": "prices"},
    }
    columns = {"unique_id": ["shop", "sku"], "from_ds": "first", "to_ds": "last", "price": "price"}
    shop = shop_of_tables(facts, price_columns=columns)
    assert ingest(shop, paths, now=morning(LAST))["accepted"] == 2
    for hour in (8, 9):
        again = ingest(shop, paths, now=morning(LAST, hour))
        assert not any(name.startswith("prices") for name in again.get("fetched", {}))
    database.run("update prices set price = 2 where sku = 'tea'")
    again = ingest(shop, paths, now=morning(LAST, 10))
    assert [name for name in again["fetched"] if name.startswith("prices")]


def test_a_column_of_several_types_becomes_text_and_loses_nothing(shop, database, paths, sales_in):
    """SQLite keeps whatever is written; the parts of what is read differ."""
    day = LAST + timedelta(days=1)
    database.fill(400)
    database.run(
        f"insert into sales values ('N', 'jam', '{day}', 'a few', '{morning(day, 6)}', null)",
        f"insert into sales values ('N', 'oil', '{day}', '12', '{morning(day, 6)}', null)",
    )
    database.run("delete from sales where rowid <= 240")
    summary = ingest(shop, paths, now=datetime(2025, 6, 1))
    assert summary["rows_refused"] == 1  # 'a few' is no number
    assert sales_in().filter(unique_id="N_oil")["y"].to_list() == [12.0]


# refusals: each is clear, and leaves nothing half done


def refused(shop, paths, error: type[Exception], *words: str) -> str:
    with pytest.raises(error) as caught:
        ingest(shop, paths, now=morning(LAST))
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert not list(paths.inbox.iterdir())
    assert not paths.staging.exists() or not list(paths.staging.iterdir())
    return message


def test_a_url_that_is_not_set_is_refused_by_its_variable(shop, database, paths, monkeypatch):
    monkeypatch.delenv("TILLCAST_TEST_URL")
    refused(shop, paths, BadParams, "TILLCAST_TEST_URL is not set")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("just words with s3cret", BadParams),
        ("nosuch://ada:s3cret@127.0.0.1/shop", BadParams),
        ("postgresql+nodriver://ada:s3cret@127.0.0.1/shop", BadParams),
        ("postgresql://ada:s3cret@127.0.0.1:notaport/shop", BadParams),
    ],
)
def test_a_url_that_is_none_is_refused_and_not_repeated(
    shop, database, paths, monkeypatch, url, error
):
    monkeypatch.setenv("TILLCAST_TEST_URL", url)
    assert "s3cret" not in refused(shop, paths, error, "TILLCAST_TEST_URL")


def test_a_file_that_is_not_there_is_refused_and_none_is_made(shop, paths, monkeypatch, tmp_path):
    monkeypatch.setenv("TILLCAST_TEST_URL", f"sqlite:///{tmp_path / 'none.db'}")
    refused(shop, paths, BadInput, "none.db", "not there")
    assert not (tmp_path / "none.db").exists()


def test_a_table_that_is_not_there_is_refused_and_the_others_are_fetched(
    shop_of_tables, database, paths, sales_in
):
    facts = {
        "sales": {"table": "sales", "watermark": "changed_at"},
        "prices": {"table": "price_list"},
    }
    shop = shop_of_tables(facts)
    with pytest.raises(BadInput, match=r"prices: .*price_list"):
        ingest(shop, paths, now=morning(LAST))
    assert sales_in().height == 240


@pytest.mark.parametrize("column", ["changed_at", "day"])
def test_a_column_that_is_gone_is_refused_by_its_name(shop, database, paths, column):
    database.run(f"alter table sales rename column {column} to other")
    refused(shop, paths, BadInput, column, "other")


def test_a_mapped_column_that_is_gone_refuses_the_file_and_the_mark_stays(
    shop, database, paths, sales_in
):
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6), sold=4)
    database.run("alter table sales rename column sold to units")
    summary = ingest(shop, paths, now=morning(day))
    assert "no column ['sold']" in str(summary["why_refused"])
    database.run("alter table sales rename column units to sold")
    ingest(shop, paths, now=morning(day, 8))
    assert sales_in().filter(ds=day)["y"].to_list() == [4.0] * 6


def test_units_that_became_words_are_refused_as_in_any_file(shop, database, paths, sales_in):
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    database.add(day, morning(day, 6))
    database.run(f"update sales set sold = 'many' where day = '{day}'")
    summary = ingest(shop, paths, now=morning(day))
    assert summary["rows_refused"] or summary["refused"]
    assert sales_in().height == 240


def test_an_empty_table_is_refused(shop, database, paths):
    database.run("delete from sales")
    refused(shop, paths, BadInput, "has no row")


def test_a_watermark_of_words_is_refused(shop, database, paths):
    database.run("update sales set changed_at = 'yesterday'")
    refused(shop, paths, BadInput, "watermark 'changed_at'", "yesterday")


def test_a_query_cannot_write(shop_of_tables, database, paths):
    shop = shop_of_tables({"sales": {"query": "select 1; delete from sales"}})
    refused(shop, paths, BadInput)
    assert database.count() == 240


def test_a_query_keeps_its_colons_and_percent_signs(shop_of_tables, database, paths, sales_in):
    query = "select * from sales where sku not like '%:milk' and sku <> 'a :b' and 5 % 2 = 1"
    ingest(shop_of_tables({"sales": {"query": query}}), paths, now=morning(LAST))
    assert sales_in().height == 240


def test_a_database_that_does_not_respond_keeps_no_file_of_the_inbox_waiting(
    shop, database, paths, sales_in, monkeypatch
):
    ingest(shop, paths, now=morning(LAST))
    day = LAST + timedelta(days=1)
    lines = [f"{shop},{sku},{day},4" for shop in "NS" for sku in ("milk", "rice", "tea")]
    text = "shop,sku,day,sold\n" + "\n".join(lines) + "\n"
    (paths.inbox / "sales.by_hand.csv").write_text(text, encoding="utf-8")
    broken = database.path.with_name("broken.db")
    broken.write_bytes(b"no database at all" * 100)
    monkeypatch.setenv("TILLCAST_TEST_URL", f"sqlite:///{broken}")
    with pytest.raises((BadInput, RemoteUnreachable), match="what lay in the inbox was taken"):
        ingest(shop, paths, now=morning(day))
    assert sales_in().filter(ds=day)["y"].to_list() == [4.0] * 6


def test_no_password_stands_in_a_log_an_error_or_a_file(
    shop, database, paths, monkeypatch, caplog, capsys
):
    caplog.set_level(logging.DEBUG)
    for url in (
        "postgresql+asyncpg://ada:s3cret%21word@127.0.0.1:1/shop",
        "mysql://ada:s3cret!word@127.0.0.1:1/shop",
        "sqlite:///nowhere.db?password=s3cret!word",
        "postgresql://127.0.0.1:1/shop?password=s3cret!word&user=ada",
    ):
        monkeypatch.setenv("TILLCAST_TEST_URL", url)
        with pytest.raises((BadInput, BadParams, RemoteUnreachable)) as caught:
            ingest(shop, paths, now=morning(LAST))
        chain = [caught.value, caught.value.__cause__]
        assert not any("s3cret" in str(one) for one in chain), url
    said = caplog.text + "".join(capsys.readouterr())
    kept = [path.read_text(errors="replace") for path in paths.root.rglob("*") if path.is_file()]
    assert "s3cret" not in said + "".join(kept)


def test_a_password_written_in_place_of_the_variable_is_not_repeated(shop_of_tables, params):
    from contract.params_file import params_of

    raw = params.model_dump(mode="json")
    raw["source"]["sql"]["url_env"] = "postgresql://ada:s3cret@127.0.0.1/shop"
    raw["source"]["bucket"] = "s3://key:s3cret@bucket/sales"
    with pytest.raises(BadParams) as caught:
        params_of(raw)
    assert "source.sql.url_env" in str(caught.value)
    assert "source.bucket" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_days_of_several_columns_cannot_be_read_whole(shop_of_tables, params):
    from contract.params_file import params_of

    raw = params.model_dump(mode="json")
    raw["source"] |= {"kind": "sql", "levels": [[]], "region": None}
    raw["source"]["files"]["columns"] = {"unique_id": "sku", "ds": ["year", "day"], "y": "sold"}
    raw["source"]["sql"]["facts"] = {"sales": {"table": "sales", "watermark": "changed_at"}}
    with pytest.raises(BadParams, match="by whole days"):
        params_of(raw)


def test_a_source_of_tables_without_sales_is_refused(shop_of_tables, params):
    from contract.params_file import params_of

    raw = params.model_dump(mode="json")
    raw["source"]["kind"] = "sql"
    with pytest.raises(BadParams, match=r"facts names no sales"):
        params_of(raw)
