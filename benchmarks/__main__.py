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

from benchmarks import lags_and_windows
from benchmarks.measured import ROOT, keep, machine, measured, start_up
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
    results: dict[str, Any] = {"machine": machine(), "features": [lags_and_windows.compared(data / "panel")]}
    if arguments.data_from:
        with tempfile.TemporaryDirectory() as folder:
            results["features"].append(lags_and_windows.compared(m5_panel(arguments.data_from, Path(folder))))
    keep("lags_and_windows", {"compared": results["features"]})
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


def table(results: dict[str, Any]) -> str:
    """What a person reads."""
    rows = [line for made in results["features"] for line in lags_and_windows.lines(made)]
    rows += [*store_lines(results["store"]), *judging_lines(results["judging"])]
    s = results["serving"]
    rows += [
        [f"forecast {s['told']['series']:,} series, quantiles, levels", f"{s['median_s']:.2f} s, {s['rss_mb']} MB"],
        ["slowest --help of a door", f"{max(results['start_up_s'].values()):.2f} s"],
        ["dvc status, nothing changed", f"{results['dvc_no_op_s']:.2f} s"],
    ]
    return text_table(["what", "measured"], rows)


if __name__ == "__main__":
    main()
