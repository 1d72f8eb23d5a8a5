"""A feed of plans that dies: the days it still covers are the champion's, an alert is open."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import polars as pl

import inference
import ingest
import monitor
from storage.alerts import open_alerts
from storage.forecasts import latest_forecasts
from storage.panel_files import read_frozen
from storage.store import open_store

LAST_PLANNED = 10  # days after the last sales day of the published table
MORNINGS = (1, 3, 6)


def _end_plans(shop, end: date) -> None:
    """The store as it would be, had no price or promotion after a day ever come."""
    with open_store(shop.paths.store) as con:
        con.execute("delete from prices where from_ds > ?", [end]).fetchall()
        con.execute("update prices set to_ds = ? where to_ds > ?", [end, end]).fetchall()


def _morning(shop, next_day, day: date, number: int) -> tuple[pl.DataFrame, set[str]]:
    """The table and the causes of open alerts after another day of sales."""
    now = datetime.combine(day + timedelta(days=1), time(6))
    next_day(shop, number)
    ingest.ingest(shop.params, shop.paths, now=now)
    _end_plans(shop, read_frozen(shop.paths.panel).last_day + timedelta(days=LAST_PLANNED))
    if number not in MORNINGS:
        return pl.DataFrame(), set()
    inference.infer(shop.params, shop.paths, now=now)
    monitor.monitor(shop.params, shop.paths, now=now)
    with open_store(shop.paths.store) as con:
        return latest_forecasts(con), set(open_alerts(con)["cause"])


def test_plans_that_run_out_cost_the_days_after_their_end_alone(shop, next_day):
    """The champion learned from whole plans: its rows stand as far as the plans go, an alert names
    the others, and their jump is the only other one.
    """
    first = read_frozen(shop.paths.panel).last_day
    end = first + timedelta(days=LAST_PLANNED)
    for number in range(1, max(MORNINGS) + 1):
        table, causes = _morning(shop, next_day, first + timedelta(days=number), number)
        if number in MORNINGS:
            planned = table.filter(pl.col("ds") <= end)
            assert planned["reason"].null_count() == planned.height
            assert set(planned["method"]) == {"global_lightgbm"}
            assert set(table.filter(pl.col("ds") > end)["reason"]) == {"features_missing"}
            assert "fallback" in causes
            # of the simulator's stock nothing comes after the last day, and no order is proposed
            expected = {"fallback", "churn", "churn:shape"}
            assert {cause for cause in causes if not cause.startswith("stock")} <= expected
