"""The pages: what each shows, and what each form does."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)

from app import forms
from app.rendering import STYLE, render
from app.shop import Shop
from contract.days import parse_day
from contract.errors import BadUsage, SourceMissing
from queries import app_pages
from queries.overrides import overrides
from queries.what_if import keep, kept, what_if
from runtime.process import clock
from stages.answer_alerts import acknowledge_alert, approve, mute_cause, resolve_alert
from stages.order import order
from stages.overrides import override, revoke

MOST_ORDERS = 300
SEE_OTHER = 303
router = APIRouter()
# of the folder of reports, what is served; nothing else
_REPORTS = {
    "planner.html",
    "planner.csv",
    "planner.xlsx",
    "orders.html",
    "orders.csv",
    "orders.xlsx",
    "watch.html",
    "index.html",
}
_PARTS = ("planner", "series")


@router.get("/")
def first(request: Request) -> Response:
    """The planner's page, with the app's links in front."""
    page = _shop(request).paths.reports / "planner.html"
    if not page.exists():
        _shop(request).renew_page()
    if not page.exists():
        raise SourceMissing("there is no forecast yet. Run `python inference.py` first.")
    text = page.read_text(encoding="utf-8")
    nav = '<nav aria-label="sections" class="screen">'
    links = "".join(f'<a href="/{path}"><b>{name}</b></a>' for path, name in _links())
    return HTMLResponse(text.replace(nav, nav + links, 1))


def _links() -> list[tuple[str, str]]:
    return [
        ("overrides", "Change a forecast"),
        ("what-if", "What if"),
        ("orders", "Approve orders"),
        ("alerts", "Alerts"),
    ]


@router.get("/app.css")
def style(request: Request) -> Response:
    """The report's style."""
    return FileResponse(STYLE, media_type="text/css")


@router.get("/overrides")
def show_overrides(request: Request) -> Response:
    """The overrides there are, their value added, and the form for one more, of the group that the
    address names (`?where-unique_id=...`).
    """
    shop, named = _shop(request), dict(request.query_params)
    found = shop.read(overrides)
    return render(request, "overrides.html", **found, **_group_form(shop), tried=None, fields=named)


@router.post("/overrides/try")
def try_override(request: Request) -> Response:
    """What an override would make of the group's units; nothing is written."""
    shop, fields = _shop(request), _fields(request)
    wanted = forms.override_of(fields)
    with shop.lock:
        tried = override(shop.params, shop.copied, wanted, now=clock(), dry_run=True)
    found = shop.read(overrides)
    return render(
        request, "overrides.html", **found, **_group_form(shop), tried=tried, fields=fields
    )


@router.post("/overrides")
def set_override(request: Request, later: BackgroundTasks) -> Response:
    """The override set; the planner's page follows."""
    shop, wanted = _shop(request), forms.override_of(_fields(request))
    shop.change(lambda: override(shop.params, shop.paths, wanted, now=clock()))
    later.add_task(shop.renew_page)
    return RedirectResponse("/overrides", SEE_OTHER)


@router.post("/overrides/{override_id}/revoke")
def take_back(request: Request, override_id: int, later: BackgroundTasks) -> Response:
    """An override taken back."""
    shop, by = _shop(request), request.state.person.name
    shop.change(lambda: revoke(shop.params, shop.paths, override_id, by, clock()))
    later.add_task(shop.renew_page)
    return RedirectResponse("/overrides", SEE_OTHER)


@router.get("/what-if")
def show_what_if(request: Request) -> Response:
    """The form, of the group that the address names, and the scenarios that were kept, side by
    side.
    """
    shop, named = _shop(request), dict(request.query_params)
    values = _group_form(shop) | {"kept": kept(shop.paths), "result": None, "fields": named}
    return render(request, "what_if.html", **values)


@router.post("/what-if")
def forecast_scenario(request: Request) -> Response:
    """The scenario beside the published forecast; kept, where it was given a name."""
    shop, fields = _shop(request), _fields(request)
    scenario = forms.scenario_of(fields)
    result = shop.read(what_if, scenario)
    if "keep" in fields:
        keep(shop.paths, fields["keep"], scenario, result)
    by_day: dict[Any, list[float]] = {}
    for row in result["rows"]:
        sums = by_day.setdefault(row["ds"], [0.0, 0.0])
        sums[0] += row["published"]
        sums[1] += row["scenario"]
    return render(
        request,
        "what_if.html",
        **_group_form(shop),
        kept=kept(shop.paths),
        result=result,
        by_day=by_day,
        most=max((max(pair) for pair in by_day.values()), default=0.0) or 1.0,
        fields=fields,
    )


@router.get("/scenarios/{name}.csv")
def plan_file(request: Request, name: str) -> Response:
    """The plan of a scenario, as source.files.plans reads it."""
    shop = _shop(request)
    if name not in [one["name"] for one in kept(shop.paths)]:
        raise SourceMissing(f"no scenario is called '{name[:60]}'.")
    return FileResponse(
        shop.paths.scenarios / f"{name}.csv", media_type="text/csv", filename=f"{name}.csv"
    )


@router.get("/orders")
def show_orders(request: Request) -> Response:
    """The newest order day, to approve and to download."""
    shop = _shop(request)
    found = shop.read(app_pages.orders, MOST_ORDERS)
    files = [name for name in ("orders.xlsx", "orders.csv") if (shop.paths.reports / name).exists()]
    return render(request, "orders.html", **found, files=files, most=MOST_ORDERS)


@router.post("/orders/approve")
def approve_orders(request: Request) -> Response:
    """A day's orders approved."""
    shop, by = _shop(request), request.state.person.name
    fields = _fields(request)
    day, seen = parse_day(fields.get("day", "")), fields.get("proposed_at", "")
    shop.change(lambda: approve(shop.params, shop.paths, day, by, clock(), seen))
    return RedirectResponse("/orders", SEE_OTHER)


@router.post("/orders/propose")
def propose_again(request: Request, later: BackgroundTasks) -> Response:
    """The day's orders proposed again: by what people said since."""
    shop = _shop(request)
    shop.change(lambda: order(shop.params, shop.paths, now=clock()))
    later.add_task(shop.renew_page)
    return RedirectResponse("/orders", SEE_OTHER)


@router.get("/alerts")
def show_alerts(request: Request) -> Response:
    """Open alerts, and what is muted."""
    return render(request, "alerts.html", **_shop(request).read(app_pages.alerts, clock()))


@router.post("/alerts/{alert_id}/{action}")
def respond(request: Request, alert_id: int, action: str) -> Response:
    """Take an alert on, close it, or mute its cause."""
    shop, fields, now = _shop(request), _fields(request), clock()
    by = request.state.person.name
    work = {
        "ack": lambda: acknowledge_alert(shop.params, shop.paths, alert_id, by, now),
        "resolve": lambda: resolve_alert(shop.params, shop.paths, alert_id, now),
        "mute": lambda: mute_cause(
            shop.params, shop.paths, _cause_of(shop, alert_id, now), forms.days_of(fields), now
        ),
    }.get(action)
    if work is None:
        raise BadUsage(f"'{action[:40]}' is nothing to do about an alert: ack, resolve or mute.")
    shop.change(work)
    return RedirectResponse("/alerts", SEE_OTHER)


@router.get("/{name}")
def report_file(request: Request, name: str) -> Response:
    """A page or file of the reports."""
    return _file(_shop(request).paths.reports, name) if name in _REPORTS else _nothing()


@router.get("/{folder}/{name}")
def report_part(request: Request, folder: str, name: str) -> Response:
    """A script that a page of the reports loads."""
    is_part = folder in _PARTS and name.endswith(".js") and name[:-3].isalnum()
    return _file(_shop(request).paths.reports / folder, name) if is_part else _nothing()


def _file(folder: Path, name: str) -> Response:
    path = folder / name
    return FileResponse(path) if path.is_file() else _nothing()


def _nothing() -> Response:
    return PlainTextResponse("there is nothing of this name", 404)


def _cause_of(shop: Shop, alert_id: int, now: datetime) -> str:
    rows = shop.read(app_pages.alerts, now)["alerts"]
    cause = next((row["cause"] for row in rows if row["alert_id"] == alert_id), None)
    if cause is None:
        raise BadUsage(f"there is no open alert {alert_id}.")
    return str(cause)


def _group_form(shop: Shop) -> dict[str, Any]:
    """What a form offers: groups and days."""
    return {"groups": shop.read(app_pages.groups), "table": shop.read(app_pages.overview)}


def _shop(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


def _fields(request: Request) -> forms.Fields:
    """What was typed; whoever came with a token is who he says he is with it, in every form."""
    fields: forms.Fields = request.state.fields
    if request.app.state.access.planner_token is not None:
        fields["by"] = request.state.person.name
    return fields
