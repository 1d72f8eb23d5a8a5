"""`monitor.py health` over a real store: lines, numbers, exit codes, and a store somebody holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import monitor
from queries.export import snapshot
from queries.health import health
from reports.metrics import WORDS
from storage.alerts import Alert, raise_alert
from storage.forecasts import newest_run
from storage.notices import Noticed, record_noticed
from storage.runs import Run, write_run
from storage.store import open_store, transaction


@pytest.fixture(autouse=True)
def no_addresses(monkeypatch):
    monkeypatch.delenv("TILLCAST_NOTIFY", raising=False)
    monkeypatch.delenv("TILLCAST_NOTIFY_FILE", raising=False)


@pytest.fixture
def now(shop) -> datetime:
    """Two hours after the newest table; an hour before, somebody looked."""
    with open_store(shop.paths.store) as con:
        made = newest_run(con)[0].started_at
        looked = made + timedelta(hours=1)
        write_run(con, Run("look", "monitor", looked, looked + timedelta(seconds=90)))
    return made + timedelta(hours=2)


@pytest.fixture
def run(shop, capsys):
    """`run(now, ...)`: the exit code of the command line, and what it printed."""

    def command(now: datetime, *options: str) -> tuple[int, str]:
        code = monitor.main(["health", *shop.options, "--now", now.isoformat(), *options])
        return code, capsys.readouterr().out

    return command


def add_alert(shop, severity: str, what: str = "12% too much") -> None:
    with open_store(shop.paths.store) as con, transaction(con):
        raise_alert(con, Alert("bias", severity, what, 0.12, 0.1, "Look."), datetime(2024, 5, 1))


def test_all_well_is_zero_and_a_line_for_each_thing(run, now):
    code, printed = run(now)
    assert code == 0
    lines = dict(re.split(r"\s+", line, maxsplit=1) for line in printed.splitlines())
    assert list(lines) == ["health", "store", "sales", "table", "look", "messages", "disk"]
    assert lines.pop("health") == "ok"
    assert all(line.startswith("ok ") for line in lines.values())
    assert "made 2 hours ago" in lines["table"] and "looked 1 hours ago" in lines["look"]


@pytest.mark.parametrize(("severity", "expected"), [("warning", 1), ("error", 2)])
def test_an_open_alert_is_a_line_and_its_severity_the_exit_code(run, shop, now, severity, expected):
    add_alert(shop, severity, "12% too much\nok  all is well")
    code, printed = run(now)
    assert code == expected
    first, worst_first = printed.splitlines()[:2]
    assert re.fullmatch(rf"health\s+{severity}", first)
    assert re.fullmatch(rf"bias\s+{severity}\s+12% too much\\nok  all is well", worst_first)


def test_an_alert_of_a_lines_name_hides_nothing_and_is_hidden_by_nothing(run, shop, now):
    with open_store(shop.paths.store) as con, transaction(con):
        raise_alert(con, Alert("sales", "error", "gone", 1.0, 0.0, "Look."), now)
    code, printed = run(now)
    assert code == 2
    assert re.findall(r"^sales\s+(\w+)", printed, re.MULTILINE) == ["error"]


def test_a_morning_that_never_came_is_an_error(run, now):
    code, printed = run(now + timedelta(hours=26))
    assert code == 2
    assert re.search(r"look\s+error .* is the daily flow running\?", printed)
    assert re.search(r"table\s+warning .*made 28 hours ago", printed)


def test_a_message_that_did_not_arrive_is_an_error_while_its_address_is_named(
    run, shop, now, monkeypatch
):
    from runtime.channels import channels

    monkeypatch.setenv("TILLCAST_NOTIFY", "json://127.0.0.1:9/hook")
    (channel,) = channels()
    with open_store(shop.paths.store) as con:
        record_noticed(con, {channel.name: Noticed({}, 1, "503"), "json:0000": Noticed({}, 1, "x")})
    code, printed = run(now)
    assert code == 2
    assert re.search(rf"messages:{channel.name}\s+error\s+not delivered: 503", printed)
    assert "json:0000" not in printed
    monkeypatch.setenv("TILLCAST_NOTIFY", "nosuch://x")
    assert "messages  error    address 1 of TILLCAST_NOTIFY" in run(now)[1]


def test_the_numbers_are_what_the_store_holds_and_metrics_say_the_same(run, shop, now, tmp_path):
    add_alert(shop, "warning")
    file = tmp_path / "tillcast.prom"
    code, printed = run(now, "--json", "--metrics", str(file))
    said = json.loads(printed)
    assert (code, said["health"]) == (1, "warning")
    numbers = {
        (number.pop("name"), *number.values()): value
        for number in said["numbers"]
        for value in [number.pop("value")]
    }
    assert numbers[("look_age_hours",)] == 1
    assert numbers[("alerts", "warning")] == 1 and numbers[("alerts", "error")] == 0
    assert numbers[("run_seconds", "monitor")] == 90
    assert ("run_peak_mb", "monitor") not in numbers  # unknown is absent
    families = text_string_to_metric_families(file.read_text())
    metrics = {
        (sample.name.removeprefix("tillcast_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }
    assert metrics == numbers


def test_while_somebody_writes_the_copy_is_read(run, shop, now, monkeypatch):
    monkeypatch.setattr("queries.health.WAIT_S", 0.1)
    snapshot(shop.params, shop.paths)
    hold = f"import duckdb, sys; con = duckdb.connect({str(shop.paths.store)!r}); print(flush=True)"
    command = [sys.executable, "-c", f"{hold}; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603
        holder.stdout.readline()
        code, printed = run(now)
        shop.paths.snapshot.unlink()
        without_copy = run(now)
        holder.stdin.close()
    assert code == 0
    assert re.search(r"store\s+ok\s+somebody is writing; read from the copy", printed)
    assert without_copy[0] == 0 and "is held by" in without_copy[1]


def test_a_store_that_is_gone_or_damaged_is_an_error_with_the_way_out_and_none_is_made(
    run, shop, now
):
    shop.paths.store.write_bytes(b"no store" * 1000)
    code, printed = run(now)
    assert code == 2 and re.search(r"store\s+error .*make rebuild", printed)
    shop.paths.store.unlink()
    code, printed = run(now)
    assert code == 2 and re.search(r"store\s+error .*is gone; .* Run `make rebuild`", printed)
    assert not shop.paths.store.exists()


def test_health_writes_nothing(shop, now):
    before = shop.paths.store.read_bytes()
    health(shop.params, shop.paths, now)
    assert shop.paths.store.read_bytes() == before


def test_the_dashboard_draws_only_numbers_there_are(root):
    board = json.loads((root / "docs" / "grafana.json").read_text())
    drawn = {target["expr"] for panel in board["panels"] for target in panel["targets"]}
    assert {name.removeprefix("tillcast_") for name in drawn} <= WORDS.keys()
