"""A PostgreSQL in and out at M5's size, beside plain COPY of the same rows.

In: a table of M5's 30,490 series (or fewer) and 1,941 days (item, store, day, units, price and a
moment of change) to one Parquet file, and a morning's increment of it. Out: a table of 28 days with
its quantiles and a line per series of orders. COPY is psycopg's, to a file and from one. Each in
processes of its own; the server is ours, on this machine, with fsync off.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from benchmarks.harness.postgres import Postgres, binaries, served
from benchmarks.harness.process import measured, timed
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.errors import BadUsage
from contract.frames import FORECASTS, ORDERS
from contract.params import TableParams
from remote.database import connected
from remote.increments import Wanted, write_increment
from remote.published import Delivery, publish

URL = "TILLCAST_BENCHMARK_URL"
SERIES, DAYS, HORIZON = 30_490, 1_941, 28  # M5
FIRST = date(2011, 1, 29)
BATCH = 100_000
COLUMNS = frozenset({"item", "store", "day", "units", "price"})
LONG = ("read", "copy_out", "deliver", "copy_in")  # measured once, their first run
WORK = {
    "read": "first load, rows to Parquet",
    "copy_out": "first load, COPY to CSV",
    "morning": "a morning's increment",
    "deliver": "a delivery",
    "copy_in": "the same rows, COPY from CSV",
}


def measure(context: Context) -> Result:
    """Every piece of work on one server."""
    programs = binaries()
    if programs is None:
        raise BadUsage("no PostgreSQL or no psycopg here; `make extras` brings both.")
    series = int(context.options.series)
    result: Result = {"series": series, "days": DAYS}
    with served(programs) as server, tempfile.TemporaryDirectory(prefix="database-") as scratch:
        os.environ[URL] = server.url()
        _fill(server, series)
        for name in WORK:
            runs = 0 if name in LONG else 2
            took = measured(prepared, runs, name, series, scratch)
            result[name] = asdict(took)
            context.keep(result)
    return result


def prepared(name: str, series: int, scratch: str) -> Callable[[], Result]:
    """In the measured process: one piece of work."""
    target, table = Path(scratch) / "rows.parquet", TableParams(table="sales", watermark="changed")
    last = FIRST + timedelta(days=DAYS - 1)
    frames = _table(SERIES) if name in ("deliver", "copy_in") else {}

    def read(since: datetime | None = None) -> Result:
        with connected(URL, is_reading=True) as con:
            wanted = Wanted(COLUMNS, "day")
            written = write_increment(con, table, wanted, since, target, BATCH)
        return {"rows": written.rows, "mb": round(target.stat().st_size / 1e6)}

    def deliver() -> Result:
        now = datetime.now(UTC).replace(tzinfo=None)
        with connected(URL, is_reading=False) as con:
            publish(con, Delivery("run", str(now), now, frames), None, 30)
        return {"rows": sum(frame.height for frame in frames.values())}

    works: dict[str, Callable[[], Result]] = {
        "read": read,
        "morning": lambda: read(_changed(last)),
        "copy_out": lambda: _copy_out(target),
        "deliver": deliver,
        "copy_in": lambda: _copy_in(frames, Path(scratch) / "rows.csv"),
    }

    def work() -> Result:
        result, seconds = timed(works[name])
        return result | {"seconds": seconds}

    return work


def table(result: Result) -> str:
    """One row a piece of work: rows a second and peak memory."""
    rows = []
    for name, words in WORK.items():
        if (took := result.get(name)) is not None:
            count = took["result"]["rows"]
            seconds = took["median_s"] or took["result"]["seconds"]
            speed = f"{count / seconds:,.0f}"
            rows.append([words, f"{count:,}", f"{seconds:.1f}", speed, f"{took['rss_mb']:,.0f}"])
    return markdown_table(["PostgreSQL", "rows", "seconds", "rows a second", "peak MB"], rows)


def _changed(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC).replace(hour=6)


def _fill(server: Postgres, series: int) -> None:
    """The table, made by the server itself."""
    server.run(
        # of numbers and days of this module
        "create table sales (item text, store text, day date, units int, price numeric(8, 2), "
        "changed timestamptz)",
        "insert into sales select 'ITEM_' || lpad((k / 10)::text, 5, '0'), 'STORE_' || k % 10, "
        f"date '{FIRST}' + d, (k * 7 + d * 3) % 11, 1 + (k % 400) / 100.0, "
        f"(date '{FIRST}' + d + 1 + time '06:00') at time zone 'UTC' "
        f"from generate_series(0, {DAYS - 1}) d, generate_series(0, {series - 1}) k",
        "create index on sales (changed)",
        "create index on sales (day)",
        "vacuum analyze sales",
    )


def _table(series: int) -> dict[str, pl.DataFrame]:
    origin = FIRST + timedelta(days=DAYS - 1)
    ids = pl.DataFrame({"unique_id": [f"ITEM_{k // 10:05}_STORE_{k % 10}" for k in range(series)]})
    days = pl.DataFrame({"h": range(1, HORIZON + 1)}, schema={"h": pl.Int32})
    made = {name: pl.col("h") / 7 + 1 for name in FORECASTS.columns if name.startswith(("q", "y"))}
    forecasts = ids.join(days, how="cross").with_columns(
        **made, run_id=pl.lit("run"), origin=pl.lit(origin), method=pl.lit("global_lightgbm"),
        ds=pl.lit(origin) + pl.duration(days="h"), created_at=pl.lit(datetime(2016, 5, 23)),
    )  # fmt: skip
    numbers = {name: pl.lit(1.0) for name, kind in ORDERS.columns.items() if kind == pl.Float64}
    dates = {name: pl.lit(origin) for name, kind in ORDERS.columns.items() if kind == pl.Date}
    others = {
        name: pl.lit(None, kind)
        for name, kind in ORDERS.columns.items()
        if name not in (*numbers, *dates, "unique_id")
    }
    orders = ids.with_columns(**numbers, **dates, **others).with_columns(run_id=pl.lit("run"))
    return {"forecasts": FORECASTS.conform(forecasts), "orders": ORDERS.conform(orders)}


def _copy_out(target: Path) -> Result:
    import psycopg

    statement = "copy (select item, store, day, units, price from sales) to stdout with csv header"
    path = target.with_suffix(".csv")
    with psycopg.connect(os.environ[URL]) as con, con.cursor() as cursor:
        with cursor.copy(statement) as copy, path.open("wb") as file:
            for chunk in copy:
                file.write(chunk)
        return {"rows": cursor.rowcount, "mb": round(path.stat().st_size / 1e6)}


def _copy_in(frames: dict[str, pl.DataFrame], path: Path) -> Result:
    import psycopg

    with psycopg.connect(os.environ[URL]) as con:
        for name, frame in frames.items():
            frame.write_csv(path)
            con.execute(
                f"create temp table {name} on commit drop as "
                f"select * from tillcast_{name} where false"
            )
            columns = ", ".join(frame.columns)
            statement = f"copy {name} ({columns}) from stdin with csv header"
            with con.cursor().copy(statement) as copy, path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    copy.write(chunk)
    return {"rows": sum(frame.height for frame in frames.values())}


BENCHMARK = Benchmark(
    question="How fast are sales read from PostgreSQL and tables delivered to it, beside COPY?",
    needs="PostgreSQL and psycopg (`make extras`); a quarter of an hour and 20 GB of disk",
    measure=measure,
    options=(Option("series", "of 1,941 days each", str(SERIES)),),
    table=table,
)
