"""What the judge may know of the past: recent days in total, last prices, known series, closed days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import polars as pl

from contract.frames import CALENDAR, PRICES
from storage.schema import quoted
from storage.series import hierarchy_columns

COMPARED = timedelta(weeks=8)


@dataclass(frozen=True)
class Recent:
    """The past of one batch. `daily`: ds, volume (units), zero_share; `regions`: unique_id, region, or None."""

    known_series: pl.Series
    daily: pl.DataFrame
    prices: pl.DataFrame
    calendar: pl.DataFrame
    regions: pl.DataFrame | None


def read_recent(con: duckdb.DuckDBPyConnection, fact: str, rows: pl.DataFrame, region: str | None) -> Recent:
    """What is known beside these rows of a fact, in so far as the fact's rules ask for it."""
    sales = rows if fact == "sales" and rows["ds"].count() else None
    days = (sales["ds"].min(), sales["ds"].max()) if sales is not None else None
    return Recent(
        known_series=con.sql("select unique_id from series_attributes").pl()["unique_id"],
        daily=_daily_totals(con, *days) if days else _daily_totals(con, date.max, date.max),
        prices=_prices_of(con, rows["unique_id"]) if fact == "prices" else PRICES.empty(),
        calendar=_calendar_between(con, days[0] - COMPARED, days[1]) if days else CALENDAR.empty(),
        regions=_regions(con, region) if days else None,
    )


def _daily_totals(con: duckdb.DuckDBPyConnection, first: date, last: date) -> pl.DataFrame:
    query = """
        select ds, sum(y) as volume, avg((y = 0)::double) as zero_share from sales
        where ds between $first and $last and is_open is distinct from false group by ds order by ds"""
    return con.sql(query, params={"first": first - COMPARED, "last": last}).pl()


def _regions(con: duckdb.DuckDBPyConnection, column: str | None) -> pl.DataFrame | None:
    if column is None or column not in hierarchy_columns(con):
        return None
    return con.sql(f"select unique_id, {quoted(column)} as region from series_attributes").pl()  # noqa: S608 -- quoted


def _calendar_between(con: duckdb.DuckDBPyConnection, first: date, last: date) -> pl.DataFrame:
    query = """
        select region, ds, known_at, event, event_type, is_closed, is_payday from calendar
        where ds between $first and $last order by region, ds"""
    return con.sql(query, params={"first": first, "last": last}).pl()


def _prices_of(con: duckdb.DuckDBPyConnection, unique_ids: pl.Series) -> pl.DataFrame:
    con.register("wanted", pl.DataFrame({"unique_id": unique_ids.unique()}))
    query = """
        select unique_id, from_ds, to_ds, known_at, price, promo from prices semi join wanted using (unique_id)
        order by unique_id, from_ds"""
    prices = con.sql(query).pl()
    con.unregister("wanted")
    return prices
