"""The planner's app over a shop: what each page shows, what each form does, and what somebody
cannot do who is not allowed to.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta

import httpx
import pytest
import uvicorn

import monitor
from app.access import PLANNER_TOKEN, READER_TOKEN, access_of
from app.shop import Shop
from app.site import site
from queries.overrides import overrides
from stages.order import order
from storage.alerts import open_alerts
from storage.answers import approval_of
from storage.store import open_store

FIRST = date(2024, 5, 30)
PLANNER, READER = "p" * 20, "r" * 20
NASTY = "<script>alert(1)</script>\"'"


@pytest.fixture
def served(shop) -> Shop:
    """The shop with orders, an open alert and a copy for dashboards."""
    order(shop.params, shop.paths, now=datetime(2024, 6, 1, 7), order_day=FIRST)
    monitor.monitor(shop.params, shop.paths, now=datetime(2024, 6, 5, 6))
    made = Shop(shop.params, shop.paths)
    made.open()
    return made


@pytest.fixture
def client(served) -> Iterator[Callable[..., httpx.Client]]:
    """`client()`: on this machine; `client("ada", PLANNER)`: with a name and a token."""
    with ExitStack() as stack:
        addresses = {}

        def of(name: str | None = None, token: str = "") -> httpx.Client:
            tokens = {} if name is None else {PLANNER_TOKEN: PLANNER, READER_TOKEN: READER}
            if bool(tokens) not in addresses:
                addresses[bool(tokens)] = stack.enter_context(_listening(served, tokens))
            auth = (name, token) if name is not None and token else None
            client = httpx.Client(
                base_url=addresses[bool(tokens)], auth=auth, follow_redirects=True, timeout=120
            )
            return stack.enter_context(client)

        yield of


@contextmanager
def _listening(served: Shop, tokens: dict[str, str]) -> Iterator[str]:
    """The address of the app, served by a thread of this process."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = site(served, access_of("127.0.0.1", port, tokens))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()


def token_of(asking: httpx.Client, page: str) -> str:
    return re.search(r'name="token" value="([0-9a-f]+)"', asking.get(page).text)[1]


def wanted(asking: httpx.Client, **changes: str) -> dict[str, str]:
    """The form of an override, filled in."""
    fields = {
        "where-store_id": "CA_1",
        "from": str(FIRST),
        "to": str(FIRST + timedelta(days=6)),
        "kind": "units",
        "value": "700",
        "reason": "a fair",
        "by": "ada",
    }
    return fields | {"token": token_of(asking, "/overrides")} | changes


def listed(served: Shop) -> list[dict]:
    return overrides(served.params, served.paths)["overrides"]


def test_an_override_is_tried_set_seen_and_revoked(client, served):
    asking = client()
    tried = asking.post("/overrides/try", data=wanted(asking))
    assert "→ 700.0 units" in tried.text
    assert listed(served) == []
    done = asking.post("/overrides", data=wanted(asking))
    assert (done.status_code, done.url.path) == (200, "/overrides")
    assert "CA_1" in done.text
    assert [(row["made_by"], row["final_units"]) for row in listed(served)] == [("ada", 700.0)]
    assert "a fair" in asking.get("/").text  # the planner's page is this minute's
    asking.post("/overrides/1/revoke", data={"token": token_of(asking, "/overrides")})
    assert listed(served)[0]["state"] == "revoked"


def test_what_is_refused_is_said_with_the_way_out_and_changes_nothing(client, served):
    asking = client()
    said = asking.post("/overrides", data=wanted(asking, to="2030-01-01"))
    assert said.status_code == 400
    assert "are no days of the newest table" in said.text
    assert listed(served) == []


def test_a_series_of_the_page_leads_to_its_form(client, served):
    asking = client()
    assert "/${page}?where-unique_id=" in asking.get("/").text
    for page in ("/overrides", "/what-if"):
        text = asking.get(page, params={"where-unique_id": f"a{NASTY}"}).text
        assert 'value="a&lt;script&gt;' in text
        assert NASTY not in text


def test_a_what_if_is_forecast_kept_and_handed_over(client, served):
    asking = client()
    fields = wanted(asking, **{"price-percent": "-20", "promo": "1", "keep": "cheap week"})
    said = asking.post("/what-if", data=fields)
    assert "Association, not cause" in said.text
    assert "cheap week" in said.text
    plan = asking.get("/scenarios/cheap week.csv")
    assert plan.text.startswith("unique_id,ds,price,promo,is_open\n")
    assert asking.get("/scenarios/..%2F..%2Fsecret.csv").status_code in (400, 404)


def approval(asking: httpx.Client) -> dict[str, str]:
    """The form of an approval, as the page has it."""
    form = re.search(r'action="/orders/approve">(.*?)</form>', asking.get("/orders").text)[1]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def test_orders_that_another_planner_proposed_anew_are_not_approved_unseen(client, served):
    ada, bob = client("ada", PLANNER), client("bob", PLANNER)
    seen = approval(ada)
    bob.post("/orders/propose", data={"token": token_of(bob, "/orders")})
    refused = ada.post("/orders/approve", data=seen)
    assert refused.status_code == 400 and "were proposed anew at" in refused.text
    assert ada.post("/orders/approve", data={**seen, "proposed_at": ""}).status_code == 400
    assert "approved by nobody" in ada.get("/orders").text
    ada.post("/orders/approve", data=approval(ada))
    assert "approved by ada" in ada.get("/orders").text


def test_orders_are_approved_by_name_and_downloaded(client, served):
    asking = client("ada", PLANNER)
    assert "approved by nobody" in asking.get("/orders").text
    asking.post("/orders/approve", data=approval(asking))
    assert "approved by ada" in asking.get("/orders").text
    assert asking.get("/orders.xlsx").content[:2] == b"PK"
    again = asking.post("/orders/propose", data={"token": token_of(asking, "/orders")})
    assert "proposed anew since ada" in again.text
    with open_store(served.paths.store, read_only=True) as con:
        assert approval_of(con, FIRST)["by"] == "ada"


def test_alerts_are_taken_on_muted_and_closed(client, served):
    asking = client("ada", PLANNER)
    with open_store(served.paths.store, read_only=True) as con:
        number = open_alerts(con).filter(cause="freshness")["alert_id"].item()
    token = {"token": token_of(asking, "/alerts")}
    assert "taken on by ada" in asking.post(f"/alerts/{number}/ack", data=token).text
    assert (
        "Muted: freshness"
        in asking.post(f"/alerts/{number}/mute", data=token | {"days": "3000"}).text
    )
    asking.post(f"/alerts/{number}/resolve", data=token)
    with open_store(served.paths.store, read_only=True) as con:
        assert open_alerts(con).filter(cause="freshness").is_empty()
    assert asking.post(f"/alerts/{number}/delete", data=token).status_code == 400
    assert asking.post("/alerts/999/mute", data=token | {"days": "3"}).status_code == 400


CHANGES = (
    "/overrides/try",
    "/overrides",
    "/overrides/1/revoke",
    "/what-if",
    "/orders/approve",
    "/orders/propose",
    "/alerts/1/ack",
    "/alerts/1/mute",
    "/alerts/1/resolve",
)
PAGES = ("/", "/overrides", "/what-if", "/orders", "/alerts", "/planner.csv", "/app.css")


@pytest.mark.parametrize("who", [("somebody", ""), ("ada", "wrong" * 5)])
def test_somebody_unknown_sees_and_changes_nothing(client, served, who):
    asking = client(*who)
    for page in PAGES:
        refused = asking.get(page)
        assert (refused.status_code, refused.text) == (401, "name and token, please")
    for path in CHANGES:
        assert asking.post(path, data={"token": "x"}).status_code == 401
    assert listed(served) == []


def test_a_reader_sees_every_page_and_changes_nothing(client, served):
    planner, reader = client("ada", PLANNER), client("bob", READER)
    for page in PAGES:
        assert reader.get(page).status_code == 200, page
    assert "<button" not in reader.get("/overrides").text
    token = token_of(planner, "/overrides")
    for path in CHANGES:
        assert reader.post(path, data={"token": token}).status_code == 403, path
    assert listed(served) == []


def test_no_other_page_can_send_a_form(client, served):
    """A page elsewhere has neither the token nor the address, and cannot read either (CSRF)."""
    asking = client()
    token = token_of(asking, "/overrides")
    for path in CHANGES:
        assert asking.post(path, data={"token": "0" * 64}).status_code == 403, path
        assert asking.post(path, data={"x": "1"}).status_code == 403, path
        from_elsewhere = asking.post(
            path, data={"token": token}, headers={"Origin": "http://evil.example"}
        )
        assert from_elsewhere.status_code == 403, path
        assert asking.post(path, json={"token": token}).status_code == 415, path
        assert asking.get(path).status_code != 200 or path in PAGES
    big = asking.post("/overrides", data={"token": token, "reason": "x" * 30_000})
    assert big.status_code == 413
    assert listed(served) == []


def test_no_name_of_another_leads_to_the_app(client):
    assert client().get("/overrides", headers={"Host": "evil.example"}).status_code == 421


def test_who_comes_with_a_token_speaks_in_his_own_name(client, served):
    asking = client("ada", PLANNER)
    asking.post("/overrides", data=wanted(asking, by="bob"))
    assert listed(served)[0]["made_by"] == "ada"


def test_what_people_type_cannot_become_markup(client):
    asking = client()
    for path in ("/overrides/try", "/overrides"):
        said = asking.post(path, data=wanted(asking, reason=NASTY, by=NASTY))
        assert said.status_code == 200
        assert NASTY not in said.text
        assert "&lt;script&gt;" in said.text
    refused = asking.post("/overrides", data=wanted(asking, **{"where-store_id": NASTY}))
    assert NASTY not in refused.text
    assert NASTY not in asking.get("/").text
    policy = asking.get("/overrides").headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


def test_files_beside_the_reports_are_not_served(client, served):
    (served.paths.reports / "secret.html").write_text("secret")
    asking = client()
    for path in (
        "/secret.html",
        "/monitor.json",
        "/..%2Ftillcast.duckdb",
        "/planner/..%2Fsecret.html",
        "/planner/%2e%2e/secret.html",
        "/journal/1.js",
        "/docs",
        "/openapi.json",
    ):
        found = asking.get(path)
        assert found.status_code == 404, path
        assert "secret" not in found.text


def test_the_process_ends_with_ctrl_c_and_refuses_a_port_in_use(served, shop, root):
    command = [sys.executable, "-m", "app", *shop.options, "--port", "0"]
    running = subprocess.Popen(  # noqa: S603 -- ours
        command, cwd=root, stderr=subprocess.PIPE, text=True, env=_without_tokens()
    )
    try:
        address = re.search(r"http://127\.0\.0\.1:(\d+)/", running.stderr.readline())
        with socket.create_connection(("127.0.0.1", int(address[1])), timeout=10):
            pass
        busy = subprocess.run(  # noqa: S603 -- ours
            [*command[:-1], address[1]],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            env=_without_tokens(),
        )
        assert busy.returncode == 2
        assert f"port {address[1]} of 127.0.0.1 is not free" in busy.stderr
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0
        assert "Traceback" not in running.stderr.read()
    finally:
        running.kill()
        running.wait()
        running.stderr.close()


def test_an_open_address_without_a_token_is_not_served(shop, root):
    command = [sys.executable, "-m", "app", *shop.options, "--host", "0.0.0.0"]  # noqa: S104
    done = subprocess.run(  # noqa: S603 -- ours
        command, cwd=root, capture_output=True, text=True, check=False, env=_without_tokens()
    )
    assert done.returncode == 2
    assert "all of them may change forecasts" in done.stderr


def _without_tokens() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in (PLANNER_TOKEN, READER_TOKEN)}


def test_what_watches_reads_health_and_metrics_with_a_readers_token(client, served):
    reading = client("prometheus", READER)
    said = reading.get("/health")
    assert said.status_code == 503  # a feed is five days late
    assert said.json()["health"] == "error"
    assert said.json()["lines"]["freshness"]["severity"] == "error"
    metrics = reading.get("/metrics")
    assert metrics.headers["content-type"].startswith("application/openmetrics-text")
    assert 'tillcast_alerts{severity="error"}' in metrics.text
    assert metrics.text.endswith("# EOF\n")
    with open_store(served.paths.store) as con:
        assert open_alerts(con).height  # the app holds nobody up: the store opens for writing
    assert client("nobody", "x" * 20).get("/health").status_code == 401
