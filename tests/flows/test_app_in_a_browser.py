"""The app in a real browser (the system's Chromium, driven over its DevTools): a group overridden,
its sums seen, revoked; the xlsx taken; a what-if run; nothing wrong in the browser's console.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from queries.overrides import overrides
from queries.planner import planner_page
from reports.planner import write_planner_page
from runtime.paths import Paths
from stages.order import order

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
FIRST = date(2024, 5, 30)
PATIENCE_S = 90

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")


class Browser:
    """One tab, over DevTools."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.numbers, self.wrong = socket, itertools.count(1), []
        for domain in ("Page", "Runtime", "Log"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **params: Any) -> Any:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=PATIENCE_S))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            if message.get("method") == "Runtime.exceptionThrown":
                self.wrong.append(message["params"]["exceptionDetails"]["text"])
            if message.get("method") == "Log.entryAdded":
                self.wrong.append(message["params"]["entry"]["text"])

    def run(self, script: str) -> Any:
        done = self.do("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def until(self, condition: str) -> None:
        started = time.monotonic()
        while time.monotonic() - started < PATIENCE_S:
            if self.run(f"document.readyState === 'complete' && Boolean({condition})"):
                return
            time.sleep(0.1)
        raise AssertionError(f"never {condition}: {self.text()[:500]}")

    def go(self, address: str) -> None:
        self.do("Page.navigate", url=address)
        self.until("document.body")

    def text(self) -> str:
        return str(self.run("document.body.innerText"))

    def fill(self, form: str, **fields: str) -> None:
        """Fill a form's fields and press its only button."""
        script = (
            f"(() => {{ const form = document.getElementById({json.dumps(form)});"
            f"for (const [name, value] of Object.entries({json.dumps(fields)}))"
            " form.elements[name.replaceAll('__', '-')].value = value;"
            " form.querySelector('button').click(); })()"
        )
        self.run(script)


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    from websockets.sync.client import connect

    command = [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet)  # noqa: S603 -- ours
    try:
        port = _port_of(folder / "DevToolsActivePort")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as listed:
            page = next(one for one in json.load(listed) if one["type"] == "page")
        with connect(page["webSocketDebuggerUrl"], max_size=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        process.wait(20)


def _port_of(said: Path) -> str:
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE_S:
        if said.exists() and "\n" in said.read_text():
            return said.read_text().split()[0]
        time.sleep(0.1)
    raise AssertionError("Chromium did not start")


@contextmanager
def served(shop, root: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "app", *shop.options, "--port", "0"]
    process = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield re.search(r"http://\S+/", process.stderr.readline())[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture
def open_page(shop, root, tmp_path) -> Iterator[tuple[Browser, str]]:
    """A browser, and the address of the app over the shop."""
    order(shop.params, shop.paths, now=datetime(2024, 6, 1, 7), order_day=FIRST)
    with ExitStack() as stack:
        address = stack.enter_context(served(shop, root))
        yield stack.enter_context(chromium(tmp_path / "profile")), address


def test_a_planner_overrides_a_group_sees_the_sums_revokes_and_runs_a_what_if(
    open_page, shop, tmp_path
):
    browser, address = open_page
    days = {"from": str(FIRST), "to": str(FIRST + timedelta(days=6))}
    group = {"where__store_id": "CA_1", "where__dept_id": "FOODS_1"}

    browser.go(address + "overrides")
    browser.fill("override", **group, **days, value="700", kind="units", reason="a fair")
    browser.until("document.getElementById('sums')")
    assert "→ 700.0 units" in browser.run("document.getElementById('sums').innerText")
    browser.run("document.getElementById('set').click()")
    browser.until("document.querySelector('.revoke')")
    assert [row["final_units"] for row in _listed(shop)] == [700.0]

    browser.go(address)
    browser.until("document.getElementById('crossed').rows.length")
    browser.run(
        "fetch('/planner.xlsx').then((found) => found.arrayBuffer())"
        ".then((bytes) => { window.taken = Array.from(new Uint8Array(bytes)); })"
    )
    browser.until("window.taken")
    taken = browser.run("window.taken")
    (tmp_path / "planner.xlsx").write_bytes(bytes(taken))
    assert "why" not in pl.read_excel(tmp_path / "planner.xlsx").columns
    assert {"unique_id", "cause", "units"} <= set(pl.read_excel(tmp_path / "planner.xlsx").columns)

    browser.go(address + "overrides")
    browser.run("document.querySelector('.revoke').click()")
    browser.until("!document.querySelector('.revoke')")
    assert _listed(shop)[0]["state"] == "revoked"

    browser.go(address + "what-if")
    browser.fill("what-if", **group, **days, price__percent="-20", promo="1")
    browser.until("document.getElementById('result')")
    assert "Association, not cause" in browser.text()
    assert browser.wrong == []


def test_the_page_works_from_a_disk_draws_a_series_and_says_nan_nowhere(shop, tmp_path):
    reports = Paths(tmp_path / "sent").reports
    write_planner_page(planner_page(shop.params, shop.paths), reports)
    with chromium(tmp_path / "profile") as browser:
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        browser.do("Emulation.setEmulatedMedia", features=dark)
        browser.go((reports / "planner.html").as_uri())
        browser.until("document.getElementById('crossed').rows.length > 2")
        name = planner_page(shop.params, shop.paths).known.series["unique_id"][0]
        browser.run(f"show({json.dumps(name)})")
        browser.until("document.querySelector('#find-chart svg')")
        spot = browser.run(
            "(() => { document.getElementById('find-chart').scrollIntoView();"
            "const box = document.querySelector('#find-chart svg').getBoundingClientRect();"
            "return [box.x + box.width * 0.9, box.y + box.height * 0.6]; })()"
        )
        browser.do("Input.dispatchMouseEvent", type="mouseMoved", x=spot[0], y=spot[1])
        browser.until("document.getElementById('vg-tooltip-element')?.innerText")
        said = browser.run("document.getElementById('vg-tooltip-element').innerText")
        assert "final" in said
        assert "NaN" not in said
        look = browser.run(
            "(() => { const look = getComputedStyle(document.getElementById('vg-tooltip-element'));"
            "return [look.color, look.backgroundColor]; })()"
        )
        assert _brightness(look[0]) - _brightness(look[1]) > 150
        browser.run(
            "(() => { const form = document.getElementById('cross');"
            "form.elements.days.value = 'weeks'; form.dispatchEvent(new Event('change')); })()"
        )
        assert "1 ahead" in browser.run("document.getElementById('crossed').innerText")
        assert "NaN" not in browser.text()
        assert browser.wrong == []


def _brightness(colour: str) -> float:
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3


def _listed(shop) -> list[dict[str, Any]]:
    return overrides(shop.params, shop.paths)["overrides"]
