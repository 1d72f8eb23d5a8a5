"""What was noted of the files taken lately and accepted nevertheless: true or wrong, a person knows
it better than a rule.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from monitoring.finding import Finding
from monitoring.quality import WINDOW_DAYS

# notes that raise an alert; the others speak of days that feasts and promotions make odd, too
NOTE_SENTENCES = {
    "day_restated": "{rows} rows of file {name!r} restate {day} and later: "
    "{worst:.0%} of what was known is another number",
    "series_unusual": "{worst:.0%} of the {rows} rows of file {name!r} are of series "
    "never seen before {day}",
    "series_moved_since": "{rows} known series ({worst:.0%}) of file {name!r}, from {day}, stand "
    "in another group than before",
    "rows_unread": "{rows} rows ({worst:.1%}) of file {name!r}, from {day}, could not be read: "
    "their days are unknown",
    "changed_while_taken": "file {name!r} ({rows} rows from {day}) was still written while it was "
    "taken",
}


def noted(pages: list[dict[str, Any]], now: datetime) -> list[Finding]:
    """A warning for each day that a file of the last seven days restated, or brought many new
    series for; the newest file speaks.

    `pages`: of the judged files, as expectations.pages writes them.
    """
    recent = [
        page
        for page in pages
        if now - _received_at(page) <= timedelta(days=WINDOW_DAYS) and not page["reason"]
    ]
    by_cause: dict[str, Finding] = {}
    for page in sorted(recent, key=lambda page: str(page["received_at"])):
        for rule in page["rules"]:
            if rule["code"] in NOTE_SENTENCES and rule["broken_rows"]:
                finding = _finding(page, rule)
                by_cause[finding.cause] = finding
    return list(by_cause.values())


def _finding(page: dict[str, Any], rule: dict[str, Any]) -> Finding:
    day, worst, name = rule["first_day"], float(rule["worst"]), page["name"]
    sentence = NOTE_SENTENCES[rule["code"]]
    return Finding(
        "noted",
        sentence.format(rows=rule["broken_rows"], name=name, day=day, worst=worst),
        "warning",
        worst,
        None,
        f"{rule['sentence']} Which series and forecasts: `python ingest.py touched --file {name}`.",
        _received_at(page).date(),
        f"{rule['code']}:{day}",
    )


def _received_at(page: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(str(page["received_at"]))
