"""Questions about a number: back to where it comes from, forward to what a file touched; over a
real store.
"""

from __future__ import annotations

import ast
import json
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest

import inference
import ingest
from contract.errors import BadUsage
from forecasting.what_if import Change
from queries.changes import changes
from queries.explain import explain_cell
from queries.printed import units_text
from queries.span import SpanQuestion
from queries.trace import touched_by
from queries.what_if import Scenario
from runtime.disk import sha256_of
from stages.order import order
from storage.forecasts import forecasts_of
from storage.lineage import panel_as_read, read_until
from storage.orders import read_orders
from storage.panel import read_panel
from storage.panel_files import read_frozen
from storage.runs import read_runs, run_of
from storage.store import open_store

NOW = datetime(2024, 6, 10, 6)


def rows_of(shop, run_id: str) -> pl.DataFrame:
    with open_store(shop.paths.store, read_only=True) as con:
        return forecasts_of(con, run_id)


def restate(shop, days: int = 3) -> None:
    """The last days of every series said again, much larger."""
    paths = shop.paths
    sales, series = (
        pl.read_parquet(paths.panel / f"{name}.parquet") for name in ("sales", "series")
    )
    last = sales["ds"].max()
    new = sales.filter(pl.col("ds") > last - timedelta(days=days)).with_columns(
        y=pl.col("y") * 2 + 1
    )
    paths.inbox.mkdir(exist_ok=True)
    new.drop("known_at", "is_open").join(series, on="unique_id").write_csv(
        paths.inbox / "sales_restated.csv"
    )


def test_every_number_of_a_published_table_leads_back_to_run_model_panel_and_files(shop):
    params, paths = shop.params, shop.paths
    with open_store(paths.store, read_only=True) as con:
        run = read_runs(con, "inference").row(0, named=True)
    for row in rows_of(shop, run["run_id"]).filter(pl.int_range(pl.len()) % 37 == 0).to_dicts():
        cell = explain_cell(params, paths, row["unique_id"], row["ds"])
        assert cell["accounted"], (row, cell["steps"])
        assert cell["y_hat"] == row["y_hat"]
        assert cell["run"]["run_id"] == run["run_id"]
        assert cell["model"]["model_id"] == run["model_id"]
        assert (cell["panel"]["hash"], cell["panel"]["is_proved"]) == (run["panel_hash"], True)
        assert {file["fact"] for file in cell["files"]} >= {"sales", "prices"}
        if cell["features"]:
            assert sum(part["contribution"] for part in cell["features"]) == pytest.approx(
                cell["raw_score"], abs=1e-6
            )
            assert cell["quantiles_agree"] in (True, None)


def test_a_number_of_last_week_is_explained_from_what_was_known_then(shop, next_day):
    """After it came a new day and a restatement that doubles the last three days: the old
    explanation does not move.
    """
    params, paths = shop.params, shop.paths
    before = inference.infer(params, paths, now=NOW)
    row = rows_of(shop, before["run_id"]).filter(method="global_lightgbm").row(5, named=True)
    question = (params, paths, row["unique_id"], row["ds"], before["run_id"])
    first = explain_cell(*question)
    next_day(shop, 1)
    restate(shop)
    params_open = params.model_copy(
        update={"ingest": params.ingest.model_copy(update={"refuse_unusual": False})}
    )
    taken = ingest.ingest(params_open, paths, now=NOW + timedelta(days=2))
    assert taken["accepted"] == 2, taken
    after = inference.infer(params, paths, now=NOW + timedelta(days=2))
    assert after["panel_hash"] != before["panel_hash"]
    again = explain_cell(*question)
    assert first["accounted"]
    assert again["accounted"]
    assert again["panel"]["is_proved"]
    assert again["features"] == first["features"]
    assert again["past_days"] == first["past_days"]
    assert any("restated" in flag for flag in again["flags"])


def test_the_panel_of_an_earlier_run_is_read_back_row_for_row(shop, next_day):
    params, paths = shop.params, shop.paths
    with open_store(paths.store, read_only=True) as con:
        first = read_panel(con)
    table = inference.infer(params, paths, now=NOW)
    next_day(shop, 1)
    restate(shop)
    params = params.model_copy(
        update={"ingest": params.ingest.model_copy(update={"refuse_unusual": False})}
    )
    ingest.ingest(params, paths, now=NOW + timedelta(days=2))
    with open_store(paths.store, read_only=True) as con:
        run = run_of(read_runs(con).filter(run_id=table["run_id"]).row(0, named=True))
        position = read_until(con, run)
        again = panel_as_read(con, position.batch_id, None, "again")
        now = read_panel(con)
    assert position.is_exact
    for name in ("sales", "prices", "calendar", "covariates"):
        assert (
            getattr(again, name).drop("known_at").equals(getattr(first, name).drop("known_at"))
        ), name
    assert not now.sales.equals(first.sales)


def test_a_row_of_the_ladder_says_why_and_is_made_again(shop):
    params, paths = shop.params, shop.paths
    for bundle in paths.registry.iterdir():
        (bundle / "card.json").unlink()
    run_id = inference.infer(params, paths, now=NOW)["run_id"]
    row = rows_of(shop, run_id).row(3, named=True)
    cell = explain_cell(params, paths, row["unique_id"], row["ds"], run_id)
    assert cell["method"] == "seasonal_naive"
    assert cell["reason_in_words"]
    assert cell["accounted"]
    assert cell["features"] == []


def test_a_model_that_can_no_longer_be_read_leaves_the_way_back_to_data_and_code(shop, capsys):
    row = _any_row(shop)
    for bundle in shop.paths.registry.iterdir():
        (bundle / "card.json").write_text("{}", encoding="utf-8")
    cell = explain_cell(shop.params, shop.paths, row["unique_id"], row["ds"])
    assert (cell["features"], cell["accounted"], cell["difference"]) == ([], False, None)
    assert cell["files"]
    assert cell["run"]["git_commit"]
    where = shop.options
    assert (
        inference.main(["explain", "--series", row["unique_id"], "--ds", str(row["ds"]), *where])
        == 0
    )
    assert "not made again; '" in capsys.readouterr().out


def test_the_command_prints_lines_or_one_json_object(shop, capsys):
    row = _any_row(shop)
    where = shop.options
    arguments = ["explain", "--series", row["unique_id"], "--ds", str(row["ds"]), *where]
    assert inference.main(arguments) == 0
    assert "yes: the steps end at the published number" in capsys.readouterr().out
    assert inference.main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accounted"] is True
    assert inference.main([*arguments[:4], "1999-01-01", *where]) == 2


def test_a_file_leads_to_the_runs_forecasts_and_models_it_touched(shop, next_day):
    params, paths = shop.params, shop.paths
    before = inference.infer(params, paths, now=NOW)
    name = next_day(shop, 1).name
    ingest.ingest(params, paths, now=NOW + timedelta(days=2))
    after = inference.infer(params, paths, now=NOW + timedelta(days=2))
    touched = touched_by(params, paths, name=name)
    assert [run["run_id"] for run in touched["runs"]] == [after["run_id"]]
    assert touched["runs"][0]["is_proved"]
    assert touched["runs"][0]["own_series"] == touched["series"] > 0
    assert touched["models"] == []
    history = touched_by(params, paths, name="*history*")
    assert {run["run_id"] for run in history["runs"]} >= {before["run_id"], after["run_id"]}
    assert [model["kind"] for model in history["models"]] == ["global_lightgbm"]


def test_a_file_nobody_sent_is_said_so(shop):
    with pytest.raises(BadUsage, match="no batch is named"):
        touched_by(shop.params, shop.paths, name="nothing.csv")


def test_the_touched_command_prints_what_a_batch_brought(shop, capsys):
    where = shop.options
    assert ingest.main(["touched", "--batch", "1", *where]) == 0
    assert "brought" in capsys.readouterr().out


def test_changes_are_of_the_days_both_tables_forecast(shop, next_day):
    params, paths = shop.params, shop.paths
    first = inference.infer(params, paths, now=NOW)
    next_day(shop, 1)
    ingest.ingest(params, paths, now=NOW + timedelta(days=2))
    second = inference.infer(params, paths, now=NOW + timedelta(days=2))
    changed = changes(params, paths)
    before, now = (rows_of(shop, run["run_id"]) for run in (first, second))
    common = before.join(now, on=["unique_id", "ds"], suffix="_now")
    assert (changed["since"], changed["days"]) == (before["origin"][0], params.train.horizon - 1)
    (total,) = changed["groups"]["total"]
    assert total["before"] == pytest.approx(common["y_hat"].sum(), abs=1e-2)
    assert total["now"] == pytest.approx(common["y_hat_now"].sum(), abs=1e-2)
    for level in ("store_id", "dept_id"):
        assert sum(row["moved"] for row in changed["groups"][level]) == pytest.approx(
            total["moved"], abs=1e-2
        )
    sizes = [abs(row["moved"]) for row in changed["series"]]
    assert sizes == sorted(sizes, reverse=True)


def test_the_first_table_has_nothing_to_be_compared_with(shop):
    assert changes(shop.params, shop.paths)["since"] is None


QUERIES = {  # every public function of queries/ that takes params and paths -> how it is called
    "alert_answers.answers_at": lambda query, shop, row, to: query(shop.params, shop.paths, NOW),
    "app_pages.alerts": lambda query, shop, row, to: query(shop.params, shop.paths, NOW),
    "app_pages.groups": lambda query, shop, row, to: query(shop.params, shop.paths),
    "app_pages.orders": lambda query, shop, row, to: query(shop.params, shop.paths, 10),
    "app_pages.overview": lambda query, shop, row, to: query(shop.params, shop.paths),
    "changes.changes": lambda query, shop, row, to: query(shop.params, shop.paths),
    "evidence.look": lambda query, shop, row, to: query(shop.params, shop.paths, NOW),
    "explain.explain_cell": lambda query, shop, row, to: query(
        shop.params, shop.paths, row["unique_id"], row["ds"]
    ),
    "explain_order.explain_order": lambda query, shop, row, to: query(
        shop.params, shop.paths, _ordered(shop)
    ),
    "export.export": lambda query, shop, row, to: query(shop.params, shop.paths, to, "csv"),
    "export.models": lambda query, shop, row, to: query(shop.params, shop.paths),
    "export.snapshot": lambda query, shop, row, to: query(shop.params, shop.paths),
    "health.health": lambda query, shop, row, to: query(shop.params, shop.paths, NOW),
    "overrides.overrides": lambda query, shop, row, to: query(shop.params, shop.paths),
    "planner.planner_page": lambda query, shop, row, to: query(shop.params, shop.paths),
    "planner.renew_planner_page": lambda query, shop, row, to: query(shop.params, shop.paths),
    "random_split.random_split": lambda query, shop, row, to: query(shop.params, shop.paths),
    "served_features.parity_of_newest": lambda query, shop, row, to: query(shop.params, shop.paths),
    "span.demand_of_span": lambda query, shop, row, to: query(
        shop.params,
        shop.paths,
        SpanQuestion(row["unique_id"], None, row["ds"], row["ds"], 0.9),
    ),
    "trace.touched_by": lambda query, shop, row, to: query(shop.params, shop.paths, "*history*"),
    "what_if.what_if": lambda query, shop, row, to: query(
        shop.params,
        shop.paths,
        Scenario({"unique_id": row["unique_id"]}, Change(row["ds"], row["ds"], promo=1.0)),
    ),
}


def test_every_query_is_run_below(root):
    """Found by its first two parameters; a new one joins QUERIES."""
    found = {
        f"{path.stem}.{node.name}"
        for path in (root / "queries").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and [argument.arg for argument in node.args.args[:2]] == ["params", "paths"]
        and not node.name.startswith("_")
    }
    assert found == set(QUERIES)


def test_no_query_changes_a_byte_of_the_store_or_its_journal(shop, tmp_path):
    inference.infer(shop.params, shop.paths, now=NOW)
    order(shop.params, shop.paths, now=NOW)
    row = _any_row(shop)
    journal = shop.paths.store.parent / "journal"
    before = _hashes(shop.paths.store, journal)
    for name, call in QUERIES.items():
        module, function = name.split(".")
        query = getattr(import_module(f"queries.{module}"), function)
        call(query, shop, row, tmp_path / "out")
        assert _hashes(shop.paths.store, journal) == before, name
    assert list((tmp_path / "out").glob("*.csv"))


def _ordered(shop) -> str:
    """A series of which an order line stands."""
    with open_store(shop.paths.store, read_only=True) as con:
        return read_orders(con)["unique_id"][0]


def _hashes(store: Path, journal: Path) -> dict[Path, str]:
    """Every file of the store, its log and its journal."""
    files = [*store.parent.glob(f"{store.name}*"), *filter(Path.is_file, journal.rglob("*"))]
    return {path: sha256_of(path) for path in files}


def _any_row(shop) -> dict:
    with open_store(shop.paths.store, read_only=True) as con:
        run_id = read_runs(con, "inference")["run_id"][0]
    assert read_frozen(shop.paths.panel).hash
    return rows_of(shop, run_id).row(0, named=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4333.2, "4,333"),
        (36_144.0, "36,144"),
        (-2500.0, "-2,500"),
        (5.2257, "5.23"),
        (0.02134, "0.0213"),
    ],
)
def test_a_number_is_written_as_people_write_it(value, text):
    assert units_text(value) == text
