"""For what watches a service: is all well, as JSON and as OpenMetrics. Readers may."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.shop import Shop
from queries.health import Health, health
from reports.metrics import CONTENT_TYPE, open_metrics
from runtime.process import clock

router = APIRouter()
_UNAVAILABLE = 503  # for a load balancer: an error that a person must look at


@router.get("/health")
def say_health(request: Request) -> Response:
    """Lines as of `monitor.py health`; 503 where one is an error."""
    found = _health(request)
    lines = {line.name: {"severity": line.severity, "what": line.what} for line in found.lines}
    status = _UNAVAILABLE if found.severity == "error" else 200
    return JSONResponse({"health": found.severity, "lines": lines}, status)


@router.get("/metrics")
def say_metrics(request: Request) -> Response:
    """The numbers of health for Prometheus."""
    return Response(open_metrics(_health(request).numbers), media_type=CONTENT_TYPE)


def _health(request: Request) -> Health:
    shop: Shop = request.app.state.shop
    with shop.lock:
        return health(shop.params, shop.paths, clock())
