"""One incident walked through, as a timeline: a feed's clock moves over midnight, and a day's sales overwrite the day before.

run     python -m benchmarks.incident     a small world of 200 series in a scratch folder; a few minutes

Told from what the doors say: the ingest door's notes, the lineage of the wrong file (`ingest.py touched`), the published tables.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measured import ROOT, machine
from drills.file_faults import yesterdays_date
from drills.mornings import World
from drills.small_world import small_world
from storage.alerts import read_alerts
from storage.forecasts import latest_forecasts
from storage.store import open_store

RESULT = ROOT / "benchmarks" / "results" / "incident.json"
SERIES, DAYS = 200, 150


def said_by(world: World, *command: str) -> dict[str, Any]:
    """The JSON summary of a door over the world; its exit code as `exit`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"OMP_WAIT_POLICY": "passive", "PATH": path, "PYTHONPATH": str(world.checkout)}
    done = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, *command, "--json"],
        cwd=world.checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {"said": done.stderr[-500:]}
    return told | {"exit": done.returncode}


def morning(world: World, days: int) -> dict[str, Any]:
    """The daily walk, so many days after the world's first morning: summaries, and the causes that are open after it."""
    told = said_by(world, "flows/daily.py", "--plain", "--now", (world.now + timedelta(days=days)).isoformat())
    with open_store(world.store, read_only=True) as con:
        alerts = read_alerts(con).filter(state="open")["cause"].to_list()
        table = latest_forecasts(con)
    return {"said": told, "alerts": alerts, "table": table}


def drop(world: World, name: str, content: bytes) -> None:
    """A file into the inbox."""
    (world.data / "inbox" / name).write_bytes(content)


def gap(table: pl.DataFrame, right: pl.DataFrame) -> dict[str, float]:
    """How far a table is from the right one of the same days: share of its units, of its rows moved by more than a tenth."""
    both = table.join(right, on=["unique_id", "ds"], how="inner", suffix="_right")
    moved = (both["y_hat"] - both["y_hat_right"]).abs()
    far = moved > 0.1 * np.maximum(both["y_hat_right"].to_numpy(), 0.05)
    total, right_total = both["y_hat"].sum(), both["y_hat_right"].sum()
    return {
        "rows": both.height,
        "units_off": round(float(total / right_total - 1), 4),
        "absolute_gap": round(float(moved.sum() / right_total), 4),
        "rows_moved_by_a_tenth": round(float(far.mean()), 4),
    }


def walked_through(scratch: Path) -> dict[str, Any]:
    """The incident and the same mornings without it, side by side."""
    start = date.today() - timedelta(days=DAYS + 4)  # every morning lies behind the clock: lineage compares moments
    world = small_world(ROOT, scratch / "world", series=SERIES, days=DAYS, start=start.isoformat())
    (path,) = (world.data / "inbox").glob("sales_*")
    day, content = date.fromisoformat(path.stem.removeprefix("sales_")), path.read_bytes()
    undisturbed = world.copied_to(scratch / "undisturbed")
    right = morning(undisturbed, 0)["table"]
    drop(world, path.name, yesterdays_date(content.decode(), np.random.default_rng(1)))
    before_day = _yesterday(world, day - timedelta(days=1))
    first = morning(world, 0)
    lineage = said_by(world, "ingest.py", "touched", "--file", path.name)
    drop(world, f"sales_{day}_right.csv", content)
    second = morning(world, 1)
    drop(world, f"sales_{day - timedelta(days=1)}_right.csv", before_day)
    third = morning(world, 2)
    return {
        "day": str(day),
        "first_morning": first["said"].get("ingest"),
        "alerts": [one["alerts"] for one in (first, second, third)],
        "lineage": lineage,
        "gap_by_morning": [gap(one["table"], right) for one in (first, second, third)],
        "origins": [str(one["table"]["origin"][0]) for one in (first, second, third)],
    }


def _yesterday(world: World, day: date) -> bytes:
    """The right file of a day, as the store held it: what its sender would send again."""
    with open_store(world.store, read_only=True) as con:
        rows = con.sql(
            "select s.unique_id, s.ds, s.y, a.* exclude (unique_id) from sales s join series_attributes a using (unique_id) "
            "where s.ds = $day order by s.unique_id desc",
            params={"day": day},
        ).pl()
    file = io.BytesIO()
    rows.write_csv(file)
    return file.getvalue()


def main() -> None:
    """Walk, print, keep."""
    with tempfile.TemporaryDirectory() as folder:
        told = walked_through(Path(folder))
    RESULT.write_text(json.dumps({"machine": machine(), **told}, indent=1, default=str) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=1, default=str))


if __name__ == "__main__":
    main()
