"""The store: a history in, a daily batch in, reads as of a moment against current ones, growth over
a year of days.

A made-up retailer of 30,490 series (1,000 for growth). `history`: 447 days, 13.6M rows. `readings`:
112 days, of which every row of the last 56 was restated three times, and the same store without
restatements.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.process import measured, seconds_of, timed
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result
from benchmarks.harness.retailer import DAYS, FIRST, assortment, morning_after, received, sales
from benchmarks.render.markdown import markdown_table
from contract.params import Params
from expectations.judge import judge
from expectations.suite import Context as SuiteContext
from expectations.suites import SUITES
from expectations.usual import levels_compared
from runtime.paths import Paths
from sources.reading import read_file
from stages.judged_facts import context_of
from stages.take import take
from storage.batches import Batch, Delivery, write_delivery
from storage.facts import read_fact
from storage.store import open_store

KNOWN_DAYS, GROWTH_SERIES, RESTATED_SHARE = 63, 1_000, 0.01


def write(store: Path, rows: pl.DataFrame, series: pl.DataFrame | None, name: str) -> None:
    """Rows into a store as one accepted delivery."""
    batch = received(rows, series)
    with open_store(store) as con:
        delivery = Delivery("bench", name, name, morning_after(rows["ds"].max()))
        accepted = Batch("sales", rows.height, batch.rows, batch.refused, "file", series)
        write_delivery(con, delivery, [accepted], {})


def history(params: Params) -> Callable[[], Result]:
    """13.6M rows judged (Polars, as any batch of that size) and written into a new store."""
    series = assortment()
    rows = sales(series, FIRST, DAYS)
    batch = received(rows, series, is_history=True)
    levels = levels_compared(params.source.levels, series, params.ingest.whole_days)
    context = SuiteContext(
        params.ingest, FIRST + timedelta(days=DAYS), series=series, levels=levels
    )

    def work() -> Result:
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "s.duckdb"
            judge_s = seconds_of(lambda: judge(batch, SUITES["sales"], context))
            write_s = seconds_of(lambda: write(store, rows, series, "history"))
            sizes = {
                "rows": rows.height,
                "file_mb": _mb(store),
                "rows_per_s": rows.height / write_s,
            }
        return {**sizes, "judge_s": judge_s, "write_s": write_s}

    return work


def daily(params: Params) -> Callable[[], Result]:
    """A CSV of 30,490 rows from the inbox to the archive, a new day each run; its parts timed
    beside.
    """
    series, paths = assortment(), Paths(Path(tempfile.mkdtemp()) / "data")
    paths.inbox.mkdir(parents=True)
    write(paths.store, sales(series, FIRST, KNOWN_DAYS), series, "history")
    with open_store(paths.store) as con:
        con.execute("delete from meta where key = 'source'").fetchall()
    source = params.source.model_copy(update={"kind": "simulator", "path": None})
    params = params.model_copy(update={"source": source})
    days = iter(FIRST + timedelta(days=k) for k in range(KNOWN_DAYS, KNOWN_DAYS + 50))

    def work() -> Result:
        day = next(days)
        path = paths.inbox / f"sales_{day}.csv"
        sales(series, day, 1).select("unique_id", "ds", "y").join(series, on="unique_id").write_csv(
            path
        )
        parts = _parts(path, params, paths, day)
        taken, seconds = timed(lambda: take(path, params, paths, morning_after(day)))
        assert (taken.status, taken.rows_in, taken.notes) == ("accepted", series.height, []), taken
        return {"take_s": seconds, **parts}

    return work


def _parts(path: Path, params: Params, paths: Paths, day: date) -> dict[str, float]:
    """Seconds of reading the file and the past, of judging both ways. Nothing is written."""
    (fact, *_), read_s = timed(lambda: read_file(path, params.source))
    with open_store(paths.store) as con:
        context, past_s = timed(lambda: context_of(con, fact, params, day + timedelta(days=1)))
    judged = partial(judge, fact, SUITES["sales"], context)
    great_s, polars_s = (
        seconds_of(partial(judged, by_great_expectations=one)) for one in (True, False)
    )
    return {
        "read_s": read_s,
        "past_s": past_s,
        "judge_great_s": great_s,
        "judge_polars_s": polars_s,
    }


def readings(_params: Params) -> Callable[[], Result]:
    """Current and as-of reads of 3.4M rows, in a store with and in one without restatements."""
    series, folder = assortment(), Path(tempfile.mkdtemp())
    rows = sales(series, FIRST, 112)
    stores = {name: folder / name / "store.duckdb" for name in ("plain", "restated")}
    for store in stores.values():
        write(store, rows, series, "history")
    last = rows["known_at"].max()
    newer = rows.filter(pl.col("ds") >= FIRST + timedelta(days=56))
    for again in (1, 2, 3):
        changed = newer.with_columns(
            y=pl.col("y") + again, known_at=pl.lit(last + timedelta(days=again))
        )
        write(stores["restated"], changed, None, f"again {again}")
    moments = {
        "now": last + timedelta(days=9),
        "before_restatements": last,
        "in_between": last + timedelta(days=1.5),
    }

    def work() -> Result:
        took: Result = {"rows": rows.height}
        for name, store in stores.items():
            took[f"{name}_mb"] = _mb(store)
            with open_store(store) as con:
                took[f"{name}_current_s"] = _median_s(partial(read_fact, con, "sales"))
                for moment, at in moments.items():
                    took[f"{name}_as_of_{moment}_s"] = _median_s(
                        partial(read_fact, con, "sales", at)
                    )
        return took

    return work


def growth(_params: Params) -> Callable[[], Result]:
    """365 daily batches of 1,000 series, each with 1% of the day before restated; against the same
    rows in one load.
    """

    def work() -> Result:
        with tempfile.TemporaryDirectory() as folder:
            daily_store, once = (Path(folder) / name / "store.duckdb" for name in ("daily", "once"))
            (sizes, days), seconds = timed(lambda: _year(daily_store))
            write(once, pl.concat(days), assortment(GROWTH_SERIES), "once")
            return {**sizes, "one_load_mb": _mb(once), "seconds_per_batch": seconds / 365}

    return work


def _year(store: Path) -> tuple[Result, list[pl.DataFrame]]:
    series, sizes, days = assortment(GROWTH_SERIES), {}, []
    for k in range(365):
        day = FIRST + timedelta(days=k)
        days.append(sales(series, day, 1))
        again = (
            [days[-2].sample(fraction=RESTATED_SHARE, seed=k).with_columns(pl.col("y") + 1)]
            if k
            else []
        )
        known = pl.lit(morning_after(day))
        rows = [frame.with_columns(known_at=known) for frame in (days[-1], *again)]
        write(store, pl.concat(rows), series if k == 0 else None, str(day))
        if k + 1 in (30, 180, 365):
            sizes[f"after_{k + 1}_mb"] = _mb(store)
    return sizes, days


def _median_s(read: Callable[[], pl.DataFrame]) -> float:
    return statistics.median(seconds_of(read) for _ in range(7))


def _mb(file: Path) -> float:
    return file.stat().st_size / 2**20


PARTS = {
    "history": (history, 2),
    "daily": (daily, 5),
    "readings": (readings, 1),
    "growth": (growth, 1),
}


def prepared(part: str) -> Callable[[], Result]:
    """In the measured process: one part."""
    return PARTS[part][0](params_here())


def measure(_context: Context) -> Result:
    """Each part in a process of its own."""
    return {part: asdict(measured(prepared, runs, part)) for part, (_, runs) in PARTS.items()}


def table(result: Result) -> str:
    """One row per thing measured."""
    history, daily, read, grown = (result[part]["result"] for part in PARTS)
    plain, restated = read["plain_current_s"], read["restated_current_s"]
    earlier = max(
        read[f"restated_as_of_{moment}_s"] for moment in ("before_restatements", "in_between")
    )
    sizes = " / ".join(f"{grown[f'after_{days}_mb']:.0f}" for days in (30, 180, 365))
    speed = f"{history['rows_per_s'] / 1e6:.1f}M rows/s, {history['write_s']:.1f} s (target 1M)"
    judged = f"judge {daily['judge_great_s']:.2f} (Polars alone {daily['judge_polars_s']:.2f})"
    parts = f"read {daily['read_s']:.2f}, past {daily['past_s']:.2f}, {judged}"
    taken = f"{daily['take_s']:.2f} s (target 5); {parts}"
    slower = f"half of them restated three times: {restated:.2f} s, {restated / plain:.2f}x"
    written = f"history into the store, {history['rows']:,} rows"
    past = f"{earlier:.2f} s: {earlier / restated:.2f}x of current (target 2x)"
    one_load = f"one load {grown['one_load_mb']:.0f} MB"
    rows = {
        written: f"{speed}; {result['history']['rss_mb']} MB",
        "judged before, by Polars": f"{history['judge_s']:.1f} s",
        "a day of 30,490 rows, inbox to archive": taken,
        f"current read of {read['rows']:,} rows": f"{plain:.2f} s; {slower}",
        "as of an earlier moment": past,
        "365 daily batches of 1,000 series, 1% restated": (
            f"{sizes} MB after 30 / 180 / 365; {one_load}"
        ),
    }
    return markdown_table(["what", "measured"], [list(row) for row in rows.items()])


BENCHMARK = Benchmark(
    question="How fast is the store written and read, and how does it grow over a year of days?",
    needs="nothing; two minutes and 4 GB",
    measure=measure,
    table=table,
)
