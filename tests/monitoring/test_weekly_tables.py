"""One table a week judged, whatever days of the week a retailer forecasts on; each day by one
table.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial

import polars as pl
import pytest

from contract.demand import DemandRules
from contract.panel import panel_of
from forecasting.actuals import with_actuals
from monitoring.outcome_signals import daily_sums
from monitoring.past_tables import Published, sums_of_first_weeks
from storage.forecasts import judged_rows, newest_runs, publish
from storage.runs import Run
from storage.store import open_store

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

FIRST, DAYS = date(2024, 4, 1), 42  # a Monday; six weeks
SATURDAY, SUNDAY = 5, 6


@pytest.fixture
def judged_days(tmp_path, forecasts_of, sales_of):
    """`judged_days(origins)`: how many rows judge each day, of a store with a table of 14 days from
    each of these origins.
    """
    panel = panel_of(
        sales_of({"a": [2.0] * DAYS}, FIRST), pl.DataFrame({"unique_id": ["a"], "store_id": ["S"]})
    )

    def of(origins: list[date]) -> dict[date, float]:
        with open_store(tmp_path / "store.duckdb") as con:
            for origin in origins:
                at = datetime.combine(origin, datetime.min.time())
                rows = forecasts_of({"a": [2.0] * 14}, origin).with_columns(created_at=at)
                publish(con, Run(str(origin), "inference", at, at), {"forecasts": rows})
            last = FIRST + timedelta(days=DAYS - 1)
            published = Published(newest_runs(con), pl.DataFrame(), last, 14, 2 * DAYS)
            sums = sums_of_first_weeks(
                partial(judged_rows, con),
                published,
                panel,
                lambda tables, known: daily_sums(
                    with_actuals(tables, known, EVERY_DAY), known.series, []
                ),
            )
        return dict(sums.select("ds", "rows").sort("ds").rows())

    return of


def days(first: int, last: int) -> list[date]:
    return [FIRST + timedelta(days=k) for k in range(first, last + 1)]


def test_a_shop_without_sundays_is_judged_on_every_day_once(judged_days):
    origins = [day for day in days(0, DAYS - 2) if day.weekday() != SUNDAY]
    assert judged_days(origins) == dict.fromkeys(days(SATURDAY + 1, DAYS - 1), 1.0)


def test_a_sunday_without_a_table_leaves_its_week_to_saturdays_and_no_day_is_judged_twice(
    judged_days,
):
    """Sunday the 13th has none: Saturday's speaks, from the day on that the table before it does
    not reach.
    """
    missed = FIRST + timedelta(days=13)
    origins = [day for day in days(0, DAYS - 2) if day != missed]
    rows_by_day = judged_days(origins)
    assert set(rows_by_day.values()) == {1.0}
    # Saturday's week ends there, Sunday's begins after
    assert set(days(7, DAYS - 1)) - set(rows_by_day) == {missed + timedelta(days=7)}
