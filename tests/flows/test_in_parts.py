"""The offline table and the store's, in parts: the same as in one, whatever memory holds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import evaluate
import inference
import ingest
import monitor
import train
from forecasting import bundle
from forecasting.champion import NAMED, Champion, candidate_champion
from forecasting.global_lightgbm import GlobalLightGBM
from runtime.json_files import write_json
from runtime.paths import Paths
from stages.inference_inputs import serving_champion
from storage.store import open_store, read_store

OF_THE_PROCESS = ("runtime", "memory", "memory_limit")  # watchers
TABLES = ("forecasts", "forecast_levels", "demand_spans", "overridden")


@pytest.fixture
def shop(finished, tmp_path):
    """A copy of the finished shop."""
    shutil.copytree(finished.paths.root, tmp_path / "data")
    return replace(finished, paths=Paths(tmp_path / "data"))


def _published(shop, run_id: str) -> dict[str, pl.DataFrame]:
    with open_store(shop.paths.store, read_only=True) as con:
        return {
            name: con.sql(f"select * from {name} where run_id = '{run_id}' order by all")  # noqa: S608
            .pl()
            .drop("created_at", strict=False)
            for name in TABLES
        }


def _ran(shop, capsys, *arguments: str, program=inference) -> dict:
    assert program.main([*arguments, *shop.options, "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_store_holds_the_same_table_and_nothing_is_left(shop, capsys):
    one = _ran(shop, capsys, "--parts", "1")
    whole = _published(shop, one["run_id"])
    parts = _ran(shop, capsys, "--parts", "3")
    assert parts.pop("parts") == 2  # it has two stores
    assert parts == one
    for name, frame in _published(shop, parts["run_id"]).items():
        assert_frame_equal(frame, whole[name], rel_tol=1e-12, abs_tol=1e-12)
    assert not list(shop.paths.parts.iterdir())


def test_memory_that_holds_less_takes_parts_by_itself(shop, capsys, monkeypatch):
    monkeypatch.setattr("stages.parts_wanted.most_mb", lambda params: 100.0)
    assert _ran(shop, capsys)["parts"] > 1


def test_a_rebuilt_store_holds_the_table_that_came_in_parts(shop, capsys):
    from stages.rebuild import rebuild

    run_id = _ran(shop, capsys, "--parts", "3")["run_id"]
    before = _published(shop, run_id)
    shop.paths.store.unlink()
    rebuild(shop.params, shop.paths, now=datetime(2024, 6, 2))
    after = _published(shop, run_id)
    assert all(after[name].equals(before[name]) for name in TABLES)


def test_a_killed_driver_leaves_the_store_as_it_was(shop, root, capsys):
    before = _runs(shop)
    command = [sys.executable, "inference.py", "--parts", "2", *shop.options]
    handed_in = "*/table/part-0001/own/*"
    with subprocess.Popen(command, cwd=root, stderr=subprocess.DEVNULL) as driver:  # noqa: S603
        while not list(shop.paths.parts.glob(handed_in)) and driver.poll() is None:
            time.sleep(0.01)
        driver.kill()
    assert _runs(shop) == before
    assert len(list(shop.paths.parts.iterdir())) == 2  # what the dead one left, and its lock
    _ran(shop, capsys, "--parts", "2")
    assert not list(shop.paths.parts.iterdir())
    assert len(_runs(shop)) == len(before) + 1


def _runs(shop) -> list[tuple]:
    with open_store(shop.paths.store, read_only=True) as con:
        return con.execute(
            "select run_id, count(*) from forecasts group by 1 order by 1"
        ).fetchall()


def test_what_comes_in_between_is_of_the_next_table(shop, next_day, capsys, monkeypatch):
    """Which series are in which part, and their rows: read in one moment."""
    one = _ran(shop, capsys, "--parts", "1", "--dry-run")
    path = next_day(shop, 1)
    head, first, *others = path.read_text(encoding="utf-8").splitlines()
    new = first.replace("FOODS_1_0001", "NEW")
    path.write_text("\n".join([head, first, new, *others]), encoding="utf-8")

    @contextmanager
    def then_a_file_comes(*how):
        with read_store(*how) as con:
            yield con
        ingest.ingest(shop.params, shop.paths, now=datetime(2024, 6, 1, 7))

    monkeypatch.setattr("storage.store.read_store", then_a_file_comes)
    assert _ran(shop, capsys, "--parts", "2", "--dry-run") == one | {"parts": 2}


def _recursive(champion: Champion) -> Champion:
    model = champion.model
    params = model.params.model_copy(update={"strategy": "recursive"})
    return replace(champion, model=replace(model, params=params))


def test_a_recursive_model_stays_in_one_whatever_params_would_train(shop, capsys, monkeypatch):
    """It was fitted before they changed, or by a recipe that was chosen."""
    monkeypatch.setattr(
        "stages.inference_inputs.serving_champion",
        lambda params, paths: _recursive(serving_champion(params, paths)),
    )
    one = _ran(shop, capsys, "--parts", "1", "--dry-run")
    assert _ran(shop, capsys, "--parts", "3", "--dry-run") == one
    monkeypatch.setattr(
        "stages.forecast_panel.candidate_champion",
        lambda *where: _recursive(candidate_champion(*where)),
    )
    one = _ran(shop, capsys, "from-panel", "--parts", "1")
    assert _ran(shop, capsys, "from-panel", "--parts", "3") == one


def test_a_recursive_challenger_has_no_shadow_in_parts(shop, capsys, monkeypatch):
    champion = serving_champion(shop.params, shop.paths)
    named = SimpleNamespace(model_id=champion.model_id)
    monkeypatch.setattr("stages.shadow.challenger", lambda con: named)
    monkeypatch.setattr("stages.shadow.champion_in_registry", lambda *where: _recursive(champion))
    assert inference.main(["--parts", "2", *shop.options]) == 0
    assert "reason=each pass of a recursive model" in capsys.readouterr().err


def test_a_look_back_stays_in_one(shop, capsys):
    ran = _ran(shop, capsys, "--parts", "3", "--as-of", str(datetime(2030, 1, 1)), "--dry-run")
    assert "parts" not in ran


def test_from_panel_writes_the_same_files(shop, capsys):
    _ran(shop, capsys, "from-panel", "--parts", "1")
    names = ("forecasts", "forecast_levels", "demand_spans")
    files = {name: shop.paths.forecasts / f"{name}.parquet" for name in names}
    whole = {name: pl.read_parquet(file) for name, file in files.items()}
    _ran(shop, capsys, "from-panel", "--parts", "3")
    for name, file in files.items():
        assert_frame_equal(pl.read_parquet(file), whole[name], rel_tol=1e-12, abs_tol=1e-12)


def test_the_model_and_the_profile_of_parts_are_those_of_one(shop, capsys):
    """Every byte: a candidate has its name from them."""
    files = [*shop.paths.candidate.iterdir(), shop.paths.features / "profile.json"]
    made = {}
    for count in ("1", "3"):
        fitted = _ran(shop, capsys, "--parts", count, program=train)
        sampled = _ran(shop, capsys, "profile", "--parts", count, program=train)
        made[count] = fitted, sampled, [file.read_bytes() for file in files]
    assert made["1"] == made["3"]
    assert not list(shop.paths.parts.iterdir())


@pytest.mark.parametrize("wrong", [["--parts", "0"], ["--on", "spark"]])
def test_what_is_no_count_or_engine_is_refused(shop, capsys, wrong):
    assert inference.main(["--parts", "2", *wrong, *shop.options]) == 2
    assert "Give" in capsys.readouterr().err


def test_a_folder_of_any_name_holds_the_parts(shop, capsys, tmp_path):
    """Brackets are a name, and no pattern of several."""
    shop = replace(shop, paths=Paths(shop.paths.root.rename(tmp_path / "shop [a=1] *")))
    one = _ran(shop, capsys, "--parts", "1")
    assert _ran(shop, capsys, "--parts", "3") == one | {"parts": 2}
    for count in ("1", "3"):
        assert _ran(shop, capsys, "from-panel", "--parts", count)["rows"] == one["rows"]


def test_the_backtest_of_parts_decides_as_that_of_one(shop, capsys):
    """Scores, rows, calibration and what the gate says, as the next stages read them."""
    rows, scores = shop.paths.backtest / "forecasts.parquet", shop.paths.scores / "scores.parquet"
    calibration = shop.paths.backtest / "calibration.json"
    made = {}
    for count in ("1", "3"):
        summary = _ran(shop, capsys, "--parts", count, program=evaluate)
        files = pl.read_parquet(rows), pl.read_parquet(scores), calibration.read_text()
        made[count] = summary["decision"], *files
    one, parts = made["1"], made["3"]
    assert parts[0]["reasons"] == one[0]["reasons"]
    assert parts[0]["promote"] == one[0]["promote"]
    assert_frame_equal(parts[1], one[1], rel_tol=1e-12, abs_tol=1e-12)
    assert_frame_equal(parts[2], one[2], rel_tol=1e-9, abs_tol=1e-9)
    assert parts[3] == one[3]
    assert not list(shop.paths.parts.iterdir())


@pytest.mark.parametrize("whose", ["candidate", "incumbent"])
def test_a_backtest_with_a_recursive_model_stays_in_one(shop, capsys, monkeypatch, whose):
    """Whatever params would train today."""
    folder = getattr(shop.paths, whose)
    read = bundle.recipe_of

    def recursive(card: dict) -> GlobalLightGBM:
        recipe = read(card)
        train = recipe.params.model_copy(update={"strategy": "recursive"})
        return replace(recipe, params=train) if card == bundle.read_card(folder) else recipe

    shutil.copytree(shop.paths.candidate, shop.paths.incumbent, dirs_exist_ok=True)
    monkeypatch.setattr("stages.contest.recipe_of", recursive)
    assert evaluate.main(["--parts", "2", "--dry-run", *shop.options]) == 0
    assert "reason=each pass of a recursive model" in capsys.readouterr().err


@pytest.mark.parametrize("parts", [1, 2])
def test_a_champion_of_other_code_is_nothing_to_compare_with(shop, capsys, parts):
    """A whole card whose fields are another version's."""
    folder = shop.paths.incumbent
    shutil.copytree(shop.paths.candidate, folder, dirs_exist_ok=True)
    card = json.loads((folder / bundle.CARD).read_text(encoding="utf-8"))
    del card["region"], card["model_id"]
    card["model_id"] = bundle._model_id(card)
    (folder / bundle.CARD).write_text(json.dumps(card), encoding="utf-8")
    write_json(folder / NAMED, {"model_id": card["model_id"]})
    assert evaluate.main(["--parts", str(parts), "--dry-run", "--json", *shop.options]) == 0
    said = json.loads(capsys.readouterr().out)["incumbent"]
    assert said.startswith("none, the champion cannot be loaded")


@pytest.fixture
def looked(shop, capsys):
    """`looked(count, *arguments)`: monitor.json of a look in so many parts."""

    def report(count: int, *arguments: str) -> dict:
        options = ("--parts", str(count), "--now", "2030-01-01T06:00", *arguments)
        _ran(shop, capsys, *options, program=monitor)
        return json.loads((shop.paths.reports / "monitor.json").read_text(encoding="utf-8"))

    return report


def test_the_look_finds_the_same_features_included(shop, capsys, looked):
    _ran(shop, capsys)
    one, many = looked(1), looked(2)
    assert not list(shop.paths.parts.iterdir())
    found, also = (
        {one["cause"]: one for one in of["findings"] if one["watcher"] not in OF_THE_PROCESS}
        for of in (one, many)
    )
    assert found["parity"]["value"] == 0.0
    assert list(found) == list(also)
    for cause, finding in found.items():
        assert also[cause] == {**finding, "value": pytest.approx(finding["value"])}
    assert one.keys() == many.keys()


def test_one_part_may_have_no_series_whose_features_were_kept(shop, capsys, looked):
    few = shop.params.monitor.model_copy(update={"parity_series": 1})
    inference.infer(
        shop.params.model_copy(update={"monitor": few}), shop.paths, now=datetime(2030, 1, 1)
    )
    [parity] = [one for one in looked(2)["findings"] if one["cause"] == "parity"]
    assert (parity["value"], parity["severity"]) == (0.0, "ok")
    assert parity["what"].startswith("1 series x")


def test_all_days_of_a_longer_table_are_judged(shop, capsys, looked):
    longer = shop.params.train.horizon + 7
    rows = _ran(shop, capsys, "--horizon", str(longer))["rows"]
    for count in (1, 2):
        [sanity] = [one for one in looked(count)["findings"] if one["cause"] == "sanity"]
        assert sanity["what"].startswith(f"{rows} forecast rows")


def test_features_are_not_made_twice_of_another_panel(shop, capsys, looked, next_day):
    _ran(shop, capsys)
    next_day(shop, 1)
    ingest.ingest(shop.params, shop.paths, now=datetime(2024, 6, 1, 7))
    [parity] = [one for one in looked(2)["findings"] if one["cause"] == "parity"]
    assert parity["value"] is None
    assert "had read another panel than today's" in parity["what"]
