"""Intervals scaled in production: decided on actuals, on record, in the next table, explained,
taken back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

import inference
import monitor
from queries.explain import explain_cell
from stages.recalibrate import recalibrate
from storage.decisions import read_decisions
from storage.forecasts import forecasts_of
from storage.rebuild import rebuild
from storage.store import open_store, source_of

NOW = datetime(2024, 6, 10, 6)


@pytest.fixture
def table(shop) -> pl.DataFrame:
    """The champion's table of today with actuals: every second day far above the interval."""
    return published(shop, NOW).with_columns(
        y=pl.when(pl.col("h") % 2 == 0).then(pl.col("q995") * 2).otherwise("q500")
    )


def published(shop, now: datetime) -> pl.DataFrame:
    run_id = inference.infer(shop.params, shop.paths, now=now)["run_id"]
    with open_store(shop.paths.store, read_only=True) as con:
        return forecasts_of(con, run_id)


def decisions(shop) -> list[tuple]:
    with open_store(shop.paths.store, read_only=True) as con:
        return read_decisions(con, "recalibration").select("outcome", "reason", "told").rows()


def test_actuals_outside_widen_the_next_table_which_says_so_until_a_person_takes_it_back(
    shop, table
):
    params, paths = shop.params, shop.paths
    why = recalibrate(params, paths, table, NOW + timedelta(hours=1))
    assert "the 95% interval covered" in why
    assert [(outcome, reason) for outcome, reason, _ in decisions(shop)] == [("stretched", why)]
    wider = published(shop, NOW + timedelta(hours=2))
    assert wider["run_id"][0] != table["run_id"][0]
    assert wider["y_hat"].equals(table["y_hat"])
    own = pl.col("reason").is_null()
    assert wider.filter(own)["q975"].sum() > 1.2 * table.filter(own)["q975"].sum()
    assert wider.filter(~own)["q975"].equals(table.filter(~own)["q975"])
    row = wider.filter(own).row(7, named=True)
    later = explain_cell(params, paths, row["unique_id"], row["ds"], row["run_id"])
    assert (later["interval_scale"] is not None, later["quantiles_agree"]) == (True, True)
    earlier = explain_cell(params, paths, row["unique_id"], row["ds"], table["run_id"][0])
    assert (earlier["interval_scale"], earlier["quantiles_agree"]) == (None, True)
    where = shop.options
    assert monitor.main(["as-calibrated", "--by", "ada", "--now", "2024-06-10T09:00", *where]) == 0
    assert decisions(shop)[0] == ("as calibrated", "taken back by ada", None)
    again = published(shop, NOW + timedelta(hours=4))
    assert again.drop("run_id", "created_at").equals(table.drop("run_id", "created_at", "y"))


def test_the_same_actuals_do_not_scale_twice(shop, table):
    """Only tables made since the last decision count: they alone were made under its factors."""
    params, paths = shop.params, shop.paths
    assert recalibrate(params, paths, table, NOW + timedelta(hours=1))
    assert recalibrate(params, paths, table, NOW + timedelta(hours=2)) is None


def test_a_store_made_again_from_its_journal_serves_the_same_intervals(shop, table):
    params, paths = shop.params, shop.paths
    recalibrate(params, paths, table, NOW + timedelta(hours=1))
    with open_store(paths.store) as con:
        source = source_of(con)
    before = decisions(shop)
    rebuild(paths.store, paths.stores, source, NOW)
    assert decisions(shop) == before != []
