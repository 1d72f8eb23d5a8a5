"""The second page: what rings and whom to call, what changed since the last table, every watcher,
and how drills went.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reports.html import render_template

STATES = ("error", "warning", "ok", "unjudged")
GRADES = ("catastrophic", "degraded", "graceful")
UNITS = {
    **dict.fromkeys(["freshness", "forecast_age", "model_age"], "{:.0f} days"),
    **dict.fromkeys(["quality", "fallback", "churn", "parity", "memory_limit"], "{:.1%}"),
    **dict.fromkeys(["churn:level", "churn:shape", "runtime", "memory"], "{:.2f} times"),
    "sanity": "{:.0f} rows",
}  # how a watcher's numbers are written; those of the others are in the unit of its words
LEAST = {"churn:shape"}  # limits from below
OUTCOME_WORDS = {
    "published": "a table", "yesterday's": "yesterday's table", "unreadable": "no readable store", "accepted": "taken in",
    "known": "known, changed nothing", "fallback": "a table by the ladder",
}  # fmt: skip
_CAME_TRUE = "by_"  # tables of monitor.json that hold what came true, by week or group

Told = dict[str, Any]
_NO_LOOK: Told = {
    "now": None, "worst": "ok", "findings": [], "retrain": {"is_needed": False, "reason": "nobody has looked yet"},
}  # fmt: skip


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
    """`reports`/watch.html from monitor.json, changes.json and drills.json beside it; what was not
    run yet says how to run it.
    """
    page = reports / "watch.html"
    graded = _read(reports / "drills.json")
    # a list: written by an older version, without what is shown
    graded = graded if isinstance(graded, dict) else {}
    looked, changes = _read(reports / "monitor.json"), _read(reports / "changes.json")
    text = render_watch(looked, graded.get("drills", []), changes, graded.get("named", {}))
    page.write_text(text, encoding="utf-8")
    return page


def render_watch(
    look: Told | None,
    drills: list[Told],
    changes: Told | None = None,
    reasons: dict[str, str] | None = None,
) -> str:
    """The page as one HTML text, dated by the look; no script is needed to read it. `reasons`: why
    a catastrophic drill is let be.
    """
    monitor = look or _NO_LOOK
    seen = [{**found, "state": _state(found)} for found in monitor["findings"]]
    findings = sorted(seen, key=lambda found: STATES.index(found["state"]))
    counts = {state: sum(found["state"] == state for found in findings) for state in STATES}
    tables = {
        name.removeprefix(_CAME_TRUE): rows
        for name, rows in monitor.items()
        if name.startswith(_CAME_TRUE) and rows
    }
    by_grade = {
        grade: sorted((d for d in drills if d["grade"] == grade), key=lambda d: str(d["fault"]))
        for grade in GRADES
    }
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
    )


def _state(found: Told) -> str:
    """The severity, but for a watcher that had nothing to measure: that is not the same as well."""
    return "unjudged" if found["severity"] == "ok" and found["value"] is None else found["severity"]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
