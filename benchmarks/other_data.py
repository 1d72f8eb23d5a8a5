"""Second opinions: data sets that are not ours through the same doors, by their params alone.

run     python -m benchmarks.other_data [--data ../shared/data] [--only NAME ...]

The params are the blocks of docs/tutorial.md under "Four mappings that were run", laid over params.yaml; Rossmann's are those that
ship. Each data set gets a world of its own: fill, freeze, train, backtest, forecast. Kept: its leaderboard, and what each door cost.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from benchmarks.leaderboards import told_of
from benchmarks.measured import ROOT, keep
from benchmarks.stress import walked
from contract.params_file import lay_over
from reports.tables import leaderboard_table, text_table
from runtime.paths import Paths

MAPPING = re.compile(r"^\*\*[^*]+\*\* \((\w+)\).*?```yaml\n(.*?)```", re.DOTALL | re.MULTILINE)
PLANNED_DAYS = 42  # of Rossmann's, brought as plans instead of sales
DOORS = (("ingest.py", "--fill", "--freeze"), ("train.py",), ("evaluate.py",), ("inference.py", "--from-panel"))


def main() -> None:
    """Every data set that is there; print; keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--only", nargs="+", default=None)
    arguments = parser.parse_args()
    mappings = {
        "rossmann": {},
        "rossmann_with_plans": {"source": {"files": {"plans": "test.*"}}},
        **mappings_of_the_tutorial(),
    }
    for name in arguments.only or mappings:
        with tempfile.TemporaryDirectory(prefix="other-") as folder:
            told = of_data(Path(folder), name, arguments.data.resolve(), mappings[name])
        print(leaderboard_table(told["board"]))
        keep(f"leaderboard_{name}", told)


def mappings_of_the_tutorial() -> dict[str, dict[str, Any]]:
    """Data set -> what stands in its block."""
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    told = text.partition("## Four mappings that were run")[2]
    return {name.lower(): YAML(typ="safe").load(block) for name, block in MAPPING.findall(told)}


def of_data(folder: Path, name: str, data: Path, mapping: dict[str, Any]) -> dict[str, Any]:
    """The leaderboard of one data set, and a row per door: seconds, CPU seconds, peak memory, rows in and refused."""
    files = with_plans(folder, data / "rossmann") if name == "rossmann_with_plans" else data / name
    write_params(folder / "params.yaml", files, mapping)
    doors = []
    for door in DOORS:
        doors.append(walked(name, folder, *door))
        if doors[-1]["exit"] != 0:
            raise SystemExit(
                f"{name}: {' '.join(door)} ended with {doors[-1]['exit']}. Run it by hand with these params to see why."
            )
    print(
        text_table(["door", "seconds", "MB"], [[row["door"], str(row["seconds"]), str(row["rss_mb"])] for row in doors])
    )
    return told_of(Paths(folder / "data")) | {"doors": doors}


def write_params(path: Path, files: Path, mapping: dict[str, Any]) -> None:
    """params.yaml of this checkout with the mapping laid over it. A mapping's tables of columns replace those that ship."""
    raw = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    shipped, asked = raw["source"]["files"], mapping.get("source", {}).get("files", {})
    raw["source"] |= {"kind": "files", "path": str(files), "sha256": None, "files": shipped | asked}
    if "profiles" in mapping:
        raw["profiles"]["files"] = lay_over(raw["profiles"]["files"], mapping["profiles"]["files"])
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(raw, file)


def with_plans(folder: Path, rossmann: Path) -> Path:
    """Rossmann's files as on the first of its last days: sales before them, and for them what was planned."""
    made = folder / "files"
    made.mkdir()
    train = pl.read_parquet(rossmann / "train.parquet")
    first_planned = train["Date"].max() - timedelta(days=PLANNED_DAYS - 1)
    train.filter(pl.col("Date") < first_planned).write_parquet(made / "train.parquet")
    train.filter(pl.col("Date") >= first_planned).drop("Sales", "Customers").write_parquet(made / "test.parquet")
    return made


if __name__ == "__main__":
    main()
