"""monitor.py over a real store and real files."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime, timedelta

import polars as pl
import pytest

import inference
import ingest
import monitor
from contract.errors import SourceMissing
from runtime.memory import peak_mb
from runtime.paths import Paths
from stages.report import report
from storage.alerts import open_alerts, read_alerts
from storage.panel_files import read_frozen
from storage.runs import Run, read_runs, write_run
from storage.store import open_store


def morning(shop, days_after: int) -> datetime:
    last_day = read_frozen(shop.paths.panel).last_day
    return datetime.combine(last_day + timedelta(days=days_after), datetime.min.time()) + timedelta(
        hours=6
    )


def alerts_of(shop, read=open_alerts) -> pl.DataFrame:
    with open_store(shop.paths.store) as con:
        return read(con)


def test_one_cause_is_one_alert_however_often_it_is_seen_and_closes_when_it_is_gone(shop):
    params, paths = shop.params, shop.paths
    for days in (5, 6):
        assert "freshness" in monitor.monitor(params, paths, now=morning(shop, days))["raised"]
    stale = read_alerts_of_cause(shop, "freshness")
    assert stale.select("state", "value", "severity").rows() == [("open", 6.0, "error")]
    assert "Call" in stale["advice"][0]
    assert "freshness" in monitor.monitor(params, paths, now=morning(shop, 1))["closed"]
    assert read_alerts_of_cause(shop, "freshness")["state"].to_list() == ["closed"]


def read_alerts_of_cause(shop, cause: str) -> pl.DataFrame:
    return alerts_of(shop, read_alerts).filter(cause=cause)


def test_after_a_week_of_arrivals_the_published_table_is_judged(shop, next_day):
    params, paths = shop.params, shop.paths
    for k in range(1, 9):
        next_day(shop, k)
    assert ingest.ingest(params, paths, now=morning(shop, 9))["accepted"] == 8
    summary = monitor.monitor(params, paths, now=morning(shop, 9))
    written = json.loads((paths.reports / "monitor.json").read_text())
    judged = {finding["cause"]: finding["value"] for finding in written["findings"]}
    assert judged["accuracy"] > 0
    assert judged["forecast_age"] == 8
    assert "forecast_age" in summary["raised"]  # nobody forecast since
    assert {row["week"] for row in written["by_week"]} == {1, 2}
    inference.infer(params, paths, now=morning(shop, 9))
    assert "forecast_age" in monitor.monitor(params, paths, now=morning(shop, 9))["closed"]


def test_a_dry_run_says_the_same_and_writes_nothing(shop):
    summary = monitor.monitor(shop.params, shop.paths, now=morning(shop, 9), dry_run=True)
    assert summary["worst"] == "error"
    assert alerts_of(shop).is_empty()
    assert not (shop.paths.reports / "monitor.json").exists()


def test_a_run_of_monitor_is_kept(shop):
    monitor.monitor(shop.params, shop.paths, now=morning(shop, 1))
    with open_store(shop.paths.store) as con:
        assert read_runs(con, "monitor").height == 1


def test_runs_of_entry_points_say_a_plausible_peak_of_their_own(shop, root):
    """Entry points as processes: what this one holds, much of it from other tests, must not be in
    theirs.
    """
    where = shop.options
    for command in (["inference.py"], ["monitor.py", "--now", morning(shop, 1).isoformat()]):
        started = [sys.executable, *command, *where]
        subprocess.run(started, cwd=root, check=True, capture_output=True)  # noqa: S603 -- our own command
    with open_store(shop.paths.store) as con:
        peaks = {name: read_runs(con, name)["peak_mb"][0] for name in ("inference", "monitor")}
    # Python with Polars and DuckDB; a hundred series
    assert all(60 < peak < 1500 for peak in peaks.values()), peaks


def test_a_run_that_begins_forgets_what_another_held_before_it(shop):
    held = bytearray(b"x" * (400 * 2**20))
    before = peak_mb()
    del held
    monitor.monitor(shop.params, shop.paths, now=morning(shop, 1))
    with open_store(shop.paths.store) as con:
        assert read_runs(con, "monitor")["peak_mb"][0] < before - 200


def test_a_peak_three_times_as_usual_is_an_alert_of_the_next_morning(shop):
    params, paths = shop.params, shop.paths
    usual = float(peak_mb() or 0)  # of this process, whatever other tests left in it
    with open_store(paths.store) as con:
        for k, peak in enumerate([usual] * 6 + [3 * usual]):
            at = morning(shop, 1) + timedelta(minutes=k)
            write_run(con, Run(str(k), "monitor", at, at, peak_mb=peak))
    assert "memory:monitor" in monitor.monitor(params, paths, now=morning(shop, 2))["raised"]
    (alert,) = read_alerts_of_cause(shop, "memory:monitor").to_dicts()
    assert (alert["value"], alert["threshold"]) == (3.0, params.monitor.max_memory_ratio)
    assert "the operator on duty" in alert["advice"]
    assert "memory:monitor" in monitor.monitor(params, paths, now=morning(shop, 3))["closed"]


def test_without_a_store_it_says_how_to_fill_one(shop, tmp_path):
    with pytest.raises(SourceMissing, match="Fill one"):
        monitor.monitor(shop.params, Paths(tmp_path / "nothing"), now=datetime(2024, 6, 1))


def test_the_report_is_the_same_twice_and_needs_no_store(shop):
    shop.paths.store.unlink()
    first = report(shop.params, shop.paths)
    page = (shop.paths.reports / "index.html").read_bytes()
    assert report(shop.params, shop.paths) == first
    assert (shop.paths.reports / "index.html").read_bytes() == page
    assert "oracle (error floor)" in first["leaderboard"]
    board = json.loads((shop.paths.reports / "leaderboard.json").read_text())
    assert {"seasonal_naive", "global_lightgbm", "oracle"} <= set(board["models"])


def test_without_files_the_report_says_what_to_run(shop, tmp_path):
    with pytest.raises(SourceMissing, match="dvc repro"):
        report(shop.params, Paths(tmp_path / "nothing"))


def test_help_is_instant(root):
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "monitor.py", "--help"], cwd=root, check=True, capture_output=True
    )
    assert time.monotonic() - started < 2  # 0.3 s alone; a busy machine takes longer
