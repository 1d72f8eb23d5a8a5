"""Public holidays where no calendar is given, end to end: a file made and taken like any other."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadParams
from contract.params import FilesParams, Params
from features.calendar import calendar_table, event_vocabulary, regions_of
from features.dense import Days
from ingest import ingest
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.fill import fill
from stages.public_holidays import stage_holidays
from stages.rebuild import rebuild
from storage.batches import read_batches
from storage.facts import read_fact, read_superseded
from storage.panel import read_panel
from storage.store import open_store

FIRST, DAYS = date(2026, 9, 1), 80
NOW = datetime(2026, 11, 20, 5)
NEW_YEAR = datetime(2027, 1, 2, 5)
EPIPHANY = date(2027, 1, 6)
STATES = {"BY": "DE-BY", "BE": "DE-BE"}

Own = Callable[..., Params]


@pytest.fixture
def own(params: Params, tmp_path: Path) -> Own:
    """Params of two shops' sales under tmp_path/source, a Bavarian and a Berlin one; arguments are
    lines of source.files.
    """
    folder = tmp_path / "source"
    folder.mkdir()
    days = [FIRST + timedelta(days=k) for k in range(DAYS)]
    (folder / "sales_1.csv").write_text(extract(days))
    columns = {"unique_id": ["shop", "item"], "ds": "day", "y": "units"}
    hierarchy = {"store_id": "shop", "state_id": "land"}

    def make(region: str | None = "state_id", **files: object) -> Params:
        lines = {"sales": "sales*", "columns": columns, "hierarchy": hierarchy, **files}
        source = params.source.model_copy(
            update={
                "kind": "files",
                "path": str(folder),
                "region": region,
                "levels": ((),),
                "files": FilesParams.model_validate(lines),
            }
        )
        rules = {"great_expectations_max_rows": 1, "lock_wait_s": 0.2}
        return params.model_copy(
            update={"source": source, "ingest": params.ingest.model_copy(update=rules)}
        )

    return make


def extract(days: list[date], lands: tuple[str, ...] = ("BY", "BE")) -> str:
    rows = [
        f"{land}1,{land},i{item},{ds},{2 + (ds.day + item) % 5}"
        for ds in days
        for land in lands
        for item in range(3)
    ]
    return "\n".join(["shop,land,item,day,units", *rows]) + "\n"


def a_morning(params: Params, paths: Paths, now: datetime) -> Summary:
    """Yesterday's extract taken."""
    yesterday = now.date() - timedelta(days=1)
    (paths.inbox / f"sales_{yesterday}.csv").write_text(extract([yesterday]))
    return ingest(params, paths, now=now)


def batches(paths: Paths) -> pl.DataFrame:
    """The ledger's lines of the calendar."""
    with open_store(paths.store) as con:
        return read_batches(con).filter(fact="calendar")


def calendar(paths: Paths) -> pl.DataFrame:
    with open_store(paths.store) as con:
        return read_fact(con, "calendar")


def events_on(ds: date, paths: Paths) -> dict[str, str | None]:
    """The event of a day by region."""
    return dict(calendar(paths).filter(ds=ds).select("region", "event").rows())


def test_a_fill_and_two_mornings_take_the_holidays_once_and_before_the_sales(own, paths):
    params = own(holidays=STATES)
    summary = fill(params, paths, now=NOW)
    assert (summary["files"], summary["accepted"]) == (2, 2)
    for days in (0, 1):
        summary = a_morning(params, paths, NOW + timedelta(days=days))
        assert (summary["files"], summary["accepted"], summary["known"]) == (1, 1, 0)
    taken = batches(paths).select("batch_id", "name", "status", "known_at_from", "rows_refused")
    assert taken.rows() == [(1, "tillcast_holidays_2011_2028.csv", "accepted", "file", 0)]
    assert events_on(EPIPHANY, paths) == {"BY": "Epiphany"}
    assert set(events_on(date(2026, 12, 25), paths)) == set(STATES)
    assert calendar(paths)["is_closed"].null_count() == calendar(paths).height
    assert len(list(paths.archive.glob("??/*_tillcast_holidays_2011_2028.csv"))) == 1
    assert not (paths.inbox / ".holidays").exists()


def test_a_new_year_adds_its_days_and_restates_none(own, paths):
    params = own(holidays=STATES)
    fill(params, paths, now=NOW)
    before = calendar(paths)
    a_morning(params, paths, NEW_YEAR)
    a_morning(params, paths, NEW_YEAR + timedelta(days=1))
    added = batches(paths).tail(-1).select("name", "rows_new", "rows_restated").rows()
    new = calendar(paths).filter(pl.col("ds").dt.year() == 2029)
    assert added == [("tillcast_holidays_2012_2029.csv", new.height, 0)]
    assert calendar(paths).filter(pl.col("ds").dt.year() < 2029).equals(before)
    with open_store(paths.store) as con:
        assert read_superseded(con, "calendar").is_empty()


def test_a_store_that_stands_takes_holidays_in_its_next_morning(own, paths):
    fill(own(), paths, now=NOW)
    assert batches(paths).is_empty()
    a_morning(own(holidays="DE"), paths, NOW)
    assert events_on(date(2026, 12, 25), paths) == {"*": "Christmas Day"}


def test_holidays_of_another_region_take_the_place_of_the_first(own, paths):
    fill(own(holidays="DE-BY"), paths, now=NOW)
    assert events_on(EPIPHANY, paths) == {"*": "Epiphany"}
    for days in (0, 1):
        a_morning(own(holidays="DE-BE"), paths, NOW + timedelta(days=days))
    assert events_on(EPIPHANY, paths) == {"*": None}
    assert batches(paths).height == 2


def test_a_region_tried_again_holds_again(own, paths):
    """The same file a second time is no news to the ledger, but it is to the calendar."""
    fill(own(holidays="DE"), paths, now=NOW)
    for code, epiphany in [("DE-BY", "Epiphany"), ("DE", None)] * 2:
        for _ in (0, 1):
            ingest(own(holidays=code), paths, now=NOW)
        assert events_on(EPIPHANY, paths) == {"*": epiphany}
    assert batches(paths).height == 5


def test_a_look_without_taking_shows_the_file_and_leaves_nothing(own, paths):
    summary = ingest(own(holidays="DE"), paths, now=NOW, dry_run=True)
    assert (summary["files"], summary["rows_in"] > 100) == (1, True)
    assert not paths.store.exists()
    assert not (paths.inbox / ".holidays").exists()


def test_without_the_setting_nothing_is_made(own, paths):
    assert stage_holidays(own(), paths, paths.inbox, NOW) == []
    simulated = own(holidays="DE")
    source = simulated.source.model_copy(update={"kind": "simulator"})
    simulated = simulated.model_copy(update={"source": source})
    assert stage_holidays(simulated, paths, paths.inbox, NOW) == []


def test_an_unknown_code_stops_a_fill_and_a_morning_and_takes_nothing(own, paths):
    params = own(holidays={"BY": "DE-BAV"})
    for take in (fill, ingest):
        with pytest.raises(BadParams, match=r"names 'DE-BAV', .* Near it are .*'DE-BY'"):
            take(params, paths, now=NOW)
    with open_store(paths.store) as con:
        assert read_batches(con).is_empty()


def test_a_region_without_an_entry_is_noted_by_the_file_that_brings_it(own, paths):
    params = own(holidays={"BY": "DE-BY"})
    (note,) = fill(params, paths, now=NOW)["notes"]
    assert note.startswith("region_without_holidays: ['BE'] of 'state_id' have no entry in")
    assert a_morning(params, paths, NOW)["notes"] == []
    (paths.inbox / "sales_new.csv").write_text(
        extract([FIRST + timedelta(days=DAYS)], ("BY", "BE", "HH"))
    )
    notes = ingest(params, paths, now=NOW + timedelta(days=1))["notes"]
    assert [note for note in notes if "['HH']" in note]


def test_a_lost_store_gets_its_holidays_back_from_the_journal(own, paths):
    params = own(holidays=STATES)
    fill(params, paths, now=NOW)
    a_morning(params, paths, NEW_YEAR)
    before, ledger = calendar(paths), batches(paths)
    paths.store.unlink()
    summary = rebuild(params, paths, now=NEW_YEAR)
    assert summary["files_missing_in_archive"] == []
    assert calendar(paths).equals(before)
    assert batches(paths).equals(ledger)
    assert a_morning(params, paths, NEW_YEAR + timedelta(days=1))["files"] == 1


def test_nothing_is_fetched_from_anywhere(own, paths, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    fill(own(holidays=STATES), paths, now=NOW)
    assert batches(paths).height == 1


def test_a_coming_holiday_is_an_event_of_its_state_alone_and_so_is_the_way_to_it(own, paths):
    fill(own(holidays=STATES), paths, now=NOW)
    with open_store(paths.store) as con:
        panel = read_panel(con)
    regions, _ = regions_of(panel.series, "state_id")
    codes = event_vocabulary(panel.calendar)
    days = Days(panel.first_day, DAYS, 60, 0)
    table = calendar_table(panel, days, regions, 14, codes)
    eve = (EPIPHANY - timedelta(days=1) - panel.first_day).days
    by, be = (
        table.slice(row * (DAYS + 60)).filter(day_ix=eve).row(0, named=True) for row in (1, 0)
    )
    assert regions == ["BE", "BY"]
    assert (by["calendar_days_to_event"], by["calendar_days_from_event"]) == (1, 4)
    assert (be["calendar_days_to_event"], be["calendar_days_from_event"]) == (14, 4)
    on = table.filter(day_ix=eve + 1)["calendar_event"].to_list()
    assert on == [0, codes["Epiphany"]]


def test_what_lies_in_the_inbox_under_any_name_stops_no_holidays(own, paths: Paths):
    (paths.inbox / ".holidays").write_text("mine")
    assert ingest(own(holidays="DE"), paths, now=NOW)["accepted"] == 1
    assert (paths.inbox / ".holidays").read_text() == "mine"
    assert not list(paths.root.glob(".holidays*"))
