"""The daily path as production walks it, each door a process of its own: a day's file in, the table out, the watchers' look.

run     python -m benchmarks.daily_path DATA_FOLDER [--runs 3]     (a data folder after `make repro`, its params.yaml beside it)

Each run works on a fresh copy of the folder's store, registry and archive. The day dropped is the one a week before, told anew.
Seconds and peak memory are those of the processes, start included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.measured import ROOT, keep
from contract.panel import Panel
from contract.params import Params
from contract.params_file import load_params
from reports.tables import text_table
from runtime.paths import Paths
from storage.panel_files import read_frozen

KEPT = ("tillcast.duckdb", "panel", "journal", "models", "archive", "backtest", "scores")
TARGETS = "under 60 s and under 2,000 MB"


def main() -> None:
    """Copy, drop, walk, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    params_file = (arguments.data.parent / "params.yaml").resolve()
    params, panel = load_params(params_file), read_frozen(Paths(arguments.data).panel)
    runs = [list(_walked(arguments.data, params_file, params, panel)) for _ in range(arguments.runs)]
    told = [_median(steps) for steps in zip(*runs, strict=True)]
    total = {"step": "in all", "seconds": round(sum(step["seconds"] for step in told), 1)}
    total |= {"cpu_s": round(sum(step["cpu_s"] for step in told), 1), "peak_mb": max(step["peak_mb"] for step in told)}
    lines = [
        [step["step"], f"{step['seconds']:.1f}", f"{step['cpu_s']:.1f}", f"{step['peak_mb']:,}"]
        for step in [*told, total]
    ]
    print(text_table(["step", "seconds", "CPU s", "peak MB"], lines))
    print(f"{panel.series.height:,} series; aimed at: {TARGETS}")
    made = {
        "source": params.source.kind,
        "series": panel.series.height,
        "steps": told,
        "total": total,
    }
    keep(f"daily_path_{params.source.kind}", made)


def day_after(panel: Panel, kind: str) -> tuple[str, pl.DataFrame]:
    """File name and table of the day after the panel's last, in the source's own shape; its sales those of a week before."""
    day = panel.last_day + timedelta(days=1)
    rows = panel.sales.filter(ds=day - timedelta(days=7)).select("unique_id", "y")
    rows = panel.series.join(rows, on="unique_id", how="left", maintain_order="left").with_columns(
        pl.col("y").fill_null(0)
    )
    if kind == "m5":
        number = (day - datetime(2011, 1, 29).date()).days + 1
        name = f"d_{number}"
        ids = [pl.col(column) for column in ("item_id", "dept_id", "cat_id", "store_id", "state_id")]
        table = rows.select(
            (pl.col("unique_id") + "_evaluation").alias("id"), *ids, pl.col("y").cast(pl.Int64).alias(name)
        )
        return f"sales_train_{name}.csv", table
    return f"sales_{day}.csv", rows.select("unique_id", pl.lit(day).alias("ds"), "y", *panel.series.columns[1:])


def _walked(data: Path, params_file: Path, params: Params, panel: Panel) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="daily-") as folder:
        copy = morning(data, Path(folder), panel, params.source.kind)
        now = f"{panel.last_day + timedelta(days=2)}T06:00"
        for door in ("ingest", "inference", "monitor"):
            shared = ["--params", str(params_file), "--data", str(copy.resolve()), "--json"]
            yield _timed(door, [*shared, *(["--now", now] if door == "monitor" else [])])


def morning(data: Path, folder: Path, panel: Panel, kind: str) -> Path:
    """A copy of a data folder, the day after its last in the inbox."""
    copy = folder / "data"
    copy.mkdir()
    for name in KEPT:
        if (data / name).is_dir():
            shutil.copytree(data / name, copy / name)
        elif (data / name).exists():
            shutil.copy(data / name, copy / name)
    name, table = day_after(panel, kind)
    Paths(copy).inbox.mkdir()
    table.write_csv(Paths(copy).inbox / name)
    return copy


def _timed(door: str, arguments: list[str]) -> dict[str, Any]:
    """Seconds and peak memory of one door's process."""
    command = [sys.executable, "-m", "benchmarks.alone", sys.executable, str(ROOT / f"{door}.py"), *arguments]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    told = json.loads(done.stdout)
    if told.pop("exit") != 0:
        raise SystemExit(f"{door}.py did not do its work:\n{done.stderr[-2000:]}")
    return {"step": f"{door}.py", **told}


def _median(steps: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    seconds = [step["seconds"] for step in steps]
    peak = max(step["peak_mb"] for step in steps)
    cpu_s = round(statistics.median(step["cpu_s"] for step in steps), 2)
    told = {"step": steps[0]["step"], "seconds": round(statistics.median(seconds), 2), "cpu_s": cpu_s, "peak_mb": peak}
    return told | {"runs": seconds}


if __name__ == "__main__":
    main()
