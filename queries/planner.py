"""What the planner's page shows, read from the store: the newest table as it is final, beside what
sold, last year and the table before.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from contract.days import WEEK, YEAR
from contract.frames import CALENDAR, PRICES
from contract.params import Params
from monitoring.exceptions import CAUSES, Evidence, exceptions
from queries.overrides import listed_overrides, value_added
from reports.ahead import Known, sums_by_series, windows
from reports.planner import write_planner_page
from reports.planner_input import HISTORY_DAYS, PlannerPage
from runtime.paths import Paths
from storage.facts import read_fact
from storage.forecasts import needed_run, newest_run, newest_runs
from storage.orders import read_orders
from storage.overrides import read_final
from storage.panel import first_sales_day
from storage.series import read_names, read_series
from storage.store import Connection, open_store
from storage.windows import sales_of_days, week_ago_spans

MOST_EXCEPTIONS = 1000


def renew_planner_page(params: Params, paths: Paths) -> Path | None:
    """The page of the newest table in the folder of reports; None before the first table."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        if newest_run(con) is None:
            return None
    return write_planner_page(planner_page(params, paths), paths.reports)


def planner_page(params: Params, paths: Paths) -> PlannerPage:
    """All of the page; SourceMissing before the first table."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        known, before, runs = _known(con)
        orders = _orders(con, known.origin)
        sums = _priced(sums_by_series(known), known)
        evidence = Evidence(
            _of_exceptions(sums, known, before),
            orders,
            known.final.group_by("unique_id").agg(horizon_units=pl.col("y_hat").sum()),
            _last_week(con, known, runs),
        )
        return PlannerPage(
            known=known,
            sums=sums,
            exceptions=exceptions(evidence, MOST_EXCEPTIONS),
            causes=CAUSES,
            orders=orders,
            names=read_names(con),
            calendar=_calendar(con, known),
            overrides=listed_overrides(con),
            value_added=value_added(con, params),
            unit=params.reports.unit,
            before_origin=_before(runs, known.origin),
        )


def _known(con: Connection) -> tuple[Known, pl.DataFrame, dict[date, str]]:
    """What sums are made of; the table before as the model has it; the tables by origin."""
    run, origin = needed_run(con, "show")
    final, runs = read_final(con, run.run_id), newest_runs(con)
    last = _before(runs, origin)
    before = read_final(con, runs[last]) if last else final.clear()
    horizon = int(final["h"].max())  # type: ignore[arg-type]
    sales = sales_of_days(con, windows(origin, horizon, HISTORY_DAYS))
    prices = read_fact(con, PRICES.name, since=origin - timedelta(days=YEAR + HISTORY_DAYS))
    known = Known(
        origin,
        final,
        before.select("unique_id", "ds", "y_hat"),
        sales,
        prices,
        read_series(con),
        first_sales_day(con) or origin,
    )
    return known, before.select("unique_id", "ds", "model"), runs


def _before(runs: dict[date, str], origin: date) -> date | None:
    """The origin of the table before."""
    return max((day for day in runs if day < origin), default=None)


def _orders(con: Connection, origin: date) -> pl.DataFrame:
    """The lines of the newest order day, if it is ordered by this table's days."""
    orders = read_orders(con)
    return orders.filter(pl.col("order_day") > origin)


def _priced(sums: pl.DataFrame, known: Known) -> pl.DataFrame:
    """The sums with the price in force on the origin, or the last one before."""
    prices = known.prices.filter(pl.col("from_ds") <= known.origin, pl.col("price").is_not_null())
    last = prices.sort("from_ds").group_by("unique_id").agg(pl.col("price").last())
    return sums.join(last, on="unique_id", how="left", maintain_order="left")


def _of_exceptions(sums: pl.DataFrame, known: Known, before: pl.DataFrame) -> pl.DataFrame:
    """A week ahead by the model beside four past ones, and both tables' units of the same days."""
    model, first = known.final.select("unique_id", "ds", "h", "model"), known.spans[0]
    both = model.join(before, on=["unique_id", "ds"], how="inner", suffix="_before")
    since = known.origin - timedelta(days=28)
    lately = known.sales.filter(pl.col("ds") > since, pl.col("ds") <= known.origin)
    parts = [
        model.filter(pl.col("h") <= first).group_by("unique_id").agg(units_next_7=pl.sum("model")),
        lately.group_by("unique_id").agg(units_last_28=pl.col("y").sum()),
        both.group_by("unique_id").agg(
            units_overlap=pl.col("model").sum(), units_before=pl.col("model_before").sum()
        ),
    ]
    table = sums.select("unique_id", "price")
    for part in parts:
        table = table.join(part, on="unique_id", how="left", maintain_order="left")
    return table.with_columns(pl.col("units_last_28").fill_null(0.0))


def _last_week(con: Connection, known: Known, runs: dict[date, str]) -> pl.DataFrame:
    """unique_id, y, mean, q025, q975 of the seven days after the newest table that is a week old;
    series of which a day is not known are left out.
    """
    last = max(known.sales["ds"], default=known.origin)
    origin = max((day for day in runs if day <= last - timedelta(days=WEEK)), default=None)
    spans = week_ago_spans(con, runs[origin] if origin else "", WEEK)
    if origin is None or spans.is_empty():
        return spans.with_columns(y=pl.lit(None, pl.Float64))
    first, until = origin + timedelta(days=1), origin + timedelta(days=WEEK)
    week = known.sales.filter(pl.col("ds").is_between(first, until))
    sold = week.group_by("unique_id").agg(pl.col("y").sum(), days=pl.len())
    whole = sold.filter(days=WEEK).drop("days")
    return spans.join(whole, on="unique_id", how="inner", maintain_order="left")


def _calendar(con: Connection, known: Known) -> pl.DataFrame:
    first = known.origin - timedelta(days=HISTORY_DAYS - 1)
    days = read_fact(con, CALENDAR.name, since=first)
    return days.filter(pl.col("event").is_not_null(), pl.col("ds") <= known.final["ds"].max())
