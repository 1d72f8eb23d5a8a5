"""Which files a run had read, which rows of a series they brought, what a file touched since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from contract.frames import FACTS, STORED_FACTS
from contract.panel import Panel
from storage.batches import contents_taken
from storage.connection import Connection, frame_of, registered
from storage.facts import read_rows, with_gaps_filled
from storage.newest import NEWEST_OF_ORIGINS
from storage.panel import ledger_hash
from storage.quarantine import REFUSED_DAYS, stage_refused_days
from storage.runs import Run, run_of
from storage.schema import quoted
from storage.series import series_at

MOST_MEANWHILE = 60  # ledger lines that may have come in while a run was on


@dataclass(frozen=True)
class LedgerPosition:
    """How far a run had read the ledger: up to and with this batch. `is_exact`: the panel hash of
    the run proves it; else it is all that had been received when the run began (a table made
    offline, whose panel was frozen before).
    """

    batch_id: int
    is_exact: bool


def cell_runs(con: Connection, unique_id: str, ds: date) -> pl.DataFrame:
    """The forecast rows of one series and day with their runs.

    Whole tables come first, then the newest origin and start. `horizon`: of the table as it was
    published.
    """
    query = """
        select f.*, r.* exclude (run_id),
               coalesce((select last_ds - day from thinned t
                         where t.run_id = f.run_id and published = 'forecasts'),
                        (select max(h) from forecasts g where g.run_id = f.run_id)) as horizon
        from forecasts f join runs r using (run_id)
        where f.unique_id = $unique_id and f.ds = $ds
        order by r.status <> 'done', f.origin desc, r.started_at desc, run_id"""
    return frame_of(con, query, unique_id=unique_id, ds=ds)


def newest_tables(con: Connection, count: int) -> list[pl.DataFrame]:
    """unique_id, ds, origin, y_hat, method of the newest whole table, and of the newest from each
    of the origins before.
    """
    newest = "select run_id from (" + NEWEST_OF_ORIGINS + ") order by origin desc limit $count"  # noqa: S608 -- ours
    query = """
        select unique_id, ds, origin, y_hat, method from forecasts where run_id = $run_id
        order by unique_id, ds"""
    runs = con.execute(newest, {"count": count}).fetchall()
    return [frame_of(con, query, run_id=run_id) for (run_id,) in runs]


def inference_runs(con: Connection, since: datetime) -> list[Run]:
    """The runs that forecast and ended at that moment or later, oldest first."""
    query = """
        select * from runs where door = 'inference' and coalesce(ended_at, started_at) >= $since
        order by started_at, run_id"""
    return [run_of(row) for row in frame_of(con, query, since=since).to_dicts()]


def read_until(con: Connection, run: Run) -> LedgerPosition | None:
    """Where in the ledger a run stood; None for one that began before anything was received."""
    taken = contents_taken(con, run.ended_at or run.started_at).rows()
    # the hash says which of the last ones were in
    for count in range(len(taken), max(len(taken) - MOST_MEANWHILE, 0), -1):
        if ledger_hash(run.as_of, [content for content, _, _ in taken[:count]]) == run.panel_hash:
            return LedgerPosition(taken[count - 1][1], is_exact=True)
    before = [batch_id for _, batch_id, received_at in taken if received_at <= run.started_at]
    return LedgerPosition(before[-1], is_exact=False) if before else None


def panel_as_read(con: Connection, batch_id: int, as_of: datetime | None, name: str) -> Panel:
    """The panel of a run that stood at this batch, without what later files brought or restated."""
    refused = REFUSED_DAYS if stage_refused_days(con, as_of, batch_id) else None
    facts: dict[str, Any] = {
        fact: _fact_as_read(con, fact, batch_id, as_of, refused if fact == "sales" else None)
        for fact in FACTS
    }
    series = series_at(con, facts["sales"]["unique_id"].unique(), as_of, batch_id)
    return Panel(**facts, series=series, superseded={}, hash=name).with_shut_days()


def batches_of_series(con: Connection, unique_id: str, until_batch: int) -> pl.DataFrame:
    """The files whose rows the series stands on: batch_id, name, sha256, received_at,
    known_at_from, fact, rows, first_day, last_day.
    """
    parts = [
        f"""
        select batch_id, '{fact}' as fact, count(*) as rows, min({day}) as first_day,
               max({day}) as last_day
        from {quoted(fact)} where unique_id = $unique_id and batch_id <= $until
        group by batch_id"""  # noqa: S608 -- names of the contract
        for fact, day in _DAYS.items()
        if "unique_id" in FACTS[fact].key
    ]
    query = f"""
        select b.batch_id, b.name, b.sha256, b.received_at, b.known_at_from,
               p.fact, p.rows, p.first_day, p.last_day
        from ({" union all ".join(parts)}) p join batches b using (batch_id)
        order by b.batch_id, p.fact"""  # noqa: S608 -- the parts above
    return frame_of(con, query, unique_id=unique_id, until=until_batch)


def sold_on(con: Connection, unique_id: str, ds: date) -> float | None:
    """The units sold of a series and day, as known now; None while no file states them."""
    query = "select y from sales where unique_id = $unique_id and ds = $ds"
    row = con.execute(query, {"unique_id": unique_id, "ds": ds}).fetchall()
    return row[0][0] if row else None


def sold_after(con: Connection, day: date) -> pl.DataFrame:
    """unique_id, ds, y of the days after one: the actuals of a forecast from it."""
    query = "select unique_id, ds, y from sales where ds > $day order by unique_id, ds"
    return frame_of(con, query, day=day)


def versions_of(con: Connection, unique_id: str) -> pl.DataFrame:
    """The days of a series that were restated: ds, said_before and said_now (units), known_at and
    superseded_at of the earlier version.
    """
    query = """
        select s.ds, s.y as said_before, s.known_at, s.superseded_at, n.y as said_now
        from sales_superseded s join sales n using (unique_id, ds) where unique_id = $unique_id
        order by s.ds, s.known_at"""
    return frame_of(con, query, unique_id=unique_id)


def batches_named(con: Connection, name: str | None, batch_id: int | None) -> pl.DataFrame:
    """Ledger lines of one batch, or of a file: its name, a glob of it, or the start of its hash."""
    query = """
        select * from batches
        where batch_id = $batch_id or name = $name or name glob $name
           or list_contains(string_split(name, ' + '), $name)
           or (length($name) >= 8 and starts_with(sha256, $name))
        order by batch_id"""
    return frame_of(con, query, name=name, batch_id=batch_id)


def rows_brought(con: Connection, batch_ids: list[int]) -> pl.DataFrame:
    """All that these batches ever stated: fact, unique_id (null for calendar, totals and supply),
    rows, first_day, last_day (null for supply), first_known_at.
    """
    parts = [
        f"""
        select '{fact}' as fact, {_series_column(fact)} as unique_id, {day} as day, known_at
        from {quoted(fact + kind)} semi join chosen using (batch_id)"""  # noqa: S608 -- names of the contract
        for fact, day in (_DAYS | _DAYS_OF_SUPPLY).items()
        for kind in ("", "_superseded", "_confirmed")
    ]
    query = f"""
        select fact, unique_id, count(*) as rows, min(day) as first_day, max(day) as last_day,
               min(known_at) as first_known_at
        from ({" union all ".join(parts)})
        group by fact, unique_id order by fact, unique_id"""  # noqa: S608 -- the parts above
    chosen = pl.DataFrame({"batch_id": batch_ids}, schema={"batch_id": pl.Int64})
    with registered(con, chosen=chosen):
        return frame_of(con, query)


def forecast_counts(con: Connection, run_ids: list[str], unique_ids: pl.Series) -> pl.DataFrame:
    """run_id, origin, rows and units of each run's table as it was published, and own_series,
    own_rows, own_units of these series alone; null of a table that was thinned by age.
    """
    query = """
        with whole as (
            select * from forecasts semi join chosen_runs using (run_id)
            where run_id not in (select run_id from thinned where published = 'forecasts')
        )
        select f.run_id, f.origin, count(*) as rows, sum(f.y_hat) as units,
               count(distinct f.unique_id) filter (where s.unique_id is not null) as own_series,
               count(s.unique_id) as own_rows,
               coalesce(sum(f.y_hat) filter (where s.unique_id is not null), 0) as own_units
        from whole f left join own_series s on f.unique_id = s.unique_id
        group by f.run_id, f.origin
        union all by name
        select run_id, day as origin, rows, units, thinned_at
        from thinned semi join chosen_runs using (run_id) where published = 'forecasts'"""
    chosen_runs = pl.DataFrame({"run_id": run_ids}, schema={"run_id": pl.String})
    own_series = pl.DataFrame({"unique_id": unique_ids}, schema={"unique_id": pl.String})
    with registered(con, chosen_runs=chosen_runs, own_series=own_series):
        return frame_of(con, query)


_DAYS = {
    "sales": "ds",
    "calendar": "ds",
    "prices": "from_ds",
    "covariates": "ds",
    "totals": "ds",
}
_DAYS_OF_SUPPLY = {"stock": "ds", "open_orders": "ds", "supply": "null::date"}


def _series_column(fact: str) -> str:
    return "unique_id" if "unique_id" in STORED_FACTS[fact].key else "null::varchar"


def _fact_as_read(
    con: Connection,
    fact: str,
    batch_id: int,
    as_of: datetime | None,
    filled_from: str | None,
) -> pl.DataFrame:
    """The newest statement of every key among those of the batches up to this one.

    A row of the current table that such a batch brought is it (what came later said the same); only
    for the other keys all statements are looked through.
    """
    columns = ", ".join(quoted(name) for name in FACTS[fact].schema)
    key = ", ".join(quoted(name) for name in FACTS[fact].key)
    query = f"""
        with unchanged as (
            select {columns} from {quoted(fact)}
            where batch_id <= $until and ($as_of is null or known_at <= $as_of)
        ), others as (
            select {key} from {quoted(fact)}
            where not (batch_id <= $until and ($as_of is null or known_at <= $as_of))
            union  -- what was withdrawn and is known no more
            select {key} from {quoted(fact + "_superseded")} anti join {quoted(fact)} using ({key})
        ), earlier as (
            select {columns}, batch_id from {quoted(fact + "_superseded")}
            semi join others using ({key})
            union all select {columns}, batch_id from {quoted(fact + "_confirmed")}
            semi join others using ({key})
        ), newest as (
            select {columns} from earlier
            where batch_id <= $until and ($as_of is null or known_at <= $as_of)
              and batch_id not in (select withdraws from batches
                                   where withdraws is not null and batch_id <= $until)
            qualify row_number() over (partition by {key} order by known_at desc, batch_id desc) = 1
        )
        select {columns} from unchanged union all select {columns} from newest"""  # noqa: S608 -- quoted names
    query = with_gaps_filled(query, filled_from) if filled_from else query
    return read_rows(con, fact, query, {"until": batch_id, "as_of": as_of})
