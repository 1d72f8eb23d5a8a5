"""The second page: alerts and whom to call, what changed since the last table, every watcher, and
how drills went.
"""

from __future__ import annotations

import json
from pathlib import Path

from contract.severity import WORST_FIRST
from reports.html import JsonObject, render_template
from reports.orders_page import PAGE
from runtime.disk import write_whole

STATES = (*WORST_FIRST, "unjudged")
GRADES = ("catastrophic", "degraded", "graceful")
# how a watcher's numbers are written; those of the others are in the unit of its sentence
UNITS = {
    **dict.fromkeys(["freshness", "forecast_age", "model_age"], "{:.0f} days"),
    **dict.fromkeys(["quality", "fallback", "churn", "parity", "memory_limit"], "{:.1%}"),
    **dict.fromkeys(["churn:level", "churn:shape", "runtime", "memory"], "{:.2f} times"),
    "sanity": "{:.0f} rows",
}
LEAST = {"churn:shape"}  # limits from below
OUTCOME_WORDS = {
    "published": "a table",
    "yesterday's": "yesterday's table",
    "unreadable": "no readable store",
    "accepted": "taken in",
    "known": "known, changed nothing",
    "fallback": "a table by the ladder",
}
_OUTCOMES = "by_"  # tables of monitor.json: forecasts beside their actuals, by week or group

_NO_LOOK: JsonObject = {
    "now": None,
    "worst": "ok",
    "findings": [],
    "retrain": {"is_needed": False, "reason": "nobody has looked yet"},
}


def measured(cause: str, value: float | None, is_limit: bool = False) -> str:
    """A watcher's number with its unit; empty where nothing could be judged."""
    if value is None:
        return ""
    watcher = cause.split(":", maxsplit=1)[0]
    form = UNITS.get(cause) or (UNITS.get(watcher) if not cause.endswith(":trend") else None)
    least = "at least " if is_limit and cause in LEAST else ""
    written = form.format(value) if form else f"{value:.3g}"
    return least + {"1 days": "1 day", "1 rows": "1 row"}.get(written, written)


def write_watch_page(reports: Path) -> Path:
    """`reports`/watch.html from monitor.json, changes.json and drills.json beside it.

    What was not run yet says how to run it.
    """
    page = reports / "watch.html"
    graded = _read(reports / "drills.json") or {}
    look, changes = _read(reports / "monitor.json"), _read(reports / "changes.json")
    has_orders = (reports / PAGE).exists()
    named = graded.get("named", {})
    text = render_watch(look, graded.get("drills", []), changes, named, has_orders=has_orders)
    write_whole(page, text)
    return page


def render_watch(
    look: JsonObject | None,
    drills: list[JsonObject],
    changes: JsonObject | None = None,
    reasons: dict[str, str] | None = None,
    *,
    has_orders: bool = False,
) -> str:
    """The page as one HTML text, dated by the look; no script is needed to read it.

    `look`: what monitor.json holds; `reasons`: why a catastrophic drill is let be; `has_orders`:
    whether a page of orders lies beside.
    """
    monitor = look or _NO_LOOK
    findings = sorted(
        ({**finding, "state": _state(finding)} for finding in monitor["findings"]),
        key=lambda finding: STATES.index(finding["state"]),
    )
    counts = {state: sum(finding["state"] == state for finding in findings) for state in STATES}
    tables = {
        name.removeprefix(_OUTCOMES): rows
        for name, rows in monitor.items()
        if name.startswith(_OUTCOMES) and rows
    }
    by_fault = sorted(drills, key=lambda drill: str(drill["fault"]))
    by_grade = {grade: [d for d in by_fault if d["grade"] == grade] for grade in GRADES}
    return render_template(
        "watch.html",
        now=monitor["now"],
        worst=monitor["worst"],
        retrain=monitor["retrain"],
        findings=findings,
        counts=counts,
        tables=tables,
        drills=by_grade if drills else {},
        reasons=reasons or {},
        outcome_words=OUTCOME_WORDS,
        measured=measured,
        changes=changes if changes and changes["since"] else None,
        has_orders=has_orders,
    )


def _state(finding: JsonObject) -> str:
    """The severity, but for a watcher that had nothing to measure: that is not the same as well."""
    severity: str = finding["severity"]
    return "unjudged" if severity == "ok" and finding["value"] is None else severity


def _read(path: Path) -> JsonObject | None:
    """What a file holds; None where it was not written yet, or by a version that wrote a list."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return content if isinstance(content, dict) else None
