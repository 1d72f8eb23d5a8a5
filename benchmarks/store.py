"""The store: a history in, a daily batch in, readings as of a moment against current ones, growth over a year of days.

run     python -m benchmarks.store history|daily|readings|growth

A made-up retailer of 30,490 series (1,000 for growth). `history`: 447 days, 13.6M rows. `readings`: 112 days, of which every
row of the last 56 was restated three times, and the same store without restatements beside it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.measured import ROOT, run_here
from benchmarks.retailer import DAYS, FIRST, assortment, morning_after, received, sales
from contract.params import Params
from contract.params_file import load_params
from expectations.judge import judge
from expectations.suite import Context
from expectations.suites import SUITES
from expectations.usual import levels_compared
from runtime.paths import Paths
from sources.reading import read_file
from stages.take import take
from storage.batches import Batch, Delivery, write_delivery
from storage.facts import read_fact
from storage.store import open_store

LEVELS = ["state_id", "store_id", "cat_id", "dept_id", "item_id"]
KNOWN_DAYS, GROWTH_SERIES, RESTATED_SHARE = 63, 1_000, 0.01


def write(store: Path, rows: pl.DataFrame, series: pl.DataFrame | None, name: str) -> None:
    """Rows into a store as one accepted delivery."""
    batch = received(rows, series)
    with open_store(store) as con:
        delivery = Delivery("bench", name, name, morning_after(rows["ds"].max()))
        accepted = Batch("sales", rows.height, batch.rows, batch.refused, "file", series)
        write_delivery(con, delivery, [accepted], {})


def history(params: Params) -> Callable[[], dict[str, Any]]:
    """13.6M rows judged (Polars, as any batch of that size) and written into a new store."""
    series = assortment()
    rows = sales(series, FIRST, DAYS)
    batch = received(rows, series, is_history=True)
    levels = levels_compared(params.source.levels, series, params.ingest.whole_days)
    context = Context(params.ingest, FIRST + timedelta(days=DAYS), series=series, levels=levels)

    def work() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            judge(batch, SUITES["sales"], context)
            judged = time.perf_counter()
            write(Path(folder) / "s.duckdb", rows, series, "history")
            written = time.perf_counter()
            size_mb = (Path(folder) / "s.duckdb").stat().st_size / 2**20
        told = {"rows": rows.height, "judge_s": judged - started, "write_s": written - judged, "file_mb": size_mb}
        return {**told, "rows_per_s": rows.height / (written - judged)}

    return work


def daily(params: Params) -> Callable[[], dict[str, Any]]:
    """A CSV of 30,490 rows from the inbox to the archive, a new day each run; its parts timed beside."""
    series, places = assortment(), Paths(Path(tempfile.mkdtemp()) / "data")
    places.inbox.mkdir(parents=True)
    write(places.store, sales(series, FIRST, KNOWN_DAYS), series, "history")
    with open_store(places.store) as con:
        con.execute("delete from meta where key = 'source'").fetchall()
    source = params.source.model_copy(update={"kind": "simulator", "path": None})
    params = params.model_copy(update={"source": source})
    days = iter(FIRST + timedelta(days=k) for k in range(KNOWN_DAYS, KNOWN_DAYS + 50))

    def work() -> dict[str, Any]:
        day = next(days)
        path = places.inbox / f"sales_{day}.csv"
        sales(series, day, 1).select("unique_id", "ds", "y").join(series, on="unique_id").write_csv(path)
        parts, started = _parts(path, params, places, day), time.perf_counter()
        taken = take(path, params, places, morning_after(day))
        assert (taken.status, taken.rows_in, taken.notes) == ("accepted", series.height, []), taken
        return {"take_s": time.perf_counter() - started, **parts}

    return work


def _parts(path: Path, params: Params, places: Paths, day: date) -> dict[str, float]:
    """Seconds of reading the file, of asking the store for the past, of judging both ways. Nothing is written."""
    from stages.take import _context

    times = [time.perf_counter()]
    fact = read_file(path, params.source)[0]
    times.append(time.perf_counter())
    with open_store(places.store) as con:
        context = _context(con, fact, params, day + timedelta(days=1))
    times.append(time.perf_counter())
    judge(fact, SUITES["sales"], context, by_great_expectations=True)
    times.append(time.perf_counter())
    judge(fact, SUITES["sales"], context, by_great_expectations=False)
    times.append(time.perf_counter())
    names = ("read_s", "past_s", "judge_great_s", "judge_polars_s")
    return {name: after - before for name, before, after in zip(names, times, times[1:], strict=False)}


def readings(_params: Params) -> Callable[[], dict[str, Any]]:
    """Current and as-of reads of 3.4M rows, in a store with and in one without restatements."""
    series, folder = assortment(), Path(tempfile.mkdtemp())
    rows = sales(series, FIRST, 112)
    plain, restated = folder / "plain" / "store.duckdb", folder / "restated" / "store.duckdb"
    for store in (plain, restated):
        write(store, rows, series, "history")
    last = rows["known_at"].max()
    newer = rows.filter(pl.col("ds") >= FIRST + timedelta(days=56))
    for again in (1, 2, 3):
        said = newer.with_columns(y=pl.col("y") + again, known_at=pl.lit(last + timedelta(days=again)))
        write(restated, said, None, f"again {again}")
    moments = {"now": last + timedelta(days=9), "before_restatements": last, "in_between": last + timedelta(days=1.5)}

    def work() -> dict[str, Any]:
        told = {
            "rows": rows.height,
            "plain_mb": plain.stat().st_size / 2**20,
            "restated_mb": restated.stat().st_size / 2**20,
        }
        for name, store in (("plain", plain), ("restated", restated)):
            with open_store(store) as con:
                told[f"{name}_current_s"] = _median_s(partial(read_fact, con, "sales"))
                for moment, at in moments.items():
                    told[f"{name}_as_of_{moment}_s"] = _median_s(partial(read_fact, con, "sales", at))
        return told

    return work


def _median_s(read: Callable[[], pl.DataFrame]) -> float:
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        read()
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)[3]


def growth(_params: Params) -> Callable[[], dict[str, Any]]:
    """365 daily batches of 1,000 series, each with 1% of the day before restated; against the same rows in one load."""
    series = assortment(GROWTH_SERIES)

    def work() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            store, sizes, days = Path(folder) / "daily" / "store.duckdb", {}, []
            started = time.perf_counter()
            for k in range(365):
                day = FIRST + timedelta(days=k)
                days.append(sales(series, day, 1))
                again = [days[-2].sample(fraction=RESTATED_SHARE, seed=k).with_columns(pl.col("y") + 1)] if k else []
                told = [frame.with_columns(known_at=pl.lit(morning_after(day))) for frame in (days[-1], *again)]
                write(store, pl.concat(told), series if k == 0 else None, str(day))
                if k + 1 in (30, 180, 365):
                    sizes[f"after_{k + 1}_mb"] = store.stat().st_size / 2**20
            seconds = time.perf_counter() - started
            write(Path(folder) / "once" / "store.duckdb", pl.concat(days), series, "once")
            once_mb = (Path(folder) / "once" / "store.duckdb").stat().st_size / 2**20
        return {**sizes, "one_load_mb": once_mb, "seconds_per_batch": seconds / 365}

    return work


BENCHES = {"history": (history, 2), "daily": (daily, 5), "readings": (readings, 1), "growth": (growth, 1)}

if __name__ == "__main__":
    made, runs = BENCHES[sys.argv[1]]
    run_here(made(load_params(ROOT / "params.yaml")), runs)
