"""A feed of plans that dies: the tables of the days after it are the champion's, and quiet."""

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
MORNINGS = (1, 4, 8, 12)


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


def test_plans_that_run_out_in_ten_days_cost_no_row_of_the_champion(shop, next_day):
    """Before the end, on it and two days past it."""
    first = read_frozen(shop.paths.panel).last_day
    for number in range(1, max(MORNINGS) + 1):
        table, causes = _morning(shop, next_day, first + timedelta(days=number), number)
        if number in MORNINGS:
            assert set(table["method"]) == {"global_lightgbm"}
            assert table["reason"].null_count() == table.height
            assert not {cause for cause in causes if cause.startswith(("fallback", "parity"))}
