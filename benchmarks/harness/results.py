"""Where results are kept: a JSON file each, with machine, versions and commit they come from."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = (
    "polars",
    "duckdb",
    "lightgbm",
    "statsforecast",
    "mlforecast",
    "great-expectations",
    "prefect",
    "dvc",
)
NAMES_SINCE = {  # a key in files of before 2026-12 -> its name today
    "told": "result",
    "promised": "expected",
    "promised_spread": "expected_spread",
    "door": "entry_point",
    "doors": "entry_points",
    "rang": "alerts",
    "rung": "alerting",
    "heard": "noticed",
    "stretched": "rescaled",
    "asked": "questions",
    "asks": "question",
    "lay out": "build dense panel",
    # replays of before the simulator had a hard world
    "simulator, booster": "calm simulator, booster",
    "simulator, tuned": "calm simulator, tuned",
    "simulator, held out": "calm simulator, held out",
    "simulator, booster, tuned": "calm simulator, booster, tuned",
    "simulator, booster, held out": "calm simulator, booster, held out",
}

Result = dict[str, Any]


def keep(name: str, result: Result) -> None:
    """The file of this name now holds the result, and where it was measured."""
    text = json.dumps({**result, "machine": machine()}, indent=1, default=str)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def kept(name: str) -> Result | None:
    """What was last kept under this name; None where that benchmark never ran."""
    path = RESULTS / f"{name}.json"
    return read(path) if path.exists() else None


def read(path: Path) -> Result:
    """A result file with today's names, without the machine it comes from."""
    whole = _renamed(json.loads(path.read_text(encoding="utf-8")))
    return {name: part for name, part in whole.items() if name != "machine"}


def machine() -> Result:
    """Processor, cores, memory, Python, packages, commit."""
    git = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory_gb, 1),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "commit": commit.stdout.strip() or None,
    }


def _renamed(part: Any) -> Any:
    if isinstance(part, list):
        return [_renamed(one) for one in part]
    if isinstance(part, dict):
        return {NAMES_SINCE.get(name, name): _renamed(value) for name, value in part.items()}
    return part
