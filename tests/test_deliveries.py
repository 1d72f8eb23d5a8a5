"""Several files of one day, a day sent again, a first load and a window: what each of them means
for the facts, end to end.
"""

from __future__ import annotations

import json
import os
import time
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.params import FilesParams, Params
from ingest import ingest
from runtime.command_line import Summary
from runtime.file_times import in_order_of_time
from runtime.paths import Paths
from sources.deliveries import joined_by_days
from stages.fill import fill
from stages.freeze import freeze
from stages.rebuild import rebuild
from stages.replay import Refused, replay
from storage.batches import read_batches
from storage.facts import read_fact
from storage.inbox import discard
from storage.panel_files import read_frozen
from storage.quarantine import read_quarantine
from storage.series import read_names
from storage.store import open_store

NOW = datetime(2024, 5, 1, 5)
FIRST = date(2024, 1, 1)
LINES = {"columns": {"unique_id": "item", "ds": "sold_at", "y": "units"}, "transactions": True}
DAILY = {"columns": {"unique_id": "item", "ds": "day", "y": "units"}}


@pytest.fixture
def own(params: Params, tmp_path: Path):
    """Params of files of your own under tmp_path/source; arguments are lines of source.files."""

    def make(**files: object) -> Params:
        (tmp_path / "source").mkdir(exist_ok=True)
        rules = {"great_expectations_max_rows": 1, "lock_wait_s": 0.2}
        source = params.source.model_copy(
            update={
                "kind": "files",
                "path": str(tmp_path / "source"),
                "region": None,
                "levels": ((),),
                "files": FilesParams.model_validate({"sales": "sales*", **files}),
            }
        )
        return params.model_copy(
            update={"source": source, "ingest": params.ingest.model_copy(update=rules)}
        )

    return make


def lines_of(till: int, day: str = "2024-03-01", units: int = 1, items: int = 8) -> str:
    rows = [
        f"{till}{k},{till},i{k},{day} 1{till}:{k:02}:00,{units + k % till}\n" for k in range(items)
    ]
    return "receipt,till,item,sold_at,units\n" + "".join(rows)


def daily(days: range, items: range = range(40), factor: int = 1) -> str:
    """Units a day and item; a working week's Sunday is small."""
    rows = [
        f"i{k},{FIRST + timedelta(days=d)},{factor * (2 + (k + d) % 5)}\n"
        for d in days
        for k in items
    ]
    return "item,day,units\n" + "".join(rows)


def put(folder: Path, name: str, text: str, at: int | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if at is not None:
        os.utime(path, (at, at))
    return path


def sales(paths: Paths) -> pl.DataFrame:
    with open_store(paths.store) as con:
        return read_fact(con, "sales").select("unique_id", "ds", "y")


def units(paths: Paths) -> float:
    return sales(paths)["y"].sum()


def is_rebuilt_alike(params: Params, paths: Paths) -> bool:
    """Whether the store, lost and made again from its journal, holds the same sales."""
    before = sales(paths)
    paths.store.unlink()
    rebuild(params, paths, now=NOW)
    return sales(paths).equals(before)


def codes(summary: Summary) -> list[str]:
    return [note.split(":")[0] for note in summary["notes"]]


def test_the_tills_of_one_morning_are_one_delivery_and_leave_the_inbox(own, paths: Paths):
    params = own(**LINES)
    for till in (1, 2):
        put(paths.inbox, f"sales_till{till}.csv", lines_of(till))
    put(paths.inbox, "sales_other_day.csv", lines_of(1, "2024-03-02"))
    assert ingest(params, paths, now=NOW, dry_run=True)["files"] == 2
    assert len(list(paths.inbox.glob("sales*"))) == 3
    summary = ingest(params, paths, now=NOW)
    assert (summary["accepted"], summary["rows_in"], units(paths)) == (2, 24, 8 + 12 + 8)
    assert list(paths.inbox.iterdir()) == []
    with open_store(paths.store) as con:
        assert read_batches(con)["name"].to_list() == [
            "sales_till1.csv + sales_till2.csv",
            "sales_other_day.csv",
        ]


def test_a_day_that_goes_back_to_what_it_said_first_is_not_left_without_a_word(own, paths: Paths):
    params = own(**DAILY)
    first, second = daily(range(1)), daily(range(1), items=range(39)) + f"i39,{FIRST},50\n"
    for text in (first, first, second):
        put(paths.inbox, "sales.csv", text)
        assert "content_known" not in codes(ingest(params, paths, now=NOW))
    put(paths.inbox, "sales.csv", first)
    summary = ingest(params, paths, now=NOW)
    assert (summary["known"], codes(summary)) == (1, ["content_known"])
    assert "1 of its rows" in summary["notes"][0]
    put(paths.inbox, "sales.csv", "\n".join([first.splitlines()[0], *first.splitlines()[:0:-1]]))
    ingest(params, paths, now=NOW)
    assert units(paths) == sum(2 + k % 5 for k in range(40))


def test_a_name_in_capitals_fits_a_pattern(own, paths: Paths, tmp_path: Path):
    params = own(**DAILY | {"sales": "sales*.csv"})
    put(tmp_path / "source", "SALES_1.CSV", daily(range(1)))
    fill(params, paths, now=NOW)
    put(paths.inbox, "Sales_2.Csv", daily(range(1, 2)))
    ingest(params, paths, now=NOW)
    assert sales(paths)["ds"].n_unique() == 2


def test_what_systems_leave_in_the_inbox_is_left_alone(own, paths: Paths):
    params = own(**DAILY | {"sales": "*"})
    names = ["Thumbs.db", "desktop.ini", "_SUCCESS", "~$sales.xlsx", "._sales.csv"]
    for name in names:
        put(paths.inbox, name, "x")
    put(paths.inbox, "_sales.csv", daily(range(1)))
    summary = ingest(params, paths, now=NOW)
    assert (summary["files"], summary["accepted"]) == (1, 1)
    assert {path.name for path in paths.inbox.iterdir()} == set(names)


def test_the_tills_of_a_fill_are_summed_whatever_the_pattern(own, paths: Paths, tmp_path: Path):
    params = own(**LINES | {"sales": "till?.csv"})
    for till in (1, 2):
        put(tmp_path / "source", f"till{till}.csv", lines_of(till))
    fill(params, paths, now=NOW)
    assert units(paths) == 20
    assert fill(params, paths, now=NOW)["known"] == 1


def test_a_file_of_lines_that_none_can_share_days_with_is_not_read_to_see_them(tmp_path: Path):
    def days_of(file: Path) -> set[date]:
        raise AssertionError(f"{file} was read")

    assert joined_by_days([[tmp_path / "sales.csv"]], days_of) == [[tmp_path / "sales.csv"]]


def test_files_of_one_name_in_two_folders_of_a_zip_are_both_read(own, paths: Paths):
    params = own(**LINES)
    paths.inbox.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(paths.inbox / "sales.zip", "w") as archive:
        for till in (1, 2):
            archive.writestr(f"till{till}/a.csv", lines_of(till))
    ingest(params, paths, now=NOW)
    assert units(paths) == 20


@pytest.mark.parametrize("names", [["a.csv"], ["a.csv", "b.csv"]])
def test_tills_in_folders_of_a_fill_are_summed(own, paths: Paths, tmp_path: Path, names: list[str]):
    params = own(**LINES | {"sales": "till*"})
    for till in (1, 2):
        for number, name in enumerate(names, start=1):
            text = lines_of(till, f"2024-03-0{number}")
            put(tmp_path / "source", f"till{till}/{name}", text)
    assert fill(params, paths, now=NOW)["accepted"] == 1
    assert units(paths) == 20 * len(names)


def test_a_till_that_comes_a_run_later_does_not_replace_the_first(own, paths: Paths):
    params = own(**LINES)
    put(paths.inbox, "sales_till1.csv", lines_of(1, units=5))
    ingest(params, paths, now=NOW)
    put(paths.inbox, "sales_till2.csv", lines_of(2))
    summary = ingest(params, paths, now=NOW)
    (reason,) = summary["why_refused"].values()
    assert "lines_of_another_till" in reason
    assert units(paths) == 40
    put(
        paths.inbox,
        "sales_till1_late.csv",
        lines_of(1, units=5) + "99,1,i0,2024-03-01 19:00:00,1\n",
    )
    assert ingest(params, paths, now=NOW)["accepted"] == 1
    assert units(paths) == 41


def test_the_same_lines_under_two_names_are_refused_not_summed(own, paths: Paths):
    params = own(**LINES)
    put(paths.inbox, "sales.csv", lines_of(1))
    put(paths.inbox, "sales (1).csv", lines_of(1) + "9,1,i9,2024-03-01 19:00:00,1\n")
    (reason,) = ingest(params, paths, now=NOW)["why_refused"].values()
    assert "holds lines that another file has" in reason
    assert ".together" not in reason
    put(paths.inbox, "sales_a.csv", lines_of(1))
    put(paths.inbox, "sales_b.csv", lines_of(1))
    summary = ingest(params, paths, now=NOW)
    assert (summary["accepted"], summary["known"], units(paths)) == (1, 1, 8)


def test_folders_of_parts_are_one_delivery(own, paths: Paths, tmp_path: Path):
    for pattern in ("*/*.csv", "**.csv", "**/*.csv", "till=*"):
        params = own(**LINES | {"sales": pattern})
        for till in (1, 2):
            put(tmp_path / "source", f"till={till}/part-0.csv", lines_of(till))
        put(tmp_path / "source", "till=1/_SUCCESS", "")
        there = Paths(tmp_path / pattern.replace("*", "s").replace("/", "-"))
        summary = fill(params, there, now=NOW)
        assert (summary["files"], units(there)) == (1, 20)


def test_a_folder_of_old_files_beside_the_file_that_is_meant_is_left(
    own, paths: Paths, tmp_path: Path
):
    put(tmp_path / "source", "sales.csv", "item,day,units\ni1,2024-03-01,2\n")
    put(tmp_path / "source", "sales_old/sales.csv", "item,day,units\ni1,2024-03-01,9\n")
    assert fill(own(**DAILY), paths, now=NOW)["files"] == 1
    assert units(paths) == 2


def test_a_folder_that_spark_named_is_read_from_beside_and_from_within(
    own, paths: Paths, tmp_path: Path
):
    params = own(**DAILY)
    folder = tmp_path / "source" / "sales.csv"
    put(folder, "part-00000-c1.csv", "item,day,units\ni1,2024-03-01,2\n")
    put(folder, "part-00001-c1.csv", "item,day,units\ni2,2024-03-01,3\n")
    put(folder, "_SUCCESS", "")
    for path in (folder.parent, folder):
        source = params.source.model_copy(update={"path": str(path)})
        there = Paths(tmp_path / f"data-{path.name}")
        assert fill(params.model_copy(update={"source": source}), there, now=NOW)["files"] == 1
        assert units(there) == 5


def test_a_folder_that_says_the_day_may_be_the_source_itself(own, paths: Paths, tmp_path: Path):
    params = own(columns={"unique_id": "item", "ds": "day", "y": "units"}, sales="part*")
    folder = tmp_path / "source" / "day=2024-03-01"
    put(folder, "part-0000.csv", "item,units\ni1,2\n")
    put(folder, "part-0001.csv", "item,units\ni2,3\n")
    source = params.source.model_copy(update={"path": str(folder)})
    fill(params.model_copy(update={"source": source}), paths, now=NOW)
    assert sales(paths).rows() == [("i1", date(2024, 3, 1), 2.0), ("i2", date(2024, 3, 1), 3.0)]


def test_a_folder_in_the_inbox_waits_until_it_is_whole(own, paths: Paths):
    params = own(**DAILY)
    put(paths.inbox, "sales_1/part-0.csv", "item,day,units\ni1,2024-03-01,2\n")
    put(paths.inbox, "sales_1/part-1.csv", "item,day,units\ni2,2024-03-01,3\n")
    assert ingest(params, paths, now=NOW)["files"] == 0
    put(paths.inbox, "sales_1/_SUCCESS", "")
    assert ingest(params, paths, now=NOW)["accepted"] == 1
    assert (units(paths), (paths.inbox / "sales_1").exists()) == (5, False)
    quiet = put(paths.inbox, "sales_2/a.csv", "item,day,units\ni1,2024-03-02,2\n")
    for path in (quiet, quiet.parent):
        os.utime(path, (time.time() - 99, time.time() - 99))
    assert ingest(params, paths, now=NOW)["accepted"] == 1


def test_folders_that_say_a_column_are_one_delivery_in_the_inbox_too(own, paths: Paths):
    params = own(**LINES | {"sales": "till=*"})
    for till in (1, 2):
        rows = lines_of(till).splitlines()
        without = [",".join(row.split(",")[:1] + row.split(",")[2:]) for row in rows]
        put(paths.inbox, f"till={till}/part-0.csv", "\n".join(without))
    put(paths.inbox, "till=1/_SUCCESS", "")
    assert ingest(params, paths, now=NOW)["files"] == 0  # the second may be growing still
    put(paths.inbox, "till=2/_SUCCESS", "")
    assert ingest(params, paths, now=NOW)["accepted"] == 1
    assert units(paths) == 8 + 12
    assert list(paths.inbox.iterdir()) == []
    assert is_rebuilt_alike(params, paths)


def test_killed_between_archive_and_inbox_the_next_run_goes_on(own, paths: Paths):
    params = own(**LINES)
    files = [put(paths.inbox, f"sales_till{till}.csv", lines_of(till)) for till in (1, 2)]
    ingest(params, paths, now=NOW)
    for till in (1, 2):
        put(paths.inbox, f"sales_till{till}.csv", lines_of(till))
    assert ingest(params, paths, now=NOW)["known"] == 1  # killed before anything was taken out
    put(paths.inbox, "sales_till2.csv", "another content")
    (paths.root / "discarded.json").write_text(json.dumps({"sales_till2.csv": "0", "../x": "1"}))
    discard(paths.inbox, [], {})
    assert files[1].read_text() == "another content"
    assert units(paths) == 20


def test_a_delivery_of_several_files_is_replayed_and_rebuilt(own, paths: Paths):
    params = own(**LINES)
    for till in (1, 2):
        put(paths.inbox, f"sales_till{till}.csv", lines_of(till) + f"x,{till},i1,someday,1\n")
    assert ingest(params, paths, now=NOW)["rows_refused"] == 2
    with open_store(paths.store) as con:
        batch = read_quarantine(con)["batch_id"][0]
    assert replay(params, paths, Refused(batch_id=batch), now=NOW)["rows_refused"] == 2
    assert is_rebuilt_alike(params, paths)


def test_a_day_sent_again_whole_withdraws_what_it_no_longer_states(own, paths: Paths):
    params = own(**DAILY)
    put(paths.inbox, "sales_1.csv", daily(range(1)))
    ingest(params, paths, now=NOW)
    put(paths.inbox, "sales_2.csv", daily(range(1), range(38)))
    summary = ingest(params, paths, now=NOW + timedelta(hours=1))
    assert codes(summary) == ["day_replaced"]
    assert "i38 (5 units on 2024-01-01), i39 (6 units" in summary["notes"][0]
    gone = sales(paths).filter(pl.col("unique_id").is_in(["i38", "i39"]))
    assert gone["y"].to_list() == [0.0, 0.0]
    with open_store(paths.store) as con:
        known = read_fact(con, "sales", as_of=NOW).filter(unique_id="i39")
        assert known["y"].to_list() == [6.0]
        ledger = read_batches(con)
        assert ledger.select("rows_in", "rows_accepted").rows() == [(40, 40), (38, 38)]
    assert is_rebuilt_alike(params, paths)


def test_a_correction_of_some_rows_and_a_file_with_faults_withdraw_nothing(own, paths: Paths):
    params = own(**DAILY)
    put(paths.inbox, "sales_1.csv", daily(range(1)))
    ingest(params, paths, now=NOW)
    put(paths.inbox, "sales_2.csv", daily(range(1), range(12), factor=2))
    ingest(params, paths, now=NOW)
    assert (sales(paths)["y"] > 0).all()
    faulty = daily(range(1), range(39)) + "i39,2024-01-01,many\n"
    put(paths.inbox, "sales_3.csv", faulty)
    summary = ingest(params, paths, now=NOW)
    assert "day_replaced" in codes(summary)
    assert "stay" in next(note for note in summary["notes"] if note.startswith("day_replaced"))
    assert (sales(paths)["y"] > 0).all()


def test_a_window_is_judged_each_morning_and_only_a_first_load_is_history(own, paths: Paths):
    params = own(**DAILY)
    odd = daily(range(60)).replace("i1,2024-02-05,", "x1,2024-02-05,")
    odd = "".join(
        line for line in odd.splitlines(True) if ",2024-02-12," not in line or "i1," in line
    )
    put(paths.inbox, "sales_history.csv", odd)
    first = ingest(params, paths, now=NOW)
    assert first["rows_refused"] == 0  # an odd day in the middle of a history is noted
    assert "day_incomplete" in " ".join(first["notes"])
    cut = odd.split("\n", 1)[1] + daily(range(60, 61)).split("\n", 1)[1]
    cut += daily(range(61, 62), range(9)).split("\n", 1)[1]
    put(paths.inbox, "sales_window.csv", "item,day,units\n" + cut)
    second = ingest(params, paths, now=NOW)
    assert second["rows_refused"] == 9  # of the newest day alone: what is known is not judged again
    assert sales(paths)["ds"].max() == FIRST + timedelta(days=60)


def test_the_newest_day_of_a_first_load_is_judged(own, paths: Paths, tmp_path: Path):
    params = own(**DAILY)
    cut = daily(range(59)) + daily(range(59, 60), range(9)).split("\n", 1)[1]
    put(tmp_path / "source", "sales.csv", cut)
    summary = fill(params, paths, now=NOW)
    assert summary["rows_refused"] == 9
    assert "day_incomplete: all 9 rows of 2024-02-29" in " ".join(summary["notes"])
    with open_store(paths.store) as con:
        assert read_quarantine(con)["reason"].unique().to_list() == ["day_incomplete"]
        assert "assumed" in read_batches(con)["known_at_from"][0]


def test_files_of_a_fill_go_by_time_not_by_name(own, paths: Paths, tmp_path: Path):
    params = own(**DAILY)
    source = tmp_path / "source"
    put(source, "sales.csv", daily(range(3)), at=1_700_000_000)
    put(source, "sales (1).csv", daily(range(3), factor=2), at=1_700_000_100)
    fill(params, paths, now=NOW)
    assert units(paths) == 2 * sum(2 + (k + d) % 5 for d in range(3) for k in range(40))


@pytest.mark.parametrize(
    "names",
    [
        ["s_2023.csv", "s_2024.csv"],
        ["z_202312.csv", "a_202401.csv"],
        ["b_2024-01-31.csv", "a_2024-02-01.csv", "a_2024-02-01 (1).csv"],
        ["x_31.12.2023.csv", "x_01.01.2024.csv"],
        ["w_2024-01-09_2024-01-31.csv", "w_2023-12-31_2024-02-01.csv"],
        ["s_12-31-2023.csv", "s_01-02-2024.csv", "s_01-31-2024.csv"],
        ["s_31_12_2023.csv", "s_02_01_2024.csv"],
        ["s_05-05-2024.csv", "s_06-06-2024.csv"],
    ],
)
def test_files_are_ordered_by_the_days_in_their_names(tmp_path: Path, names: list[str]):
    files = [tmp_path / name for name in names]
    for second, file in enumerate(reversed(files)):
        file.touch()
        if "(1)" not in file.name:
            os.utime(file, (second + 9, second + 9))
    assert in_order_of_time(files[::-1]) == files


def test_days_that_may_be_months_leave_the_order_to_the_time_of_writing(tmp_path: Path):
    files = [tmp_path / name for name in ("s_03-04-2024.csv", "s_02-05-2024.csv")]
    for first, second in (files, files[::-1]):
        for at, file in enumerate((first, second), start=1):
            file.touch()
            os.utime(file, (at, at))
        assert in_order_of_time(files) == [first, second]


def test_a_day_in_every_name_says_the_order(own, paths: Paths, tmp_path: Path):
    params = own(**DAILY)
    source = tmp_path / "source"
    put(source, "sales_z_2024-03-01.csv", "item,day,units\na,2024-03-01,1\n", at=1_700_000_100)
    put(source, "sales_a_02.03.2024.csv", "item,day,units\na,2024-03-01,2\n", at=1_700_000_000)
    fill(params, paths, now=NOW)
    assert units(paths) == 2


def test_a_shop_that_is_renamed_is_renamed_for_what_it_no_longer_sells(own, paths: Paths):
    files = {**DAILY, "hierarchy": {"store_id": "shop"}, "names": {"store_id": "city"}}
    params = own(**files | {"columns": {**DAILY["columns"], "unique_id": ["shop", "item"]}})
    head = "shop,item,day,units,city\n"
    rows = "".join(f"S,i{k},2024-02-0{day},1,Berlin\n" for day in (1, 2, 3) for k in range(3))
    put(paths.inbox, "sales.csv", head + rows)
    ingest(params, paths, now=NOW)
    put(paths.inbox, "sales2.csv", f"{head}S,i1,2024-02-04,1,Potsdam\n")
    ingest(params, paths, now=NOW)
    with open_store(paths.store) as con:
        assert read_names(con).rows() == [(f"S_i{k}", "Potsdam") for k in range(3)]
    assert is_rebuilt_alike(params, paths)


def test_names_are_kept_renewed_and_rebuilt_and_move_no_hash(own, paths: Paths):
    """A name is no level, no feature and no part of the panel."""
    files = {**DAILY, "hierarchy": {"item_id": "item"}, "names": {"item_id": "title"}}
    params, plain = own(**files), own(**files | {"names": {}})
    head, *lines = daily(range(40), range(3)).splitlines()
    text = "".join(f"{line},Bread {line[1]}\n" for line in lines)
    put(paths.inbox, "sales.csv", f"{head},title\n{text}")
    ingest(params, paths, now=NOW)
    put(paths.inbox, "sales2.csv", f"{head},title\ni0,2024-02-10,1,Loaf\ni1,2024-02-10,1,\n")
    ingest(params, paths, now=NOW)
    called = [("i0", "Loaf"), ("i1", "Bread 1"), ("i2", "Bread 2")]
    frozen = freeze(params, paths)["panel"]
    panel = read_frozen(paths.panel)
    assert panel.names.rows() == called
    assert panel.series.columns == ["unique_id", "item_id"]
    assert is_rebuilt_alike(params, paths)
    with open_store(paths.store) as con:
        assert read_names(con).rows() == called
        assert con.execute("select name_of_item_id from series where unique_id = 'i0'").fetchall()
        con.execute("update series_attributes set name_of_item_id = null")
    assert freeze(plain, paths)["panel"] == frozen
    assert read_frozen(paths.panel).names.is_empty()
