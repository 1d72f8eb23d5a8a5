"""Runs, models, forecasts, scores, alerts: written twice they stand there once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from contract.errors import ModelBroken
from contract.frames import FORECAST_LEVELS, FORECASTS, SCORES
from contract.quantiles import QUANTILES
from storage.alerts import Alert, close_alert, open_alerts, raise_alert, read_alerts
from storage.forecasts import forecasts_of, latest_forecast_levels, latest_forecasts, publish
from storage.models import Model, champion, promote, read_models, write_model
from storage.runs import Run, read_runs
from storage.scores import read_scores, write_scores
from storage.store import open_store, transaction

NOW = datetime(2024, 3, 1, 5)
ORIGIN = date(2024, 2, 29)


@pytest.fixture
def con(tmp_path: Path):
    with open_store(tmp_path / "store.duckdb") as con:
        yield con


def forecast(y_hat: float, origin: date = ORIGIN) -> dict[str, pl.DataFrame]:
    numbers = {
        "origin": origin,
        "ds": origin + timedelta(days=1),
        "h": 1,
        "y_hat": y_hat,
    } | dict.fromkeys(QUANTILES, y_hat)
    row = {"run_id": "?", "unique_id": "a", "method": "seasonal_naive"} | numbers
    level = {"run_id": "?", "level": "total", "group_key": "total"} | numbers
    return {
        "forecasts": FORECASTS.conform(pl.DataFrame([row])),
        "forecast_levels": FORECAST_LEVELS.conform(pl.DataFrame([level])),
    }


def test_a_run_published_twice_stands_there_once_as_said_last(
    con: duckdb.DuckDBPyConnection,
) -> None:
    publish(con, Run("r1", "inference", NOW), forecast(2.0))
    publish(con, Run("r1", "inference", NOW, status="done"), forecast(3.0))
    assert forecasts_of(con, "r1")["y_hat"].to_list() == [3.0]
    assert latest_forecast_levels(con)["run_id"].to_list() == ["r1"]
    assert read_runs(con, "inference").height == 1


def test_the_latest_forecasts_are_of_the_newest_origin_and_its_newest_run(
    con: duckdb.DuckDBPyConnection,
) -> None:
    publish(con, Run("r1", "inference", NOW), forecast(1.0))
    publish(con, Run("r3", "inference", NOW + timedelta(hours=2)), forecast(3.0))
    publish(con, Run("r2", "inference", NOW + timedelta(hours=1)), forecast(2.0))
    publish(con, Run("old", "inference", NOW + timedelta(days=9)), forecast(9.0, date(2024, 1, 1)))
    assert latest_forecasts(con)["run_id"].to_list() == ["r3"]
    assert latest_forecasts(con, date(2024, 1, 1))["y_hat"].to_list() == [9.0]
    assert latest_forecasts(con, date(2023, 1, 1)).is_empty()


def test_there_is_one_champion(con: duckdb.DuckDBPyConnection) -> None:
    assert champion(con) is None
    for name in ("m1", "m2"):
        write_model(con, Model(name, "global_lightgbm", ORIGIN, "p", "q", "{}", NOW))
        promote(con, name, "it is better", NOW)
    write_model(con, Model("m2", "global_lightgbm", ORIGIN, "p", "q", '{"again": 1}', NOW))
    assert champion(con) == "m2"
    assert dict(read_models(con).select("model_id", "stage").rows()) == {
        "m1": "retired",
        "m2": "champion",
    }
    with pytest.raises(ModelBroken, match="m3"):
        promote(con, "m3", "it is better", NOW)


def test_scores_of_a_run_replace_those_it_had(con: duckdb.DuckDBPyConnection) -> None:
    row = {
        "run_id": "?",
        "model": "m",
        "cutoff": ORIGIN,
        "level": "total",
        "slice": "all",
        "metric": "wape",
        "value": 0.5,
    }
    scores = SCORES.conform(pl.DataFrame([row]))
    for value in (0.5, 0.25):
        with transaction(con):
            write_scores(con, "r1", scores.with_columns(value=value))
    assert read_scores(con, "r1")["value"].to_list() == [0.25]


def test_a_cause_has_one_open_alert_until_it_is_gone(con: duckdb.DuckDBPyConnection) -> None:
    alert = Alert("staleness", "warning", "no sales for 3 days", 3, 2, "ask the store")
    first = raise_alert(con, alert, NOW)
    assert raise_alert(con, alert, NOW + timedelta(days=1)) == first
    assert open_alerts(con).select("raised_at", "last_seen_at").rows() == [
        (NOW, NOW + timedelta(days=1))
    ]
    assert close_alert(con, "staleness", NOW + timedelta(days=2))
    assert not close_alert(con, "staleness", NOW + timedelta(days=2))
    assert raise_alert(con, alert, NOW + timedelta(days=3)) == first + 1
    assert read_alerts(con)["state"].to_list() == ["closed", "open"]


def test_an_alert_keeps_the_series_that_contribute_and_renews_them(con: duckdb.DuckDBPyConnection):
    alert = Alert("bias", "warning", "too much", 0.2, 0.1, "look", "a|b")
    for one in (alert, replace(alert, contributors="b|c"), replace(alert, cause="age")):
        raise_alert(con, one, NOW)
    assert dict(open_alerts(con).select("cause", "contributors").rows()) == {
        "bias": "b|c",
        "age": "a|b",
    }
