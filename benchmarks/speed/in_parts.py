"""Many series on one machine: history into the store block by block, fit, forecast and the look of
a morning in parts.

A block is the simulator's chain of ten stores, its series and stores named after the block; so many
are delivered one after another, each by a process of its own, as extracts of regions would be. The
panel is frozen whole, the model fitted on all of it. Every number of parts is a process of its own;
the fits must be one model, the tables are published to the same store. The looks have the last
table and --weeks copies of it, each a week older, beside what sold. Peaks are of that process;
with Dask of the driver, and of the largest worker.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.process import measured, peak_mb
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.frames import REFUSED
from contract.params import Params
from contract.quantiles import QUANTILES
from contract.question import NEWEST
from forecasting.bundle import load_bundle, save_bundle
from forecasting.champion import Champion
from forecasting.intervals import Calibration, LevelSpans, Ratios
from forecasting.publication import serving_of
from forecasting.seasonal_naive import baseline_of
from forecasting.table import forecast_table
from monitor import look_at_all
from runtime.paths import Paths
from scaling.scratch import own_folder
from sources.simulator import simulate
from stages.fit import fit as fit_panel
from stages.freeze import freeze as freeze_panel
from stages.infer_in_parts import Moment, infer_in_parts, read_in_parts
from stages.inference_inputs import Reading, read_whole, reading_of
from storage.batches import Batch, Delivery, write_delivery
from storage.forecasts import newest_runs, publish
from storage.panel import counts_since
from storage.runs import Run
from storage.store import open_store

DAYS, NOW = 200, datetime(2026, 1, 1)
ANY = Ratios([0.1, 1.0, 10.0], [[k / len(QUANTILES) for k in range(len(QUANTILES))]] * 3, [0.0] * 9)
# the tables of a run, and the run, once more, so many weeks earlier
WEEK_BEFORE = (
    """insert into forecasts select * replace (
        run_id || $week as run_id, origin - $week * 7 as origin, ds - $week * 7 as ds)
    from forecasts where run_id = $run_id""",
    """insert into forecast_levels select * replace (
        run_id || $week as run_id, origin - $week * 7 as origin, ds - $week * 7 as ds)
    from forecast_levels where run_id = $run_id""",
    """insert into runs select * replace (
        run_id || $week as run_id, started_at - $week * interval 7 day as started_at)
    from runs where run_id = $run_id""",
)


def measure(context: Context) -> Result:
    """The history, then each number of parts in turn."""
    options = context.options
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        blocks = [
            measured(history, 0, name, options.block, number)
            for number in range(options.series // options.block)
        ]
        written = {
            "s": round(sum(block.result["s"] for block in blocks)),
            "last_s": blocks[-1].result["s"],
            "mb": max(block.result["mb"] for block in blocks),
        }
        print("history", written, flush=True)
        frozen = measured(freeze, 0, name).result
        print("frozen", frozen, flush=True)
        runs = {}
        for work in (fit, forecast, look):
            for on in options.engines:
                for parts in options.parts:
                    key = f"{work.__name__}, {parts} on {on}"
                    runs[key] = measured(work, 0, name, parts, on).result
                    print(key, runs[key], flush=True)
            if work is forecast:
                print("past tables", measured(past_tables, 0, name, options.weeks).result)
        size = Paths(Path(name)).store.stat().st_size
    shape = {"series": options.series, "days": DAYS, "store_mb": round(size / 2**20)}
    models = {run["model_id"] for run in runs.values() if "model_id" in run}
    return {**shape, "history": written, "frozen": frozen, "models": len(models), "runs": runs}


def history(folder: str, series: int, number: int) -> Any:
    """In a process of its own: one block of the history, delivered."""
    return partial(_history, Path(folder), series, number)


def freeze(folder: str) -> Any:
    """In a process of its own: the panel as files."""
    return partial(_freeze, Path(folder))


def fit(folder: str, parts: int, on: str) -> Any:
    """In a process of its own: a model of everything, in so many parts."""
    return partial(_fit, Path(folder), parts, on)


def forecast(folder: str, parts: int, on: str) -> Any:
    """In a process of its own: the table of everything, in so many parts."""
    return partial(_forecast, Path(folder), parts, on)


def past_tables(folder: str, weeks: int) -> Any:
    """In a process of its own: the newest table once more for each of so many weeks before it."""
    return partial(_past_tables, Path(folder), weeks)


def look(folder: str, parts: int, on: str) -> Any:
    """In a process of its own: every watcher over everything, in so many parts."""
    return partial(_look, Path(folder), parts, on)


def table(result: Result) -> str:
    """A row for each number of parts."""
    rows = [
        [
            name,
            f"{run['s']:,.0f}",
            f"{run['cpu_s']:,.0f}",
            f"{run['mb']:,.0f}",
            f"{run['worker_mb']:,.0f}" if run["worker_mb"] else "",
            f"{run['rows']:,}",
        ]
        for name, run in result["runs"].items()
    ]
    header = ["parts", "seconds", "CPU seconds", "peak MB", "largest worker, MB", "rows"]
    return markdown_table(header, rows)


def _history(folder: Path, series: int, number: int) -> Result:
    started, params = time.perf_counter(), params_here()
    changes = {"series": series, "days": DAYS, "seed": number}
    made = simulate(params.source.simulator.model_copy(update=changes))
    named = pl.concat_str(pl.col("unique_id"), pl.lit(f"_B{number:02d}"))
    store = pl.concat_str(pl.col("store_id"), pl.lit(f"_B{number:02d}"))
    with open_store(Paths(folder).store) as con:
        frames = {"prices": made.prices, "sales": made.sales}
        batches = [
            Batch(
                fact,
                rows.height,
                rows.with_columns(unique_id=named, lines=pl.lit(1)),
                REFUSED.empty(),
                "file",
                made.series.with_columns(named, store) if fact == "sales" else None,
            )
            for fact, rows in frames.items()
        ]
        if number == 0:
            calendar = made.calendar.with_columns(lines=pl.lit(1))
            batches.append(Batch("calendar", calendar.height, calendar, REFUSED.empty(), "file"))
        name = f"history_{number}"
        write_delivery(con, Delivery("bench", name, name, NOW), batches, {})
    return {"s": round(time.perf_counter() - started, 1), "mb": round(peak_mb())}


def _freeze(folder: Path) -> Result:
    started = time.perf_counter()
    frozen = freeze_panel(params_here(), Paths(folder))
    seconds = round(time.perf_counter() - started, 1)
    return {"s": seconds, "mb": round(peak_mb()), "sales": frozen["sales"]}


def _fit(folder: Path, parts: int, on: str) -> Result:
    params, started = _params(parts, on), time.perf_counter()
    model = fit_panel(params, Paths(folder), None)
    took = _took(started, on)
    shutil.rmtree(folder / "bundle", ignore_errors=True)
    card = save_bundle(model, folder / "bundle", "bench")
    return {**took, "rows": sum(model.rows_used.values()), "model_id": card["model_id"]}


def _params(parts: int, on: str) -> Params:
    """One booster, in so many parts."""
    params = params_here()
    train = params.train.model_copy(update={"blocks": [params.train.horizon]})
    scale = params.scale.model_copy(update={"parts": parts, "engine": on})
    return params.model_copy(update={"train": train, "scale": scale})


def _took(started: float, on: str) -> Result:
    own, workers = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "s": round(time.perf_counter() - started, 1),
        "cpu_s": round(own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime, 1),
        "mb": round(peak_mb()),
        "worker_mb": round(workers.ru_maxrss / 1024) if on != "here" else None,
    }


def _forecast(folder: Path, parts: int, on: str) -> Result:
    params, paths = _params(parts, on), Paths(folder)
    champion = _champion(params, folder)
    started = time.perf_counter()
    with open_store(paths.store, read_only=True) as con:
        reading = reading_of(con, params, champion, NEWEST)
        days = counts_since(con, reading.since)
    if reading.parts is None:
        rows = _in_one(params, paths, champion, reading)
    else:
        rows = _in_parts(params, paths, champion, reading)
    return {**_took(started, on), "rows": rows, "sales": days["sales"]}


def _past_tables(folder: Path, weeks: int) -> Result:
    started = time.perf_counter()
    with open_store(Paths(folder).store) as con:
        [run_id] = newest_runs(con).values()
        for week in range(1, weeks + 1):
            for statement in WEEK_BEFORE:
                con.execute(statement, {"run_id": run_id, "week": week}).fetchall()
    return {"s": round(time.perf_counter() - started, 1)}


def _look(folder: Path, parts: int, on: str) -> Result:
    params, paths = _params(parts, on), Paths(folder)
    started = time.perf_counter()
    looked = look_at_all(params, paths, NOW)
    found = sorted(finding.cause for finding in looked.findings if finding.severity != "ok")
    return _took(started, on) | {"rows": looked.scaling.height, "found": found}


def _in_parts(params: Params, paths: Paths, champion: Champion, reading: Reading) -> int:
    with own_folder(paths.parts) as folder:
        with open_store(paths.store, read_only=True) as con:
            parts = read_in_parts(con, params, reading, folder)
        moment = Moment(NOW, dry_run=False)
        rows: int = infer_in_parts(params, paths, champion, parts, NEWEST, moment)["rows"]
        return rows


def _in_one(params: Params, paths: Paths, champion: Champion, reading: Reading) -> int:
    with open_store(paths.store, read_only=True) as con:
        panel = read_whole(con, params, reading, NEWEST)
    made = forecast_table(params, panel, serving_of(params, champion), NEWEST)
    run = Run(**made.lineage, started_at=NOW, ended_at=NOW, status="done")
    with open_store(paths.store) as con:
        publish(con, run, made.frames(NOW))
    return made.rows.height


def _champion(params: Params, folder: Path) -> Champion:
    """The model with any ratios: what quantiles cost hangs on their number alone."""
    levels = {level.name: [ANY] for level in params.source.hierarchy}
    spans = {name: LevelSpans({7: ANY, 14: ANY, 28: ANY}, 0.1) for name in levels}
    model, calibration = load_bundle(folder / "bundle"), Calibration(levels, spans)
    return Champion(
        model, "bench", {model.name: calibration, baseline_of(params).name: calibration}
    )


BENCHMARK = Benchmark(
    question="What do a fit, a forecast and a look in parts take, up to a million series here?",
    needs="nothing; an hour and 40 GB of disk for a million series; Dask from `make extras`",
    measure=measure,
    options=(
        Option("series", "how many, a multiple of --block", 300_000, int),
        Option("block", "series of one delivery", 50_000, int),
        Option("parts", "numbers of parts", [1, 10], int, many=True),
        Option("weeks", "past tables that a look has beside what sold", 4, int),
        Option("engines", "who runs them", ["here"], str, many=True),
        Option("folder", "where the store is made", None, Path),
    ),
    table=table,
)
