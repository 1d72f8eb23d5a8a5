"""`ingest.py withdraw`: a file taken back with all its facts, as if it had not come; and the clock
that is watched so that it is seldom needed.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

import ingest as entry
from contract.errors import BadUsage, ClockRefused
from contract.params import Params
from ingest import ingest
from runtime.paths import Paths
from stages.rebuild import rebuild
from stages.replay import Refused, replay
from stages.withdraw import withdraw
from storage.batches import read_batches
from storage.facts import read_fact
from storage.lineage import panel_as_read
from storage.panel import read_panel
from storage.series import read_series
from storage.store import Connection, open_store

MORNING = datetime(2024, 3, 1, 5)
HEADER = "unique_id,ds,y,state_id,store_id,cat_id,dept_id,item_id"
FACTS = ("sales", "calendar", "prices", "covariates")


@pytest.fixture(scope="module")
def small(params: Params) -> Params:
    source = params.source.model_copy(update={"kind": "simulator", "path": None})
    rules = params.ingest.model_copy(update={"great_expectations_max_rows": 1})
    return params.model_copy(update={"source": source, "ingest": rules})


def morning(day: int) -> datetime:
    return MORNING + timedelta(days=day)


def drop(paths: Paths, name: str, *lines: str, header: str = HEADER) -> Path:
    path = paths.inbox / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def line(series: str, ds: str = "2024-02-29", y: str = "1", department: str = "FOODS_1") -> str:
    return f"{series},{ds},{y},CA,CA_1,FOODS,{department},{series}"


def units(con: Connection, as_of: datetime | None = None) -> dict[str, float]:
    return dict(read_fact(con, "sales", as_of).select("unique_id", "y").iter_rows())


def everything(con: Connection) -> dict[str, list[tuple[object, ...]]]:
    """All facts with all their versions, the ledger, and what series are known."""
    tables = [f"{fact}{kind}" for fact in FACTS for kind in ("", "_superseded", "_confirmed")]
    tables += [
        "batches",
        "quarantine",
        "series_attributes",
        "series_changes",
        "announced",
        "implied",
    ]
    return {
        name: sorted(con.execute(f"select * from {name}").fetchall(), key=str)  # noqa: S608 -- ours
        for name in tables
    }


def test_a_wrong_file_goes_and_what_it_replaced_comes_back(small: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", y="5"), line("b", y="2"))
    ingest(small, paths, now=morning(0))
    with open_store(paths.store) as con:
        before = read_panel(con)
    drop(paths, "sales_2.csv", line("a", y="900", department="OTHER"), line("z", y="7"))
    ingest(small, paths, now=morning(1))
    assert withdraw(small, paths, 2, now=morning(2), dry_run=True)["rows_taken_back"] == 2
    done = withdraw(small, paths, 2, now=morning(2))
    assert (done["values_restored"], done["keys_known_no_more"]) == (1, 1)
    with open_store(paths.store) as con:
        panel = read_panel(con)
        assert units(con) == {"a": 5.0, "b": 2.0}
        assert units(con, morning(1)) == {"a": 900.0, "b": 2.0, "z": 7.0}
        assert panel.series.equals(before.series)
        assert panel.sales.drop("known_at").equals(before.sales.drop("known_at"))
        assert panel.hash != before.hash
        assert read_panel(con, morning(1)).series["unique_id"].to_list() == ["a", "b", "z"]
        assert panel_as_read(con, 2, None, "").sales["y"].to_list() == [900.0, 2.0, 7.0]
        assert panel_as_read(con, 3, None, "").sales["y"].to_list() == [5.0, 2.0]


def test_plans_of_every_kind_go(small: Params, paths: Paths) -> None:
    known = "2024-03-01T04:00:00"
    drop(paths, "sales_1.csv", line("a"))
    drop(paths, "calendar_1.csv", f"2024-03-09,feast,{known}", header="ds,event,known_at")
    prices, openings = "unique_id,from_ds,to_ds,price,known_at", "unique_id,ds,is_open,known_at"
    drop(paths, "prices_1.csv", f"a,2024-03-01,2024-03-31,2.5,{known}", header=prices)
    drop(paths, "openings_1.csv", f"a,2024-03-09,0,{known}", header=openings)
    ingest(small, paths, now=morning(0))
    with open_store(paths.store) as con:
        ledger = read_batches(con)
    for fact in FACTS[1:]:
        withdraw(small, paths, ledger.filter(fact=fact)["batch_id"][0], now=morning(1))
    with open_store(paths.store) as con:
        assert [read_fact(con, fact).height for fact in FACTS] == [1, 0, 0, 0]
        assert [read_fact(con, fact, morning(0)).height for fact in FACTS] == [1, 1, 1, 1]


def test_the_same_file_may_be_dropped_again(small: Params, paths: Paths) -> None:
    kept = drop(paths, "sales_1.csv", line("a", y="5")).read_bytes()
    ingest(small, paths, now=morning(0))
    withdraw(small, paths, 1, now=morning(1))
    with open_store(paths.store) as con:
        assert (units(con), read_series(con).height) == ({}, 0)
    (paths.inbox / "sales_1.csv").write_bytes(kept)
    assert ingest(small, paths, now=morning(2))["accepted"] == 1
    (paths.inbox / "sales_1.csv").write_bytes(kept)
    assert ingest(small, paths, now=morning(3))["known"] == 1
    with open_store(paths.store) as con:
        assert (units(con), units(con, morning(1))) == ({"a": 5.0}, {})


def test_replays_of_it_go_with_it_and_its_refused_rows_say_nothing_more(
    small: Params, paths: Paths
) -> None:
    tight = small.ingest.model_copy(update={"max_y": 10})
    honest = [line(f"s{number}") for number in range(9)]
    drop(paths, "sales_1.csv", *honest, line("bulk", y="50"))
    ingest(small.model_copy(update={"ingest": tight}), paths, now=morning(0))
    replay(small, paths, Refused(1), now=morning(1))
    drop(paths, "sales_2.csv", *[line(f"s{k}", "2024-03-01") for k in range(9)], line("s0", y="-1"))
    ingest(small, paths, now=morning(2))
    assert withdraw(small, paths, 1, now=morning(3))["batches"] == [1, 2]
    withdraw(small, paths, 3, now=morning(4))
    with open_store(paths.store) as con:
        assert units(con) == {}
        assert read_panel(con).sales.is_empty()
        assert units(con, morning(1))["bulk"] == 50.0
    assert replay(small, paths, Refused(code="units_negative"), now=morning(5))["rows_out"] == 0


def test_a_replay_taken_back_alone_leaves_its_rows_waiting(small: Params, paths: Paths) -> None:
    tight = small.ingest.model_copy(update={"max_y": 10})
    honest = [line(f"s{number}", ds) for number in range(9) for ds in ("2024-02-28", "2024-02-29")]
    drop(paths, "sales_1.csv", *honest, line("s9", "2024-02-28"), line("s9", y="50"))
    ingest(small.model_copy(update={"ingest": tight}), paths, now=morning(0))
    replay(small, paths, Refused(1), now=morning(1))
    assert withdraw(small, paths, 2, now=morning(2))["batches"] == [2]
    last = date(2024, 2, 29)
    with open_store(paths.store) as con:
        now, then = (read_panel(con, as_of).sales for as_of in (None, morning(1)))
        assert now.filter(unique_id="s9", ds=last)["y"].to_list() == [None]
        assert then.filter(unique_id="s9", ds=last)["y"].to_list() == [50.0]
    replay(small, paths, Refused(1), now=morning(3))
    with open_store(paths.store) as con:
        assert read_panel(con).sales.filter(unique_id="s9", ds=last)["y"].to_list() == [50.0]


def test_a_rebuild_takes_back_what_was_taken_back(small: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", y="5"), line("b"))
    ingest(small, paths, now=morning(0))
    drop(paths, "sales_2.csv", line("a", y="6", department="OTHER"), line("c"))
    ingest(small, paths, now=morning(1))
    withdraw(small, paths, 2, now=morning(2))
    drop(paths, "sales_3.csv", line("a", y="8"), line("c", y="3"))
    ingest(small, paths, now=morning(3))
    with open_store(paths.store) as con:
        before = everything(con)
    rebuild(small, paths, now=morning(4))
    with open_store(paths.store) as con:
        assert everything(con) == before
        assert units(con) == {"a": 8.0, "b": 1.0, "c": 3.0}


def test_a_place_that_later_files_state_stays(small: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a"))
    ingest(small, paths, now=morning(0))
    for day in (1, 2):
        moved = line("a", ds=f"2024-03-0{day}", department="NEW")
        drop(paths, f"sales_{day + 1}.csv", moved)
        ingest(small, paths, now=morning(day))
    assert withdraw(small, paths, 2, now=morning(3))["attributes_restored"] == 1
    assert department(paths) == {"a": "NEW"}
    withdraw(small, paths, 3, now=morning(4))
    assert department(paths) == {"a": "FOODS_1"}


def department(paths: Paths) -> dict[str, str]:
    with open_store(paths.store) as con:
        return dict(read_series(con).select("unique_id", "dept_id").iter_rows())


def test_zeros_that_a_corrected_day_implied_go_with_what_they_took_back(
    small: Params, paths: Paths
) -> None:
    """As a mistake is repaired: the wrong day, the right one, then the withdrawal."""
    known = [line(f"s{k}") for k in range(4)]
    drop(paths, "sales_1.csv", *known, line("invented", y="7"))
    ingest(small, paths, now=morning(0))
    drop(paths, "sales_1b.csv", *known, line("s4"))
    summary = ingest(small, paths, now=morning(1))
    assert any(note.startswith("day_replaced") for note in summary["notes"])
    with open_store(paths.store) as con:
        assert units(con)["invented"] == 0.0
    withdraw(small, paths, 1, now=morning(2))
    with open_store(paths.store) as con:
        assert "invented" not in units(con)
        assert "invented" not in read_series(con)["unique_id"]
        assert "invented" not in [
            name for (name,) in con.execute("select unique_id from series").fetchall()
        ]
        assert (units(con, morning(1))["invented"], units(con, morning(0))["invented"]) == (
            0.0,
            7.0,
        )
        before = everything(con)
    rebuild(small, paths, now=morning(3))
    with open_store(paths.store) as con:
        assert everything(con) == before


def test_a_zero_by_absence_places_nobody_and_two_of_them_hold_no_series(
    small: Params, paths: Paths
) -> None:
    known = [line(f"s{k}") for k in range(4)]
    drop(paths, "sales_0.csv", *known, line("a", ds="2024-02-28"))
    ingest(small, paths, now=morning(0))
    drop(paths, "sales_1.csv", *known, line("a", y="7", department="WRONG"), line("new", y="7"))
    ingest(small, paths, now=morning(1))
    drop(paths, "sales_1b.csv", *known, line("s4"))
    ingest(small, paths, now=morning(2))
    drop(paths, "sales_1c.csv", *known, line("s4"), line("new", y="8"))
    ingest(small, paths, now=morning(3))
    drop(paths, "sales_1d.csv", *known, line("s4", y="2"))
    ingest(small, paths, now=morning(4))
    withdraw(small, paths, 2, now=morning(5))
    assert department(paths)["a"] == "FOODS_1"
    withdraw(small, paths, 4, now=morning(6))
    with open_store(paths.store) as con:
        assert "new" not in units(con) and "new" not in read_series(con)["unique_id"]
    assert department(paths)["a"] == "FOODS_1"


def test_of_several_replays_one_goes_alone(small: Params, paths: Paths) -> None:
    honest = [line(f"s{number}") for number in range(18)]
    drop(paths, "sales_1.csv", *honest, line("big", y="50"), line("bulk", y="500"))
    for most, day in ((10, 0), (100, 1), (1000, 2)):
        bounds = small.ingest.model_copy(update={"max_y": most})
        bound = small.model_copy(update={"ingest": bounds})
        if day:
            replay(bound, paths, Refused(1), now=morning(day))
        else:
            ingest(bound, paths, now=morning(day))
    assert withdraw(small, paths, 2, now=morning(3))["batches"] == [2]
    with open_store(paths.store) as con:
        assert units(con)["bulk"] == 500.0 and "big" not in units(con)


def test_a_dry_run_says_what_would_change_and_changes_nothing(small: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a", y="5"))
    ingest(small, paths, now=morning(0))
    drop(paths, "sales_2.csv", line("a", y="6"), line("b"))
    ingest(small, paths, now=morning(1))
    with open_store(paths.store) as con:
        before = everything(con)
    dry = withdraw(small, paths, 2, now=morning(2), dry_run=True)
    with open_store(paths.store) as con:
        assert everything(con) == before
    done = withdraw(small, paths, 2, now=morning(2))
    assert (dry["written"], done["written"]) == (False, True)
    assert {**dry, "written": True} == done
    assert (dry["values_restored"], dry["keys_known_no_more"]) == (1, 1)


def test_a_withdrawal_at_a_wrong_moment_is_refused_until_it_is_trusted(
    small: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a", y="1"))
    ingest(small, paths, now=morning(0))
    for now in (datetime(2036, 1, 1), datetime(2023, 1, 1)):
        with pytest.raises(ClockRefused, match="batch 1 "):
            withdraw(small, paths, 1, now=now)
    for number, y in ((2, "2"), (3, "3")):
        drop(paths, f"sales_{number}.csv", line("a", y=y))
        ingest(small, paths, now=datetime(2036, 1, number), trust_clock=True)
    withdraw(small, paths, 2, now=morning(1), trust_clock=True)
    withdraw(small, paths, 3, now=morning(1), trust_clock=True)
    with open_store(paths.store) as con:
        assert units(con) == {"a": 1.0}
    assert withdraw(small, paths, 1, now=datetime(2036, 1, 1), trust_clock=True)["written"]


def test_a_content_delivered_again_says_what_it_overwrites(small: Params, paths: Paths) -> None:
    kept = drop(paths, "sales_1.csv", line("a", y="5"), line("b")).read_bytes()
    ingest(small, paths, now=morning(0))
    drop(paths, "sales_2.csv", line("a", y="6"), line("b"))
    ingest(small, paths, now=morning(1))
    withdraw(small, paths, 1, now=morning(2))
    (paths.inbox / "sales_1.csv").write_bytes(kept)
    summary = ingest(small, paths, now=morning(3))
    assert any("delivered_again" in note and "1 of its rows" in note for note in summary["notes"])


def test_a_content_delivered_again_with_nothing_after_it_overwrites_nothing(
    small: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a", y="5"))
    ingest(small, paths, now=morning(0))
    kept = drop(paths, "sales_2.csv", line("a", y="6")).read_bytes()
    ingest(small, paths, now=morning(1))
    withdraw(small, paths, 2, now=morning(2))
    (paths.inbox / "sales_2.csv").write_bytes(kept)
    summary = ingest(small, paths, now=morning(3))
    assert not any("delivered_again" in note for note in summary["notes"])


def test_without_a_store_nothing_is_taken_back_and_none_is_made(
    small: Params, paths: Paths
) -> None:
    with pytest.raises(BadUsage, match="there is no store"):
        withdraw(small, paths, 1, now=morning(0))
    assert not paths.store.exists()


def test_what_cannot_be_taken_back_says_why(small: Params, paths: Paths) -> None:
    drop(paths, "sales_1.csv", line("a"))
    drop(paths, "sales_2.csv", "no table")
    ingest(small, paths, now=morning(0))
    withdraw(small, paths, 1, now=morning(1))
    said = {1: "taken back already", 2: "was refused", 3: "takes batch 1 back", 9: "there is no"}
    for batch_id, words in said.items():
        with pytest.raises(BadUsage, match=words):
            withdraw(small, paths, batch_id, now=morning(2))


def test_the_command_line_takes_back(
    small: Params, paths: Paths, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drop(paths, "sales_1.csv", line("a"))
    ingest(small, paths, now=morning(0))
    arguments = ["--params", str(root / "params.yaml"), "--data", str(paths.root), "--json"]
    assert entry.main(["withdraw", "--batch", "1", *arguments]) == 1  # so long after the file
    said = capsys.readouterr()
    assert "--trust-clock" in said.out
    arguments.append("--trust-clock")
    assert entry.main(["withdraw", "--batch", "1", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["keys_known_no_more"] == 1
    assert entry.main(["withdraw", "--batch", "1", *arguments]) == 2


def test_a_clock_far_from_the_newest_file_is_refused_until_it_is_trusted(
    small: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a"))
    ingest(small, paths, now=morning(0))
    for now in (datetime(2036, 1, 1), datetime(2024, 2, 1)):
        drop(paths, "sales_2.csv", line("a", y="2"), line("b"))
        with pytest.raises(ClockRefused, match=r"batch 1 .*--trust-clock"):
            ingest(small, paths, now=now)
    assert ingest(small, paths, now=datetime(2036, 1, 1), trust_clock=True)["accepted"] == 1


def test_what_a_clock_of_2036_brought_is_taken_back_and_corrections_count_again(
    small: Params, paths: Paths
) -> None:
    drop(paths, "sales_1.csv", line("a", y="1"))
    ingest(small, paths, now=morning(0))
    drop(paths, "sales_2.csv", line("a", y="2"))
    ingest(small, paths, now=datetime(2036, 1, 1), trust_clock=True)
    drop(paths, "sales_3.csv", line("a", y="3"))
    summary = ingest(small, paths, now=morning(1), trust_clock=True)
    assert any(note.startswith("overruled: 1 rows") for note in summary["notes"])
    with open_store(paths.store) as con:
        assert units(con) == {"a": 2.0}
    withdraw(small, paths, 2, now=morning(2), trust_clock=True)
    with open_store(paths.store) as con:
        assert units(con) == {"a": 3.0}
        assert units(con, datetime(2037, 1, 1)) == {"a": 3.0}
    drop(paths, "sales_4.csv", line("a", y="4"))
    assert ingest(small, paths, now=morning(3))["accepted"] == 1


def test_a_flood_is_taken_back(small: Params, paths: Paths) -> None:
    """Whatever a bound lets in."""
    for day in range(3):
        ds = str(date(2024, 2, 25) + timedelta(days=day))
        drop(paths, f"sales_{ds}.csv", *[line(f"s{number}", ds) for number in range(10)])
    ingest(small, paths, now=morning(0))
    with open_store(paths.store) as con:
        known = read_panel(con)
    drop(paths, "sales_9.csv", *[line(f"x{number}", "2024-02-28", "9") for number in range(500)])
    loose = small.ingest.model_copy(update={"refuse_unusual": False})
    ingest(small.model_copy(update={"ingest": loose}), paths, now=morning(1))
    withdraw(small, paths, 4, now=morning(2))
    with open_store(paths.store) as con:
        panel = read_panel(con)
    assert panel.sales.equals(known.sales)
    assert panel.series.equals(known.series)
