"""What a door said it would hold, what it held, and what a memory budget changes: estimate, measured peak, seconds.

run     python -m benchmarks.budget [--m5 DATA_FOLDER]     (a data folder after `make repro PROFILE=m5`, its params.yaml beside it)

Each door is a process of its own over a world that was filled, fitted and promoted before; its estimate is read from its log.
A budget below the estimate must be refused before the work starts.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.measured import ROOT, keep
from benchmarks.stress import world
from reports.tables import text_table

SIZES = ((1_000, 800), (10_000, 400), (30_000, 400))  # series, days
SHARES = (None, 1.0, 0.8, 0.5)  # of what the door said it would hold without a budget
ROUNDS = 40
DOORS = {"train": ["train.py"], "inference": ["inference.py"]}
SAID = re.compile(r"memory about ([\d,]+) MB")


def main() -> None:
    """Every world, door and budget; print; keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--m5", type=Path)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="budget-") as folder:
        for series, days in SIZES:
            rows += _of_world(f"simulator, {series:,} series, {days} days", _simulated(Path(folder), series, days))
            shutil.rmtree(Path(folder) / str(series))
        if arguments.m5:
            copy = Path(folder) / "m5"
            shutil.copytree(arguments.m5, copy / "data")
            shutil.copy(arguments.m5.parent / "params.yaml", copy / "params.yaml")
            rows += _of_world("M5", copy)
    print(
        text_table(
            [name.replace("_", " ") for name in rows[0]], [[_cell(value) for value in row.values()] for row in rows]
        )
    )
    keep("budget", {"rows": rows})


def _simulated(scratch: Path, series: int, days: int) -> Path:
    folder = world(scratch / str(series), series, days)
    _shorten(folder / "params.yaml")
    for command in (["ingest.py", "--fill", "--freeze"], ["train.py"], ["evaluate.py"]):
        _run(folder, command)
    return folder


def _shorten(params: Path) -> None:
    """Fewer rounds and cutoffs: they take time, not memory."""
    yaml = YAML()
    raw = yaml.load(params.read_text(encoding="utf-8"))
    raw["train"]["rounds"] = ROUNDS
    raw["evaluate"] |= {"origins": 1, "refit_every": 1}
    with params.open("w", encoding="utf-8") as file:
        yaml.dump(raw, file)


def _of_world(name: str, folder: Path) -> Iterator[dict[str, Any]]:
    for door, command in DOORS.items():
        said = 0.0
        for share in SHARES:
            budget = None if share is None else round(said * share)
            told = _run(folder, [*command, *([] if budget is None else ["--memory-budget", str(budget)])])
            said = said or told["said_mb"]
            yield {"world": name, "door": door, "budget_mb": budget, **told}


def _run(folder: Path, command: list[str]) -> dict[str, Any]:
    """said_mb, peak_mb, seconds, ended: done, or refused before the work."""
    shared = ["--params", str(folder / "params.yaml"), "--data", str(folder / "data")]
    done = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "benchmarks.alone", sys.executable, *command, *shared],
        cwd=ROOT, env={**os.environ, "OMP_WAIT_POLICY": "passive"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    said = SAID.search(done.stderr)
    if told["exit"] not in (0, 2):
        raise SystemExit(f"{command} ended with {told['exit']}:\n{done.stderr[-2000:]}")
    return {
        "said_mb": float(said.group(1).replace(",", "")) if said else 0.0,
        "peak_mb": told["peak_mb"],
        "seconds": told["seconds"],
        "ended": "done" if told["exit"] == 0 else "refused",
    }


def _cell(value: object) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:,.0f}"


if __name__ == "__main__":
    main()
