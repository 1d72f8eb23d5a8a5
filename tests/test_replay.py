"""Quarantine with replay: what was refused is judged again once the rule or the row is mended;
taken in once, and recorded.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, BadUsage, SourceMissing, StoreBroken
from contract.params import Params
from ingest import ingest
from runtime.paths import Paths
from stages.compact import compact
from stages.correct import correct
from stages.rebuild import rebuild
from stages.replay import Refused, replay
from storage.batches import read_batches
from storage.facts import read_fact
from storage.lineage import LedgerPosition, read_until
from storage.panel import read_panel
from storage.quarantine import read_quarantine
from storage.runs import Run
from storage.series import read_series
from storage.store import open_store

FIRST, LATER, LAST = datetime(2024, 3, 1, 5), datetime(2024, 3, 5, 5), datetime(2024, 3, 9, 5)
HEADER = "unique_id,ds,y,state_id,store_id,cat_id,dept_id,item_id"


@pytest.fixture(scope="module")
def strict(params: Params) -> Params:
    """More than 50 units a day is a typing error; no batch is refused whole for its rows."""
    return _with(
        params,
        great_expectations_max_rows=1,
        max_y=50.0,
        max_refused_share=1.0,
        refuse_unusual=False,
    )


def _with(params: Params, **rules: object) -> Params:
    return params.model_copy(update={"ingest": params.ingest.model_copy(update=rules)})


def line(series: str, y: object, ds: str = "2024-02-29") -> str:
    return f"{series},{ds},{y},CA,CA_1,FOODS,FOODS_1,{series}"


def drop(paths: Paths, name: str, *lines: str, header: str = HEADER) -> Path:
    path = paths.inbox / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def seen(paths: Paths) -> tuple[dict[str, float], pl.DataFrame, pl.DataFrame]:
    """Units by series, the ledger, the quarantine."""
    with open_store(paths.store) as con:
        facts = dict(read_fact(con, "sales").select("unique_id", "y").rows())
        return facts, read_batches(con), read_quarantine(con)


def accounts(paths: Paths) -> None:
    """Every received line is accepted in some batch, or still lies in quarantine."""
    _, ledger, quarantine = seen(paths)
    assert (ledger["rows_in"] == ledger["rows_accepted"] + ledger["rows_refused"]).all()
    lines = dict(quarantine.group_by("batch_id").agg(pl.col("lines").sum()).rows())
    assert {batch: lines.get(batch, 0) for batch in ledger["batch_id"]} == dict(
        ledger.select("batch_id", "rows_refused").rows()
    )
    sales = ledger.filter(fact="sales")
    received = sales.filter(pl.col("replay_of").is_null())["rows_in"].sum()
    waiting = quarantine.filter(pl.col("replayed_by").is_null())["lines"].sum()
    assert received == sales["rows_accepted"].sum() + waiting


@pytest.mark.parametrize("refused", [{"batch_id": 1}, {"code": "units_absurd"}])
def test_rows_a_mended_rule_accepts_enter_once_and_the_others_stay(
    strict: Params, paths: Paths, refused: dict
) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70), line("c", -1), line("d", 90))
    ingest(strict, paths, now=FIRST)
    for _ in range(2):
        summary = replay(_with(strict, max_y=80.0), paths, Refused(**refused), now=LATER)
    assert summary["rows_out"] == 0
    facts, ledger, quarantine = seen(paths)
    assert facts == {"a": 1, "b": 70}
    assert ledger.select(
        "batch_id", "replay_of", "attempt", "rows_in", "rows_accepted", "status"
    ).rows() == [
        (1, None, 0, 4, 1, "accepted"),
        (2, 1, 1, 1, 1, "accepted"),
    ]
    assert quarantine.select("row_number", "reason", "replayed_by").rows() == [
        (2, "units_absurd", 2),
        (3, "units_negative", None),
        (4, "units_absurd", None),
    ]
    accounts(paths)


def test_a_replayed_row_is_known_from_the_replay_on(strict: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70))
    ingest(strict, paths, now=FIRST)
    replay(_with(strict, max_y=80.0), paths, Refused(1), now=LATER)
    with open_store(paths.store) as con:
        assert read_fact(con, "sales", datetime(2024, 3, 4))["unique_id"].to_list() == ["a"]
        assert read_fact(con, "sales", LATER)["unique_id"].to_list() == ["a", "b"]


def test_a_replay_makes_another_panel_and_what_a_run_read_before_it_is_still_known(
    strict: Params, paths: Paths
) -> None:
    """Under the same name the table of the morning would be taken for made already."""
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70))
    ingest(strict, paths, now=FIRST)
    with open_store(paths.store) as con:
        before = read_panel(con)
    replay(_with(strict, max_y=80.0), paths, Refused(1), now=LATER)
    with open_store(paths.store) as con:
        after = read_panel(con)
        runs = [
            Run("r", "inference", FIRST, LAST, panel_hash=panel.hash) for panel in (before, after)
        ]
        assert [read_until(con, run) for run in runs] == [
            LedgerPosition(1, is_exact=True),
            LedgerPosition(2, is_exact=True),
        ]
    assert (before.hash == after.hash, before.sales.height, after.sales.height) == (False, 1, 2)


def test_a_replay_of_an_older_file_moves_no_series_back(strict: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", 70), line("b", 70), line("c", 1))
    ingest(strict, paths, now=FIRST)
    drop(paths, "sales_2.csv", line("a", 7, ds="2024-03-01").replace("FOODS_1", "FOODS_2"))
    ingest(strict, paths, now=LATER)
    assert replay(_with(strict, max_y=80.0), paths, Refused(1), now=LAST)["rows_out"] == 2
    with open_store(paths.store) as con:
        placed = dict(read_series(con).select("unique_id", "dept_id").rows())
    assert placed == {"a": "FOODS_2", "b": "FOODS_1", "c": "FOODS_1"}


def test_a_row_that_fails_again_has_its_new_reason(strict: Params, paths: Paths) -> None:
    """First innocent, refused with its whole file; then alone, for itself."""
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70), line("c", -1))
    ingest(_with(strict, max_y=80.0, max_refused_share=0.2), paths, now=FIRST)
    assert seen(paths)[2]["reason"].to_list() == [
        "too_many_refused",
        "too_many_refused",
        "units_negative",
    ]
    assert replay(strict, paths, Refused(1), now=LATER)["rows_out"] == 1
    quarantine = seen(paths)[2]
    assert quarantine.select("reason", "replayed_by").rows()[1:] == [
        ("units_absurd", None),
        ("units_negative", None),
    ]
    assert quarantine["sentence"][1] != quarantine["sentence"][0]
    assert (
        replay(_with(strict, max_y=80.0), paths, Refused(code="units_absurd"), now=LAST)["rows_out"]
        == 1
    )
    assert seen(paths)[0] == {"a": 1, "b": 70}
    accounts(paths)


def _with_stores(params: Params, paths: Paths, **columns: str) -> Params:
    """Own files, beside which a file of stores lies that says each one's city."""
    source = _mapped(params, "%Y-%m-%d").source
    files = source.files.model_copy(
        update={
            "static": "stores.csv",
            "static_on": ["store_id"],
            "hierarchy": {"store_id": "store_id", "city": "city"},
            "columns": source.files.columns | columns,
        }
    )
    own = source.model_copy(update={"path": str(paths.root), "files": files})
    return params.model_copy(update={"source": own})


def _mapped(params: Params, date_format: str) -> Params:
    """Own files in the contract's words."""
    source = params.source
    columns = {"unique_id": ["unique_id"], "ds": "ds", "y": "y"}
    plain = {
        "sales": "sales*",
        "columns": columns,
        "hierarchy": {"store_id": "store_id"},
        "date_format": date_format,
    }
    files = source.files.model_copy(
        update=plain | {"known_future": {}, "past_only": {}, "static": None}
    )
    return params.model_copy(
        update={"source": source.model_copy(update={"kind": "files", "files": files})}
    )


def test_an_older_row_does_not_replace_what_a_later_file_said(strict: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70))
    ingest(strict, paths, now=FIRST)
    drop(paths, "sales_2.csv", line("b", 7))
    ingest(strict, paths, now=LATER)
    assert replay(_with(strict, max_y=80.0), paths, Refused(1), now=LAST)["rows_out"] == 0
    facts, _, quarantine = seen(paths)
    assert facts == {"a": 1, "b": 7}
    assert quarantine.select("reason", "replayed_by").rows() == [("overtaken", None)]
    accounts(paths)


@pytest.mark.parametrize("is_one_run", [True, False])
def test_a_later_file_stands_taken_in_the_same_run_or_only_confirming_what_was_known(
    strict: Params, paths: Paths, is_one_run: bool
) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 7))
    ingest(strict, paths, now=FIRST)
    drop(paths, "sales_2.csv", line("b", 70))
    if not is_one_run:
        ingest(strict, paths, now=LATER)
    drop(paths, "sales_3.csv", line("b", 7), line("c", 2))
    ingest(strict, paths, now=LATER)
    assert (
        replay(_with(strict, max_y=80.0), paths, Refused(code="units_absurd"), now=LAST)["rows_out"]
        == 0
    )
    assert seen(paths)[0] == {"a": 1, "b": 7, "c": 2}
    accounts(paths)


def test_of_two_waiting_rows_the_newer_stands(strict: Params, paths: Paths) -> None:
    """The first of them, taken in by the same replay, is no later file."""
    for name, units, now in (("sales_1.csv", 70, FIRST), ("sales_2.csv", 80, LATER)):
        drop(paths, name, line("a", units), line("b", units - 69))
        ingest(strict, paths, now=now)
    assert (
        replay(_with(strict, max_y=90.0), paths, Refused(code="units_absurd"), now=LAST)["rows_out"]
        == 2
    )
    assert seen(paths)[0] == {"a": 80, "b": 11}
    accounts(paths)


def test_a_mended_line_does_not_replace_what_a_later_file_said(
    strict: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", "many"))
    ingest(strict, paths, now=FIRST)
    drop(paths, "sales_2.csv", line("b", 7))
    ingest(strict, paths, now=LATER)
    mended = paths.root / "mended.csv"
    mended.write_text(f"{HEADER},row_number\n{line('b', 5)},2\n", encoding="utf-8")
    assert correct(strict, paths, 1, mended, now=LAST)["rows_out"] == 0
    facts, _, quarantine = seen(paths)
    assert facts == {"a": 1, "b": 7}
    assert quarantine["reason"].to_list() == ["unreadable_number", "overtaken"]


def test_a_mended_line_of_summed_lines_or_of_nothing_that_waits_is_refused(
    strict: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 2))
    ingest(_with(strict, max_y=1.5), paths, now=FIRST)
    replay(strict, paths, Refused(1), now=LATER)
    mended = paths.root / "mended.csv"
    mended.write_text(f"{HEADER},row_number\n{line('b', 5)},2\n", encoding="utf-8")
    with pytest.raises(BadUsage, match="no row of batch 1 waits any more"):
        correct(strict, paths, 1, mended, now=LAST)
    summed = _mapped(strict, "%Y-%m-%d").source
    files = summed.files.model_copy(update={"transactions": True})
    params = strict.model_copy(update={"source": summed.model_copy(update={"files": files})})
    with pytest.raises(BadUsage, match="Send all lines of that day anew"):
        correct(params, paths, 1, mended, now=LAST)


def test_a_file_is_replayed_under_the_name_it_came_by(strict: Params, paths: Paths) -> None:
    source = _mapped(strict, "%Y-%m-%d").source
    files = source.files.model_copy(update={"sales": "Daily Sales*"})
    params = strict.model_copy(update={"source": source.model_copy(update={"files": files})})
    drop(
        paths,
        "Daily Sales 1.csv",
        "a,2024-02-29,1,CA_1",
        "b,2024-02-29,70,CA_1",
        header="unique_id,ds,y,store_id",
    )
    ingest(params, paths, now=FIRST)
    assert replay(_with(params, max_y=80.0), paths, Refused(1), now=LATER)["rows_out"] == 1
    assert seen(paths)[0] == {"a": 1, "b": 70}


def test_a_batch_refused_whole_comes_in_whole_after_the_limit_was_raised(
    strict: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", -1), line("c", 3))
    limited = _with(strict, max_refused_share=0.2)
    ingest(limited, paths, now=FIRST)
    assert replay(limited, paths, Refused(1), now=LATER)["why_refused"]
    assert seen(paths)[0] == {}
    accounts(paths)
    assert replay(strict, paths, Refused(1), now=LATER)["rows_out"] == 2
    assert seen(paths)[0] == {"a": 1, "c": 3}
    accounts(paths)
    drop(paths, "sales_1.csv", line("a", 1), line("b", -1), line("c", 3))
    assert ingest(strict, paths, now=LAST)["known"] == 1
    accounts(paths)


def test_a_file_that_could_not_be_read_comes_in_once_what_it_lacked_is_there(
    strict: Params, paths: Paths
) -> None:
    """The static file was missing. Of the rows nobody had judged yet the refused ones are the new
    batch's.
    """
    params = _with_stores(strict, paths)
    header = "unique_id,ds,y,store_id"
    drop(paths, "sales_1.csv", "a,2024-02-29,4,CA_1", "b,2024-02-29,-4,CA_1", header=header)
    ingest(params, paths, now=FIRST)
    assert seen(paths)[1].select("fact", "status").rows() == [("file", "refused")]
    assert (
        "stores.csv" in replay(params, paths, Refused(1), now=LATER)["why_refused"]["sales_1.csv"]
    )
    (paths.root / "stores.csv").write_text("store_id,city\nCA_1,Fresno\n", encoding="utf-8")
    assert replay(params, paths, Refused(1), now=LATER)["rows_out"] == 1
    facts, ledger, quarantine = seen(paths)
    assert facts == {"a": 4}
    assert ledger.select("replay_of", "rows_in", "rows_accepted", "rows_refused").rows()[1] == (
        1,
        2,
        1,
        1,
    )
    assert quarantine.select("batch_id", "reason").rows() == [(2, "units_negative")]
    assert replay(params, paths, Refused(1), now=LAST)["files"] == 0


def test_a_file_that_could_not_be_read_does_not_replace_what_a_later_one_said(
    strict: Params, paths: Paths
) -> None:
    params, header = _with_stores(strict, paths), "unique_id,ds,y,store_id"
    drop(paths, "sales_1.csv", "a,2024-02-29,4,CA_1", "b,2024-02-29,4,CA_1", header=header)
    ingest(params, paths, now=FIRST)
    (paths.root / "stores.csv").write_text("store_id,city\nCA_1,Fresno\n", encoding="utf-8")
    drop(paths, "sales_2.csv", "a,2024-02-29,9,CA_1", header=header)
    ingest(params, paths, now=LATER)
    assert replay(params, paths, Refused(1), now=LAST)["rows_out"] == 1
    facts, _, quarantine = seen(paths)
    assert facts == {"a": 9, "b": 4}
    assert quarantine["reason"].to_list() == ["overtaken"]


def test_a_price_beside_an_overtaken_row_is_overtaken_too(strict: Params, paths: Paths) -> None:
    """The row could not be placed when it came; its price waited with it."""
    params = _with_stores(strict, paths, price="price")
    stores, header = paths.root / "stores.csv", "unique_id,ds,y,store_id,price"
    stores.write_text("store_id,city\nCA_1,Fresno\n", encoding="utf-8")
    drop(paths, "sales_1.csv", "a,2024-02-29,4,CA_1,1.5", "b,2024-02-29,4,CA_2,2.5", header=header)
    ingest(params, paths, now=FIRST)
    stores.write_text("store_id,city\nCA_1,Fresno\nCA_2,Davis\n", encoding="utf-8")
    drop(paths, "sales_2.csv", "b,2024-02-29,9,CA_2,3.5", header=header)
    ingest(params, paths, now=LATER)
    assert replay(params, paths, Refused(1), now=LAST)["rows_out"] == 0
    assert seen(paths)[0] == {"a": 4, "b": 9}
    with open_store(paths.store) as con:
        assert read_fact(con, "prices")["price"].to_list() == [1.5, 3.5]


def test_another_mapping_is_another_store_and_replays_nothing_into_this_one(
    strict: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70))
    ingest(strict, paths, now=FIRST)
    with pytest.raises(StoreBroken, match="belongs to source"):
        replay(_with(_mapped(strict, "%Y-%m-%d"), max_y=80.0), paths, Refused(1), now=LATER)


def test_mended_lines_replace_the_refused_ones_they_name(strict: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", "-70"), line("c", "many"))
    ingest(strict, paths, now=FIRST)
    mended = paths.root / "mended.csv"
    mended.write_text(
        f"{HEADER},row_number\n{line('b', 7)},2\n{line('c', 8)},3\n", encoding="utf-8"
    )
    for _ in range(2):
        correct(strict, paths, 1, mended, now=LATER)
    facts, ledger, quarantine = seen(paths)
    assert facts == {"a": 1, "b": 7, "c": 8}
    assert ledger.select("name", "replay_of", "rows_in", "rows_accepted").rows() == [
        ("sales_1.csv", None, 3, 1),
        ("mended.csv", 1, 2, 2),
    ]
    assert quarantine["replayed_by"].to_list() == [2, 2]
    assert mended.exists()
    assert len(list(paths.archive.glob("??/*_mended.csv"))) == 1
    accounts(paths)


@pytest.mark.parametrize(
    ("column", "number"), [("row_number", 1), ("row_number", "x"), ("other", 2)]
)
def test_mended_lines_that_name_no_refused_one_are_refused(
    strict: Params, paths: Paths, column: str, number: object
) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", "-70"))
    ingest(strict, paths, now=FIRST)
    mended = paths.root / "mended.csv"
    mended.write_text(f"{HEADER},{column}\n{line('b', 7)},{number}\n", encoding="utf-8")
    before = seen(paths)
    with pytest.raises(BadInput, match=r"row_number|quarantine"):
        correct(strict, paths, 1, mended, now=LATER)
    assert all(
        now == then if isinstance(now, dict) else now.equals(then)
        for now, then in zip(seen(paths), before, strict=True)
    )


def test_prices_and_covariates_beside_a_line_that_can_be_read_now_come_with_it(
    strict: Params, paths: Paths
) -> None:
    """A line is taken whole: its price stood nowhere while its units could not be read."""
    source = _mapped(strict, "%Y-%m-%d").source
    columns = source.files.columns | {"price": "price"}
    files = source.files.model_copy(
        update={"columns": columns, "past_only": {"visitors": "visitors"}}
    )
    priced = strict.model_copy(update={"source": source.model_copy(update={"files": files})})
    header = "unique_id,ds,y,store_id,price,visitors"
    drop(
        paths,
        "sales_1.csv",
        "a,2024-02-29,4,CA_1,2.5,7",
        "b,2024-02-29,x,CA_1,3.5,8",
        header=header,
    )
    ingest(priced, paths, now=FIRST)
    mended = paths.root / "mended.csv"
    mended.write_text(f"{header},row_number\nb,2024-02-29,5,CA_1,3.5,8,2\n", encoding="utf-8")
    correct(priced, paths, 1, mended, now=LATER)
    with open_store(paths.store) as con:
        assert read_fact(con, "prices")["price"].to_list() == [2.5, 3.5]
        assert read_fact(con, "covariates")["value"].to_list() == [7, 8]
    accounts(paths)


def test_a_replayed_store_is_rebuilt_as_it_was(strict: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70), line("c", -1))
    ingest(strict, paths, now=FIRST)
    replay(_with(strict, max_y=80.0), paths, Refused(1), now=LATER)
    before = seen(paths)
    paths.store.unlink()
    rebuild(strict, paths, now=LAST)
    assert seen(paths)[0] == before[0]
    assert seen(paths)[1].equals(before[1])
    assert seen(paths)[2].equals(before[2])


def test_a_dry_run_says_what_a_replay_would_take(strict: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70))
    ingest(strict, paths, now=FIRST)
    assert (
        replay(_with(strict, max_y=80.0), paths, Refused(1), now=LATER, dry_run=True)["rows_out"]
        == 1
    )
    assert seen(paths)[0] == {"a": 1}


def test_a_dry_run_of_a_replay_makes_no_store(strict: Params, paths: Paths) -> None:
    with pytest.raises(SourceMissing, match="there is no store"):
        replay(strict, paths, Refused(1), now=FIRST, dry_run=True)
    assert not paths.store.exists()


@pytest.mark.parametrize("refused", [{"batch_id": 7}, {"code": "nothing_of_the_kind"}])
def test_nothing_to_replay_is_wrong_usage(strict: Params, paths: Paths, refused: dict) -> None:
    drop(paths, "sales_1.csv", line("a", 1))
    ingest(strict, paths, now=FIRST)
    with pytest.raises(BadUsage, match="quarantine"):
        replay(strict, paths, Refused(**refused), now=LATER)


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["replay", "--batch", "1", "--reason", "x"],
        ["replay", "--reason", "x", "--corrected", "f"],
    ],
)
def test_a_replay_of_nothing_or_of_two_things_is_exit_code_2(
    root: Path, paths: Paths, arguments: list[str]
) -> None:
    command = [sys.executable, "ingest.py", *arguments, "--data", str(paths.root), "--json"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 2
    assert re.search("--batch|--corrected", ended.stderr)


def test_a_lost_archived_file_is_said(strict: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70))
    ingest(strict, paths, now=FIRST)
    remove: Callable[[Path], None] = Path.unlink
    remove(next(paths.archive.glob("??/*")))
    with pytest.raises(BadInput, match=r"archive no longer holds 'sales_1\.csv'"):
        replay(strict, paths, Refused(1), now=LATER)


def test_of_a_reason_the_other_files_are_replayed_when_the_archive_has_lost_one(
    strict: Params, paths: Paths
) -> None:
    for number, series in ((1, "b"), (2, "c")):
        drop(paths, f"sales_{number}.csv", line("a", number), line(series, 70))
        ingest(strict, paths, now=FIRST)
    next(paths.archive.glob("??/*sales_1.csv")).unlink()
    summary = replay(_with(strict, max_y=80.0), paths, Refused(code="units_absurd"), now=LATER)
    assert {name: summary[name] for name in ("files", "rows_in", "rows_out")} == {
        "files": 2,
        "rows_in": 2,
        "rows_out": 1,
    }
    assert "archive no longer holds 'sales_1.csv'" in summary["why_refused"]["sales_1.csv"]
    assert seen(paths)[0] == {"a": 2, "c": 70}
    accounts(paths)
    next(paths.archive.glob("??/*sales_2.csv")).unlink()
    with pytest.raises(BadInput, match=r"archive no longer holds 'sales_1\.csv'"):
        replay(strict, paths, Refused(code="units_absurd"), now=LATER)


def test_a_file_too_old_for_the_archive_is_dropped_and_missed_by_nobody_but_its_replay(
    strict: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a", 1), line("b", 70))
    ingest(strict, paths, now=FIRST)
    drop(paths, "sales_2.csv", line("a", 2, ds="2024-03-08"))
    ingest(strict, paths, now=LAST)
    before = seen(paths)[0]
    kept = strict.retention.model_copy(update={"archive_days": 7})
    week = strict.model_copy(update={"retention": kept})
    assert compact(week, paths, now=LAST, dry_run=True)["files"] == 1
    assert len(list(paths.archive.glob("??/*"))) == 2
    assert compact(week, paths, now=LAST)["files"] == 1
    assert [path.name[65:] for path in paths.archive.glob("??/*")] == ["sales_2.csv"]
    with pytest.raises(BadInput, match=r"archive no longer holds 'sales_1\.csv'"):
        replay(week, paths, Refused(1), now=LAST)
    assert rebuild(week, paths, now=LAST)["files_missing_in_archive"] == []
    assert rebuild(strict, paths, now=LATER)["files_missing_in_archive"] == ["sales_1.csv"]
    assert seen(paths)[0] == before
