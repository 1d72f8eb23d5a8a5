"""Served features watched through the entry points: quiet when a day is restated, loud when serving
computes another feature.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

import features.dense_panel
import inference
import ingest
import monitor
from forecasting.served import TABLES_KEPT, read_served
from queries.served_features import parity_of_newest

NOW = datetime(2024, 6, 10, 6)


def finding_of(shop):
    return parity_of_newest(shop.params, shop.paths)


@pytest.fixture
def served(shop) -> str:
    """A shop whose store has forecast once; the run."""
    return inference.infer(shop.params, shop.paths, now=NOW)["run_id"]


def test_a_table_of_today_is_served_with_what_the_store_gives(shop, served):
    finding = finding_of(shop)
    assert (finding.severity, finding.value) == ("ok", 0.0), finding.what
    kept, _ = read_served(shop.paths.served, served)
    assert kept.select(pl.struct("unique_id", "ds").n_unique()).item() == kept.height == 24 * 14


def test_restated_and_new_days_raise_nothing_because_the_comparison_is_as_of_the_run(
    shop, served, next_day
):
    params, paths = shop.params, shop.paths
    sales, series = (
        pl.read_parquet(paths.panel / f"{name}.parquet") for name in ("sales", "series")
    )
    doubled = sales.filter(pl.col("ds") > sales["ds"].max() - timedelta(days=3)).with_columns(
        y=pl.col("y") * 2 + 1
    )
    next_day(shop, 1)
    doubled.drop("known_at", "is_open").join(series, on="unique_id").write_csv(
        paths.inbox / "sales_restated.csv"
    )
    lenient = params.model_copy(
        update={"ingest": params.ingest.model_copy(update={"refuse_unusual": False})}
    )
    assert ingest.ingest(lenient, paths, now=NOW + timedelta(days=1))["accepted"] == 2
    assert (finding_of(shop).severity, finding_of(shop).value) == ("ok", 0.0)


def test_a_feature_param_changed_in_serving_alone_is_an_alert(shop, monkeypatch):
    """Same names, same model, another reading: events that count from 14 days away now count from
    3.
    """
    params, paths = shop.params, shop.paths
    real = features.dense_panel.build_dense_panel
    skewed = {"event_reach_days": 3}

    def build_dense_panel(panel, feature_params, *rest):
        return real(panel, feature_params.model_copy(update=skewed), *rest)

    monkeypatch.setattr(features.dense_panel, "build_dense_panel", build_dense_panel)
    run_id = inference.infer(params, paths, now=NOW)["run_id"]
    monkeypatch.undo()
    summary = monitor.monitor(params, paths, now=NOW)
    assert "parity" in summary["raised"]
    assert run_id in summary["attention"]
    inference.infer(params, paths, now=NOW + timedelta(hours=1))
    assert "parity" in monitor.monitor(params, paths, now=NOW + timedelta(hours=1))["closed"]


def test_a_file_changed_or_lost_is_not_judged_and_closes_nothing(shop, served):
    path = shop.paths.served / f"{served}.parquet"
    pl.read_parquet(path).with_columns(pl.lit(1.0, pl.Float32).alias("h")).write_parquet(path)
    assert "changed since it was written" in finding_of(shop).what
    path.unlink()
    assert not finding_of(shop).is_judged


def test_a_forecast_of_some_series_keeps_nothing_and_old_samples_go(shop, served):
    paths = shop.paths
    inference.infer(shop.params, paths, now=NOW, question=replace(inference.NEWEST, series="*_1"))
    assert len(list(paths.served.glob("*.parquet"))) == 1
    for k in range(TABLES_KEPT + 5):
        (paths.served / f"old{k}.parquet").write_bytes(b"x")
    inference.infer(shop.params, paths, now=NOW)
    assert len(list(paths.served.glob("*.parquet"))) == TABLES_KEPT
