"""The flows: the same entry points with and without Prefect, nothing retried that would be refused
again, nothing left running.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from ruamel.yaml import YAML

from contract.errors import DiskRefused, GateFailed, SourceMissing, StoreBusy
from drills.catalogue import unexcused
from flows import daily
from flows.command_line import run_flow
from flows.drilling import drill_all
from flows.engine import flow, task
from flows.tasks import worth_retrying
from runtime.paths import Paths
from storage.panel_files import read_frozen
from storage.runs import read_runs
from storage.store import open_store

# Rules of whole days ask for more than chance: 13 of 24 rows, or 24 items in another order, prove
# nothing. `make drills` has 1,000.
UNSEEN_IN_A_SHOP_OF_24_SERIES = {"half_file 1", "scrambled_rows 1"}


def morning(shop, days_after: int) -> datetime:
    last_day = read_frozen(shop.paths.panel).last_day
    return datetime.combine(last_day + timedelta(days=days_after), datetime.min.time()) + timedelta(
        hours=6
    )


def test_a_plain_day_takes_the_inbox_forecasts_and_looks(shop, next_day):
    next_day(shop, 1)
    summaries = daily.plain(shop.params_file, shop.paths.root, morning(shop, 2))
    assert (summaries["ingest"]["accepted"], summaries["ingest"]["refused"]) == (1, 0)
    assert str(summaries["inference"]["origin"]) == str(morning(shop, 1).date())
    assert "freshness" not in summaries["monitor"]["raised"]
    page = (shop.paths.reports / "planner.html").read_text(encoding="utf-8")
    assert f"<title>Planner, from {morning(shop, 1).date()}</title>" in page


def test_the_watchers_look_even_if_no_table_could_be_made(shop):
    (shop.paths.registry / _champion(shop) / "calibration.json").unlink()
    (shop.paths.backtest / "calibration.json").unlink()
    with pytest.raises(Exception, match="calibration"):
        daily.plain(shop.params_file, shop.paths.root, morning(shop, 9))
    with open_store(shop.paths.store) as con:
        assert read_runs(con, "monitor").height == 1


def test_an_inbox_that_cannot_be_taken_leaves_the_morning_its_table(shop):
    """Yesterday's sales make a table; none is made of a failure, which is raised afterwards."""
    lock = shop.paths.root / "inbox.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir(parents=True)
    with pytest.raises(DiskRefused, match="no regular file"):
        daily.plain(shop.params_file, shop.paths.root, morning(shop, 2))
    lock.rmdir()
    with open_store(shop.paths.store) as con:
        assert read_runs(con, "inference")["status"].to_list()[-1:] == ["done"]
        assert read_runs(con, "monitor").height == 1


def test_the_daily_flow_completes_in_prefect(shop, next_day, prefect_server):
    next_day(shop, 1)
    state = daily.daily(shop.params_file, shop.paths.root, morning(shop, 2), return_state=True)
    assert state.is_completed()
    assert state.result()["ingest"]["accepted"] == 1


@pytest.fixture(scope="session")
def prefect_server():
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


def _champion(shop) -> str:
    from storage.models import champion

    with open_store(shop.paths.store) as con:
        return champion(con)


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [(StoreBusy("held"), 2), (OSError("disk"), 2), (SourceMissing("no file"), 1)],
)
def test_only_what_may_pass_is_retried(failure, attempts, prefect_server):
    seen = []

    @task(retries=1, retry_delay_seconds=0, retry_condition_fn=worth_retrying)
    def fails():
        seen.append(1)
        raise failure

    @flow
    def alone():
        fails()

    with pytest.raises(type(failure)):
        alone()
    assert len(seen) == attempts


def test_every_deployment_names_a_flow_that_exists_and_one_writer_at_a_time(root):
    from importlib import import_module

    plain = YAML(typ="safe").load((root / "prefect.yaml").read_text(encoding="utf-8"))
    assert {deployment["name"] for deployment in plain["deployments"]} == {
        "daily",
        "weekly",
        "drill",
    }
    for deployment in plain["deployments"]:
        path, name = deployment["entrypoint"].split(":")
        flow = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)
        assert flow.name == deployment["name"]
        assert 0 < flow.timeout_seconds <= 12 * 3600
        assert (deployment["work_pool"]["name"], deployment["concurrency_limit"]) == ("tillcast", 1)
        assert all(schedule["timezone"] for schedule in deployment["schedules"])


@pytest.mark.parametrize("script", ["daily", "weekly", "drill"])
def test_a_flow_runs_by_its_path_from_anywhere(script, root, tmp_path):
    shown = subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, str(root / "flows" / f"{script}.py"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--plain" in shown.stdout


@pytest.mark.parametrize("script", ["daily", "weekly", "drill", "replay"])
def test_a_flow_is_short_and_says_when_alone(script, root):
    """No Polars, no store, no rule of data: what it runs lies in modules beside it."""
    text = (root / "flows" / f"{script}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    names = {
        node.module or "" for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    }
    packages = {name.split(".")[0] for name in names}
    assert packages & {"polars", "storage", "forecasting", "monitoring", "sources"} == set()


@pytest.mark.production  # a hundred drills, minutes; tests/drills runs a part of them
def test_the_drills_leave_store_and_panel_untouched(shop):
    from runtime.disk import sha256_of

    files = [shop.paths.store, shop.paths.panel / "sales.parquet"]
    before = [sha256_of(path) for path in files]
    with suppress(GateFailed):  # what may be catastrophic here stands below
        drill_all(shop.params_file, shop.paths.root, morning(shop, 60))
    assert [sha256_of(path) for path in files] == before
    card = json.loads((Paths(shop.paths.root).reports / "drills.json").read_text(encoding="utf-8"))
    assert sum(card["counts"].values()) == len(card["drills"]) >= 100
    assert "missing_model" in {one["fault"] for one in card["drills"]}
    assert set(unexcused(card["drills"])) <= UNSEEN_IN_A_SHOP_OF_24_SERIES


def test_a_day_in_prefect_leaves_tables_to_look_at_and_an_event_for_every_alert(
    shop, prefect_server
):
    from prefect.client.orchestration import get_client

    daily.daily(shop.params_file, shop.paths.root, morning(shop, 9))
    with get_client(sync_client=True) as client:
        artifacts = sorted(client.read_artifacts(), key=lambda artifact: artifact.created)
        raised = _events_of(client, "tillcast.alert.raised", "freshness")
        loggers = _loggers_of(client, awaited="monitor")
    shown = {artifact.key: artifact.data for artifact in artifacts}
    assert "freshness" in raised
    assert "| inference | units |" in shown["tillcast-day"]
    assert "freshness" in shown["tillcast-alarms"]
    assert "/watch.html" in shown["tillcast-report"]
    assert {"ingest", "inference", "monitor"} <= loggers  # what they log stands in the run's log
    assert list(shop.paths.logs.glob("*.jsonl"))
    assert shop.paths.snapshot.exists()


def _loggers_of(client, awaited: str) -> set[str]:
    """Who logged in the runs, once the awaited one has; lines travel in the background."""
    import time

    names: set[str] = set()
    for _ in range(60):
        names = {line.name for line in client.read_logs(limit=200)}
        if awaited in names:
            break
        time.sleep(0.5)
    return names


def _events_of(client, event: str, awaited: str) -> set[str]:
    """The causes of the events of this name, once the awaited one reached the server; they travel
    in the background.
    """
    import time

    causes: set[str] = set()
    for _ in range(60):
        found = client._client.post(
            "/events/filter", json={"filter": {"event": {"prefix": [event]}}, "limit": 50}
        )
        causes = {one["payload"]["cause"] for one in found.json()["events"]}
        if awaited in causes:
            break
        time.sleep(0.5)
    return causes


def test_alert_rows_are_split_into_severity_cause_and_sentence():
    from flows.artifacts import alert_rows

    attention = (
        "error freshness: no sales since 2024-05-29\n"
        "warning bias:store_id:CA_1: off by +12%: too much"
    )
    assert alert_rows({"attention": attention}) == [
        {"severity": "error", "cause": "freshness", "what": "no sales since 2024-05-29"},
        {"severity": "warning", "cause": "bias:store_id:CA_1", "what": "off by +12%: too much"},
    ]
    assert alert_rows({"attention": ""}) == []


@pytest.mark.parametrize(("pid", "is_gone"), [("999999999", True), (None, False), ("1", True)])
def test_a_run_is_dead_when_its_process_is_gone_or_is_somebody_elses(pid, is_gone):
    from types import SimpleNamespace

    from flows.crashed_runs import is_dead

    assert is_dead(SimpleNamespace(infrastructure_pid=pid)) is is_gone


def test_a_run_handed_out_and_not_begun_is_dead_only_when_the_worker_is():
    from types import SimpleNamespace

    from flows.crashed_runs import is_dead

    assert is_dead(SimpleNamespace(infrastructure_pid=None), unless_begun=False)


def test_a_replay_runs_the_offline_stages_in_the_order_of_dvc(root):
    """run_stages calls one function per stage of dvc.yaml, in its order; freeze_panel has done the
    stages left out.
    """
    import inspect

    from flows.tasks import run_stages

    stages = list(YAML(typ="safe").load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"])
    body = ast.walk(ast.parse(inspect.getsource(run_stages.fn)))
    doing = {
        "validate": "check_panel",
        "features": "profile_features",
        "choose": "choose_recipe",
        "train": "train",
        "evaluate": "evaluate",
    }
    doing |= {"forecast": "forecast_panel", "report": "report"}
    calls = sorted(
        (node for node in body if isinstance(node, ast.Call)), key=lambda node: node.lineno
    )
    called = [getattr(call.func, "attr", getattr(call.func, "id", "")) for call in calls]
    assert [name for name in called if name in doing.values()] == [
        doing[stage] for stage in stages if stage not in ("panel", "incumbent")
    ]


def test_a_server_that_cannot_be_reached_is_one_line_with_a_way_out(monkeypatch, capsys):
    """Other errors of a flow stay what they are."""

    def unreachable(**_values):
        raise RuntimeError("Failed to reach API at http://127.0.0.1:9/api/")

    def broken(**_values):
        raise RuntimeError("a bug")

    monkeypatch.setattr(sys, "argv", ["flows/daily.py"])
    assert run_flow("what it does", unreachable, unreachable) == 1
    assert "refused: Prefect's server does not answer" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="a bug"):
        run_flow("what it does", broken, broken)
