"""Published forecasts: written whole, replaced whole, read by run or by origin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date

import polars as pl

from contract.errors import SourceMissing
from contract.frames import (
    DEMAND_SPANS,
    FORECAST_LEVELS,
    FORECASTS,
    OVERRIDDEN,
    FrameContract,
)
from contract.quantiles import QUANTILES
from storage.connection import Connection, frame_of, insert, registered
from storage.journal import Entry, Kind, recorded
from storage.newest import NEWEST_OF_ORIGINS, NEWEST_RUN
from storage.overrides import write_overridden
from storage.runs import Run, read_run, run_of, write_run
from storage.schema import quoted
from storage.thinned import forget_thinned, refuse_any, refuse_thinned, thinned_tables

PUBLISHED = (FORECASTS, FORECAST_LEVELS, DEMAND_SPANS)  # the tables of one run


def publish(
    con: Connection,
    run: Run,
    frames: dict[str, pl.DataFrame],
    scans: dict[str, pl.LazyFrame] | None = None,
) -> None:
    """The run and its tables (PUBLISHED) in one transaction, in place of what it published before;
    with them the rows that overrides change (OVERRIDDEN).

    A table that is left out is empty. `scans`: those that may be larger than memory.
    """
    entry = Entry(Kind.FORECASTS, {"run": asdict(run)}, frames, scans=scans or {})
    with recorded(con, entry):
        redo_forecasts(con, entry)


def redo_forecasts(con: Connection, entry: Entry) -> None:
    """Write the run of an entry and what it forecast. Call it inside a transaction."""
    run = run_of(entry.fields["run"])
    write_run(con, run)
    forget_thinned(con, run.run_id)
    for contract in (FORECASTS, FORECAST_LEVELS):
        _replace(con, contract, entry.batches(contract.name), run.run_id)
    # entries of older code have no spans
    _replace_spans(con, entry.batches(DEMAND_SPANS.name), run.run_id)
    write_overridden(con, entry.frames.get(OVERRIDDEN.name, OVERRIDDEN.empty()))


def latest_forecasts(con: Connection, origin: date | None = None) -> pl.DataFrame:
    """FORECASTS of the newest run that published a whole table, for one origin or for the newest.

    Sorted by series and day. ThinnedByAge where the origin's table is not whole any more.
    """
    return _of_latest_run(con, FORECASTS, origin)


def latest_forecast_levels(con: Connection, origin: date | None = None) -> pl.DataFrame:
    """FORECAST_LEVELS of the newest run that published a whole table, for an origin or the newest.

    Sorted by key.
    """
    return _of_latest_run(con, FORECAST_LEVELS, origin)


def latest_spans(con: Connection) -> pl.DataFrame:
    """DEMAND_SPANS of the newest whole table, sorted by key."""
    return _of_latest_run(con, DEMAND_SPANS, None)


def newest_runs(con: Connection) -> dict[date, str]:
    """By origin the run of its newest whole table, oldest first: one query for several tables."""
    query = "select origin, run_id from (" + NEWEST_OF_ORIGINS + ") order by origin"  # noqa: S608 -- ours
    return dict(con.execute(query).fetchall())


def judged_columns(quantiles: Iterable[str]) -> list[str]:
    """The columns of FORECASTS that judge a table, with these quantiles alone."""
    left_out = {"method", "created_at"} | (set(QUANTILES) - set(quantiles))
    return [name for name in FORECASTS.schema if name not in left_out]


def judged_rows(
    con: Connection,
    run_ids: list[str],
    quantiles: Iterable[str],
    most_h: int,
    until: date,
) -> pl.DataFrame:
    """What judges these runs' tables: FORECASTS up to `most_h` days ahead and up to a day, in no
    order, with these quantiles alone, so that several tables fit beside a long history.
    """
    columns = ", ".join(quoted(name) for name in judged_columns(quantiles))
    condition = "list_contains($run_ids, run_id) and h <= $most_h and ds <= $until"
    query = f"select {columns} from forecasts where {condition}"  # noqa: S608 -- quoted
    return frame_of(con, query, run_ids=run_ids, most_h=most_h, until=until)


def judged_levels(
    con: Connection, run_ids: list[str], levels: list[str], until: date
) -> pl.DataFrame:
    """FORECAST_LEVELS of these runs and levels up to a day, sorted by key."""
    condition = "list_contains($run_ids, run_id) and list_contains($levels, level) and ds <= $until"
    query = _select(FORECAST_LEVELS, condition)
    return frame_of(con, query, run_ids=run_ids, levels=levels, until=until)


def needed_run(con: Connection, purpose: str) -> tuple[Run, date]:
    """The run of the newest whole table and its origin; SourceMissing before the first."""
    newest = newest_run(con)
    if newest is None:
        raise SourceMissing(f"there is no forecast to {purpose}. Run `python inference.py` first.")
    return newest


def newest_run(con: Connection) -> tuple[Run, date] | None:
    """The run of the newest whole table and its origin; None before the first."""
    tables = "select * from (" + NEWEST_OF_ORIGINS + ") order by origin desc limit 1"  # noqa: S608 -- ours
    for origin, run_id in con.execute(tables).fetchall():
        return read_run(con, run_id), origin
    return None


def newest_table_end(con: Connection) -> date | None:
    """The last day of the newest whole table; None before the first."""
    query = "select max(ds) from forecasts where run_id = " + NEWEST_RUN  # noqa: S608 -- ours
    day: date | None = con.execute(query).fetchall()[0][0]
    return day


def shadows_of(con: Connection, model_id: str) -> pl.DataFrame:
    """FORECASTS of every shadow run of a model; of an origin done twice, the newest run's."""
    condition = """run_id in (
        select arg_max(run_id, (started_at, run_id))
        from (select distinct run_id, origin from forecasts) join runs using (run_id)
        where status = 'shadow' and model_id = $model_id group by origin)"""
    return frame_of(con, _select(FORECASTS, condition), model_id=model_id)


def forecasts_of(con: Connection, run_id: str) -> pl.DataFrame:
    """FORECASTS of one run, sorted by series and day; ThinnedByAge where they are not whole."""
    refuse_thinned(con, run_id)
    return frame_of(con, _select(FORECASTS, "run_id = $run_id"), run_id=run_id)


def _replace(
    con: Connection, contract: FrameContract, batches: Iterable[pl.DataFrame], run_id: str
) -> None:
    table = quoted(contract.name)
    con.execute(f"delete from {table} where run_id = $run_id", {"run_id": run_id}).fetchall()  # noqa: S608 -- quoted
    for frame in batches:
        insert(con, contract.name, contract.conform(frame.with_columns(run_id=pl.lit(run_id))))


def _replace_spans(con: Connection, batches: Iterable[pl.DataFrame], run_id: str) -> None:
    """The spans of a run, but those that its orders alone were read from: they stand as long as the
    orders do, which publish them anew.
    """
    key = ", ".join(quoted(name) for name in DEMAND_SPANS.key)
    gone = """
        delete from demand_spans s where run_id = $run_id and (
            level <> 'series'
            or key not in (select unique_id from orders where run_id = $run_id)
        )"""
    con.execute(gone, {"run_id": run_id}).fetchall()
    again = f"""
        delete from demand_spans s
        where run_id = $run_id and ({key}) in (select ({key}) from incoming)"""  # noqa: S608 -- quoted
    stand = "select 1 from demand_spans where run_id = $run_id limit 1"
    some_stand = bool(con.execute(stand, {"run_id": run_id}).fetchall())
    for frame in batches:
        rows = DEMAND_SPANS.conform(frame.with_columns(run_id=pl.lit(run_id)))
        if some_stand:
            with registered(con, incoming=rows):
                con.execute(again, {"run_id": run_id}).fetchall()
        insert(con, DEMAND_SPANS.name, rows)


def _of_latest_run(con: Connection, contract: FrameContract, origin: date | None) -> pl.DataFrame:
    if origin is not None:
        _refuse_thinned_origin(con, origin)
    condition = """run_id = (
        select run_id from newest where $origin is null or origin = $origin
        order by origin desc limit 1)"""
    return frame_of(con, _select(contract, condition), origin=origin)


def _refuse_thinned_origin(con: Connection, origin: date) -> None:
    """A table made anew for an old origin is whole, though one before it was thinned."""
    thinned = thinned_tables(con).filter(day=origin, status="done")
    newest = newest_runs(con).get(origin)
    if newest is None or newest in thinned["run_id"]:
        refuse_any(thinned)


def _select(contract: FrameContract, condition: str) -> str:
    columns = ", ".join(quoted(name) for name in contract.schema)
    key = ", ".join(quoted(name) for name in contract.key)
    return f"""
        with newest as ({NEWEST_OF_ORIGINS})
        select {columns} from {quoted(contract.name)} where {condition} order by {key}"""  # noqa: S608 -- quoted
