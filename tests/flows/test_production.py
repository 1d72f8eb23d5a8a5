"""Production end to end: a real Prefect server, a schedule, a worker killed in mid-run, an outage;
nothing lost, nothing doubled.

Minutes, so not part of `make test` but for the first, which checks that what was deployed is
scheduled: `make production`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from contract.errors import StoreBusy
from storage.panel_files import read_frozen
from storage.store import open_store

EVERY_S = 15
PATIENCE_S = 240


@pytest.fixture
def plan(shop, tmp_path) -> Path:
    """The daily deployment of prefect.yaml over the shop's folder, every few seconds instead of
    every morning.
    """
    daily = {
        "name": "daily",
        "entrypoint": "flows/daily.py:daily",
        "work_pool": {"name": "tillcast"},
        "concurrency_limit": 1,
        "parameters": {"params": str(shop.params_file), "data": str(shop.paths.root)},
        "schedules": [{"interval": EVERY_S}],
    }
    path = tmp_path / "deployments.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump({"name": "tillcast", "deployments": [daily]}, file)
    return path


@pytest.fixture
def environment(plan, tmp_path) -> dict[str, str]:
    """As environment_of, with that plan."""
    return environment_of(plan, tmp_path)


def environment_of(plan: Path, tmp_path: Path) -> dict[str, str]:
    """A home and a port of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    own = {
        "PREFECT_HOME": str(tmp_path / "home"),
        "PREFECT_API_URL": url,
        "TILLCAST_DEPLOYMENTS": str(plan),
    }
    return {**os.environ, **own, "OMP_WAIT_POLICY": "passive"}


@contextmanager
def serving(root: Path, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen]:
    """`make serve`, terminated when the block ends."""
    with log.open("a") as out:
        command = [sys.executable, str(root / "flows" / "deploy.py")]
        served = subprocess.Popen(command, cwd=root, env=environment, stdout=out, stderr=out)  # noqa: S603
        try:
            yield served
        finally:
            served.terminate()
            try:
                served.wait(90)
            except subprocess.TimeoutExpired:  # the test fails, and still leaves nothing behind
                for pid in processes_of(environment):
                    os.kill(pid, signal.SIGKILL)
                raise


def until(is_so: Callable[[], object], what: str, log: Path) -> object:
    """What `is_so` says once it is true; the log's end when it never was."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(StoreBusy, OSError):
            if found := is_so():
                return found
        time.sleep(0.3)
    pytest.fail(f"waited {PATIENCE_S} s for {what}.\n{log.read_text(encoding='utf-8')[-4000:]}")


def rows_of(shop, query: str) -> list[tuple]:
    with open_store(shop.paths.store, 20, read_only=True) as con:
        return con.execute(query).fetchall()


def newest_origin(shop) -> str:
    return str(rows_of(shop, "select max(origin) from forecasts")[0][0])


def processes_of(environment: dict[str, str]) -> list[int]:
    """Every process that lives in this test's Prefect home."""
    mark = f"PREFECT_HOME={environment['PREFECT_HOME']}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def words_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    return b""


def test_what_prefect_yaml_deploys_is_scheduled_and_ends_when_terminated(root, tmp_path):
    """A broken mix of packages deploys without a word and schedules nothing (SQLAlchemy 2.1): only
    runs in the future prove it.
    """
    raw = YAML(typ="safe").load((root / "prefect.yaml").read_text(encoding="utf-8"))
    later = datetime.now(UTC) + timedelta(
        hours=12
    )  # not in this test's minutes: the flows would run over the checkout's data
    for deployment in raw["deployments"]:
        deployment["schedules"] = [
            {"cron": f"{later.minute} {later.hour} * * *", "timezone": "UTC"}
        ] * bool(deployment["schedules"])
    plan, log = tmp_path / "prefect.yaml", tmp_path / "serve.log"
    with plan.open("w", encoding="utf-8") as file:
        YAML().dump({"name": raw["name"], "deployments": raw["deployments"]}, file)
    environment = environment_of(plan, tmp_path)

    def matching(what: str, **filters: object) -> list[dict]:
        request = urllib.request.Request(  # noqa: S310 -- our own server
            f"{environment['PREFECT_API_URL']}/{what}/filter",
            json.dumps(filters).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, timeout=10
        ) as response:
            return json.load(response)

    def scheduled() -> set[str]:
        ahead = {"state": {"type": {"any_": ["SCHEDULED"]}}}
        names = {deployment["id"]: deployment["name"] for deployment in matching("deployments")}
        found = {names[run["deployment_id"]] for run in matching("flow_runs", flow_runs=ahead)}
        return (
            found
            if {"daily", "weekly"} <= found and set(names.values()) == {"daily", "weekly", "drill"}
            else set()
        )

    with serving(root, environment, log):
        # drills are started by hand
        assert until(scheduled, "runs in the future", log) == {"daily", "weekly"}
    assert until(lambda: not processes_of(environment), "every process to be gone", log)


@pytest.mark.production
def test_days_by_schedule_a_killed_worker_and_an_outage(
    shop, next_day, environment, root, tmp_path
):
    log, paths = tmp_path / "serve.log", shop.paths
    last = read_frozen(paths.panel).last_day
    origins = [str(last + timedelta(days=k)) for k in range(6)]
    with serving(root, environment, log):
        next_day(shop, 1)
        until(lambda: newest_origin(shop) == origins[1], "the first day's table", log)
        _kill_in_mid_run(environment, log)
        next_day(shop, 2)
        until(lambda: newest_origin(shop) == origins[2], "the killed day's table", log)
        until(
            lambda: "started again as" in log.read_text(), "the killed run to be started again", log
        )
    assert until(lambda: not processes_of(environment), "every process to be gone", log)
    for k in (3, 4, 5):  # production is off, the suppliers are not
        next_day(shop, k)
    with serving(root, environment, log):
        until(lambda: newest_origin(shop) == origins[5], "the table after the outage", log)
    assert until(lambda: not processes_of(environment), "every process to be gone", log)
    _nothing_lost_or_doubled(shop, origins)


def _kill_in_mid_run(environment: dict[str, str], log: Path) -> None:
    """SIGKILL for the worker and for the flow's process, while a run is on."""

    def pair() -> tuple[int, int] | None:
        words = {pid: words_of(pid) for pid in processes_of(environment)}
        worker = [pid for pid, said in words.items() if b"worker start" in said]
        flow = [
            pid
            for pid, said in words.items()
            if b"prefect.engine" in said or b"flow_engine" in said
        ]
        return (worker[0], flow[0]) if worker and flow else None

    for pid in until(pair, "a run in its process", log):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _nothing_lost_or_doubled(shop, origins: list[str]) -> None:
    taken = rows_of(
        shop,
        """
        select name, count(*) from batches
        where name like 'sales_2%' group by name having count(*) <> 1""",
    )
    assert taken == []
    assert not list(shop.paths.inbox.glob("*.csv"))
    in_order = rows_of(
        shop, "select name from batches where name like 'sales_2%' order by batch_id"
    )
    assert in_order[-5:] == sorted(in_order)[-5:]
    days = rows_of(
        shop,
        """
        select ds, count(*), count(distinct unique_id) from sales
        group by ds order by ds desc limit 5""",
    )
    assert [str(day) for day, _, _ in days] == origins[5:0:-1]
    assert all(rows == series > 0 for _, rows, series in days)
    assert (
        rows_of(
            shop, "select run_id from forecasts group by run_id, unique_id, ds having count(*) > 1"
        )
        == []
    )
    published = rows_of(
        shop,
        """
        select origin::varchar from forecasts join runs using (run_id)
        where status = 'done' group by 1 order by 1""",
    )
    assert published[-1][0] == origins[5]
    whole = rows_of(shop, "select count(*) from forecasts group by run_id")
    assert len({count for (count,) in whole}) == 1
