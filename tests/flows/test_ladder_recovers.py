"""A degraded morning raises an alert, and the next one after the cause is gone is as if nothing had
been: no hand needed in between.
"""

from __future__ import annotations

import shutil
from datetime import datetime, time, timedelta

import pytest

import inference
import monitor
from contract.errors import NotEnoughHistory
from storage.alerts import open_alerts
from storage.forecasts import latest_forecasts
from storage.models import Model, in_line, promote, write_model
from storage.panel_files import read_frozen
from storage.store import open_store, transaction

PUBLISHED = 3  # days after the last sales day


def _morning(shop, days: int) -> datetime:
    """The k-th morning after the shop was published."""
    days += PUBLISHED
    return datetime.combine(read_frozen(shop.paths.panel).last_day + timedelta(days=days), time(6))


def _run_morning(shop, days: int):
    """A morning without arrivals: the summary of the forecast, the newest table, the causes of open
    alerts.
    """
    params, paths, now = shop.params, shop.paths, _morning(shop, days)
    summary = inference.infer(params, paths, now=now)
    monitor.monitor(params, paths, now=now)
    with open_store(paths.store) as con:
        return summary, latest_forecasts(con).drop("created_at"), set(open_alerts(con)["cause"])


@pytest.fixture
def champion_id(shop):
    with open_store(shop.paths.store) as con:
        return in_line(con)[0]


def _newer_champion(shop, older: str) -> str:
    """A second model promoted after the first: a copy of its bundle under another name."""
    newer = "f" * 12
    shutil.copytree(shop.paths.registry / older, shop.paths.registry / newer)
    with open_store(shop.paths.store) as con:
        with transaction(con):
            born = _morning(shop, 400)
            write_model(con, Model(newer, "global_lightgbm", born.date(), None, None, "{}", born))
        promote(con, newer, "another try", born)
        assert in_line(con) == [newer, older]
    return newer


def test_a_lost_champion_is_an_alert_the_one_before_serves_and_all_is_well_once_it_is_back(
    shop, champion_id
):
    bundle = shop.paths.registry / _newer_champion(shop, champion_id)
    _, clean, causes = _run_morning(shop, 1)
    assert "fallback" not in causes
    shutil.move(bundle, shop.paths.root / "elsewhere")
    summary, table, causes = _run_morning(shop, 2)
    assert summary["model_id"] == champion_id
    assert set(table["reason"]) == {"previous_champion"}
    assert set(table["method"]) == {"global_lightgbm"}
    # here the same boosters: a whole table of a real model
    assert table["y_hat"].equals(clean["y_hat"])
    assert "fallback" in causes
    shutil.move(shop.paths.root / "elsewhere", bundle)
    _, again, causes = _run_morning(shop, 3)
    assert again["reason"].null_count() == again.height
    assert "fallback" not in causes


def test_with_no_bundle_left_the_baseline_serves_until_one_is_back(shop, champion_id):
    registry = shop.paths.registry
    shutil.move(registry, shop.paths.root / "elsewhere")
    _, table, causes = _run_morning(shop, 1)
    assert set(table["reason"]) == {"no_model"}
    assert "fallback" in causes
    shutil.move(shop.paths.root / "elsewhere", registry)
    _, again, causes = _run_morning(shop, 2)
    assert again["reason"].null_count() == again.height
    assert "fallback" not in causes


def test_when_no_sale_can_be_read_the_last_table_goes_out_again_and_says_so(shop, champion_id):
    params, paths = shop.params, shop.paths
    with open_store(paths.store) as con:
        published = latest_forecasts(con)
        con.execute("create table kept as select * from sales").fetchall()
        con.execute("delete from sales").fetchall()
    summary = inference.infer(params, paths, now=_morning(shop, 1))
    assert summary["fallback_rows"] == {"last_forecast: no_sales": published.height}
    assert summary["level_rows"] > 0
    with open_store(paths.store) as con:
        table = latest_forecasts(con)
        assert (table["run_id"][0], table.height) == (summary["run_id"], published.height)
        assert table["ds"].min() == _morning(shop, 1).date()
        con.execute("insert into sales select * from kept").fetchall()
        con.execute("drop table kept").fetchall()
    _, again, _ = _run_morning(shop, 2)
    assert again["reason"].null_count() == again.height


def test_with_neither_sales_nor_a_table_the_refusal_is_loud(shop):
    with open_store(shop.paths.store) as con:
        for statement in (
            "delete from sales",
            "delete from forecasts",
            "delete from forecast_levels",
        ):
            con.execute(statement).fetchall()
    with pytest.raises(NotEnoughHistory, match="no forecast to repeat"):
        inference.infer(shop.params, shop.paths, now=_morning(shop, 1))
