"""Where it bends: ten times the series, five years at once, twenty files in the inbox, ten times the volume, promotions everywhere.

run     python -m benchmarks.stress [--data data] [--quick] [--only usual]
        --data: after `make repro`, for Christmas; --quick: no training

Every door runs in a process of its own; seconds and peak memory are that process's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from benchmarks.measured import RESULTS, ROOT, keep
from contract.params_file import load_params
from forecasting.bundle import load_bundle
from reports.tables import text_table
from sources.simulator.drop import write_day
from sources.simulator.simulation import simulate
from storage.panel_files import read_frozen

RESULT = RESULTS / "stress.json"
USUAL_SERIES, DAYS = 1000, 400
FILES_AT_ONCE = 20
Row = dict[str, Any]  # what, door, exit, seconds, cpu_s, rss_mb, told


def world(folder: Path, series: int, days: int) -> Path:
    """A data folder and its params file for a simulator of this size, empty yet."""
    folder.mkdir(parents=True)
    yaml = YAML()
    raw = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    raw["source"] |= {"kind": "simulator", "path": None, "sha256": None}
    raw["source"]["simulator"] |= {"series": series, "days": days}
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(raw, file)
    return folder


def walked(what: str, folder: Path, *command: str) -> Row:
    """One door over a world, started from a small process: how it ended, seconds, CPU seconds, peak memory."""
    shared = ["--params", str(folder / "params.yaml"), "--data", str(folder / "data"), "--json"]
    done = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "benchmarks.alone", sys.executable, *command, *shared],
        cwd=ROOT,
        env=os.environ | {"OMP_WAIT_POLICY": "passive"},
        capture_output=True,
        text=True,
        check=True,
    )
    used, said = json.loads(done.stdout), [line for line in done.stderr.splitlines() if line.startswith("{")]
    told = json.loads(said[-1]) if said else {}
    kept = {name: told[name] for name in ("rows_in", "accepted", "refused", "reason") if name in told}
    row = {"what": what, "door": " ".join(command), "exit": used["exit"]}
    return row | {"seconds": used["seconds"], "cpu_s": used["cpu_s"], "rss_mb": used["peak_mb"], "told": kept}


def of_size(scratch: Path, series: int, days: int, what: str, is_quick: bool) -> tuple[Path, list[Row]]:
    """A world filled and frozen; unless it shall be quick, learned from and forecast."""
    folder = world(scratch / what.replace(" ", "_"), series, days)
    rows = [walked(what, folder, "ingest.py", "--fill", "--freeze")]
    learned = [] if is_quick else [("train.py",), ("-m", "benchmarks.stress", "--forecast")]
    return folder, [*rows, *(walked(what, folder, *command) for command in learned)]


def inbox_of_many(folder: Path) -> list[Row]:
    """So many daily files at once; and before them, a day on which everybody bought ten times as much."""
    params = load_params(folder / "params.yaml")
    simulation = simulate(params.source.simulator)
    inbox = folder / "data" / "inbox"
    inbox.mkdir(exist_ok=True)
    rows = []
    path = write_day(simulation, simulation.last_day + timedelta(days=1), inbox)
    day = pl.read_csv(path)
    day.with_columns(pl.col("y") * 10).write_csv(path)
    rows.append(walked("ten times the volume", folder, "ingest.py"))
    day.with_columns(pl.col("y") * 10).write_csv(path)
    rows.append(walked("ten times the volume", folder, "ingest.py", "--accept-unusual"))
    for k in range(2, FILES_AT_ONCE + 2):
        write_day(simulation, simulation.last_day + timedelta(days=k), inbox)
    rows.append(walked(f"{FILES_AT_ONCE} files at once", folder, "ingest.py"))
    return rows


def promoted_everywhere(folder: Path) -> Row:
    """The champion's units of four weeks with a promotion on every item, against none: beside what promotions did before."""
    panel = read_frozen(folder / "data" / "panel")
    model = load_bundle(folder / "data" / "models" / "candidate")
    units = {}
    for promo in (0.0, 1.0):
        ahead = pl.col("to_ds") > panel.last_day
        prices = panel.prices.with_columns(promo=pl.when(ahead).then(promo).otherwise("promo"))
        told = model.forecast(replace(panel, prices=prices), panel.last_day, 28)
        units[promo] = told["y_hat"].sum()
    return {
        "what": "a promotion on every item",
        "door": "forecast",
        "told": {
            "units_told_against_none": round(units[1.0] / units[0.0], 3),
            "learned_from_share": _promo_share(panel),
        },
    }


def christmas(data: Path) -> list[Row]:
    """WRMSSE of the backtest cutoff by cutoff: the one whose horizon holds Christmas beside the others."""
    scores = pl.read_parquet(data / "scores" / "scores.parquet")
    ours = scores.filter(model="global_lightgbm", level="average", slice="all", metric="wrmsse").sort("cutoff")
    told = []
    for cutoff, value in ours.select("cutoff", "value").iter_rows():
        holds_it = cutoff < cutoff.replace(month=12, day=25) <= cutoff + timedelta(days=28)
        what = "Christmas" if holds_it else "other weeks"
        told.append({"what": what, "door": f"backtest from {cutoff}", "told": {"wrmsse": round(value, 3)}})
    return told


def _promo_share(panel: Any) -> float:
    known = panel.prices.filter(pl.col("from_ds") <= panel.last_day)
    return round(float((known["promo"].fill_null(0.0) > 0).mean()), 3)


def _forecast_once(folder: Path) -> None:
    """In the measured process: one forecast of 28 days for all series."""
    panel, model = read_frozen(folder / "panel"), load_bundle(folder / "models" / "candidate")
    print(json.dumps({"rows_in": model.forecast(panel, panel.last_day, 28).height}))


def parts(data: Path, scratch: Path, is_quick: bool) -> dict[str, Callable[[], list[Row]]]:
    """What is stressed, by name."""

    def usual() -> list[Row]:
        folder, rows = of_size(scratch, USUAL_SERIES, DAYS, "usual", is_quick)
        promoted = [] if is_quick else [promoted_everywhere(folder)]
        return [*rows, *promoted, *inbox_of_many(folder)]

    def five_years() -> list[Row]:
        folder = world(scratch / "five_years", USUAL_SERIES, 1826)
        return [walked("five years at once", folder, "ingest.py", "--fill", "--freeze")]

    def ten_times() -> list[Row]:
        return of_size(scratch, 10 * USUAL_SERIES, DAYS, "ten times the series", is_quick)[1]

    return {"christmas": lambda: christmas(data), "usual": usual, "five_years": five_years, "ten_times": ten_times}


def table(rows: list[Row]) -> str:
    """One line per door."""
    head = ["what", "door", "exit", "seconds", "CPU s", "MB", "told"]
    numbers = ("exit", "seconds", "cpu_s", "rss_mb")
    return text_table(
        head,
        [
            [row["what"], row["door"], *(str(row.get(name, "-")) for name in numbers), json.dumps(row["told"])]
            for row in rows
        ],
    )


def main() -> None:
    """Stress, print, keep: a part asked for alone takes its own place among the results kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="data folder after make repro")
    parser.add_argument("--quick", action="store_true", help="doors only, no training")
    parser.add_argument("--only", nargs="+", help="parts: christmas, usual, five_years, ten_times")
    parser.add_argument("--params", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--forecast", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.forecast:
        _forecast_once(arguments.data)
        return
    kept = json.loads(RESULT.read_text(encoding="utf-8")).get("parts", {}) if RESULT.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        every = parts(arguments.data, Path(folder), arguments.quick)
        for name in arguments.only or every:
            kept[name] = every[name]()
            print(table(kept[name]), flush=True)
            keep("stress", {"parts": kept})


if __name__ == "__main__":
    main()
