"""The daily path as production runs it, each entry point a process of its own: a day's file in, the
table out, monitoring's look.

Each run works on a fresh copy of the folder's store, registry and archive. The day dropped repeats
that of a week before. Seconds and peak memory are those of the processes, start included; the
medians of the runs. Aimed at: under 60 s and under 2,000 MB.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.harness.entry_points import FORECAST, MONITOR, TAKE_INBOX, Folder, run
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.panel import Panel
from runtime.paths import Paths

KEPT = ("tillcast.duckdb", "panel", "journal", "models", "archive", "backtest", "scores")
M5_FIRST = date(2011, 1, 29)
M5_IDS = ("item_id", "dept_id", "cat_id", "store_id", "state_id")


def measure(context: Context) -> Result:
    """Medians of the runs, step by step, and in all."""
    runs = [list(_run(context)) for _ in range(context.options.runs)]
    steps = [_median(same) for same in zip(*runs, strict=True)]
    sums = {name: round(sum(step[name] for step in steps), 1) for name in ("seconds", "cpu_s")}
    total = {"step": "in all", **sums, "peak_mb": max(step["peak_mb"] for step in steps)}
    size = {"source": context.source, "series": context.panel.series.height}
    return size | {"steps": steps, "total": total}


def table(result: Result) -> str:
    """One row per step, and in all."""
    names = [f"`{step['step']}`" for step in result["steps"]] + [result["total"]["step"]]
    rows = [
        [name, f"{step['seconds']:.1f}", f"{step['cpu_s']:.1f}", f"{step['peak_mb']:,}"]
        for name, step in zip(names, [*result["steps"], result["total"]], strict=True)
    ]
    return markdown_table(["step", "seconds", "CPU seconds", "peak MB"], rows)


def morning(context: Context, folder: Path) -> Folder:
    """A copy of the data folder, the day after its last in the inbox."""
    copy = folder / "data"
    copy.mkdir()
    for name in KEPT:
        if (context.data / name).is_dir():
            shutil.copytree(context.data / name, copy / name)
        elif (context.data / name).exists():
            shutil.copy(context.data / name, copy / name)
    name, rows = day_after(context.panel, context.source)
    Paths(copy).inbox.mkdir()
    rows.write_csv(Paths(copy).inbox / name)
    return Folder(context.params_file, copy.resolve())


def day_after(panel: Panel, source: str) -> tuple[str, pl.DataFrame]:
    """File name and table of the day after the panel's last, in the source's own shape; its sales
    those of a week before.
    """
    day = panel.last_day + timedelta(days=1)
    sold = panel.sales.filter(ds=day - timedelta(days=7)).select("unique_id", "y")
    rows = panel.series.join(sold, on="unique_id", how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("y").fill_null(0))
    if source != "m5":
        levels = panel.series.columns[1:]
        return f"sales_{day}.csv", rows.select("unique_id", pl.lit(day).alias("ds"), "y", *levels)
    name, units = f"d_{(day - M5_FIRST).days + 1}", pl.col("y").cast(pl.Int64)
    m5_id = (pl.col("unique_id") + "_evaluation").alias("id")
    return f"sales_train_{name}.csv", rows.select(m5_id, *M5_IDS, units.alias(name))


def _run(context: Context) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="daily-") as scratch:
        folder = morning(context, Path(scratch))
        now = f"{context.panel.last_day + timedelta(days=2)}T06:00"
        for words in (TAKE_INBOX, FORECAST, (*MONITOR, "--now", now)):
            used = run(words, folder)
            cost = {"seconds": used.seconds, "cpu_s": used.cpu_s, "peak_mb": used.peak_mb}
            yield {"step": words[0], **cost}


def _median(steps: tuple[Result, ...]) -> Result:
    seconds, cpu_s = ([step[name] for step in steps] for name in ("seconds", "cpu_s"))
    return {
        "step": steps[0]["step"],
        "seconds": round(statistics.median(seconds), 2),
        "cpu_s": round(statistics.median(cpu_s), 2),
        "peak_mb": max(step["peak_mb"] for step in steps),
        "runs": seconds,
    }


BENCHMARK = Benchmark(
    question="How long does a morning take, and how much does it hold?",
    needs="a data folder after make repro; two minutes on M5",
    measure=measure,
    options=(Option("runs", "mornings measured", 3, int),),
    table=table,
    by_source=True,
)
