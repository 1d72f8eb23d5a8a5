"""The past a batch is judged by: recent days by group, last prices, known series, closed days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from contract.frames import CALENDAR, PRICES, SALES, STOCK
from contract.received import Received
from storage.connection import Connection, frame_of, registered
from storage.schema import quoted
from storage.series import hierarchy_columns, known_series_table

COMPARED = timedelta(weeks=8)
LEAST_STATED = 7  # days; on fewer a delivery may be missing


@dataclass(frozen=True)
class Recent:
    """The past of one batch.

    - `past`: ds, the columns to group by, rows, selling (rows with units), volume (units), without
      the rows that the batch itself states;
    - `first_known`: the first day of sales known, None for a fact that is no sales;
    - `repeated`: unique_id, ds of the batch's rows that say what is known already;
    - `restated`: ds, restated_share (of its known rows that the batch changes), lowered_share (that
      it states lower), known_rows;
    - `stated_before`: unique_id, ds of the batch's keys that are known, where its rows are sums of
      lines;
    - `usual_units`: unique_id, weekday, units and weeks of the eight weeks before its first day;
    - `recent_sales`: unique_id, ds, y of the rows that sold, of the batch's feeds, from eight weeks
      before its first day to its last, without the rows that the batch itself states;
    - `known_stock`: unique_id, least (above 0) and most units in hand in the eight weeks before its
      first day, of series whose stock was stated on LEAST_STATED days, where it states stock;
    - `regions`: unique_id, region, or None.
    """

    first_known: date | None
    known_series: pl.Series
    past: pl.DataFrame
    repeated: pl.DataFrame
    restated: pl.DataFrame
    stated_before: pl.DataFrame
    usual_units: pl.DataFrame
    recent_sales: pl.DataFrame
    prices: pl.DataFrame
    calendar: pl.DataFrame
    known_stock: pl.DataFrame
    regions: pl.DataFrame | None


def read_recent(
    con: Connection,
    fact: str,
    rows: pl.DataFrame,
    region: str | None,
    columns: Sequence[str],
    *,
    are_lines_summed: bool,
) -> Recent:
    """What is known beside these rows of a fact, as far as the fact's rules use it; else empty.

    `region`: the hierarchy's column that names a series' region in the calendar; `columns`: of the
    series, to group by.
    """
    sales = rows if fact == "sales" and rows["ds"].count() else SALES.empty()
    days = _first_and_last(sales)
    return Recent(
        first_known=con.execute("select min(ds) from sales").fetchall()[0][0] if days else None,
        known_series=frame_of(
            con,
            f"select unique_id from {known_series_table(con)}",  # noqa: S608 -- fixed text
        )["unique_id"],
        past=_counted(con, sales, columns),
        repeated=_repeated(con, sales),
        restated=_restated(con, sales),
        stated_before=_stated_before(con, sales if are_lines_summed else SALES.empty()),
        usual_units=_usual_units(con, sales),
        recent_sales=_recent_sales(con, sales),
        prices=_prices_of(con, rows["unique_id"]) if fact == "prices" else PRICES.empty(),
        calendar=_calendar_between(con, days[0] - COMPARED, days[1]) if days else CALENDAR.empty(),
        known_stock=_known_stock(con, rows if fact == "stock" else STOCK.empty()),
        regions=_regions(con, region) if days else None,
    )


def _known_stock(con: Connection, rows: pl.DataFrame) -> pl.DataFrame:
    query = """
        select unique_id, min(on_hand) filter (on_hand > 0) as least, max(on_hand) as most
        from stock where ds >= $first and ds < $last
        group by unique_id having count(*) >= $days and most > 0"""
    last: date = rows["ds"].min() or date.min + COMPARED  # type: ignore[assignment]
    return frame_of(con, query, first=last - COMPARED, last=last, days=LEAST_STATED)


def is_first_load(con: Connection, fact: Received) -> bool:
    """Whether nothing of a fact was known before, or, of sales, nothing that is not newer than all
    of these rows.
    """
    table = quoted(fact.fact)
    if not con.execute(f"select 1 from {table} limit 1").fetchall():  # noqa: S608 -- quoted
        return True
    newest = fact.rows["ds"].max() if fact.fact == "sales" else None
    if newest is None:
        return False
    later = con.execute("select min(ds) > $newest from sales", {"newest": newest}).fetchall()
    return bool(later[0][0])


def read_unstated(con: Connection, rows: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    """unique_id, ds, y, stated_share: the sales known with units on the days of these rows that
    they do not state, and which share of the known rows of that day (and these columns of the
    series) they do state.
    """
    columns = "".join(f", a.{quoted(name)}" for name in groups)
    query = f"""
        with again as (
            select distinct unique_id, ds from stated semi join sales using (ds)
        ), known as (
            select s.unique_id, s.ds, s.y, k.ds is not null as is_stated{columns}
            from (select unique_id, ds, y from sales semi join again using (ds)) s
            left join again k on s.unique_id = k.unique_id and s.ds = k.ds
            left join series_attributes a on a.unique_id = s.unique_id
        ), shared as (
            select *, avg(is_stated::int) over (partition by ds{columns.replace("a.", "")})
                   as stated_share
            from known
        )
        select unique_id, ds, y, stated_share from shared
        where not is_stated and y > 0 order by ds, unique_id"""  # noqa: S608 -- quoted names only
    with registered(con, stated=rows.select("unique_id", "ds")):
        return frame_of(con, query)


def _first_and_last(rows: pl.DataFrame) -> tuple[date, date] | None:
    """The first and last day of the rows; None without a day."""
    first, last = rows.select(first=pl.col("ds").min(), last=pl.col("ds").max()).row(0)
    return None if first is None else (first, last)


def _counted(con: Connection, rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """What the store holds of the batch's days and of the same weekdays in the weeks before,
    without the batch's own keys.
    """
    days = rows.select(pl.col("ds").unique())
    weeks = [
        days.select(pl.col("ds").dt.offset_by(f"-{week}w"))
        for week in range(COMPARED // timedelta(weeks=1) + 1)
    ]
    hierarchy = set(hierarchy_columns(con))
    groups = "".join(
        f", {'a.' + quoted(name) if name in hierarchy else 'null::varchar'} as {quoted(name)}"
        for name in columns
    )
    query = f"""
        select s.ds{groups}, count(*) as rows, count(*) filter (where s.y > 0) as selling,
               sum(s.y) as volume
        from (select unique_id, ds, y from sales semi join compared_days using (ds)) s
        anti join stated k on s.unique_id = k.unique_id and s.ds = k.ds
        left join series_attributes a on a.unique_id = s.unique_id
        group by all"""  # noqa: S608 -- quoted names only
    compared_days, stated = pl.concat(weeks).unique(), rows.select("unique_id", "ds")
    with registered(con, compared_days=compared_days, stated=stated):
        return frame_of(con, query)


def _repeated(con: Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """The keys of the batch that are known with the same units."""
    query = """
        select distinct t.unique_id, t.ds from stated t
        join sales s on s.unique_id = t.unique_id and s.ds = t.ds and s.y = t.y"""
    with registered(con, stated=rows.select("unique_id", "ds", "y")):
        return frame_of(con, query)


def _restated(con: Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """Of each day the batch states: which share of the rows known of it would be another number."""
    query = """
        with known as (
            select ds, count(*) as rows from sales semi join stated using (ds) group by ds
        )
        select s.ds, count(distinct s.unique_id) / any_value(k.rows) as restated_share,
               count(distinct s.unique_id) filter (where t.y < s.y) / any_value(k.rows)
                   as lowered_share,
               any_value(k.rows) as known_rows
        from stated t
        join sales s on s.unique_id = t.unique_id and s.ds = t.ds and s.y <> t.y
        join known k on k.ds = s.ds
        group by s.ds"""
    with registered(con, stated=rows.select("unique_id", "ds", "y")):
        shares = frame_of(con, query)
    return shares.cast(
        {"ds": pl.Date, "restated_share": pl.Float64, "lowered_share": pl.Float64}
    ).with_columns(pl.col("known_rows").cast(pl.Int64))


def _stated_before(con: Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """The keys of the batch that are known already."""
    query = "select distinct unique_id, ds from stated semi join sales using (unique_id, ds)"
    with registered(con, stated=rows.select("unique_id", "ds")):
        return frame_of(con, query)


def _usual_units(con: Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """By series and weekday the batch has: units, and weeks with a row, in the eight weeks before
    its first day.
    """
    query = """
        select unique_id, isodow(ds)::tinyint as weekday, sum(y) as units, count(y) as weeks
        from sales
        where ds >= $since and ds < $first and isodow(ds) in (select unnest($weekdays))
        group by all"""
    days = _first_and_last(rows)
    since, first = (days[0] - COMPARED, days[0]) if days else (None, None)
    weekdays = rows["ds"].dt.weekday().unique().drop_nulls().to_list()
    return frame_of(con, query, since=since, first=first, weekdays=weekdays)


def _recent_sales(con: Connection, rows: pl.DataFrame) -> pl.DataFrame:
    """What the batch's feeds sold before and beside it: of everything, where no store is known, or
    none of the batch's series.
    """
    of_feeds = """
        and (s.unique_id in (
                select unique_id from series_attributes where store_id in (
                    select a.store_id from series_attributes a semi join stated using (unique_id)))
             or not exists (select 1 from series_attributes semi join stated using (unique_id)))"""
    query = f"""
        select s.unique_id, s.ds, s.y
        from sales s
        anti join stated k on s.unique_id = k.unique_id and s.ds = k.ds
        where s.ds between $since and $last and s.y > 0
            {of_feeds if "store_id" in hierarchy_columns(con) else ""}"""  # noqa: S608 -- fixed text
    days = _first_and_last(rows)
    since, last = (days[0] - COMPARED, days[1]) if days else (None, None)
    with registered(con, stated=rows.select("unique_id", "ds")):
        return frame_of(con, query, since=since, last=last)


def _regions(con: Connection, column: str | None) -> pl.DataFrame | None:
    if column is None or column not in hierarchy_columns(con):
        return None
    query = f"select unique_id, {quoted(column)} as region from series_attributes"  # noqa: S608 -- quoted
    return frame_of(con, query)


def _calendar_between(con: Connection, first: date, last: date) -> pl.DataFrame:
    query = """
        select region, ds, known_at, event, event_type, is_closed, is_payday from calendar
        where ds between $first and $last order by region, ds"""
    return frame_of(con, query, first=first, last=last)


def _prices_of(con: Connection, unique_ids: pl.Series) -> pl.DataFrame:
    query = """
        select unique_id, from_ds, to_ds, known_at, price, promo
        from prices semi join stated using (unique_id)
        order by unique_id, from_ds"""
    with registered(con, stated=pl.DataFrame({"unique_id": unique_ids.unique()})):
        return frame_of(con, query)
