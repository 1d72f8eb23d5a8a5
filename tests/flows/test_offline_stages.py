"""The whole way, from simulator to published table, through the entry points' own functions."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

import evaluate
import inference
import ingest
import train
from contract.quantiles import QUANTILES
from contract.question import NEWEST, Question
from stages.forecast_panel import forecast_panel
from stages.freeze import freeze
from stages.publish import publish
from storage.forecasts import forecasts_of, latest_forecasts, newest_runs
from storage.runs import read_runs
from storage.store import open_store

NOW = datetime(2024, 6, 1, 6)

# Golden: the leaderboard of the small shop. Change it only on purpose, with a line in CHANGELOG.md.
GOLDEN_NAIVE_WRMSSE = 0.81488
GOLDEN_OURS_WRMSSE = 0.66717


def _board(shop) -> dict:
    return json.loads((shop.paths.scores / "leaderboard.json").read_text(encoding="utf-8"))


def _bytes_of(folder) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_the_leaderboard_of_the_seeded_simulator_is_the_golden_one(finished):
    board = _board(finished)
    assert board["seasonal_naive"]["wrmsse"] == pytest.approx(GOLDEN_NAIVE_WRMSSE, abs=2e-5)
    assert board["global_lightgbm"]["wrmsse"] == pytest.approx(GOLDEN_OURS_WRMSSE, abs=2e-3)


def test_the_model_beats_the_baseline_and_nobody_beats_the_oracle(finished):
    board = _board(finished)
    assert (
        board["oracle"]["wrmsse"]
        < board["global_lightgbm"]["wrmsse"]
        < board["seasonal_naive"]["wrmsse"]
    )


def test_every_series_and_day_has_a_sound_row_in_the_store(finished):
    with open_store(finished.paths.store, read_only=True) as con:
        rows = latest_forecasts(con)
    assert rows.height == 24 * finished.params.train.horizon
    numbers = rows.select("y_hat", *QUANTILES).to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()
    assert (np.diff(numbers[:, 1:], axis=1) >= 0).all()


def test_a_forecast_row_leads_to_its_run_model_and_panel(finished):
    with open_store(finished.paths.store, read_only=True) as con:
        run_id = latest_forecasts(con)["run_id"][0]
        run = read_runs(con).filter(run_id=run_id).row(0, named=True)
    card = json.loads((finished.paths.candidate / "card.json").read_text(encoding="utf-8"))
    assert run["model_id"] == card["model_id"]
    assert run["panel_hash"] == card["panel_hash"]


def test_the_shop_made_again_has_the_same_bytes(shop):
    params, paths = shop.params, shop.paths
    folders = (paths.panel, paths.candidate, paths.backtest, paths.scores, paths.forecasts)
    before = [_bytes_of(folder) for folder in folders]
    freeze(params, paths)
    train.train(params, paths)
    evaluate.evaluate(params, paths)
    forecast_panel(params, paths, NEWEST)
    assert [_bytes_of(folder) for folder in folders] == before


def test_evaluate_without_writing_says_what_it_would_backtest(shop, capsys):
    params, paths = shop.params, shop.paths
    folders = (paths.backtest, paths.scores, paths.candidate, paths.incumbent)
    before = [_bytes_of(folder) for folder in folders]
    where = shop.options
    assert evaluate.main(["--dry-run", "--json", *where]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [_bytes_of(folder) for folder in folders] == before
    done = json.loads((paths.scores / "leaderboard.json").read_text(encoding="utf-8"))
    assert summary["forecasters"] == list(done)
    assert len(summary["cutoffs"]) == params.evaluate.origins
    assert summary["would_write"] == [str(paths.backtest), str(paths.scores)]
    (paths.panel / "panel.json").unlink()
    assert evaluate.main(["--dry-run", *where]) == 1


def test_no_file_that_dvc_pins_says_when_or_with_how_much_memory_it_was_made(shop):
    lineage = json.loads((shop.paths.forecasts / "run.json").read_text(encoding="utf-8"))
    assert not {"started_at", "ended_at", "peak_mb", "git_commit"} & set(lineage)
    with open_store(shop.paths.store, read_only=True) as con:
        assert read_runs(con).filter(run_id=lineage["run_id"])["peak_mb"][0] > 0


def test_publishing_twice_changes_nothing(shop):
    with open_store(shop.paths.store, read_only=True) as con:
        before = latest_forecasts(con).drop("created_at")
    publish(shop.params, shop.paths, now=NOW)
    with open_store(shop.paths.store, read_only=True) as con:
        assert latest_forecasts(con).drop("created_at").equals(before)
        assert len(read_runs(con, "inference")) == 1


def test_one_series_alone_has_the_numbers_of_the_whole_table(shop):
    whole = inference.infer(shop.params, shop.paths, now=NOW)
    with open_store(shop.paths.store, read_only=True) as con:
        rows = forecasts_of(con, whole["run_id"])
    one = rows["unique_id"][0]
    part = inference.infer(shop.params, shop.paths, now=NOW, question=Question(series=one))
    with open_store(shop.paths.store, read_only=True) as con:
        alone = forecasts_of(con, part["run_id"])
    assert alone.drop("run_id").equals(rows.filter(unique_id=one).drop("run_id"))


def test_a_question_about_a_part_leaves_the_published_table_the_latest(shop):
    params, paths = shop.params, shop.paths
    table = inference.infer(params, paths, now=NOW + timedelta(minutes=1))["run_id"]
    with open_store(paths.store, read_only=True) as con:
        today, days = latest_forecasts(con)["origin"][0], timedelta(days=7)
        tables = newest_runs(con)
    elsewhere = (Question(origin=today - days), Question(origin=today + days))
    for question in (
        Question(series="*_1_*"),
        Question(horizon=3),
        Question(as_of=NOW),
        *elsewhere,
    ):
        part = inference.infer(params, paths, now=NOW + timedelta(hours=1), question=question)
        assert part["run_id"] != table
    with open_store(paths.store, read_only=True) as con:
        assert latest_forecasts(con)["run_id"].unique().to_list() == [table]
        # nor is a table made in hindsight what was handed out then
        assert newest_runs(con) == tables


def test_a_look_back_of_the_shop_is_not_published_as_the_table_of_today(shop):
    params, paths = shop.params, shop.paths
    with open_store(paths.store, read_only=True) as con:
        tables = newest_runs(con)
    forecast_panel(params, paths, Question(origin=max(tables) - timedelta(days=7)))
    publish(params, paths, now=NOW)
    with open_store(paths.store, read_only=True) as con:
        assert newest_runs(con) == tables


def test_a_restated_past_does_not_change_the_forecast_as_it_was_known(shop):
    params, paths = shop.params, shop.paths
    with open_store(paths.store, read_only=True) as con:
        last = latest_forecasts(con)["origin"][0]
    moment = Question(
        origin=last,
        as_of=datetime.combine(last + timedelta(days=1), NOW.time()) + timedelta(hours=12),
    )
    before = _table(shop, inference.infer(params, paths, now=NOW, question=moment))
    paths.inbox.mkdir(exist_ok=True)
    restated = (
        pl.read_parquet(paths.panel / "sales.parquet")
        .filter(ds=last)
        .with_columns(y=pl.col("y") + 50, known_at=pl.lit(moment.as_of + timedelta(days=3)))
    )
    hierarchy = pl.read_parquet(paths.panel / "series.parquet")
    columns = ["unique_id", "ds", "y", "known_at", *hierarchy.columns[1:]]
    restated.join(hierarchy, on="unique_id").select(columns).write_parquet(
        paths.inbox / "sales_restated.parquet"
    )
    taken = ingest.ingest(params, paths, now=NOW + timedelta(days=30))
    assert taken["accepted"] == 1, taken
    assert _table(shop, inference.infer(params, paths, now=NOW, question=moment)).equals(before)
    assert not _table(shop, inference.infer(params, paths, now=NOW)).equals(before)


def _table(shop, summary: dict) -> pl.DataFrame:
    with open_store(shop.paths.store, read_only=True) as con:
        return forecasts_of(con, summary["run_id"]).drop("run_id")
