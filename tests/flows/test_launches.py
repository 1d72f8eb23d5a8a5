"""A series announced by a price list, from the file to its order and its explanation."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import polars as pl
import pytest

import inference
import ingest
import monitor
from queries.explain import explain_cell
from sources.canonical import LEVELS
from storage.alerts import open_alerts
from storage.forecasts import latest_forecast_levels, latest_forecasts
from storage.panel_files import read_frozen
from storage.store import open_store

NEW = "NEW_1_CA_1"


@pytest.fixture
def announced(shop):
    """The shop on a morning on which a list named a new item of a department, from the fourth day
    on; and that morning.
    """
    panel = read_frozen(shop.paths.panel)
    place = panel.series.row(0, named=True) | {"unique_id": NEW, "item_id": "NEW_1"}
    first = panel.last_day + timedelta(days=4)
    price = panel.prices.filter(pl.col("price") > 0)["price"].median()
    line = {
        **{name: place[name] for name in ("unique_id", *LEVELS)},
        "from_ds": first,
        "to_ds": first + timedelta(days=90),
        "price": price,
        "promo": 0.0,
    }
    pl.DataFrame([line]).write_csv(shop.paths.inbox / "prices_new.csv")
    now = datetime.combine(panel.last_day + timedelta(days=4), time(6))  # after the first table
    done = ingest.ingest(shop.params, shop.paths, now=now)
    assert done["accepted"] == 1
    inference.infer(shop.params, shop.paths, now=now)
    return shop, first, now


def test_it_is_published_from_its_first_planned_day_on_and_adds_up_on_every_level(announced):
    shop, first, _ = announced
    with open_store(shop.paths.store) as con:
        table, levels = latest_forecasts(con), latest_forecast_levels(con)
    new = table.filter(unique_id=NEW).sort("ds")
    assert set(new["method"]) == {"analogues"} and set(new["reason"]) == {"launch"}
    sells = new.filter(pl.col("y_hat") > 0)
    assert sells["ds"].min() == first
    others = table.filter(pl.col("unique_id") != NEW)
    assert 0 < sells["y_hat"].mean() < 3 * others["y_hat"].mean()
    assert (new["q975"] >= new["q500"]).all() and new.filter(pl.col("ds") < first)[
        "q975"
    ].sum() == 0
    total = levels.filter(level="total").sort("ds")["y_hat"].to_list()
    assert total == pytest.approx(
        table.group_by("ds").agg(pl.col("y_hat").sum()).sort("ds")["y_hat"].to_list()
    )


def test_each_of_its_numbers_is_explained_by_its_factors(announced):
    shop, first, _ = announced
    with open_store(shop.paths.store) as con:
        table = latest_forecasts(con)
    for ds in (first - timedelta(days=1), first, first + timedelta(days=6)):
        row = table.filter(unique_id=NEW, ds=ds).row(0, named=True)
        cell = explain_cell(shop.params, shop.paths, NEW, ds)
        assert cell["accounted"], cell["steps"]
        assert cell["steps"][-1][1] == pytest.approx(row["y_hat"])
        assert "announced" in cell["reason_in_words"]


def test_no_watcher_takes_a_launch_for_a_fault(announced):
    shop, _, now = announced
    monitor.monitor(shop.params, shop.paths, now=now)
    with open_store(shop.paths.store) as con:
        causes = set(open_alerts(con)["cause"])
    assert not causes & {"sanity", "fallback", "churn"}


def test_once_it_sold_the_model_takes_over(announced, next_day):
    shop, _, now = announced
    panel = read_frozen(shop.paths.panel)
    place = panel.series.row(0, named=True) | {"unique_id": NEW, "item_id": "NEW_1"}
    for day in range(1, 6):
        path = next_day(shop, day)
        rows = pl.read_csv(path)
        if day >= 4:
            line = {name: str(place[name]) for name in ("unique_id", *LEVELS)} | {
                "ds": str(panel.last_day + timedelta(days=day)), "y": "2"
            }  # fmt: skip
            own = pl.DataFrame(
                [{name: line.get(name) for name in rows.columns}],
                schema=dict.fromkeys(rows.columns, pl.String),
            )
            pl.concat([rows.cast(pl.String), own]).write_csv(path)
        ingest.ingest(shop.params, shop.paths, now=now + timedelta(days=day))
    inference.infer(shop.params, shop.paths, now=now + timedelta(days=5))
    with open_store(shop.paths.store) as con:
        new = latest_forecasts(con).filter(unique_id=NEW)
    assert set(new["method"]) == {"global_lightgbm"} and new["reason"].null_count() == new.height
