"""A retailer's fortnight in small: a step is one run of an entry point, a stage or a flow over what
lies there, at a fixed clock.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from deliveries import (
    FIRST,
    HEADER,
    HISTORY_DAYS,
    calendar,
    history,
    lines,
    prices,
    sales_of,
    stock,
    supply,
)
from made_up import made_up, made_up_spans, offline_result

import flows.tasks
import stages.order
import stages.rollback
from contract.params import Params
from contract.params_file import SHIPPED, load_laid
from flows import daily, weekly
from flows.artifacts import show_nothing
from flows.engine import plainly
from runtime.paths import Paths
from stages.correct import correct
from stages.rebuild import rebuild
from stages.replay import Refused, replay

ROOT = Path(__file__).resolve().parents[2]

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
    rules = {"great_expectations_max_rows": 0, "lock_wait_s": 20.0, "keep_validation_pages": 6}
    return params.model_copy(update={"ingest": params.ingest.model_copy(update=rules)})


def now_of(step: int) -> datetime:
    """The clock of a step: five in the morning, one day after another."""
    return datetime(2024, 3, 1, 5) + timedelta(days=step)


def steps() -> list[Step]:
    """The plan, in its order."""
    end = FIRST + timedelta(days=HISTORY_DAYS)
    days = [end + timedelta(days=k) for k in range(9)]
    plans = [("calendar_1.csv", calendar()), ("prices_1.csv", prices(2.5))]
    overlap = lines(sales_of(days[0], plus=2), sales_of(days[1]))
    terms = [("supply_1.csv", supply()), ("stock_1.csv", stock(FIRST))]
    mixed = [
        ("prices_2.csv", prices(3.0)),
        ("sales_6.csv", sales_of(days[3])),
        ("sales_7.csv", "a,b\n3,4\n"),
        ("sales_8.csv", sales_of(days[4], broken=1)),
        ("sales_9.csv", sales_of(days[3])),
    ]
    return [
        Step("history", _dropping(("sales_history.csv", history(end))), _ingest),
        Step("plans", _dropping(*plans), _ingest),
        Step("new day", _dropping(("sales_1.csv", sales_of(days[0]))), _ingest),
        Step("restatement", _dropping(("sales_2.csv", sales_of(days[0], plus=1))), _ingest),
        Step("overlap", _dropping(("sales_3.csv", overlap)), _ingest),
        Step("store of an older version", _aged(("sales_10.csv", sales_of(days[5]))), _ingest),
        Step("duplicate", _dropping(("sales_again.csv", sales_of(days[0], plus=1))), _ingest),
        Step("bad file", _dropping(("sales_4.csv", "a,b\n1,2\n")), _ingest),
        Step("refused rows", _dropping(("sales_5.csv", sales_of(days[2], broken=2))), _ingest),
        Step("replay", _dropping(), _replay),
        Step("mended rows", _mended(days[2]), _correct),
        Step("offline result", offline_result("a"), _publish),
        Step("mixed inbox", _dropping(*mixed), _ingest),
        Step("wrong file", _dropping(("sales_11.csv", sales_of(days[5], plus=4))), _ingest),
        Step("withdrawal", _dropping(), _withdraw),
        Step("forecast", _dropping(), _infer),
        Step("the same forecast", _dropping(), _infer),
        Step("terms and stock", _dropping(*terms), _ingest),
        Step("orders", _dropping(), _order),
        Step("look", _dropping(), _look),
        Step("second offline result", offline_result("b"), _publish),
        Step("compaction", _with_old_tables, _compact),
        Step("rollback", _dropping(), _roll_back),
        Step("daily flow", _dropping(("sales_12.csv", sales_of(days[6]))), _morning),
        Step("weekly flow", _checkout, _week),
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
        first = sales_of(day).splitlines()[1]
        (paths.root / "mended.csv").write_text(
            f"{HEADER},row_number\n{first},1\n", encoding="utf-8"
        )

    return prepare


def _publish(params: Params, paths: Paths, now: datetime) -> Any:
    from stages.publish import publish

    return publish(params, paths, now=now)


def _infer(params: Params, paths: Paths, now: datetime) -> Any:
    """inference.py; the champion's forecasts are made up."""
    import inference

    _make_forecasts_up()
    return inference.infer(params, paths, now=now)


def _make_forecasts_up() -> None:
    import forecasting.table
    import stages.inference_inputs
    from forecasting.champion import Champion

    stages.inference_inputs.who_serves = lambda *_: Champion(None, None, {})
    forecasting.table.forecast_table = lambda *_: forecasting.table.ForecastTable(*made_up("daily"))


def _order(params: Params, paths: Paths, now: datetime) -> Any:
    """inference.py orders; the quantiles of spans are made up."""
    _make_spans_up()
    return stages.order.order(params, paths, now=now)


def _make_spans_up() -> None:
    stages.order.shapes_of = stages.order.dispersion_of_table = lambda *_: None
    stages.order.series_spans = made_up_spans


def _look(params: Params, paths: Paths, now: datetime) -> Any:
    import monitor

    return monitor.monitor(params, paths, now=now)


def _roll_back(params: Params, paths: Paths, now: datetime) -> Any:
    """The second model was worse: the first serves again. Its made-up bundle does not load, and
    that it would is looked at before anything is written. Run again after it did, it is refused.
    """
    from contract.errors import BadUsage
    from forecasting.bundle import read_card

    stages.rollback.load_bundle = read_card
    target = read_card(paths.registry / _registered(paths, "a"))["model_id"]
    try:
        return stages.rollback.roll_back(params, paths, model_id=target, reason="worse", now=now)
    except BadUsage:
        return {}


def _registered(paths: Paths, name: str) -> str:
    """The id of the model of an offline result."""
    cards = {
        path.parent.name: path.read_text("utf-8") for path in paths.registry.glob("*/card.json")
    }
    return next(one for one, card in cards.items() if f'"panel_hash": "{name}"' in card)


def _morning(params: Params, paths: Paths, now: datetime) -> Any:
    """flows/daily.py without Prefect; forecasts and spans are made up."""
    _make_forecasts_up()
    _make_spans_up()
    flows.tasks.load_params = lambda _: params
    return daily.morning(plainly, show_nothing, paths.root / SHIPPED, paths.root, now)


def _week(params: Params, paths: Paths, now: datetime) -> Any:
    """flows/weekly.py without Prefect; what the offline stages leave is made up."""
    offline = SimpleNamespace(fn=lambda *_: offline_result("c")(paths))
    flows.tasks.load_params = lambda _: params
    return weekly.week(plainly, paths.root / SHIPPED, paths.root, now, offline)


def _checkout(paths: Paths) -> None:
    """What flows/weekly.py looks at first."""
    shutil.copy(ROOT / SHIPPED, paths.root / SHIPPED)


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
