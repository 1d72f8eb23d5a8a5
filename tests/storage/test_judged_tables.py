"""Tables as the watchers and the gate read them: of these runs, up to a day, of shadows the newest
of an origin.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from contract.quantiles import QUANTILES
from storage.decisions import (
    Decision,
    interval_scale_of,
    newest_decision,
    newest_interval_scale,
    write_decision,
)
from storage.forecasts import judged_levels, judged_rows, publish, shadows_of
from storage.models import Model, challenger, promote, write_model
from storage.runs import Run
from storage.store import open_store, transaction

FIRST, NOW = date(2024, 1, 1), datetime(2024, 1, 1, 6)
Con = duckdb.DuckDBPyConnection


@pytest.fixture
def con(tmp_path: Path) -> Iterator[Con]:
    with open_store(tmp_path / "store.duckdb") as con:
        yield con


def table(con: Con, run: Run, origin: date, days: int = 4) -> None:
    """A table of two series and of the levels total and store_id."""
    ahead = [{"ds": origin + timedelta(days=h), "h": h} for h in range(1, days + 1)]
    numbers = {"run_id": run.run_id, "origin": origin} | dict.fromkeys(["y_hat", *QUANTILES], 1.0)
    rows = [{"unique_id": name, "method": "m"} | day | numbers for name in "ba" for day in ahead]
    groups = [("total", "total"), ("store_id", "S1")]
    levels = [
        {"level": level, "group_key": key} | day | numbers for level, key in groups for day in ahead
    ]
    frames = {"forecasts": pl.DataFrame(rows).with_columns(created_at=run.started_at)}
    publish(con, run, frames | {"forecast_levels": pl.DataFrame(levels)})


def after(hours: int) -> datetime:
    return NOW + timedelta(hours=hours)


def test_rows_that_judge_are_of_these_runs_up_to_a_day_and_a_reach(con: Con) -> None:
    for name in ("one", "two", "other"):
        table(con, Run(name, "inference", NOW), FIRST)
    rows = judged_rows(con, ["one", "two"], ["q025", "q975"], 3, FIRST + timedelta(days=2))
    assert sorted(rows.select("run_id", "unique_id", "h").rows()) == [
        (run, name, h) for run in ("one", "two") for name in "ab" for h in (1, 2)
    ]
    assert {"q025", "q975"} <= set(rows.columns)
    assert not {"q500", "method", "created_at"} & set(rows.columns)
    assert judged_rows(con, ["one"], [], 2, FIRST + timedelta(days=9))["h"].max() == 2
    levels = judged_levels(con, ["one"], ["total"], FIRST + timedelta(days=2))
    assert levels.select("run_id", "level", "h").rows() == [("one", "total", h) for h in (1, 2)]


def test_of_an_origin_a_shadow_saw_twice_the_newest_run_counts(con: Con) -> None:
    later = FIRST + timedelta(days=7)
    for name, model, hours, origin in (
        ("s1", "new", 0, FIRST), ("s2", "new", 1, FIRST), ("s3", "new", 0, later),
        ("s4", "else", 2, FIRST),
    ):  # fmt: skip
        table(con, Run(name, "inference", after(hours), status="shadow", model_id=model), origin)
    table(con, Run("real", "inference", after(3), model_id="new"), FIRST)
    assert shadows_of(con, "new")["run_id"].unique().sort().to_list() == ["s2", "s3"]


def test_intervals_are_scaled_by_what_was_decided_of_the_model_before_its_run(con: Con) -> None:
    with transaction(con):
        for hours, model in ((0, "m"), (2, "m"), (1, "other")):
            detail = f'{{"{model}": {hours}}}'
            decision = Decision("recalibration", after(hours), "none", "why", model, None, detail)
            write_decision(con, decision)

    def scale(started: int, as_of: int | None = None, model: str | None = "m") -> str | None:
        moment = None if as_of is None else after(as_of)
        run = Run("r", "inference", after(started), model_id=model, as_of=moment)
        return interval_scale_of(con, run)

    assert scale(9) == '{"m": 2}'
    assert scale(2) == '{"m": 0}'
    assert scale(9, as_of=1) == '{"m": 0}'
    assert scale(0) is None
    assert scale(9, model=None) is None
    assert newest_interval_scale(con, "m").decided_at == after(2)


def test_a_decision_counts_until_it_is_older_than_the_moment_it_is_wanted_from(con: Con) -> None:
    with transaction(con):
        for hours in (0, 1):
            write_decision(con, Decision("retrain", after(hours), "none", f"hour {hours}"))
    assert newest_decision(con, "retrain", after(1)).reason == "hour 1"
    assert newest_decision(con, "retrain", after(2)) is None
    assert newest_decision(con, "promotion", after(0)) is None


def test_the_challenger_is_the_newest_candidate_younger_than_the_champion(con: Con) -> None:
    def registered(name: str, hours: int) -> None:
        with transaction(con):
            write_model(con, Model(name, "m", None, None, None, "{}", after(hours)))

    for hours, name in enumerate(("old", "champion", "first", "second")):
        registered(name, hours)
    assert challenger(con) is None
    promote(con, "champion", "better", after(9))
    assert challenger(con).model_id == "second"
    promote(con, "second", "better", after(10))
    assert challenger(con) is None
