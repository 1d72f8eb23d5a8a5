"""The panel as the store knows it, now or at any earlier moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from contract.feeds import FEED_COLUMN
from contract.frames import BEFORE, FACTS, PLANS, earlier_of
from contract.hashes import text_hash
from contract.panel import UNPLACED, Panel
from storage.batches import contents_taken
from storage.connection import Connection, frame_of
from storage.facts import fact_query, read_fact, read_superseded, superseded_query
from storage.part_files import Laid
from storage.quarantine import REFUSED_DAYS, stage_refused_days
from storage.schema import quoted, quoted_text
from storage.series import (
    hierarchy_columns,
    known_series_table,
    read_names,
    read_series,
    series_at,
)

_BEFORE = """
    select unique_id, min(ds) filter (counts) as first_sale, max(ds) filter (counts) as last_sale,
           max(y) as most_sold
    from (select *, coalesce(stockout_share, 0) <= $most_sold_out as counts
          from sales where ds < $since and y > 0)
    group by unique_id"""


def read_panel(con: Connection, as_of: datetime | None = None) -> Panel:
    """Everything known now, with earlier versions, for `Panel.as_known_at`; or what was known at
    `as_of` and nothing else. No batch_id, no clock: the same statements give the same panel.

    Its hash names the ledger it was read from: the contents taken in so far, and the moment.
    """
    name = ledger_hash(as_of, contents_taken(con)["content"])
    refused = REFUSED_DAYS if stage_refused_days(con, as_of) else None
    facts: dict[str, Any] = {
        fact: read_fact(con, fact, as_of, filled_from=refused if fact == "sales" else None)
        for fact in FACTS
    }
    names = read_names(con)
    if as_of is None:
        series = read_series(con)
        superseded = {fact: _of_known(read_superseded(con, fact), series) for fact in FACTS}
        panel = Panel(**facts, series=series, superseded=superseded, hash=name, names=names)
        return panel.with_shut_days()
    series = series_at(con, facts["sales"]["unique_id"].unique(), as_of)
    return Panel(**facts, series=series, superseded={}, hash=name, names=names).with_shut_days()


def _of_known(superseded: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Without the earlier versions of series that were withdrawn as a whole."""
    if "unique_id" not in superseded.columns or superseded.is_empty():
        return superseded
    return superseded.join(series, on="unique_id", how="semi", maintain_order="left")


def read_tail(con: Connection, since: date, most_sold_out: float) -> Panel:
    """What `read_panel(con).since(since, most_sold_out)` gives, without reading the rest.

    Earlier versions are left out.
    """
    name, refused = _read_from(con)
    facts: dict[str, Any] = {
        fact: read_fact(con, fact, None, *_bounds(fact, since, refused)) for fact in FACTS
    }
    moment = {"since": since, "most_sold_out": most_sold_out}
    before = BEFORE.conform(frame_of(con, f"{_BEFORE} order by unique_id", **moment))
    panel = Panel(**facts, series=read_series(con), superseded={}, hash=name, before=before)
    return panel.with_shut_days()


def read_parts(
    con: Connection, parts: pl.DataFrame, since: date | None, most_sold_out: float, scratch: Path
) -> Iterator[Panel]:
    """As `read_tail`, of the series of each part in turn (unique_id, part: 0, 1, ...); shut days
    are not stated yet. `since` None: all days.

    The store is read once: rows are laid into files of their part in `scratch`, which goes.
    """
    name, refused = _read_from(con)
    laid = Laid(scratch, parts)
    shared = _lay_facts(con, laid, since, refused)
    moment = {"since": since or date.min, "most_sold_out": most_sold_out}
    laid.lay_query(con, BEFORE, _BEFORE, moment)
    return laid.panels(shared, read_series(con), name)


def read_ranges(con: Connection, ranges: pl.DataFrame, scratch: Path) -> Iterator[Panel]:
    """As `read_panel(con)`, of the series of each range in turn (unique_id, part: 0, 1, ...); shut
    days are not stated yet. Rows are laid into `scratch` as by `read_parts`.

    Ranges are in alphabetical order; each has the rows of no known series that stand in it, too.
    """
    name, refused = _read_from(con)
    laid = Laid(scratch, _with_unknown(con, ranges))
    shared, earlier = _lay_facts(con, laid, None, refused), dict[str, pl.DataFrame]()
    for fact, contract in FACTS.items():
        if fact in shared:
            earlier[fact] = read_superseded(con, fact)
        else:
            laid.lay_query(con, earlier_of(contract), superseded_query(fact), {}, of=fact)
    names = read_names(con)
    panels = laid.panels(shared, read_series(con), name)
    # map holds none of them while the next one is read
    return map(partial(_with_earlier, earlier, names), panels)


def _lay_facts(
    con: Connection, laid: Laid, since: date | None, refused: str | None
) -> dict[str, pl.DataFrame]:
    """The facts of no series; those of series are laid."""
    shared = {}
    for fact, contract in FACTS.items():
        bounds = _bounds(fact, since, refused)
        if "unique_id" in contract.key:
            laid.lay_query(con, contract, *fact_query(fact, None, *bounds))
        else:
            shared[fact] = read_fact(con, fact, None, *bounds)
    return shared


def _with_unknown(con: Connection, ranges: pl.DataFrame) -> pl.DataFrame:
    """The ranges, and the names of no known series that rows may have: withdrawn, or never sold
    while plans speak of them. Each in the range of the known one before it.
    """
    tables = ("series_attributes", *PLANS)
    named = " union ".join(f"select unique_id from {quoted(table)}" for table in tables)  # noqa: S608 -- quoted
    unknown = frame_of(con, named).join(ranges, on="unique_id", how="anti")
    after = ranges["unique_id"].search_sorted(unknown["unique_id"], side="right")
    at = (after.cast(pl.Int64) - 1).clip(lower_bound=0)
    return pl.concat([ranges, unknown.with_columns(part=ranges["part"].gather(at))])


def _with_earlier(earlier: Mapping[str, pl.DataFrame], names: pl.DataFrame, panel: Panel) -> Panel:
    of_series = {fact: _of_known(rows, panel.series) for fact, rows in panel.superseded.items()}
    return replace(panel, superseded={**of_series, **earlier}, names=names)


def _read_from(con: Connection) -> tuple[str, str | None]:
    """The name of what is known now, and the table of days whose rows were refused, where there are
    any.
    """
    name = ledger_hash(None, contents_taken(con)["content"])
    return name, REFUSED_DAYS if stage_refused_days(con) else None


def _bounds(fact: str, since: date | None, refused: str | None) -> tuple[date | None, str | None]:
    """From which day on a fact is read, and what fills its gaps."""
    return None if fact == "calendar" else since, refused if fact == "sales" else None


def stores_since(con: Connection, since: date | None) -> tuple[pl.DataFrame, dict[str, int]]:
    """SERIES, and how many rows each of their stores has from a day on; of no store where they name
    none.
    """
    series = read_series(con)
    if FEED_COLUMN not in series.columns:
        return series, {}
    query = f"""
        select {quoted(FEED_COLUMN)}, count(*) from sales
        join {known_series_table(con)} using (unique_id)
        where $since is null or ds >= $since group by all"""  # noqa: S608 -- quoted
    return series, dict(con.execute(query, {"since": since}).fetchall())


def last_days_of_feeds(con: Connection) -> pl.DataFrame:
    """feed, last_day: the newest day with a sales row of each store, or of `all` where series name
    none. As monitoring.freshness.last_days, of all of history.
    """
    named = FEED_COLUMN in hierarchy_columns(con)
    feed = f"coalesce({quoted(FEED_COLUMN)}, {quoted_text(UNPLACED)})" if named else "'all'"
    query = f"""
        select {feed} as feed, max(ds) as last_day from sales
        join {known_series_table(con)} using (unique_id) group by all order by feed"""  # noqa: S608 -- quoted
    return frame_of(con, query)


def last_sales_day(con: Connection) -> date | None:
    """The newest day with a sales row; None for a store without one."""
    day: date | None = con.execute("select max(ds) from sales").fetchall()[0][0]
    return day


def first_sales_day(con: Connection) -> date | None:
    """The oldest day with a sales row; None for a store without one."""
    day: date | None = con.execute("select min(ds) from sales").fetchall()[0][0]
    return day


def counts_since(con: Connection, since: date | None = None) -> dict[str, int]:
    """What a panel from that day on holds: series, days, sales, plans (prices and covariates)."""
    query = f"""
        select (select count(*) from {known_series_table(con)}) as series,
               coalesce((select max(ds) - greatest(min(ds), $since) + 1 from sales), 0) as days,
               (select count(*) from sales where $since is null or ds >= $since) as sales,
               (select count(*) from prices where $since is null or to_ds >= $since)
               + (select count(*) from covariates where $since is null or ds >= $since) as plans"""  # noqa: S608 -- fixed text
    return frame_of(con, query, since=since).row(0, named=True)


def ledger_hash(as_of: datetime | None, contents: Iterable[str]) -> str:
    """The name of the panel read when these contents had been taken in, in whatever order."""
    return text_hash("ledger", as_of, *sorted(set(contents)))
