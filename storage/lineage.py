"""Which files a run had read, which rows of a series they brought, and what a file touched
afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import polars as pl

from contract.frames import FACTS
from contract.panel import Panel
from storage.batches import contents_taken
from storage.facts import read_rows, with_unless_told
from storage.forecasts import NEWEST_OF_ORIGINS
from storage.panel import ledger_hash
from storage.quarantine import REFUSED_DAYS, stage_refused_days
from storage.runs import Run, run_of
from storage.schema import quoted
from storage.series import read_series

MOST_MEANWHILE = 60  # ledger lines that may have come in while a run was on


@dataclass(frozen=True)
class LedgerPosition:
    """How far a run had read the ledger: up to and with this batch. `is_exact`: the panel hash of
    the run proves it; else it is all that had been received when the run began (a table of the
    laboratory, whose panel was frozen before).
    """

    batch_id: int
    is_exact: bool


def cell_runs(con: duckdb.DuckDBPyConnection, unique_id: str, ds: date) -> pl.DataFrame:
    """The forecast rows of one series and day with their runs, whole tables first, then by the
    newest origin and start.
    """
    query = """
        select f.*, r.* exclude (run_id), (select max(h) from forecasts g where g.run_id = f.run_id) as horizon
        from forecasts f join runs r using (run_id)
        where f.unique_id = $unique_id and f.ds = $ds
        order by r.status <> 'done', f.origin desc, r.started_at desc, run_id"""
    return con.sql(query, params={"unique_id": unique_id, "ds": ds}).pl()


def newest_tables(con: duckdb.DuckDBPyConnection, count: int = 2) -> list[pl.DataFrame]:
    """unique_id, ds, origin, y_hat, method of the newest whole table, and of the newest from each
    of the origins before.
    """
    runs = (
        "select run_id, origin from (" + NEWEST_OF_ORIGINS + ") order by origin desc limit $count"
    )
    found = con.execute(runs, {"count": count}).fetchall()
    query = "select unique_id, ds, origin, y_hat, method from forecasts where run_id = $run_id order by unique_id, ds"
    return [con.sql(query, params={"run_id": run_id}).pl() for run_id, _ in found]


def inference_runs(con: duckdb.DuckDBPyConnection, since: datetime) -> list[Run]:
    """The runs that forecast and ended at that moment or later, oldest first."""
    query = """
        select * from runs where door = 'inference' and coalesce(ended_at, started_at) >= $since
        order by started_at, run_id"""
    return [run_of(row) for row in con.sql(query, params={"since": since}).pl().to_dicts()]


def read_until(con: duckdb.DuckDBPyConnection, run: Run) -> LedgerPosition | None:
    """Where in the ledger a run stood; None for one that began before anything was received."""
    taken = contents_taken(con, run.ended_at or run.started_at).rows()
    for count in range(
        len(taken), max(len(taken) - MOST_MEANWHILE, 0), -1
    ):  # the hash tells which of the last ones were in
        if ledger_hash(run.as_of, [content for content, _, _ in taken[:count]]) == run.panel_hash:
            return LedgerPosition(taken[count - 1][1], is_exact=True)
    before = [batch_id for _, batch_id, received_at in taken if received_at <= run.started_at]
    return LedgerPosition(before[-1], is_exact=False) if before else None


def panel_as_read(
    con: duckdb.DuckDBPyConnection, batch_id: int, as_of: datetime | None, name: str
) -> Panel:
    """The panel a run read that stood at this batch: what later files brought or restated is not in
    it.
    """
    unknown = REFUSED_DAYS if stage_refused_days(con, as_of, batch_id) else None
    facts = {
        fact: _fact_as_read(con, fact, batch_id, as_of, unknown if fact == "sales" else None)
        for fact in FACTS
    }
    sold = facts["sales"].select("unique_id").unique()
    series = read_series(con).join(sold, on="unique_id", how="semi", maintain_order="left")
    return Panel(**facts, series=series, hash=name)


def batches_of_series(
    con: duckdb.DuckDBPyConnection, unique_id: str, until_batch: int
) -> pl.DataFrame:
    """The files whose rows the series stands on: batch_id, name, sha256, received_at,
    known_at_from, fact, rows, first, last day.
    """
    parts = [
        f"""select batch_id, '{fact}' as fact, count(*) as rows, min({day}) as first_day, max({day}) as last_day
            from {quoted(fact)} where unique_id = $unique_id and batch_id <= $until group by batch_id"""  # noqa: S608
        for fact, day in _DAYS.items()
        if "unique_id" in FACTS[fact].key
    ]
    query = f"""
        select b.batch_id, b.name, b.sha256, b.received_at, b.known_at_from, p.fact, p.rows, p.first_day, p.last_day
        from ({" union all ".join(parts)}) p join batches b using (batch_id) order by b.batch_id, p.fact"""  # noqa: S608
    return con.sql(query, params={"unique_id": unique_id, "until": until_batch}).pl()


def sold_on(con: duckdb.DuckDBPyConnection, unique_id: str, ds: date) -> float | None:
    """What came true, as known now; None while nobody has said."""
    query = "select y from sales where unique_id = $unique_id and ds = $ds"
    row = con.execute(query, {"unique_id": unique_id, "ds": ds}).fetchall()
    return row[0][0] if row else None


def sold_after(con: duckdb.DuckDBPyConnection, day: date) -> pl.DataFrame:
    """unique_id, ds, y of the days after one: what came true of a forecast from it."""
    query = "select unique_id, ds, y from sales where ds > $day order by unique_id, ds"
    return con.sql(query, params={"day": day}).pl()


def versions_of(con: duckdb.DuckDBPyConnection, unique_id: str) -> pl.DataFrame:
    """The days of a series that were restated: ds, y as first said and as said now, when each was
    known.
    """
    query = """
        select s.ds, s.y as said_before, s.known_at, s.superseded_at, n.y as said_now
        from sales_superseded s join sales n using (unique_id, ds) where unique_id = $unique_id order by s.ds, s.known_at"""
    return con.sql(query, params={"unique_id": unique_id}).pl()


def batches_named(
    con: duckdb.DuckDBPyConnection, name: str | None, batch_id: int | None
) -> pl.DataFrame:
    """Ledger lines of a file (its name as received, a glob of it, or the start of its hash), or of
    one batch.
    """
    query = """
        select * from batches
        where batch_id = $batch_id or name = $name or name glob $name or (length($name) >= 8 and starts_with(sha256, $name))
        order by batch_id"""
    return con.sql(query, params={"name": name, "batch_id": batch_id}).pl()


def rows_brought(con: duckdb.DuckDBPyConnection, batch_ids: list[int]) -> pl.DataFrame:
    """fact, unique_id (null for the calendar), rows, first and last day, first known_at: all these
    batches ever stated.
    """
    con.register(
        "batches_asked", pl.DataFrame({"batch_id": batch_ids}, schema={"batch_id": pl.Int64})
    )
    parts = [
        f"""select '{fact}' as fact, {"unique_id" if "unique_id" in FACTS[fact].key else "null::varchar"} as unique_id,
                   {day} as day, known_at from {quoted(fact + kind)} semi join batches_asked using (batch_id)"""  # noqa: S608
        for fact, day in _DAYS.items()
        for kind in ("", "_superseded", "_confirmed")
    ]
    query = f"""
        select fact, unique_id, count(*) as rows, min(day) as first_day, max(day) as last_day, min(known_at) as first_known_at
        from ({" union all ".join(parts)}) group by fact, unique_id order by fact, unique_id"""  # noqa: S608
    brought = con.sql(query).pl()
    con.unregister("batches_asked")
    return brought


def forecast_counts(
    con: duckdb.DuckDBPyConnection, run_ids: list[str], unique_ids: pl.Series
) -> pl.DataFrame:
    """run_id, origin, rows and units of the whole table, and of these series alone (own_series,
    own_rows, own_units).
    """
    con.register("runs_asked", pl.DataFrame({"run_id": run_ids}, schema={"run_id": pl.String}))
    con.register(
        "series_asked", pl.DataFrame({"unique_id": unique_ids}, schema={"unique_id": pl.String})
    )
    counts = con.sql("""
        select f.run_id, f.origin, count(*) as rows, sum(f.y_hat) as units,
               count(distinct f.unique_id) filter (where s.unique_id is not null) as own_series,
               count(s.unique_id) as own_rows, coalesce(sum(f.y_hat) filter (where s.unique_id is not null), 0) as own_units
        from forecasts f semi join runs_asked r on f.run_id = r.run_id left join series_asked s on f.unique_id = s.unique_id
        group by f.run_id, f.origin""").pl()
    con.unregister("runs_asked")
    con.unregister("series_asked")
    return counts


_DAYS = {"sales": "ds", "calendar": "ds", "prices": "from_ds", "covariates": "ds"}


def _fact_as_read(
    con: duckdb.DuckDBPyConnection,
    fact: str,
    batch_id: int,
    as_of: datetime | None,
    unless_told: str | None,
) -> pl.DataFrame:
    """The newest statement of every key among those of the batches up to this one.

    A row stated as it stands now by such a batch is it (what came later said the same); only for
    the other keys all statements are looked through.
    """
    columns = ", ".join(quoted(name) for name in FACTS[fact].schema)
    key = ", ".join(quoted(name) for name in FACTS[fact].key)
    query = f"""
        with told as (
            select {columns} from {quoted(fact)}
            where batch_id <= $until and ($as_of is null or known_at <= $as_of)
        ), untold as (
            select {key} from {quoted(fact)} where not (batch_id <= $until and ($as_of is null or known_at <= $as_of))
        ), stated as (
            select {columns}, batch_id from {quoted(fact + "_superseded")} semi join untold using ({key})
            union all select {columns}, batch_id from {quoted(fact + "_confirmed")} semi join untold using ({key})
        ), newest as (
            select {columns} from stated where batch_id <= $until and ($as_of is null or known_at <= $as_of)
            qualify row_number() over (partition by {key} order by known_at desc, batch_id desc) = 1
        )
        select {columns} from told union all select {columns} from newest"""  # noqa: S608 -- quoted names
    query = with_unless_told(query, unless_told) if unless_told else query
    return read_rows(con, fact, query, {"until": batch_id, "as_of": as_of})
