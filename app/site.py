"""The app as FastAPI has it: who may, what is refused and how, which pages there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse

from app import pages, watched
from app.access import CHANGES, Access, Person
from app.forms import MOST_BYTES, fields_of
from app.rendering import render
from app.shop import Shop
from contract.errors import BadUsage, StoreBusy, TillcastError

# the planner's page and what it loads; of its own scripts, some inline, Vega's by its compiler
_REPORT_POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
_OWN_POLICY = "default-src 'none'; script-src 'self'; "
_BOTH = (
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

Next = Callable[[Request], Awaitable[Response]]


def site(shop: Shop, access: Access) -> FastAPI:
    """The whole app over a shop."""
    app = FastAPI(title="tillcast", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.shop, app.state.access = shop, access
    app.middleware("http")(_guard)
    app.add_exception_handler(TillcastError, _refused)
    app.include_router(watched.router)
    app.include_router(pages.router)  # last: it takes every other name for a report's
    return app


async def _guard(request: Request, proceed: Next) -> Response:
    """Nobody unknown gets anything, nobody but a planner changes anything, and that only by a form
    of this process.
    """
    response = await _refusal(request)
    if response is None:
        response = await proceed(request)
    is_report = isinstance(response, FileResponse) or request.url.path == "/"
    policy = (_REPORT_POLICY if is_report else _OWN_POLICY) + _BOTH
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    # with no-referrer a browser hides even from ourselves where a form comes from
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


async def _refusal(request: Request) -> Response | None:
    access: Access = request.app.state.access
    host = request.headers.get("host", "")
    if not access.is_own_host(host):
        return PlainTextResponse(f"this app is not called {host[:80]!r}", 421)
    person = access.person(request.headers.get("authorization"))
    if person is None:
        asking = {"WWW-Authenticate": 'Basic realm="tillcast", charset="UTF-8"'}
        return PlainTextResponse("name and token, please", 401, headers=asking)
    request.state.person = person
    if request.method not in CHANGES:
        return None
    if person.role != "planner":
        return PlainTextResponse("readers change nothing", 403)
    return await _form_refusal(request, person, host)


async def _form_refusal(request: Request, person: Person, host: str) -> Response | None:
    if int(request.headers.get("content-length") or MOST_BYTES + 1) > MOST_BYTES:
        return PlainTextResponse(f"a form has {MOST_BYTES} bytes at most", 413)
    kind = request.headers.get("content-type", "")
    if not kind.startswith("application/x-www-form-urlencoded"):
        return PlainTextResponse("a form, please", 415)
    try:
        request.state.fields = fields_of(await request.body())
    except BadUsage as refusal:
        return PlainTextResponse(str(refusal), 400)
    token, origin = request.state.fields.get("token"), request.headers.get("origin")
    if not request.app.state.access.is_own_form(person, token, origin, host):
        return PlainTextResponse("this form is not of this app, or of before it was started", 403)
    return None


async def _refused(request: Request, error: Exception) -> Response:
    """What is refused is said on a page, with the way out."""
    status = 503 if isinstance(error, StoreBusy) else 400
    return render(request, "refused.html", status, reason=str(error))
