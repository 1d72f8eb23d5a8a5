"""`ingest.py compact` over a real store: what scores, explains and orders stays; what is gone says
so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

import ingest
from contract.errors import SourceMissing, ThinnedByAge
from queries.explain import explain_cell
from queries.export import export
from queries.printed import printed_explanation, printed_trace
from queries.trace import touched_by
from stages.compact import compact
from storage.forecasts import forecasts_of, newest_run, publish
from storage.store import open_store

NOW = datetime(2024, 6, 2, 6)


@pytest.fixture
def aged(shop):
    """The shop's table, now the oldest of three: the same again 100 and 101 days later. Its run and
    its origin.
    """
    with open_store(shop.paths.store) as con:
        run, origin = newest_run(con)
        table = forecasts_of(con, run.run_id)
        for days in (100, 101):
            later = timedelta(days=days)
            shifted = table.with_columns(pl.col("origin", "ds") + later, run_id=pl.lit(str(days)))
            again = replace(run, run_id=str(days), started_at=run.started_at + later)
            publish(con, again, {"forecasts": shifted})
    return run, origin, table


def test_a_number_of_the_week_that_stays_is_explained_others_are_refused(shop, aged):
    run, origin, table = aged
    params, paths = shop.params, shop.paths
    row = table.filter(method="global_lightgbm", h=3).row(0, named=True)
    question = (params, paths, row["unique_id"])
    before = explain_cell(*question, row["ds"], run.run_id)
    now = run.started_at + timedelta(days=102)
    assert compact(params, paths, now=now)["tables"] == 1
    after = explain_cell(*question, row["ds"], run.run_id)
    assert after["accounted"]
    assert after == before
    for run_id in (None, run.run_id):
        with pytest.raises(ThinnedByAge, match=r"retention\.whole_days"):
            explain_cell(*question, origin + timedelta(days=10), run_id)
    with pytest.raises(ThinnedByAge, match=run.run_id):
        export(params, paths, paths.exports, "csv", run.run_id)


def test_a_number_that_a_thinned_table_forecast_later_says_so(shop, aged):
    """The table of the next day is thinned to nothing, that of the week's end is what is left."""
    run, origin, table = aged
    params, paths = shop.params, shop.paths
    monday = origin + timedelta(days=(7 - origin.weekday()) % 7 + 7)
    with open_store(paths.store) as con:
        for name, day in (("kept", monday - timedelta(days=1)), ("gone", monday)):
            moved = day - origin
            shifted = table.with_columns(pl.col("origin", "ds") + moved, run_id=pl.lit(name))
            publish(con, replace(run, run_id=name), {"forecasts": shifted})
        last = replace(run, run_id="end")
        moved = monday + timedelta(days=6) - origin
        shifted = table.with_columns(pl.col("origin", "ds") + moved, run_id=pl.lit("end"))
        publish(con, last, {"forecasts": shifted})
    compact(params, paths, now=run.started_at + timedelta(days=102))
    cell = explain_cell(params, paths, table["unique_id"][0], monday + timedelta(days=2))
    assert cell["run"]["run_id"] == "kept"
    assert cell["thinned_since"] == 1
    said = printed_explanation(cell, 3)["forecast"]
    assert "1 later tables of this day were thinned by age" in said


def test_the_trace_of_a_file_counts_what_was_published(shop, aged):
    run, _, table = aged
    params, paths = shop.params, shop.paths
    compact(params, paths, now=run.started_at + timedelta(days=102))
    traced = touched_by(params, paths, name="sales_history*")
    row = next(one for one in traced["runs"] if one["run_id"] == run.run_id)
    assert row["rows"] == table.height
    assert row["units"] == pytest.approx(table["y_hat"].sum())
    assert row["thinned_at"] is not None
    assert "thinned_at" in printed_trace(traced)["runs"]


def test_a_dry_run_says_what_would_go_and_writes_nothing(shop, aged, capsys):
    paths = shop.paths
    files = {path: path.read_bytes() for path in paths.root.rglob("*") if path.is_file()}
    assert ingest.main(["compact", "--dry-run", *shop.options]) == 0
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    series = aged[2]["unique_id"].n_unique()
    assert (said["tables"], said["forecast_rows"]) == ("1", str(7 * series))
    assert {path: path.read_bytes() for path in paths.root.rglob("*") if path.is_file()} == files
    assert ingest.main(["compact", *shop.options]) == 0
    done = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert all(done[name] == said[name] for name in ("tables", "forecast_rows", "rows_left"))


def test_without_a_store_there_is_nothing_to_compact(shop):
    shop.paths.store.unlink()
    with pytest.raises(SourceMissing, match="no store"):
        compact(shop.params, shop.paths, now=NOW)
    assert not shop.paths.store.exists()
