"""Tables of the drills' scorecard: grades by kind, and who told of each first."""

from __future__ import annotations

from typing import Any

from benchmarks.markdown import markdown_table

KINDS = {
    "input": "input (panel, daily files through the rules)",
    "model": "models",
    "file": "files through the ingest door",
    "surroundings": "surroundings (the daily walk as a process)",
}
GRADES = ("graceful", "degraded", "catastrophic")
TELLERS = {  # how a drill's account begins -> who spoke
    "at the door": "the door",
    "known by its content": "the door",
    "refused": "a refusal, or a watcher the same morning",
    "this morning": "a refusal, or a watcher the same morning",
    "on the rows": "the rows themselves",
    "after": "a watcher, days later",
    "nothing was lost": "nobody: the undisturbed table",
    "in silence": "nobody",
}


def grades(told: dict[str, Any]) -> str:
    """One row per kind, one column per grade."""
    rows = [[words, *_counted(told["drills"], kind)] for kind, words in KINDS.items()]
    clean = told["clean_mornings"]
    quiet = sum(not morning["rang"] for morning in clean)
    after = f"{told['seconds']:,.0f} s. Undisturbed mornings, a week apart: {len(clean)}, of them quiet: {quiet}."
    return f"{markdown_table(['drills', 'in all', *GRADES], [*rows, ['all', *_counted(told['drills'])]])}\n\n{after}"


def seen(told: dict[str, Any]) -> str:
    """Who spoke first, by kind; and the drills nobody told of that cost something."""
    rows = []
    for kind, words in KINDS.items():
        tellers = [_teller(drill) for drill in told["drills"] if drill["kind"] == kind]
        rows.append([words, *(str(tellers.count(who)) for who in dict.fromkeys(TELLERS.values()))])
    silent = [drill for drill in told["drills"] if _teller(drill) == "nobody" and (drill["loss"] or 0) > 0]
    costly = sorted(silent, key=lambda drill: -drill["loss"])[:5]
    list_of = ", ".join(f"`{drill['fault']}` {drill['strength']} {drill['loss']:+.1%}" for drill in costly)
    table = markdown_table(["told first by", *dict.fromkeys(TELLERS.values())], rows)
    return f"{table}\n\nThe dearest that nobody told of: {list_of}."


def _counted(drills: list[dict[str, Any]], kind: str | None = None) -> list[str]:
    same = [drill["grade"] for drill in drills if kind in (None, drill["kind"])]
    return [str(len(same)), *(str(same.count(grade)) for grade in GRADES)]


def _teller(drill: dict[str, Any]) -> str:
    return next(who for begins, who in TELLERS.items() if drill["told"].startswith(begins))
