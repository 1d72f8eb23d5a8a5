"""Ingest, end to end: files in, facts, quarantine and ledger out, nothing half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, BadParams, GateFailed, StoreBroken, StoreBusy
from contract.params import Params
from contract.params_file import load_params
from ingest import ingest
from runtime.paths import Paths
from stages.fill import fill
from stages.freeze import check_panel, freeze
from stages.rebuild import rebuild
from stages.switch_source import switch_source
from storage.batches import read_batches
from storage.facts import read_fact
from storage.inbox import claimed_inbox, waiting_files
from storage.panel import read_panel
from storage.panel_files import read_frozen
from storage.quarantine import read_quarantine
from storage.store import open_store

NOW = datetime(2024, 3, 1, 5)
HEADER = "unique_id,ds,y,state_id,store_id,cat_id,dept_id,item_id"


@pytest.fixture(scope="module")
def small(params: Params) -> Params:
    """The simulator at its smallest, judged by Polars so that most tests need not load Great
    Expectations.
    """
    world = {
        "series": 20,
        "days": 120,
        "daily_files": 6,
        "bad_rows_share": 0.1,
        "restated_share": 0.1,
    }
    source = params.source.model_copy(
        update={"simulator": params.source.simulator.model_copy(update=world)}
    )
    rules = params.ingest.model_copy(update={"great_expectations_max_rows": 1, "lock_wait_s": 0.2})
    return params.model_copy(update={"source": source, "ingest": rules})


def line(series: str, ds: str = "2024-02-29", y: str = "1") -> str:
    return f"{series},{ds},{y},CA,CA_1,FOODS,FOODS_1,{series}"


def drop(paths: Paths, name: str, *lines: str, header: str = HEADER) -> Path:
    path = paths.inbox / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def sales(paths: Paths) -> dict[str, float]:
    with open_store(paths.store) as con:
        return dict(read_fact(con, "sales").select("unique_id", "y").rows())


def ledger(paths: Paths) -> pl.DataFrame:
    with open_store(paths.store) as con:
        return read_batches(con)


def test_a_file_becomes_rows_quarantine_ledger_archive_and_a_page(
    small: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", *[line(f"s{k}", y=str(k)) for k in range(9)], line("s9", y="-1"))
    summary = ingest(small, paths, now=NOW)
    assert (summary["rows_in"], summary["rows_refused"], summary["rows_out"]) == (10, 1, 9)
    assert sales(paths) == {f"s{k}": k for k in range(9)}
    assert ledger(paths).select(
        "name", "rows_in", "rows_accepted", "rows_refused", "known_at_from"
    ).rows() == [("sales_1.csv", 10, 9, 1, "received")]
    with open_store(paths.store) as con:
        assert read_quarantine(con)["reason"].to_list() == ["units_negative"]
        assert read_fact(con, "sales")["known_at"].unique().to_list() == [NOW]
    assert waiting_files(paths.inbox) == []
    assert len(list(paths.archive.glob("??/*_sales_1.csv"))) == 1
    assert (paths.validation / "index.html").is_file()


def test_the_same_file_twice_changes_nothing_also_under_another_name(
    small: Params, paths: Paths
) -> None:
    for name in ("sales_1.csv", "sales_1.csv", "sales_other.csv"):
        drop(paths, name, line("a"))
        summary = ingest(small, paths, now=NOW)
    assert summary["known"] == 1
    assert ledger(paths).height == 1
    assert len([path for path in paths.archive.rglob("*") if path.is_file()]) == 1
    assert waiting_files(paths.inbox) == []


def test_a_power_cut_between_commit_and_archive_is_healed_by_the_next_run(
    small: Params, paths: Paths
) -> None:
    path = drop(paths, "sales_1.csv", line("a"))
    content = path.read_bytes()
    ingest(small, paths, now=NOW)
    (archived,) = paths.archive.glob("??/*")
    archived.unlink()
    path.write_bytes(content)
    assert ingest(small, paths, now=NOW)["known"] == 1
    assert archived.read_bytes() == content
    assert sales(paths) == {"a": 1}


def test_a_refused_file_keeps_no_other_waiting_and_may_come_again(
    small: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", "1,2", header="a,b")
    drop(paths, "sales_2.csv", line("a"))
    summary = ingest(small, paths, now=NOW)
    assert (summary["accepted"], summary["refused"]) == (1, 1)
    assert "sales_1.csv" in summary["why_refused"]
    assert ledger(paths)["status"].to_list() == ["refused", "accepted"]
    assert len(list((paths.archive / "refused").glob("??/*_sales_1.csv"))) == 1
    drop(paths, "sales_1.csv", "1,2", header="a,b")
    assert ingest(small, paths, now=NOW)["refused"] == 1
    assert ledger(paths).height == 2


def test_a_batch_of_mostly_bad_rows_is_refused_whole(small: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a"), line("b", y="-1"))
    assert "too_many_refused: 1 of 2" in ingest(small, paths, now=NOW)["why_refused"]["sales_1.csv"]
    assert sales(paths) == {}
    assert ledger(paths).select("rows_in", "rows_accepted", "rows_refused").rows() == [(2, 0, 2)]


BAD_FILES = {
    "sales_empty.csv": b"",
    "sales_header.csv": HEADER.encode(),
    "sales_missing_column.csv": b"unique_id,ds\na,2024-02-29\n",
    "sales_truncated.parquet": b"PAR1" + b"\0" * 40,
    "sales_binary.csv": bytes(range(256)) * 20,
    "sales_dates.csv": f"{HEADER}\n{line('a', ds='tomorrow')}\n".encode(),
    "sales_mixed.csv": f"{HEADER}\n{line('a', y='many')}\n".encode(),
    "notes.txt": b"hello",
}


@pytest.mark.parametrize("name", list(BAD_FILES))
def test_a_bad_file_gives_one_clear_message_and_nothing_half_written(
    small: Params, paths: Paths, name: str
) -> None:
    (paths.inbox / name).write_bytes(BAD_FILES[name])
    summary = ingest(small, paths, now=NOW)
    assert sales(paths) == {}
    if name == "sales_header.csv" and summary["accepted"]:
        return  # no row, no complaint
    reason = summary["why_refused"][name]
    assert reason
    assert "Traceback" not in reason
    assert ledger(paths)["status"].to_list() == ["refused"]


@pytest.mark.parametrize("is_alone", [False, True])
def test_an_odd_day_is_noted_in_a_history_and_refused_as_a_file(
    small: Params, paths: Paths, is_alone: bool
) -> None:
    """Of years at once nobody can send one day again."""
    odd, days = date(2024, 2, 28), [date(2024, 2, 29) - timedelta(days=k) for k in range(70)]
    rows = {
        day: [line(f"s{n:02d}", str(day), "900" if day == odd else "3") for n in range(40)]
        for day in days
    }
    drop(
        paths,
        "sales_1.csv",
        *[row for day in days if day != odd or not is_alone for row in rows[day]],
    )
    if is_alone:
        drop(paths, "sales_2.csv", *rows[odd])
    summary = ingest(small, paths, now=NOW)
    assert summary["refused"] == int(is_alone), summary
    with open_store(paths.store) as con:
        assert read_fact(con, "sales").filter(ds=odd).height == (0 if is_alone else 40)


@pytest.mark.parametrize("name", ["bom", "semicolons", "decimal_comma"])
def test_a_file_written_another_way_is_read_all_the_same(
    small: Params, paths: Paths, name: str
) -> None:
    text = "\n".join([HEADER, line("a", y="2.0")]) + "\n"
    if name == "semicolons":
        text = text.replace(",", ";")
    if name == "decimal_comma":
        text = text.replace(",", ";").replace("2.0", "2,0")
        small = small.model_copy(update={"source": files_source(small)})
    (paths.inbox / "sales_1.csv").write_text(
        text, encoding="utf-8-sig" if name == "bom" else "utf-8"
    )
    ingest(small, paths, now=NOW)
    assert sales(paths) == {"a": 2}


def files_source(params: Params):
    """Own files whose columns have the contract's names, with decimal commas."""
    columns = {"unique_id": ["unique_id"], "ds": "ds", "y": "y"}
    plain = {
        "sales": "sales*",
        "decimal": ",",
        "columns": columns,
        "hierarchy": {"store_id": "store_id"},
    }
    bare = {"known_future": {}, "past_only": {}, "static": None}
    mapping = params.source.files.model_copy(update=plain | bare)
    return params.source.model_copy(update={"kind": "files", "files": mapping})


def test_markup_and_formulas_in_names_are_only_names(small: Params, paths: Paths) -> None:
    names = ["<img src=x onerror=alert(1)>", "=cmd()", "'; drop table sales; --", "../../etc"]
    drop(
        paths,
        "sales_$(reboot);<b>.csv",
        *[line(name) for name in names],
        *[line(f"s{k}", y="2") for k in range(5)],
    )
    ingest(small, paths, now=NOW)
    assert sales(paths).keys() >= set(names)
    for page in paths.validation.glob("*.html"):
        assert "<img" not in page.read_text(encoding="utf-8")
        assert "<b>.csv" not in page.read_text(encoding="utf-8")


def test_a_dry_run_judges_and_moves_nothing(small: Params, paths: Paths) -> None:
    path = drop(paths, "sales_1.csv", line("a"))
    assert ingest(small, paths, now=NOW, dry_run=True)["rows_out"] == 1
    assert path.exists()
    assert not paths.store.exists()
    assert not paths.archive.exists()
    ingest(small, paths, now=NOW)
    written = paths.store.read_bytes()
    drop(paths, "sales_2.csv", line("b"))
    assert ingest(small, paths, now=NOW, dry_run=True)["rows_out"] == 1
    assert paths.store.read_bytes() == written


def test_two_runs_do_not_take_the_same_file(small: Params, paths: Paths) -> None:
    path = drop(paths, "sales_1.csv", line("a"))
    with claimed_inbox(paths.inbox, 1), pytest.raises(StoreBusy, match="PID"):
        ingest(small, paths, now=NOW)
    assert path.exists()
    assert ingest(small, paths, now=NOW)["accepted"] == 1


def test_a_store_of_another_source_is_not_mixed_with(small: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a"))
    ingest(small, paths, now=NOW)
    drop(paths, "sales_2.csv", line("a", y="9"))
    other = small.model_copy(
        update={"source": small.source.model_copy(update={"path": "elsewhere"})}
    )
    with pytest.raises(StoreBroken, match="source --use"):
        ingest(other, paths, now=NOW)
    assert sales(paths) == {"a": 1}


def test_filling_twice_gives_the_same_panel_as_filling_once_on_another_day(
    small: Params, paths: Paths, tmp_path: Path
) -> None:
    """What the offline run relies on: nothing of the clock, of the order or of the number of runs
    gets into the panel.
    """
    fill(small, paths, now=NOW)
    first = freeze(small, paths)["panel"]
    assert fill(small, paths, now=datetime(2025, 1, 1))["accepted"] == 0
    assert freeze(small, paths)["panel"] == first
    elsewhere = Paths(tmp_path / "elsewhere")
    fill(small, elsewhere, now=datetime(2030, 1, 1))
    assert freeze(small, elsewhere)["panel"] == first
    assert (elsewhere.truth / "truth.parquet").read_bytes() == (
        paths.truth / "truth.parquet"
    ).read_bytes()
    assert waiting_files(paths.inbox) == []


@pytest.mark.parametrize("ranges", [2, 7, 1000])
def test_a_panel_frozen_range_by_range_is_the_same_bytes(
    small: Params, paths: Paths, tmp_path: Path, ranges: int
) -> None:
    """Earlier versions and the days of a shut store among them; checked by the same ranges."""
    fill(small, paths, now=NOW)
    shut = date(2024, 4, 17)
    with open_store(paths.store) as con:
        sold = "update sales set y = case when ds = ? then 0 else 20 * y + 20 end, is_open = null"
        con.execute(sold, [shut])
    in_one = freeze(small, paths)
    files = {file.name: file.read_bytes() for file in paths.panel.iterdir()}
    closed = read_frozen(paths.panel).sales.filter(ds=shut, is_open=False)
    assert closed.height > 0
    checked = check_panel(small, paths)
    scale = small.scale.model_copy(update={"parts": ranges})
    many = small.model_copy(update={"scale": scale})
    assert freeze(many, paths) == in_one
    assert {file.name: file.read_bytes() for file in paths.panel.iterdir()} == files
    assert check_panel(many, paths) == checked
    assert not list(paths.parts.iterdir())


def test_what_the_simulator_broke_is_refused_and_what_it_restated_is_history(
    small: Params, paths: Paths
) -> None:
    summary = fill(small, paths, now=NOW)
    assert summary["rows_in"] == summary["rows_out"] + summary["rows_refused"]
    freeze(small, paths)
    panel = read_frozen(paths.panel)
    assert panel.superseded["sales"].height > 0
    with open_store(paths.store) as con:
        reasons = set(read_quarantine(con)["reason"])
    assert {"units_negative", "unreadable_date"} <= reasons
    assert reasons <= {
        "units_negative",
        "unreadable_date",
        "repeated_row",
        "contradicting_rows",
        "unplaced_series",
    }


def test_the_frozen_panel_is_checked_against_the_rules(small: Params, paths: Paths) -> None:
    fill(small, paths, now=NOW)
    freeze(small, paths)
    assert check_panel(small, paths)["broken_rows"] == 0
    stricter = small.model_copy(update={"ingest": small.ingest.model_copy(update={"max_y": 0.5})})
    with pytest.raises(GateFailed, match="units_absurd"):
        check_panel(stricter, paths)
    assert (
        json.loads((paths.validation / "panel.json").read_text(encoding="utf-8"))["broken_rows"] > 0
    )


def test_a_history_is_known_the_morning_after_each_day_and_its_plans_before_the_first(
    small: Params, paths: Paths
) -> None:
    own = paths.root / "own"
    own.mkdir()
    (own / "sales.csv").write_text(
        f"{HEADER}\n{line('a')}\n{line('a', ds='2024-02-28')}\n", encoding="utf-8"
    )
    source = files_source(small).model_copy(update={"path": str(own), "assumed_delay_days": 1})
    fill(small.model_copy(update={"source": source}), paths, now=NOW)
    with open_store(paths.store) as con:
        known = dict(read_fact(con, "sales").select("ds", "known_at").rows())
    assert known == {
        date(2024, 2, 28): datetime(2024, 2, 29, 6),
        date(2024, 2, 29): NOW,
    }  # at six, but that is yet to come
    assert (own / "sales.csv").exists()


def test_a_source_file_that_changed_fills_the_panel_of_a_clean_clone(
    small: Params, paths: Paths, tmp_path: Path
) -> None:
    """A fill states the source anew, as if it had always said so: learned when the clock says so,
    the panel's hash would depend on it and on what the store held before, and no clone could make
    dvc.lock's again.
    """
    own = tmp_path / "own"
    own.mkdir()
    params = small.model_copy(
        update={"source": files_source(small).model_copy(update={"path": str(own)})}
    )
    days = [line("a", ds=f"2024-02-{day}") for day in range(10, 20)]
    for now, units in ((NOW + timedelta(days=1), "5"), (NOW + timedelta(days=9), "9")):
        (own / "sales.csv").write_text(
            "\n".join([HEADER, line("a", y=units), *days]) + "\n", encoding="utf-8"
        )
        fill(params, paths, now=now)
    clone = Paths(tmp_path / "clone")
    fill(params, clone, now=NOW + timedelta(days=400))
    assert freeze(params, paths)["panel"] == freeze(params, clone)["panel"]


def test_a_year_dropped_later_changes_no_earlier_reading(small: Params, paths: Paths) -> None:
    """The first load is taken as known in its time; a second one, without known_at, is learned when
    it comes.
    """
    days = [f"2024-{month:02d}-15" for month in (1, 2)]
    drop(paths, "sales_1.csv", *[line("a", ds=day) for day in days])
    ingest(small, paths, now=NOW)
    drop(
        paths,
        "sales_2.csv",
        line("a", ds="2023-11-15"),
        *[line("a", ds=day, y="7") for day in days],
    )
    ingest(small, paths, now=datetime(2024, 4, 1))
    with open_store(paths.store) as con:
        assert read_fact(con, "sales", datetime(2024, 3, 2))["y"].to_list() == [1, 1]
        assert read_fact(con, "sales")["y"].to_list() == [1, 7, 7]


def test_a_source_with_a_refused_file_fills_no_panel(small: Params, paths: Paths) -> None:
    own = paths.root / "own"
    own.mkdir()
    (own / "sales.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    source = files_source(small).model_copy(update={"path": str(own)})
    with pytest.raises(BadInput, match="1 of 1 files"):
        fill(small.model_copy(update={"source": source}), paths, now=NOW)


def test_using_another_source_edits_three_lines_and_sets_the_store_aside(
    root: Path, tmp_path: Path
) -> None:
    params_path, paths = tmp_path / "params.yaml", Paths(tmp_path / "data")
    text = (root / "params.yaml").read_text(encoding="utf-8")
    params_path.write_text(text, encoding="utf-8")
    switch_source("simulator", None, params_path, paths)
    own = tmp_path / "own"
    own.mkdir()
    (own / "train.csv").write_text("Store,Date,Sales\n1,2024-01-01,2\n", encoding="utf-8")
    assert switch_source("files", own, params_path, paths)["other_store_set_aside"]
    source = load_params(params_path).source
    assert (source.kind, source.path, len(source.sha256)) == ("files", str(own), 64)
    with pytest.raises(BadInput):
        switch_source("m5", tmp_path / "nowhere", params_path, paths)
    assert load_params(params_path).source.kind == "files"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "own", "params.yaml"]


def test_using_another_source_writes_what_is_yours_and_leaves_what_ships(
    root: Path, tmp_path: Path
) -> None:
    """And back again: the shop is empty as it shipped, or git would show a change after each
    run.
    """
    own, shop, paths = tmp_path / "own", tmp_path / "shop.yaml", Paths(tmp_path / "data")
    own.mkdir()
    (own / "train.csv").write_text("Store,Date,Sales\n1,2024-01-01,2\n", encoding="utf-8")
    for file in ("params.yaml", "shop.yaml"):
        (tmp_path / file).write_bytes((root / file).read_bytes())
    switch_source("files", own, tmp_path / "params.yaml", paths)
    source = load_params(tmp_path / "params.yaml").source
    assert (source.kind, source.path, len(source.sha256)) == ("files", str(own), 64)
    switch_source("simulator", None, tmp_path / "params.yaml", paths)
    for file in ("params.yaml", "shop.yaml"):
        assert (tmp_path / file).read_bytes() == (root / file).read_bytes()
    assert not shop.with_name(".shop.yaml.new").exists()


def test_a_lost_store_is_made_again_from_its_journal_whatever_the_rules_say_now(
    small: Params, paths: Paths
) -> None:
    """The file is gone, the limits are others: not a row differs, the same file is still known."""
    drop(paths, "sales_1.csv", *[line(f"s{k}", y=str(k)) for k in range(9)], line("s9", y="-1"))
    ingest(small, paths, now=NOW)
    drop(paths, "sales_2.csv", line("a"), line("b", y="-1"))
    ingest(small, paths, now=NOW)
    before = ledger(paths), sales(paths)
    paths.store.unlink()
    with pytest.raises(StoreBroken, match="make rebuild"):
        drop(paths, "sales_3.csv", line("a"))
        ingest(small, paths, now=NOW)
    stricter = small.model_copy(update={"ingest": small.ingest.model_copy(update={"max_y": 0.5})})
    summary = rebuild(stricter, paths, now=datetime(2025, 1, 1))
    assert (summary["batches"], summary["files_missing_in_archive"]) == (2, [])
    assert ledger(paths).equals(before[0])
    assert sales(paths) == before[1]
    assert ingest(small, paths, now=NOW)["accepted"] == 1


def run(*arguments: str) -> subprocess.CompletedProcess:
    root = Path(__file__).parents[1]
    command = [sys.executable, "ingest.py", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603


def test_the_command_line_says_how_it_went_by_its_exit_code(root: Path, paths: Paths) -> None:
    """A refused file: 1, after the others were taken, by Great Expectations this time; a held
    store: 3.
    """
    drop(paths, "sales_1.csv", line("a"))
    drop(paths, "sales_2.csv", "1,2", header="a,b")
    params_path = paths.root / "params.yaml"
    text = (
        (root / "params.yaml")
        .read_text(encoding="utf-8")
        .replace("lock_wait_s: 30", "lock_wait_s: 0.1")
    )
    params_path.write_text(text, encoding="utf-8")
    arguments = ("--params", str(params_path), "--data", str(paths.root), "--json")
    refused = run(*arguments)
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["status"] == "refused"
    assert "Traceback" not in refused.stderr
    assert "great_expectations" in next(paths.validation.glob("*.batch.json")).read_text(
        encoding="utf-8"
    )
    assert sales(paths) == {"a": 1}
    drop(paths, "sales_3.csv", line("a", y="5"))
    with open_store(paths.store):
        busy = run(*arguments)
    assert busy.returncode == 3
    assert "PID" in busy.stderr
    assert run(*arguments, "--use", "nothing").returncode == 2
    assert run(*arguments, "--fill", "--dry-run").returncode == 2


def test_a_plan_loaded_before_its_first_day_can_be_corrected_the_next_morning(
    small: Params, paths: Paths
) -> None:
    """Assumed to have been known on its first day, it would be younger than the correction."""
    source = files_source(small)
    calendar = {"calendar": "days*", "calendar_columns": {"ds": "day", "event": "feast"}}
    params = small.model_copy(
        update={
            "source": source.model_copy(update={"files": source.files.model_copy(update=calendar)})
        }
    )
    for text, day in (("2024-03-05,Fair", 0), ("2024-03-05,Feast", 1)):
        drop(paths, f"days_{day}.csv", text, header="day,feast")
        ingest(params, paths, now=NOW + timedelta(days=day))
    with open_store(paths.store) as con:
        assert read_fact(con, "calendar")["event"].to_list() == ["Feast"]


def test_late_lines_of_a_known_day_do_not_replace_it(small: Params, paths: Paths) -> None:
    source = files_source(small)
    params = small.model_copy(
        update={
            "source": source.model_copy(
                update={"files": source.files.model_copy(update={"transactions": True})}
            )
        }
    )
    header = "unique_id,ds,y,store_id"
    whole = [f"s{k},2024-02-28,{k + 1},CA_1" for k in range(6)]
    drop(paths, "sales_1.csv", *whole, "s0,2024-02-28,9,CA_1", header=header)
    ingest(params, paths, now=NOW)
    drop(
        paths,
        "sales_2.csv",
        "s0,2024-02-28,2,CA_1",
        *[f"s{k},2024-02-29,1,CA_1" for k in range(6)],
        header=header,
    )
    ingest(params, paths, now=NOW + timedelta(days=1))
    with open_store(paths.store) as con:
        day = read_fact(con, "sales").filter(ds=date(2024, 2, 28))
        assert dict(day.select("unique_id", "y").rows())["s0"] == 10
        assert read_quarantine(con)["reason"].to_list() == ["lines_of_a_known_day"]
    drop(paths, "sales_3.csv", *whole, "s0,2024-02-28,11,CA_1", header=header)
    ingest(params, paths, now=NOW + timedelta(days=2))
    with open_store(paths.store) as con:
        day = read_fact(con, "sales").filter(ds=date(2024, 2, 28))
        assert dict(day.select("unique_id", "y").rows())["s0"] == 12


def test_what_stands_in_a_refused_late_line_stays_out_with_it_and_comes_with_the_whole_day(
    small: Params, paths: Paths
) -> None:
    """A late line of s0 at 9.00 would be the price of a day on which it sold ten at 2.00. A price
    of a day without units is a plan.
    """
    source = files_source(small)
    mapped = {
        "transactions": True,
        "decimal": ".",
        "columns": source.files.columns | {"price": "price"},
        "past_only": {"visitors": "visitors"},
    }
    params = small.model_copy(
        update={
            "source": source.model_copy(update={"files": source.files.model_copy(update=mapped)})
        }
    )
    header, day = "unique_id,ds,y,store_id,price,visitors", "2024-02-28"
    whole = [f"s{k},{day},10,CA_1,2.0,5" for k in range(6)]

    def known(fact: str, ds: str, value: str) -> dict[str, float]:
        with open_store(paths.store) as con:
            return dict(
                read_fact(con, fact)
                .filter(unique_id="s0")
                .select(pl.col(ds).cast(pl.String), value)
                .rows()
            )

    drop(paths, "sales_1.csv", *whole, header=header)
    ingest(params, paths, now=NOW)
    late = [f"s0,{day},1,CA_1,9.0,8", *[f"s{k},2024-02-29,1,CA_1,2.5,6" for k in range(6)]]
    drop(paths, "sales_2.csv", *late, header=header)
    ingest(params, paths, now=NOW + timedelta(days=1))
    assert known("prices", "from_ds", "price") == {day: 2.0, "2024-02-29": 2.5}
    assert known("covariates", "ds", "value") == {day: 5.0, "2024-02-29": 6.0}
    with open_store(paths.store) as con:
        assert read_quarantine(con)["reason"].to_list() == ["lines_of_a_known_day"] * 3
    drop(paths, "sales_3.csv", *whole, f"s0,{day},10,CA_1,9.0,8", header=header)
    ingest(params, paths, now=NOW + timedelta(days=2))
    assert known("prices", "from_ds", "price")[day] == 5.5


def test_a_file_that_cannot_be_read_does_not_keep_the_others_waiting(
    small: Params, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root reads everything: the refusal is made."""
    from stages import take

    whole = take.sha256_of

    def refused(path: Path) -> str:
        if path.name == "sales_1.csv":
            raise PermissionError(13, "Permission denied")
        return whole(path)

    monkeypatch.setattr(take, "sha256_of", refused)
    drop(paths, "sales_1.csv", line("a"))
    drop(paths, "sales_2.csv", line("b"))
    summary = ingest(small, paths, now=NOW)
    assert (summary["accepted"], summary["growing"]) == (1, 1)
    (note,) = (note for note in summary["notes"] if note.startswith("sales_1.csv"))
    assert "Permission denied" in note
    assert not summary["why_refused"]
    assert sales(paths) == {"b": 1}
    assert [path.name for path in waiting_files(paths.inbox)] == ["sales_1.csv"]


def test_a_static_file_dropped_beside_the_sales_serves_them_and_stays(
    small: Params, paths: Paths
) -> None:
    """It sorts before them; once it was refused, archived, and the sales then refused for lacking
    it.
    """
    source = files_source(small)
    static = {
        "static": "shops*",
        "static_on": ["store_id"],
        "hierarchy": {"store_id": "store_id", "city": "city"},
    }
    files = source.files.model_copy(update={**static, "sales": "umsatz*"})
    params = small.model_copy(update={"source": source.model_copy(update={"files": files})})
    drop(paths, "shops.csv", "CA_1,Fresno", header="store_id,city")
    drop(paths, "umsatz_1.csv", "a,2024-02-29,4,CA_1", header="unique_id,ds,y,store_id")
    assert ingest(params, paths, now=NOW)["accepted"] == 1
    assert sales(paths) == {"a": 4}
    assert (paths.inbox / "shops.csv").exists()


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_file_renamed_or_written_on_while_it_is_read_is_left_to_the_next_run(
    small: Params, paths: Paths, monkeypatch: pytest.MonkeyPatch, is_gone: bool
) -> None:
    """Its sender acts between two of our looks; what was read of it meanwhile says nothing about
    it.
    """
    from stages import judged_facts

    def meanwhile(path: Path, source: object, **more: object) -> list:
        path.unlink() if is_gone else drop(paths, path.name, line("a"), line("b"))
        raise BadInput("half a file")

    monkeypatch.setattr(judged_facts, "read_file", meanwhile)
    drop(paths, "sales_1.csv", line("a"))
    summary = ingest(small, paths, now=NOW)
    assert (summary["growing"], summary["refused"], summary["why_refused"]) == (1, 0, {})


def test_a_series_without_levels_is_unplaced_and_the_panel_can_be_read(
    small: Params, paths: Paths
) -> None:
    """A group without a name once made every reading of the panel fail."""
    drop(paths, "sales_1.csv", line("a"))
    drop(paths, "sales_2.csv", "z,2024-02-29,2", header="unique_id,ds,y")
    ingest(small, paths, now=NOW)
    with open_store(paths.store) as con:
        assert read_panel(con).series.filter(unique_id="z").row(0)[1:] == ("unplaced",) * 5


def test_levels_that_differ_in_case_alone_are_refused_in_words(small: Params, paths: Paths) -> None:
    source = files_source(small)
    files = source.files.model_copy(
        update={"hierarchy": {"store_id": "store_id", "Store_ID": "store_id"}}
    )
    drop(paths, "sales_1.csv", "a,2024-02-29,4,CA_1", header="unique_id,ds,y,store_id")
    params = small.model_copy(update={"source": source.model_copy(update={"files": files})})
    with pytest.raises(BadParams, match="differ in case alone"):
        ingest(params, paths, now=NOW)


def test_a_daily_price_feed_states_the_days_ahead_anew_every_day(
    small: Params, paths: Paths
) -> None:
    """Merged to one period on the first day, the second day's file once overlapped it and was
    refused for good.
    """
    source = files_source(small)
    prices = {
        "prices": "prices*",
        "price_columns": {name: name for name in ("unique_id", "ds", "price")},
        "decimal": ".",
    }
    files = source.files.model_copy(update=prices)
    params = small.model_copy(update={"source": source.model_copy(update={"files": files})})
    for first, price in ((1, 2.0), (2, 2.0), (3, 2.5)):
        ahead = [f"a,2024-03-{first + k:02d},{price}" for k in range(5)]
        drop(paths, f"prices_{first}.csv", *ahead, header="unique_id,ds,price")
        assert ingest(params, paths, now=NOW + timedelta(days=first))["refused"] == 0
    with open_store(paths.store) as con:
        assert read_fact(con, "prices")["price"].to_list() == [2.0, 2.0, *[2.5] * 5]


def test_an_unreadable_number_in_a_file_of_own_columns_is_unknown_and_no_zero(
    small: Params, paths: Paths
) -> None:
    """Of its own series and day alone, in a history, too, and not where another row states it."""
    mapped = {"unique_id": ["shop", "item"], "ds": "day", "y": "sold"}
    files = small.source.files.model_copy(
        update={"sales": "sales*", "columns": mapped, "hierarchy": {}, "known_future": {}}
    ).model_copy(update={"past_only": {}})
    source = small.source.model_copy(update={"kind": "files", "files": files, "levels": ((),)})
    params = small.model_copy(update={"source": source.model_copy(update={"region": None})})
    lines = [
        f"{day:%d.%m.%Y},A,{item},{day.day}"
        for day in (date(2024, 1, 1) + timedelta(days=k) for k in range(40))
        for item in ("tea", "milk")
        if (item, day.day) not in {("tea", 20), ("milk", 21)} or day.month == 2
    ]
    lines += ["20.01.2024,A,tea,1.234.5", "21.01.2024,A,milk,12 pcs", "22.01.2024,A,milk,many"]
    drop(paths, "sales.csv", *lines, header="day,shop,item,sold")
    summary = ingest(params, paths, now=NOW)
    (note,) = summary["notes"]
    assert note.startswith("rows_unread: 3 of 81 rows (3.7%)")
    assert "'sold'" in note
    with open_store(paths.store) as con:
        panel = read_panel(con).sales
    unknown = panel.filter(pl.col("y").is_null()).select("unique_id", "ds")
    assert sorted(unknown.rows()) == [("A_milk", date(2024, 1, 21)), ("A_tea", date(2024, 1, 20))]


def test_what_no_run_will_take_is_said_and_stays(small: Params, paths: Paths) -> None:
    drop = paths.inbox / "sales_1.csv"
    drop.write_text(f"{HEADER}\na,2024-02-29,1,CA,CA_1,FOODS,FOODS_1,a\n", encoding="utf-8")
    (paths.inbox / "monday").mkdir()
    (paths.inbox / "link.csv").symlink_to(drop)
    (paths.inbox / ".hidden").mkdir()
    summary = ingest(small, paths, now=NOW)
    assert (summary["accepted"], summary["growing"]) == (1, 2)
    said = "\n".join(summary["notes"])
    assert "link.csv: never taken: it is a link" in said
    assert "monday: never taken: it is a folder" in said and ".hidden" not in said
    assert {path.name for path in paths.inbox.iterdir()} == {"monday", "link.csv", ".hidden"}


def test_no_mark_of_a_try_stays_of_a_file_that_was_taken_or_refused(
    small: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a"))
    drop(paths, "sales_2.csv", "1", header="nothing known")
    assert ingest(small, paths, now=NOW)["refused"] == 1
    assert list(paths.tries.iterdir()) == []


def test_of_a_first_load_what_happened_is_assumed_known_a_day_later_and_plans_on_their_day(
    small: Params, paths: Paths
) -> None:
    """Visitors are of the past, prices are plans."""
    source = files_source(small)
    mapped = {
        "decimal": ".",
        "columns": source.files.columns | {"price": "price"},
        "past_only": {"visitors": "visitors"},
    }
    files = source.files.model_copy(update=mapped)
    params = small.model_copy(update={"source": source.model_copy(update={"files": files})})
    days = [str(date(2024, 1, 1) + timedelta(days=k)) for k in range(50)]
    lines = [f"s{k},{day},10,CA_1,2.0,5" for day in days for k in range(3)]
    drop(paths, "sales_1.csv", *lines, header="unique_id,ds,y,store_id,price,visitors")
    ingest(params, paths, now=NOW)
    own = datetime.fromisoformat(f"{days[0]}T06:00")
    with open_store(paths.store) as con:
        first = {
            fact: read_fact(con, fact)["known_at"].min()
            for fact in ("sales", "covariates", "prices")
        }
    later = own + timedelta(days=params.source.assumed_delay_days)
    assert first == {"sales": later, "covariates": later, "prices": own}


def test_lines_of_a_day_add_up_for_files_of_ones_own_alone(small: Params, paths: Paths) -> None:
    """The simulator's day sent again is a restatement, whatever is said of files."""
    files = small.source.files.model_copy(update={"transactions": True})
    params = small.model_copy(update={"source": small.source.model_copy(update={"files": files})})
    for number, units in enumerate(("3", "4"), start=1):
        drop(paths, f"sales_{number}.csv", *(line(f"s{k}", y=units) for k in range(6)))
        assert ingest(params, paths, now=NOW)["accepted"] == 1
    with open_store(paths.store) as con:
        assert set(read_fact(con, "sales")["y"]) == {4.0}
        assert read_quarantine(con).is_empty()


def test_a_content_sent_again_says_how_many_of_its_rows_were_restated_meanwhile(
    small: Params, paths: Paths
) -> None:
    for number, units in enumerate(("3", "4", "3"), start=1):
        drop(paths, f"sales_{number}.csv", line("a", y=units), line("b", y="1"))
        summary = ingest(small, paths, now=NOW + timedelta(hours=number))
    assert summary["known"] == 1
    (note,) = [note for note in summary["notes"] if "content_known" in note]
    assert "but 1 of its rows" in note
