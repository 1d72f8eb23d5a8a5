"""How much the peak memory of doors varies that did not change: walked morning after morning, one by one and in the daily flow.

run     python -m benchmarks.steady_doors [--worlds FOLDER]    about ten minutes; --worlds: keep the worlds there, or find them

Every morning brings a new day of the simulator's, in a process of its own; the peaks are those that the runs say (`runs.peak_mb`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.measured import ROOT, keep
from benchmarks.stress import world
from contract.params_file import load_params
from monitoring.memory import LEAST_MB
from reports.tables import text_table
from runtime.paths import Paths
from sources.simulator.drop import write_day
from sources.simulator.simulation import simulate
from storage.runs import read_runs
from storage.store import open_store

SERIES, DAYS, MORNINGS = (1_000,), 400, 10
FAST = {"train": {"rounds": 40}, "evaluate": {"origins": 1, "refit_every": 1}}  # they take time, not a morning's memory
DOORS = ("inference", "monitor")
WAYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "a process each": (("ingest.py",), ("inference.py",), ("monitor.py", "--now")),
    "daily flow, --plain": (("flows/daily.py", "--plain", "--now"),),
    "daily flow, Prefect": (("flows/daily.py", "--now"),),
}
FIRST: tuple[tuple[str, ...], ...] = (
    ("ingest.py", "--fill", "--freeze"), ("train.py",), ("evaluate.py",), ("inference.py", "--from-panel"),
    ("ingest.py", "--check-panel"), ("monitor.py", "--report"), ("inference.py", "--publish"),
)  # fmt: skip


def main() -> None:
    """Every world and way; print; keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=Path)
    worlds = parser.parse_args().worlds
    with tempfile.TemporaryDirectory(prefix="steady-") as scratch:
        rows = [row for series in SERIES for row in _of_world(series, (worlds or Path(scratch)) / str(series), scratch)]
    told = ("series", "way", "door", "median_mb", "lowest", "highest")
    print(text_table([name.replace("_", " ") for name in told], [[str(row[name]) for name in told] for row in rows]))
    keep("steady_doors", {"mornings": MORNINGS, "least_mb": LEAST_MB, "rows": rows})


def _of_world(series: int, folder: Path, prefect_home: str) -> Iterator[dict[str, Any]]:
    """A row for each way and door: its peaks, their median, and the lowest and highest as multiples of it."""
    if not folder.exists():
        _filled(folder, series)
    simulation = simulate(load_params(folder / "params.yaml").source.simulator)
    days = (simulation.last_day + timedelta(days=k + 1) for k in range(len(WAYS) * MORNINGS))
    for way, commands in WAYS.items():
        peaks: dict[str, list[float]] = {door: [] for door in DOORS}
        for _ in range(MORNINGS):
            day = next(days)
            write_day(simulation, day, Paths(folder / "data").inbox)
            for command in commands:
                _walk(folder, command, day, prefect_home)
            for door in DOORS:
                peaks[door].append(_newest_peak(folder, door))
        for door in DOORS:
            yield {"series": series, "way": way, "door": door, **_spread(peaks[door])}


def _filled(folder: Path, series: int) -> None:
    """A world with a champion and its first table."""
    params = world(folder, series, DAYS) / "params.yaml"
    yaml = YAML()
    raw = yaml.load(params.read_text(encoding="utf-8"))
    for section, values in FAST.items():
        raw[section] |= values
    with params.open("w", encoding="utf-8") as file:
        yaml.dump(raw, file)
    for command in FIRST:
        _walk(folder, command, date.min, "")


def _walk(folder: Path, command: tuple[str, ...], day: date, prefect_home: str) -> None:
    moment = [datetime.combine(day + timedelta(days=1), time(6)).isoformat()] if command[-1] == "--now" else []
    shared = ["--params", str(folder / "params.yaml"), "--data", str(folder / "data")]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "PREFECT_HOME": prefect_home}
    asked = [sys.executable, *command, *moment, *shared]
    done = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stderr[-2000:]}")


def _newest_peak(folder: Path, door: str) -> float:
    with open_store(Paths(folder / "data").store, 20, read_only=True) as con:
        return float(read_runs(con, door).sort("ended_at")["peak_mb"][-1])


def _spread(peaks: list[float]) -> dict[str, Any]:
    median = statistics.median(peaks)
    times = {"lowest": round(min(peaks) / median, 3), "highest": round(max(peaks) / median, 3)}
    return {"peaks_mb": [round(peak) for peak in peaks], "median_mb": round(median), **times}


if __name__ == "__main__":
    main()
