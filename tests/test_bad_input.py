"""The entry points on bad input, run as a user runs them: one clear sentence, the right exit code,
never a traceback, no row lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

import evaluate
import inference
import ingest
import monitor
import train
from contract.params_file import load_params
from forecasting.calibration import learn_groups
from forecasting.intervals import Calibration
from forecasting.scoring import calibration_json
from runtime.paths import Paths
from storage.batches import read_batches
from storage.inbox import claimed_inbox
from storage.store import open_store

DONE, REFUSED, WRONG_USAGE, BUSY = 0, 1, 2, 3
ENTRY_POINTS = {
    "ingest": ingest,
    "train": train,
    "evaluate": evaluate,
    "inference": inference,
    "monitor": monitor,
}
OWN_FILES = {
    "sales": "sales*",
    "plans": "plans*",
    "separator": ",",
    "columns": {"unique_id": ["shop", "item"], "ds": "day", "y": "sold", "promo": "deal"},
    "hierarchy": {"store_id": "shop"},
    "known_future": {},
    "past_only": {},
}
HEADER = "shop,item,day,sold,deal"
Change = Callable[[dict[str, Any]], None]


class Ended:
    """A run that ended: exit code, JSON summary, what stood on stderr."""

    def __init__(self, code: int, out: str, err: str):
        self.code, self.err = code, err
        self.summary: dict[str, Any] = json.loads(out) if out.strip() else {}

    @property
    def refusals(self) -> list[str]:
        """The lines that say why."""
        return [
            line
            for line in self.err.splitlines()
            if line.startswith("refused: ") or ": error: " in line
        ]


@pytest.fixture
def run(capfd, tmp_path: Path):
    """`run("train", "--cutoff", "2024-01-01", params=..., data=...)`: the entry point's main, in
    this process.
    """

    def run_main(name: str, *arguments: str, params: Path, data: Path | None = None) -> Ended:
        capfd.readouterr()
        argv = [
            *arguments,
            "--params",
            str(params),
            "--data",
            str(data or tmp_path / "data"),
            "--json",
        ]
        try:
            code = ENTRY_POINTS[name].main(argv)
        except SystemExit as parsed:  # argparse
            code = int(parsed.code or 0)
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Ended(code, out, err)

    return run_main


@pytest.fixture(scope="module")
def write_params(root: Path, tmp_path_factory) -> Callable[..., Path]:
    """`write_params(change)`: the shipped params, small and quick, `change(mapping)` applied, as a
    path.
    """

    def write(change: Change | None = None) -> Path:
        yaml = YAML()
        raw = yaml.load((root / "params.yaml").read_text(encoding="utf-8"))
        raw["source"]["simulator"] |= {"series": 20, "days": 120, "daily_files": 2}
        raw["ingest"] |= {"great_expectations_max_rows": 1, "lock_wait_s": 0.1}
        if change:
            change(raw)
        path = tmp_path_factory.mktemp("params") / "params.yaml"
        with path.open("w", encoding="utf-8") as file:
            yaml.dump(raw, file)
        return path

    return write


@pytest.fixture(scope="module")
def own_files(write_params) -> Path:
    """Params of own files, mapped as in OWN_FILES."""

    def mapped(raw: dict[str, Any]) -> None:
        raw["source"]["kind"] = "files"
        raw["source"]["files"] |= OWN_FILES
        raw["profiles"]["files"]["features"] |= {"known_future": [], "past_only": []}

    return write_params(mapped)


@pytest.fixture(scope="module")
def simulated(write_params, tmp_path_factory) -> tuple[Path, Path]:
    """Params and data of the smallest simulator: store and panel, no model, a calibration of the
    baseline. Only read it.
    """
    params_file, data = write_params(), tmp_path_factory.mktemp("simulated") / "data"
    assert (
        ingest.main(["fill", "--freeze", "--params", str(params_file), "--data", str(data)]) == DONE
    )
    weeks = learn_groups(np.ones((20, 28)), np.ones((20, 28)), 2)
    levels = load_params(params_file).source.hierarchy
    plain = calibration_json(
        {"seasonal_naive": Calibration({level.name: weeks for level in levels})}
    )
    Paths(data).backtest.mkdir()
    (Paths(data).backtest / "calibration.json").write_text(json.dumps(plain), encoding="utf-8")
    return params_file, data


def rows(count: int, *bad: str) -> str:
    """That many sound rows of one day, then the bad ones."""
    return "\n".join([HEADER, *(f"A,i{k},2024-02-29,{k},0" for k in range(count)), *bad]) + "\n"


NEXT_YEAR = (datetime.now(UTC).date() + timedelta(days=400)).isoformat()
ROWS_REFUSED = {  # a bad row, and the reason it is refused for
    "B,a,29th of Feb,1,0": "unreadable_date",
    "B,b,2023-02-29,1,0": "unreadable_date",
    "B,c,2024-02-29,-1,0": "units_negative",
    "B,d,2024-02-29,99999999,0": "units_absurd",
    "B,e,2024-02-29,inf,0": "unreadable_number",
    "B,f,2024-02-29,many,0": "unreadable_number",
    "B,g,2024-02-29,,0": "missing_value",
    "A,i1,2024-02-29,1,0": "repeated_row",
    f"B,h,{NEXT_YEAR},1,0": "day_in_future",
    "B,i,1970-01-01,1,0": "day_too_old",
    ",,2024-02-29,1,0": "missing_value",
    "B,j,2024-02-29,1,0,7,8": "ragged_line",
    "B,k": "missing_value",
}


def drop(data: Path, name: str, content: str | bytes) -> Path:
    """A file in the inbox."""
    path = data / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def ledger(data: Path) -> list[dict[str, Any]]:
    """Every line of the ledger, each balanced."""
    with open_store(Paths(data).store) as con:
        lines = read_batches(con).to_dicts()
    assert all(line["rows_in"] == line["rows_accepted"] + line["rows_refused"] for line in lines)
    return lines


def test_bad_rows_are_refused_each_for_its_reason_and_the_others_are_taken(
    run, own_files, tmp_path
):
    drop(tmp_path / "data", "sales_1.csv", rows(87, *ROWS_REFUSED))
    ended = run("ingest", params=own_files)
    assert (ended.code, ended.summary["rows_in"] - ended.summary["rows_out"]) == (
        DONE,
        ended.summary["rows_refused"],
    )
    (line,) = [line for line in ledger(tmp_path / "data") if line["fact"] == "sales"]
    assert (line["rows_in"], line["rows_refused"]) == (100, 13)
    with open_store(Paths(tmp_path / "data").store) as con:
        refused = con.sql(
            "select q.row_number, q.reason from quarantine q join batches using (batch_id) "
            "where fact = 'sales' order by row_number"
        ).fetchall()
    assert refused == [(88 + k, reason) for k, reason in enumerate(ROWS_REFUSED.values())]


def test_two_values_for_one_series_and_day_are_both_refused(run, own_files, tmp_path):
    """Which of them is right nobody can know."""
    drop(tmp_path / "data", "sales_1.csv", rows(19, "A,i1,2024-02-29,7,0"))
    assert run("ingest", params=own_files).code == DONE
    assert {line["fact"]: line["rows_refused"] for line in ledger(tmp_path / "data")}["sales"] == 2


FILES_REFUSED = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n  \n", "is empty"),
    "wrong columns": (b"a,b\n1,2\n", "has no column ['shop', 'item', 'day', 'sold', 'deal']"),
    "a column renamed": (rows(3).replace("sold", "units"), "has no column ['sold']"),
    "wrong separator": (rows(3).replace(",", ";"), "has no column"),
    "a column twice": (rows(3).replace("deal", "sold"), "two columns called ['sold']"),
    "no date readable": (rows(9).replace("2024-02-29", "leap day"), "too_many_refused: 9 of 9"),
    "binary": (bytes(range(256)) * 9, "is not utf8"),
    "a spreadsheet cut": (b"PK\x03\x04\x14\x00\xff\xfe" + bytes(99), "cannot be unpacked"),
    "mostly negative": (rows(1, "A,x,2024-02-29,-1,0"), "too_many_refused: 1 of 2"),
}


@pytest.mark.parametrize("case", list(FILES_REFUSED))
def test_a_bad_file_is_refused_whole_in_one_sentence_and_set_aside(run, own_files, tmp_path, case):
    content, sentence = FILES_REFUSED[case]
    path = drop(tmp_path / "data", "sales_1.csv", content)
    ended = run("ingest", params=own_files)
    assert (ended.code, len(ended.refusals)) == (REFUSED, 1)
    assert sentence in ended.refusals[0]
    assert ended.summary["reason"] == ended.refusals[0].removeprefix("refused: ")
    assert {line["status"] for line in ledger(tmp_path / "data")} == {"refused"}
    assert not path.exists()
    assert len(list((tmp_path / "data" / "archive" / "refused").rglob("*_sales_1.csv"))) == 1


def test_a_header_without_rows_is_a_day_without_sales(run, own_files, tmp_path):
    drop(tmp_path / "data", "sales_1.csv", HEADER + "\n")
    assert run("ingest", params=own_files).code == DONE
    assert {line["rows_in"] for line in ledger(tmp_path / "data")} == {0}


def test_a_file_nobody_expects_is_refused_with_the_patterns_it_does_not_match(
    run, own_files, tmp_path
):
    drop(tmp_path / "data", "minutes.csv", rows(1))
    (refusal,) = run("ingest", params=own_files).refusals
    assert "matches no pattern" in refusal
    assert "plans 'plans*'" in refusal


def test_a_plan_with_bad_rows_is_balanced_too(run, own_files, tmp_path):
    plan = (
        "shop,item,day,deal\n"
        + "".join(f"A,i{k},2024-03-01,1\n" for k in range(9))
        + "A,x,soon,1\n"
    )
    drop(tmp_path / "data", "plans_1.csv", plan)
    ended = run("ingest", params=own_files)
    counts = {
        line["fact"]: (line["rows_in"], line["rows_refused"]) for line in ledger(tmp_path / "data")
    }
    assert ended.code in (DONE, REFUSED)
    assert counts["prices"][0] == 9


PARAMS = {
    "a hierarchy column nobody maps": (
        lambda raw: raw["features"].update(hierarchy=[["aisle"]]),
        "features.hierarchy",
    ),
    "a level nobody maps": (lambda raw: raw["source"].update(levels=[["aisle"]]), "source.levels"),
    "a covariate nobody maps": (
        lambda raw: raw["features"].update(known_future=["rain"]),
        "features.known_future",
    ),
    "an unknown name": (lambda raw: raw["train"].update(round=3), "train.round: "),
    "out of range": (lambda raw: raw["train"].update(horizon=0), "train.horizon: "),
    "blocks that shrink": (lambda raw: raw["train"].update(blocks=[14, 7]), "train.blocks: "),
    "an unknown kind": (lambda raw: raw["source"].update(kind="sap"), "source.kind: "),
    "a section missing": (lambda raw: raw.pop("monitor"), "monitor: "),
}


@pytest.mark.parametrize("case", list(PARAMS))
def test_params_that_cannot_be_meant_are_wrong_usage_before_anything_is_read(
    run, write_params, case
):
    change, place = PARAMS[case]
    ended = run("train", params=write_params(change))
    assert (ended.code, len(ended.refusals)) == (WRONG_USAGE, 1)
    assert place in ended.refusals[0]


QUESTIONS = {
    "a glob of nothing": (
        ("inference", "--series", "NO_SUCH_*"),
        WRONG_USAGE,
        "no series fits 'NO_SUCH_*'",
    ),
    "horizon 0": (("inference", "--horizon", "0"), WRONG_USAGE, "horizon"),
    "horizon -7": (("inference", "--horizon", "-7"), WRONG_USAGE, "horizon"),
    "a horizon of years": (("inference", "--horizon", "100000"), WRONG_USAGE, "horizon"),
    "horizon of words": (("inference", "--horizon", "soon"), WRONG_USAGE, "--horizon"),
    "origin of words": (
        ("inference", "--origin", "yesterday"),
        WRONG_USAGE,
        "'yesterday' is not a day",
    ),
    "origin before the data": (
        ("inference", "--origin", "2001-01-01"),
        REFUSED,
        "no sales row up to here",
    ),
    "as of before the data": (
        ("inference", "--as-of", "2001-01-01"),
        REFUSED,
        "no sales row up to here",
    ),
    "as of words": (("inference", "--as-of", "now"), WRONG_USAGE, "'now' is not a moment"),
    "cutoff before the data": (
        ("train", "--cutoff", "2001-01-01"),
        REFUSED,
        "no sales row up to here",
    ),
    "cutoff too early": (("train", "--cutoff", "2024-01-05"), REFUSED, "Bring a longer history"),
    "cutoff of words": (("train", "--cutoff", "20240109"), WRONG_USAGE, "is not a day"),
    "an unknown option": (("train", "--fast"), WRONG_USAGE, "--fast"),
    "now of words": (("monitor", "--now", "noon"), WRONG_USAGE, "'noon' is not a moment"),
}


@pytest.mark.parametrize("case", list(QUESTIONS))
def test_a_question_without_a_forecast_is_refused_with_the_way_out(run, simulated, case):
    params_file, data = simulated
    (name, *arguments), code, sentence = QUESTIONS[case]
    ended = run(name, *arguments, params=params_file, data=data)
    assert (ended.code, len(ended.refusals)) == (code, 1)
    assert sentence in ended.refusals[0]


def test_an_origin_after_the_data_is_forecast_from_the_last_known_day(run, simulated):
    params_file, data = simulated
    ended = run(
        "inference", "--origin", "2024-05-05", "--horizon", "3", params=params_file, data=data
    )
    assert (ended.code, ended.summary["rows"], date.fromisoformat(ended.summary["origin"])) == (
        DONE,
        20 * 3,
        date(2024, 5, 5),
    )


def test_an_inbox_held_by_another_is_busy_and_the_holder_is_named(run, own_files, tmp_path):
    with claimed_inbox(Paths(tmp_path / "data").inbox, 1):
        ended = run("ingest", params=own_files)
    assert (ended.code, len(ended.refusals)) == (BUSY, 1)
    assert "PID" in ended.refusals[0]


NOTHING_YET = {
    "train": (("train",), REFUSED, "panel"),
    "evaluate": (("evaluate",), REFUSED, "panel"),
    "inference": (("inference",), REFUSED, ""),
    "publish": (("inference", "publish"), REFUSED, "run.json"),
    "from panel": (("inference", "from-panel"), REFUSED, "panel"),
    "monitor": (("monitor",), REFUSED, ""),
    "report": (("monitor", "report"), REFUSED, "panel"),
    "check": (("ingest", "check-panel"), REFUSED, "panel"),
    "freeze": (("ingest", "freeze"), REFUSED, ""),
    "use without a folder": (
        ("ingest", "source", "--use", "files"),
        WRONG_USAGE,
        "source.path is empty",
    ),
    "use of a folder that is not there": (
        ("ingest", "source", "--use", "m5", "--data-from", "nowhere"),
        REFUSED,
        "nowhere",
    ),
}


@pytest.mark.parametrize("case", list(NOTHING_YET))
def test_an_entry_point_run_before_there_is_anything_says_what_to_run_first(
    run, write_params, case
):
    (name, *arguments), code, sentence = NOTHING_YET[case]
    ended = run(name, *arguments, params=write_params())
    assert (ended.code, len(ended.refusals)) == (code, 1)
    assert sentence in ended.refusals[0]


def test_an_empty_inbox_is_no_fault(run, own_files):
    ended = run("ingest", params=own_files)
    assert (ended.code, ended.summary["files"]) == (DONE, 0)
