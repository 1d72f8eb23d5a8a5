"""A retailer's fortnight in small: a step is one run over what lies in the inbox, at a fixed clock.

A model's forecasts are made up here: nothing is written before they are there, so no power cut can
meet them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from contract.params import Params
from contract.params_file import load_laid
from runtime.paths import Paths
from stages.correct import correct
from stages.rebuild import rebuild
from stages.replay import Refused, replay

ROOT = Path(__file__).resolve().parents[2]
FIRST = date(2024, 1, 1)
HISTORY_DAYS = 40
SERIES = [
    (f"{item}_{store}", store, item)
    for store in ("CA_1", "TX_2")
    for item in ("F_1", "F_2", "H_1", "H_2", "H_3")
]
HEADER = "unique_id,ds,y,state_id,store_id,cat_id,dept_id,item_id"

EntryPoint = Callable[[Params, Paths, datetime], Any]


@dataclass(frozen=True)
class Step:
    """A run of an entry point or stage: its name, and what is prepared before it."""

    name: str
    prepare: Callable[[Paths], None]
    run: EntryPoint


def small_params() -> Params:
    """params.yaml, judged by Polars alone: Great Expectations takes seconds to load and writes
    nothing.
    """
    params = load_laid(ROOT / "params.yaml", None)
    rules = {"great_expectations_max_rows": 1, "lock_wait_s": 20.0, "keep_validation_pages": 6}
    return params.model_copy(update={"ingest": params.ingest.model_copy(update=rules)})


def now_of(step: int) -> datetime:
    """The clock of a step: five in the morning, one day after another."""
    return datetime(2024, 3, 1, 5) + timedelta(days=step)


def steps() -> list[Step]:
    """The plan, in its order."""
    end = FIRST + timedelta(days=HISTORY_DAYS)
    days = [end + timedelta(days=k) for k in range(8)]
    plans = [("calendar_1.csv", _calendar()), ("prices_1.csv", _prices(2.5))]
    overlap = _lines(_day(days[0], plus=2), _day(days[1]))
    mixed = [
        ("prices_2.csv", _prices(3.0)),
        ("sales_6.csv", _day(days[3])),
        ("sales_7.csv", "a,b\n3,4\n"),
        ("sales_8.csv", _day(days[4], broken=1)),
        ("sales_9.csv", _day(days[3])),
    ]
    return [
        Step("history", _dropping(("sales_history.csv", _history(end))), _ingest),
        Step("plans", _dropping(*plans), _ingest),
        Step("new day", _dropping(("sales_1.csv", _day(days[0]))), _ingest),
        Step("restatement", _dropping(("sales_2.csv", _day(days[0], plus=1))), _ingest),
        Step("overlap", _dropping(("sales_3.csv", overlap)), _ingest),
        Step("store of an older version", _aged(("sales_10.csv", _day(days[5]))), _ingest),
        Step("duplicate", _dropping(("sales_again.csv", _day(days[0], plus=1))), _ingest),
        Step("bad file", _dropping(("sales_4.csv", "a,b\n1,2\n")), _ingest),
        Step("refused rows", _dropping(("sales_5.csv", _day(days[2], broken=2))), _ingest),
        Step("replay", _dropping(), _replay),
        Step("mended rows", _mended(days[2]), _correct),
        Step("offline result", _offline_result("a"), _publish),
        Step("mixed inbox", _dropping(*mixed), _ingest),
        Step("wrong file", _dropping(("sales_11.csv", _day(days[5], plus=4))), _ingest),
        Step("withdrawal", _dropping(), _withdraw),
        Step("forecast", _dropping(), _infer),
        Step("the same forecast", _dropping(), _infer),
        Step("second offline result", _offline_result("b"), _publish),
        Step("compaction", _with_old_tables, _compact),
        Step("lost store", lambda paths: paths.store.unlink(), _rebuild),
    ]


def _ingest(params: Params, paths: Paths, now: datetime) -> Any:
    import ingest

    return ingest.ingest(params, paths, now=now)


def _rebuild(params: Params, paths: Paths, now: datetime) -> Any:
    return rebuild(params, paths, now=now)


def _compact(params: Params, paths: Paths, now: datetime) -> Any:
    from stages.compact import compact

    return compact(params, paths, now=now)


def _with_old_tables(paths: Paths) -> None:
    """Two tables of a week a year ago: the last of them keeps its first week, all it has."""
    import polars as pl

    from storage.forecasts import publish
    from storage.runs import Run
    from storage.store import open_store

    for name, days_ago in (("older", 364), ("old", 363)):
        days = timedelta(days=days_ago)
        rows, levels, lineage = made_up(name)
        moved = [frame.with_columns(pl.col("origin", "ds") - days) for frame in (rows, levels)]
        run = Run(**lineage, started_at=now_of(0) - days, ended_at=now_of(0) - days)
        frames = {"forecasts": moved[0].with_columns(created_at=run.started_at)}
        with open_store(paths.store) as con:
            publish(con, run, frames | {"forecast_levels": moved[1]})


def _replay(params: Params, paths: Paths, now: datetime) -> Any:
    """The limit was wrong: a bulk order of 150,000 units is one."""
    rules = params.ingest.model_copy(update={"max_y": 1e6, "refuse_unusual": False})
    return replay(
        params.model_copy(update={"ingest": rules}), paths, Refused(code="units_absurd"), now=now
    )


def _withdraw(params: Params, paths: Paths, now: datetime) -> Any:
    """The wrong file taken back; run again after it was, it has nothing to do."""
    from stages.withdraw import withdraw
    from storage.store import open_store

    query = """
        select batch_id from batches b where name = 'sales_11.csv' and withdraws is null
        and not exists (select 1 from batches w where w.withdraws = b.batch_id)"""
    with open_store(paths.store) as con:
        standing = con.execute(query).fetchall()
    return withdraw(params, paths, standing[0][0], now=now) if standing else {}


def _correct(params: Params, paths: Paths, now: datetime) -> Any:
    """The row was wrong: mended by hand. Its batch is the one that refused a row of no unit."""
    from storage.store import open_store

    query = "select min(batch_id) from quarantine where reason = 'units_negative'"
    with open_store(paths.store) as con:
        ((batch_id,),) = con.execute(query).fetchall()
    return correct(params, paths, batch_id, paths.root / "mended.csv", now=now)


def _mended(day: date) -> Callable[[Paths], None]:
    """The first line of a day as it should have been."""

    def prepare(paths: Paths) -> None:
        first = _day(day).splitlines()[1]
        (paths.root / "mended.csv").write_text(
            f"{HEADER},row_number\n{first},1\n", encoding="utf-8"
        )

    return prepare


def _publish(params: Params, paths: Paths, now: datetime) -> Any:
    from stages.publish import publish

    return publish(params, paths, now=now)


def _infer(params: Params, paths: Paths, now: datetime) -> Any:
    """inference.py; the champion's forecasts are made up."""
    import forecasting.ladder
    import forecasting.table
    import inference
    from forecasting.champion import Champion

    forecasting.ladder.who_serves = lambda *_: Champion(None, None, {})
    forecasting.table.forecast_table = lambda *_: forecasting.table.ForecastTable(*made_up("daily"))
    return inference.infer(params, paths, now=now)


def made_up(name: str) -> tuple[Any, Any, dict[str, Any]]:
    """Forecasts, level rows and lineage of a run."""
    import polars as pl

    from contract.quantiles import QUANTILES

    lineage = {
        "run_id": f"run-{name}",
        "door": "inference",
        "params_hash": "p",
        "panel_hash": "h",
        "model_id": name,
    }
    numbers = {"run_id": f"run-{name}", "origin": FIRST} | dict.fromkeys(
        ["y_hat", *QUANTILES], float(len(name))
    )
    days = [{"ds": FIRST + timedelta(days=h), "h": h} for h in range(1, 8)]
    rows = [
        {"unique_id": one, "method": "m"} | day | numbers for one, _, _ in SERIES for day in days
    ]
    levels = [{"level": "total", "group_key": "total"} | day | numbers for day in days]
    return (
        pl.DataFrame(rows).with_columns(reason=pl.lit(None, pl.String)),
        pl.DataFrame(levels),
        lineage,
    )


def _offline_result(name: str) -> Callable[[Paths], None]:
    """What train.py, evaluate.py and inference.py leave offline for `inference.py publish`."""

    def prepare(paths: Paths) -> None:
        for folder in (paths.forecasts, paths.scores, paths.candidate, paths.backtest):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        _write_tables(paths, name)
        _write_scores(paths, name)
        _write_bundle(paths, name)

    return prepare


def _write_tables(paths: Paths, name: str) -> None:
    forecasts, levels, lineage = made_up(name)
    forecasts.write_parquet(paths.forecasts / "forecasts.parquet")
    levels.write_parquet(paths.forecasts / "forecast_levels.parquet")
    _write_json(paths.forecasts / "run.json", lineage)


def _write_scores(paths: Paths, name: str) -> None:
    """Scores, the leaderboard and a decision that promotes."""
    import polars as pl

    from contract.frames import SCORES

    score = {"run_id": "?", "model": name, "cutoff": FIRST, "level": "total", "slice": "all"}
    scores = pl.DataFrame([score | {"metric": "wape", "value": 1.0}])
    SCORES.conform(scores).write_parquet(paths.scores / "scores.parquet")
    _write_json(paths.scores / "decision.json", {"promote": True, "reasons": []})
    metrics = ["wrmsse", "wspl", "wape", "bias", "coverage_95"]
    board = dict.fromkeys([*metrics, *(f"{metric}_spread" for metric in metrics)], 0.5)
    _write_json(paths.scores / "leaderboard.json", {"global_lightgbm": board})


def _write_bundle(paths: Paths, name: str) -> None:
    """The candidate and its calibration."""
    from contract.hashes import text_hash

    (paths.candidate / "block_07.txt").write_text(f"tree {name}\n" * 50)
    card = {
        "kind": "global_lightgbm",
        "panel_hash": name,
        "params_hash": "q",
        "cutoff": str(FIRST),
        "files": {},
    }
    _write_json(paths.backtest / "calibration.json", {"of": text_hash(name)})
    _write_json(paths.candidate / "card.json", _with_id(card))


def _with_id(card: dict[str, Any]) -> dict[str, Any]:
    from forecasting.bundle import _model_id

    return card | {"model_id": _model_id(card)}


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def _dropping(*files: tuple[str, str]) -> Callable[[Paths], None]:
    def prepare(paths: Paths) -> None:
        paths.inbox.mkdir(parents=True, exist_ok=True)
        for name, text in files:
            (paths.inbox / name).write_text(text, encoding="utf-8")

    return prepare


def _aged(*files: tuple[str, str]) -> Callable[[Paths], None]:
    """The store taken back to schema version 1, whose ledger had no replays; files to take in."""

    def prepare(paths: Paths) -> None:
        from storage.store import open_store, transaction

        ddl = (ROOT / "tests" / "storage" / "schema_1.sql").read_text(encoding="utf-8")
        ledger = next(one for one in ddl.split(";\n") if one.startswith('create table "batches"'))
        with open_store(paths.store) as con, transaction(con):
            for statement in (
                "alter table batches rename to batches_2",
                ledger,
                "insert into batches by name "
                "select * exclude (replay_of, attempt, withdraws) from batches_2",
                "drop table batches_2",
                "drop table decisions",
                "drop table series_changes",
                "drop table announced",
                "drop table implied",
                "alter table runs drop column peak_mb",
                "alter table alerts drop column contributors",
                "update meta set value = '1' where key = 'schema_version'",
            ):
                con.execute(statement).fetchall()
        _dropping(*files)(paths)

    return prepare


def _day(day: date, plus: int = 0, broken: int = 0) -> str:
    """One day of all series; some units unlike the day before, the first `broken` rows (one or two)
    refused.
    """
    lines = [HEADER]
    for number, (name, store, item) in enumerate(SERIES):
        y = 3 + (number + day.day) % 4 + plus * (number % 2)
        if number < broken:
            y = (-1, 150_000)[number]
        lines.append(f"{name},{day},{y},{store[:2]},{store},{item[0]},{item[0]}_D,{item}")
    return "\n".join(lines) + "\n"


def _history(end: date) -> str:
    return _lines(*[_day(FIRST + timedelta(days=k)) for k in range((end - FIRST).days)])


def _lines(*files: str) -> str:
    """Several days as one file."""
    return "\n".join([HEADER, *(line for text in files for line in text.splitlines()[1:])]) + "\n"


def _calendar() -> str:
    days = [FIRST + timedelta(days=k) for k in range(60)]
    rows = [f"{day},CA,{'feast' if day.day == 14 else ''}" for day in days]
    return "\n".join(["ds,region,event", *rows]) + "\n"


def _prices(price: float) -> str:
    rows = [f"{name},{FIRST},{FIRST + timedelta(days=90)},{price}" for name, _, _ in SERIES]
    return "\n".join(["unique_id,from_ds,to_ds,price", *rows]) + "\n"
