"""The second page: what rings and whom to call, what changed since the last table, every watcher, and how drills went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reports.html import render_template

SEVERITIES = ("error", "warning", "ok")
GRADES = ("catastrophic", "degraded", "graceful")
_CAME_TRUE = "by_"  # tables of monitor.json that hold what came true, by week or group

Told = dict[str, Any]
_NO_LOOK: Told = {
    "now": None, "worst": "ok", "findings": [], "retrain": {"is_needed": False, "reason": "nobody has looked yet"},
}  # fmt: skip


def write_watch_page(reports: Path) -> Path:
    """`reports`/watch.html from monitor.json, changes.json and drills.json beside it; what was not run yet says how to run it."""
    page = reports / "watch.html"
    graded = _read(reports / "drills.json")
    drills = (
        graded["drills"] if isinstance(graded, dict) else []
    )  # a list: written by an older version, without what is shown
    text = render_watch(_read(reports / "monitor.json"), drills, _read(reports / "changes.json"))
    page.write_text(text, encoding="utf-8")
    return page


def render_watch(look: Told | None, drills: list[Told], changes: Told | None = None) -> str:
    """The page as one HTML text, dated by the look; no script is needed to read it."""
    monitor = look or _NO_LOOK
    findings = sorted(monitor["findings"], key=lambda found: SEVERITIES.index(found["severity"]))
    counts = {severity: sum(found["severity"] == severity for found in findings) for severity in SEVERITIES}
    tables = {
        name.removeprefix(_CAME_TRUE): rows for name, rows in monitor.items() if name.startswith(_CAME_TRUE) and rows
    }
    graded = sorted(drills, key=lambda drill: (GRADES.index(drill["grade"]), str(drill["fault"])))
    return render_template(
        "watch.html",
        now=monitor["now"],
        worst=monitor["worst"],
        retrain=monitor["retrain"],
        findings=findings,
        counts=counts,
        tables=tables,
        drills=graded,
        changes=changes if changes and changes["since"] else None,
        grades={grade: sum(drill["grade"] == grade for drill in drills) for grade in GRADES},
    )


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
