"""Tables to take along: Nixtla's own functions take them as they are, spreadsheets run nothing,
readers hold up nobody.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
from utilsforecast.evaluation import evaluate
from utilsforecast.losses import coverage, mae, mqloss, rmse

import inference
import ingest
from contract.errors import SourceMissing
from contract.frames import FORECASTS
from queries.export import export, models, snapshot
from queries.long_frames import KEYS, forecasts_long, interval_names
from reports.spreadsheets import spreadsheet_safe
from runtime.paths import Paths
from storage.forecasts import latest_forecasts
from storage.store import open_store

NOW = datetime(2024, 6, 10, 6)


@pytest.fixture
def exported(shop, tmp_path):
    """The shop's tables as Parquet."""
    export(shop.params, shop.paths, tmp_path / "out", "parquet")
    return tmp_path / "out"


def test_the_backtest_is_scored_by_utilsforecast_as_by_us(shop, exported):
    """Same rows, same error: their mean absolute error per model is what ours says."""
    exported_backtest = pl.read_parquet(exported / "backtest.parquet")
    assert exported_backtest.columns[:4] == list(KEYS)
    names = exported_backtest.columns[4:]
    assert {"seasonal_naive", "global_lightgbm"} <= set(names)
    theirs = evaluate(exported_backtest, metrics=[mae, rmse], models=names)
    ours = pl.read_parquet(shop.paths.backtest / "forecasts.parquet").filter(
        pl.col("y").is_not_null()
    )
    one = theirs.filter(metric="mae").sort("unique_id", "cutoff").row(0, named=True)
    own = ours.filter(unique_id=one["unique_id"], cutoff=one["cutoff"])
    assert one["seasonal_naive"] == pytest.approx((own["seasonal_naive"] - own["y"]).abs().mean())


def test_a_published_table_with_actuals_is_evaluated_with_its_intervals(shop, next_day):
    params, paths = shop.params, shop.paths
    for k in range(1, 8):
        next_day(shop, k)
    ingest.ingest(params, paths, now=NOW + timedelta(days=8))
    with open_store(paths.store, read_only=True) as con:
        rows = latest_forecasts(con)
        sales = con.sql("select unique_id, ds, y from sales").pl()
    table = forecasts_long(rows, sales).filter(pl.col("y").is_not_null())
    assert table["ds"].n_unique() == 7
    scored = evaluate(table, metrics=[mae], models=["tillcast"])
    assert scored["tillcast"].is_finite().all()
    inside = coverage(table, models=["tillcast"], level=95)["tillcast"].mean()
    assert inside == pytest.approx(
        table.select(pl.col("y").is_between("tillcast-lo-95", "tillcast-hi-95")).mean().item(),
        abs=0.02,
    )
    shares = np.array([0.025, 0.25, 0.5, 0.75, 0.975])
    names = [
        "tillcast-lo-95",
        "tillcast-lo-50",
        "tillcast-median",
        "tillcast-hi-50",
        "tillcast-hi-95",
    ]
    assert mqloss(table, models={"tillcast": names}, quantiles=shares)["tillcast"].is_finite().all()


def test_every_quantile_has_its_name_and_the_ends_belong_together():
    assert interval_names() == {
        "q005": "tillcast-lo-99", "q025": "tillcast-lo-95", "q165": "tillcast-lo-67",
        "q250": "tillcast-lo-50", "q500": "tillcast-median", "q750": "tillcast-hi-50",
        "q835": "tillcast-hi-67", "q975": "tillcast-hi-95", "q995": "tillcast-hi-99",
    }  # fmt: skip


def test_levels_have_tags_and_add_up_under_them(exported):
    """Each group of a level is listed once, and the total of every level is the total of the
    series.
    """
    tags = json.loads((exported / "tags.json").read_text())
    levels, series = (
        pl.read_parquet(exported / f"{name}.parquet") for name in ("forecast_levels", "forecasts")
    )
    assert set(tags) == {"total", "store_id", "dept_id", "series"}
    assert set(tags["series"]) == set(series["unique_id"])
    total = series["tillcast"].sum()
    for level in ("total", "store_id", "dept_id"):
        assert len(set(tags[level])) == len(tags[level])
        assert levels.filter(pl.col("unique_id").is_in(tags[level]))[
            "tillcast"
        ].sum() == pytest.approx(total)


def test_the_actual_of_a_group_is_the_sum_of_its_series(shop, next_day, tmp_path):
    """After one day is known: each store's y is its series' y, and the days ahead have none."""
    next_day(shop, 1)
    ingest.ingest(shop.params, shop.paths, now=NOW + timedelta(days=2))
    export(shop.params, shop.paths, tmp_path / "out", "parquet")
    levels, series = (
        pl.read_parquet(tmp_path / "out" / f"{name}.parquet")
        for name in ("forecast_levels", "forecasts")
    )
    known = levels.filter(pl.col("y").is_not_null())
    assert known["ds"].n_unique() == 1
    for level in ("total", "store_id", "dept_id"):
        assert known.filter(pl.col("unique_id").str.starts_with(level))["y"].sum() == pytest.approx(
            series["y"].sum()
        )


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"]
)
def test_a_name_that_is_a_formula_is_text_in_a_csv(name):
    frame = pl.DataFrame({"unique_id": [name, "plain"], "y": [-1.5, 2.0]})
    safe = spreadsheet_safe(frame)
    assert safe["unique_id"].to_list() == ["'" + name, "plain"]
    assert safe["y"].to_list() == [-1.5, 2.0]  # a negative number is a number


def test_the_csv_holds_the_rows_of_the_parquet(shop, exported, tmp_path):
    export(shop.params, shop.paths, tmp_path / "csv", "csv")
    for name in ("forecasts", "forecast_levels", "backtest"):
        text = pl.read_csv(
            tmp_path / "csv" / f"{name}.csv", try_parse_dates=True, infer_schema_length=None
        )
        assert text.height == pl.read_parquet(exported / f"{name}.parquet").height
        assert text.columns[:4] == list(KEYS)


def test_a_store_without_forecasts_says_what_to_run(shop, tmp_path):
    with open_store(tmp_path / "empty" / "tillcast.duckdb"):
        pass
    with pytest.raises(SourceMissing, match=r"inference\.py"):
        export(shop.params, Paths(tmp_path / "empty"), tmp_path / "out", "parquet")


def test_a_reader_of_the_snapshot_holds_up_no_writer_and_sees_whole_tables_only(shop):
    params, paths = shop.params, shop.paths
    snapshot(params, paths)
    with duckdb.connect(paths.snapshot, read_only=True) as dashboard:
        before = dashboard.sql("select distinct run_id, origin from newest_forecasts").fetchall()
        inference.infer(params, paths, now=NOW)  # a writer, while the dashboard has its file open
        snapshot(params, paths)  # and the copy renewed under it
        assert (
            dashboard.sql("select distinct run_id, origin from newest_forecasts").fetchall()
            == before
        )
    with duckdb.connect(paths.snapshot, read_only=True) as dashboard:
        assert (
            dashboard.sql("select distinct run_id, origin from newest_forecasts").fetchall()
            != before
        )
        long = dashboard.sql(
            'select unique_id, ds, cutoff, y, tillcast, "tillcast-lo-95" from forecasts_long'
        ).pl()
    assert long.height == 2 * FORECASTS.conform(_rows(shop)).height


def test_nobody_writes_into_a_snapshot(shop):
    snapshot(shop.params, shop.paths)
    assert shop.paths.snapshot.stat().st_mode & 0o222 == 0


def test_the_registry_says_which_model_made_what_from_which_data_and_code(shop):
    inference.infer(shop.params, shop.paths, now=NOW)
    (one,) = models(shop.params, shop.paths)
    assert (one["stage"], one["runs"]) == ("champion", 2)
    assert one["forecast_rows"] == 2 * 24 * shop.params.train.horizon
    assert len(one["git_commit"]) == 40


@pytest.mark.parametrize("question", ["export", "models", "snapshot"])
def test_every_question_works_on_the_command_line(shop, question, capsys):
    where = [*shop.options, "--json"]
    assert inference.main([question, *where]) == 0
    assert json.loads(capsys.readouterr().out)


def _rows(shop) -> pl.DataFrame:
    with open_store(shop.paths.store, read_only=True) as con:
        return latest_forecasts(con)
