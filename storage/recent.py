"""What the judge may know of the past: recent days by group, last prices, known series, closed
days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import polars as pl

from contract.frames import CALENDAR, PRICES, SALES
from storage.schema import quoted
from storage.series import hierarchy_columns

COMPARED = timedelta(weeks=8)


@dataclass(frozen=True)
class Recent:
    """The past of one batch. `past`: ds, columns asked for, rows, selling (rows with units), volume
    (units), without the rows that the batch itself states; `restated`: ds, restated_share (of its
    known rows that the batch changes); `stated_before`: unique_id, ds of the batch's keys that are
    known, where its rows are sums of lines; `usual_units`: unique_id, weekday, units and weeks of
    the eight weeks before its first day; `regions`: unique_id, region, or None.
    """

    known_series: pl.Series
    past: pl.DataFrame
    restated: pl.DataFrame
    stated_before: pl.DataFrame
    usual_units: pl.DataFrame
    prices: pl.DataFrame
    calendar: pl.DataFrame
    regions: pl.DataFrame | None


def read_recent(
    con: duckdb.DuckDBPyConnection,
    fact: str,
    rows: pl.DataFrame,
    region: str | None,
    columns: Sequence[str] = (),
    are_lines_summed: bool = False,
) -> Recent:
    """What is known beside these rows of a fact, in so far as the fact's rules ask for it.
    `columns`: of the series, to group by.
    """
    sales = rows if fact == "sales" and rows["ds"].count() else None
    days = (sales["ds"].min(), sales["ds"].max()) if sales is not None else None
    return Recent(
        known_series=con.sql("select unique_id from series_attributes").pl()["unique_id"],
        past=_counted(con, SALES.empty() if sales is None else sales, columns),
        restated=_restated(con, SALES.empty() if sales is None else sales),
        stated_before=_stated_before(
            con, SALES.empty() if sales is None or not are_lines_summed else sales
        ),
        usual_units=_usual_units(con, SALES.empty() if sales is None else sales),
        prices=_prices_of(con, rows["unique_id"]) if fact == "prices" else PRICES.empty(),
        calendar=_calendar_between(con, days[0] - COMPARED, days[1]) if days else CALENDAR.empty(),
        regions=_regions(con, region) if days else None,
    )


def _counted(
    con: duckdb.DuckDBPyConnection, rows: pl.DataFrame, columns: Sequence[str]
) -> pl.DataFrame:
    """What the store holds of the batch's days and of the same weekdays in the weeks before,
    without the batch's own keys.
    """
    days = rows.select(pl.col("ds").unique().drop_nulls())
    weeks = [
        days.select(pl.col("ds").dt.offset_by(f"-{week}w"))
        for week in range(COMPARED // timedelta(weeks=1) + 1)
    ]
    con.register("days_wanted", pl.concat(weeks).unique())
    con.register("keys_stated", rows.select("unique_id", "ds"))
    known = set(hierarchy_columns(con))
    groups = "".join(
        f", {'a.' + quoted(name) if name in known else 'null::varchar'} as {quoted(name)}"
        for name in columns
    )
    counted = con.sql(
        f"""
        select s.ds{groups}, count(*) as rows, count(*) filter (where s.y > 0) as selling, sum(s.y) as volume
        from (select unique_id, ds, y from sales semi join days_wanted using (ds)) s
        anti join keys_stated k on s.unique_id = k.unique_id and s.ds = k.ds
        left join series_attributes a on a.unique_id = s.unique_id
        group by all"""  # noqa: S608 -- quoted names only
    ).pl()
    con.unregister("days_wanted")
    con.unregister("keys_stated")
    return counted


def _restated(con: duckdb.DuckDBPyConnection, rows: pl.DataFrame) -> pl.DataFrame:
    """Of each day the batch states: which share of the rows known of it would be another number."""
    con.register("stated", rows.select("unique_id", "ds", "y"))
    shares = con.sql("""
        with known as (select ds, count(*) as rows from sales semi join stated using (ds) group by ds)
        select s.ds, count(distinct s.unique_id) / any_value(k.rows) as restated_share
        from stated t join sales s on s.unique_id = t.unique_id and s.ds = t.ds and s.y <> t.y join known k on k.ds = s.ds
        group by s.ds""").pl()
    con.unregister("stated")
    return shares.cast({"ds": pl.Date, "restated_share": pl.Float64})


def _stated_before(con: duckdb.DuckDBPyConnection, rows: pl.DataFrame) -> pl.DataFrame:
    """The keys of the batch that are known already."""
    con.register("stated", rows.select("unique_id", "ds"))
    known = con.sql(
        "select distinct unique_id, ds from stated semi join sales using (unique_id, ds)"
    ).pl()
    con.unregister("stated")
    return known


def _usual_units(con: duckdb.DuckDBPyConnection, rows: pl.DataFrame) -> pl.DataFrame:
    """By series and weekday the batch has: units, and weeks with a row, in the eight weeks before
    its first day.
    """
    first = rows["ds"].min()
    query = """
        select unique_id, isodow(ds)::tinyint as weekday, sum(y) as units, count(y) as weeks from sales
        where ds >= $since and ds < $first and isodow(ds) in (select unnest($weekdays))
        group by all"""
    since = first - COMPARED if first else None
    weekdays = rows["ds"].dt.weekday().unique().drop_nulls().to_list()
    return con.sql(query, params={"since": since, "first": first, "weekdays": weekdays}).pl()


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
