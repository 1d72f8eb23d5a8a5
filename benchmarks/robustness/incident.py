"""One incident lived through, as a timeline: a feed's clock moves over midnight, and a day's sales
overwrite the day before.

Read from what the entry points say: ingest's notes, the lineage of the wrong file (what it
touched), the published tables. A small world of 200 series in a scratch folder.
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.entry_points import DAILY_PLAIN, Folder, touched_by, tried
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import ROOT, Result
from drills.file_faults import yesterdays_date
from drills.mornings import World
from drills.small_world import small_world
from storage.alerts import read_alerts
from storage.forecasts import latest_forecasts
from storage.store import open_store

SERIES, DAYS = 200, 150
OF_A_DAY = (
    "select s.unique_id, s.ds, s.y, a.* exclude (unique_id) "
    "from sales s join series_attributes a using (unique_id) "
    "where s.ds = $day order by s.unique_id desc"
)


@dataclass(frozen=True)
class Morning:
    """A morning of the daily flow: its summary, the causes open after it, the table published."""

    summary: Result
    alerts: list[str]
    table: pl.DataFrame


def measure(_context: Context) -> Result:
    """The incident and the same mornings without it, side by side."""
    with tempfile.TemporaryDirectory() as scratch:
        return lived_through(Path(scratch))


def lived_through(scratch: Path) -> Result:
    """A wrong file on the first morning; the right one of that day and of the day before on the
    next two.
    """
    start = date.today() - timedelta(days=DAYS + 4)  # behind the clock: lineage compares moments
    world = small_world(ROOT, scratch / "world", series=SERIES, days=DAYS, start=start.isoformat())
    (path,) = (world.data / "inbox").glob("sales_*")
    day, content = date.fromisoformat(path.stem.removeprefix("sales_")), path.read_bytes()
    right = morning(world.copied_to(scratch / "undisturbed"), 0).table
    _drop(world, path.name, yesterdays_date(content.decode(), np.random.default_rng(1)))
    before_day = _as_stored(world, day - timedelta(days=1))
    mornings = [morning(world, 0)]
    lineage = tried(touched_by(path.name), _folder(world))
    for k, file in enumerate((content, before_day)):
        _drop(world, f"sales_{day - timedelta(days=k)}_right.csv", file)
        mornings.append(morning(world, k + 1))
    return {
        "day": str(day),
        "first_morning": mornings[0].summary.get("ingest"),
        "alerts": [one.alerts for one in mornings],
        "lineage": lineage.summary | {"exit": lineage.exit},
        "gap_by_morning": [gap(one.table, right) for one in mornings],
        "origins": [str(one.table["origin"][0]) for one in mornings],
    }


def morning(world: World, days: int) -> Morning:
    """The daily flow, so many days after the world's first morning."""
    now = (world.now + timedelta(days=days)).isoformat()
    used = tried((*DAILY_PLAIN, "--now", now), _folder(world))
    with open_store(world.store, read_only=True) as con:
        alerts = read_alerts(con).filter(state="open")["cause"].to_list()
        return Morning(used.summary, alerts, latest_forecasts(con))


def gap(table: pl.DataFrame, right: pl.DataFrame) -> dict[str, float]:
    """How far a table is from the right one of the same days: share of its units, of its rows moved
    by more than a tenth.
    """
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


def _folder(world: World) -> Folder:
    return Folder(world.params, world.data, world.checkout)


def _drop(world: World, name: str, content: bytes) -> None:
    (world.data / "inbox" / name).write_bytes(content)


def _as_stored(world: World, day: date) -> bytes:
    """The right file of a day, as the store held it: what its sender would send again."""
    with open_store(world.store, read_only=True) as con:
        rows = con.sql(OF_A_DAY, params={"day": day}).pl()
    file = io.BytesIO()
    rows.write_csv(file)
    return file.getvalue()


BENCHMARK = Benchmark(
    question="What does a feed's clock moved over midnight do, who says so, and when is it gone?",
    needs="nothing; minutes",
    measure=measure,
)
