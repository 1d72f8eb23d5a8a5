"""Every benchmark, as one table and one JSON file of results.

run     make bench             over data/, after make repro
        make bench DATA=<dir>  the feature engine over M5's files in <dir> as well
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measured import ROOT, machine, measured, start_up
from benchmarks.store import BENCHES
from benchmarks.store_table import judging_lines, store_lines
from reports.tables import text_table

DOORS = ("ingest", "train", "evaluate", "inference", "monitor")
HELP_RUNS = 5
JUDGED_ROWS = (30_490, 304_900, 1_000_000)
RESULTS = ROOT / "benchmarks" / "results"


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="data folder after make repro")
    parser.add_argument("--data-from", type=Path, help="folder of M5's files")
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    results: dict[str, Any] = {"machine": machine(), "features": [features(data / "panel")]}
    if arguments.data_from:
        with tempfile.TemporaryDirectory() as folder:
            results["features"].append(features(m5_panel(arguments.data_from, Path(folder))))
    results["store"] = {name: asdict(measured("benchmarks.store", name)) for name in BENCHES}
    results["judging"] = {
        f"{side} {rows}": asdict(measured("benchmarks.judging", side, str(rows)))
        for rows in JUDGED_ROWS
        for side in ("great", "polars")
    }
    results["serving"] = asdict(measured("benchmarks.serving", str(data)))
    results["start_up_s"] = {door: start_up([f"{door}.py", "--help"], HELP_RUNS) for door in DOORS}
    results["dvc_no_op_s"] = start_up(["-m", "dvc", "status", "-q"], 3)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))


def m5_panel(source: Path, folder: Path) -> Path:
    """M5's files through the ingest door into a data folder of their own."""
    params = folder / "params.yaml"
    shutil.copy(ROOT / "params.yaml", params)
    shared = ["--params", str(params), "--data", str(folder)]
    for step in (["--use", "m5", "--data-from", str(source.resolve())], ["--fill", "--freeze"]):
        subprocess.run([sys.executable, "ingest.py", *shared, *step], cwd=ROOT, check=True, capture_output=True)  # noqa: S603
    return folder / "panel"


def features(panel: Path) -> dict[str, Any]:
    """Ours against mlforecast: seconds, memory, and the largest difference between the values."""
    sides = {side: measured("benchmarks.lags_and_windows", side, str(panel)) for side in ("ours", "mlforecast")}
    with tempfile.TemporaryDirectory() as folder:
        files = {side: Path(folder) / f"{side}.npy" for side in sides}
        for side, file in files.items():
            measured("benchmarks.lags_and_windows", side, str(panel), "--values", str(file))
        ours, theirs = (np.load(file) for file in files.values())
    known = ~np.isnan(ours) & ~np.isnan(theirs)
    return {
        **{side: asdict(timed) for side, timed in sides.items()},
        "times_faster": round(sides["mlforecast"].median_s / sides["ours"].median_s, 2),
        "share_of_memory": round(sides["ours"].rss_mb / sides["mlforecast"].rss_mb, 2),
        "largest_difference": float(np.abs(ours[known] - theirs[known]).max()),
        "unknown_on_one_side": int((np.isnan(ours) != np.isnan(theirs)).sum()),
    }


def table(results: dict[str, Any]) -> str:
    """What a person reads."""
    rows = [line for made in results["features"] for line in _feature_lines(made)]
    rows += [*store_lines(results["store"]), *judging_lines(results["judging"])]
    s = results["serving"]
    rows += [
        [f"forecast {s['told']['series']:,} series, quantiles, levels", f"{s['median_s']:.2f} s, {s['rss_mb']} MB"],
        ["slowest --help of a door", f"{max(results['start_up_s'].values()):.2f} s"],
        ["dvc status, nothing changed", f"{results['dvc_no_op_s']:.2f} s"],
    ]
    return text_table(["what", "measured"], rows)


def _feature_lines(made: dict[str, Any]) -> list[list[str]]:
    told = made["ours"]["told"]
    seconds = f"{made['ours']['median_s']:.2f} s against {made['mlforecast']['median_s']:.2f} s"
    return [
        [
            f"{told['features']} lags and windows, {told['rows']:,} rows",
            f"{seconds}: {made['times_faster']}x mlforecast",
        ],
        ["  peak memory of the process", f"{made['ours']['rss_mb']} MB: {made['share_of_memory']} of mlforecast"],
        ["  largest difference of a value", f"{made['largest_difference']:.1e}"],
    ]


if __name__ == "__main__":
    main()
