"""A small finished world, made by the entry points themselves: a checkout of its own, its offline
stages, its store, a new day in the inbox.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, time, timedelta
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from typing import Any

from ruamel.yaml import YAML

from contract.params_file import load_params
from drills.mornings import World
from runtime.process import path_with_python
from sources.simulator.drop import write_day
from sources.simulator.simulation import simulate

SMALL: dict[str, dict[str, Any]] = {
    "source": {
        "kind": "simulator", "path": None, "sha256": None,
        "levels": [[], ["store_id"], ["dept_id"]],
    },
    # judged by the same rules, without GX's three seconds
    "ingest": {"great_expectations_max_rows": 1, "lock_wait_s": 2},
    "features": {"windows": [7, 28], "year_windows": [], "hierarchy": [["store_id"]]},
    "train": {
        "horizon": 14, "blocks": [7, 14], "rounds": 15, "leaves": 8, "min_rows_in_leaf": 20,
        "max_rows": 5000, "threads": 1,
    },
    "evaluate": {"origins": 2, "step_days": 14, "refit_every": 2, "calibration_bins": 4},
}  # fmt: skip
WORLD = {"series": 24, "days": 150, "daily_files": 2, "bad_rows_share": 0.0}
# a champion is wanted here
LENIENT = {"confidence": 0.51, "max_abs_bias": 1.0, "max_coverage_gap": 1.0}
CODE = ("*.py", "dvc.yaml", "params.yaml", "shop.yaml")
IGNORED = ignore_patterns("__pycache__", "results")


def small_world(checkout: Path, folder: Path, **simulator: object) -> World:
    """The world in `folder`, from this checkout's code and params; about half a minute.
    `simulator`: its params, where other than WORLD's.
    """
    folder.mkdir(parents=True)
    for path in (path for pattern in CODE for path in checkout.glob(pattern)):
        copy(path, folder)
    for init in checkout.glob("*/__init__.py"):
        package = init.parent
        if package.name != "tests":
            copytree(package, folder / package.name, ignore=IGNORED)
    _write_params(folder / "params.yaml", simulator)
    _run(folder, "-m", "dvc", "init", "--no-scm", "--quiet")
    _run(folder, "-m", "dvc", "repro", "--quiet")
    copy(folder / "data" / "tillcast.duckdb", folder / "backup.duckdb")
    _run(folder, "inference.py", "publish")
    simulation = simulate(load_params(folder / "params.yaml").source.simulator)
    next_day = simulation.last_day + timedelta(days=1)
    inbox = folder / "data" / "inbox"
    inbox.mkdir(exist_ok=True)
    write_day(simulation, next_day, inbox)
    return World(folder, datetime.combine(next_day + timedelta(days=1), time(5)))


def _write_params(path: Path, simulator: dict[str, object]) -> None:
    editor = YAML()
    raw = editor.load(path.read_text(encoding="utf-8"))
    for section, values in SMALL.items():
        raw[section] |= values
    raw["source"]["simulator"] |= WORLD | simulator
    raw["evaluate"]["gate"] |= LENIENT
    with path.open("w", encoding="utf-8") as file:
        editor.dump(raw, file)


def _run(folder: Path, *command: str) -> None:
    environment = os.environ | {
        "PATH": path_with_python(),
        "PYTHONPATH": str(folder),
        "OMP_WAIT_POLICY": "passive",
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode} in {folder}: {done.stderr[-2000:]}"
        )
