"""Tables of the drills' scorecard: grades by kind, and who noticed each first."""

from __future__ import annotations

from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table, paragraph

KINDS = {
    "input": "input (panel, daily files through the rules)",
    "model": "models",
    "file": "files through ingest",
    "order": "stock and supply (the orders proposed from them)",
    "surroundings": "surroundings (the daily flow as a process)",
}
GRADES = ("graceful", "degraded", "catastrophic")
INGEST, REFUSAL, NOBODY = "ingest", "a refusal, or a watcher the same morning", "nobody"
NOTICED_BY = {  # how a drill's account begins -> who noticed
    "on arrival": INGEST,
    "at the door": INGEST,  # as kept before 2026-12
    "known by its content": INGEST,
    "refused": REFUSAL,
    "this morning": REFUSAL,
    "on the rows": "the rows themselves",
    "after": "a watcher, days later",
    "nothing was lost": "nobody: the undisturbed table",
    "nobody": NOBODY,
    "in silence": NOBODY,  # as kept before 2026-12
}


def grades(result: Result) -> str:
    """One row per kind, one column per grade."""
    drills, clean = result["drills"], result["clean_mornings"]
    rows = [[words, *_counted(drills, kind)] for kind, words in _kinds(result).items()]
    quiet = sum(not morning["alerts"] for morning in clean)
    seconds = f"{result['seconds']:,.0f} s"
    after = f"{seconds}. Undisturbed mornings, a week apart: {len(clean)}, of them quiet: {quiet}."
    head = ["drills", "in all", *GRADES]
    return f"{markdown_table(head, [*rows, ['all', *_counted(drills)]])}\n\n{after}"


def first_notices(result: Result) -> str:
    """Who noticed first, by kind; and the drills nobody noticed that cost something."""
    drills, everyone = result["drills"], list(dict.fromkeys(NOTICED_BY.values()))
    rows = []
    for kind, words in _kinds(result).items():
        first = [_noticed_by(drill) for drill in drills if drill["kind"] == kind]
        rows.append([words, *(str(first.count(who)) for who in everyone)])
    unseen = [d for d in drills if _noticed_by(d) == NOBODY and (d["loss"] or 0) > 0]
    dearest = sorted(unseen, key=lambda drill: -drill["loss"])[:5]
    named = ", ".join(f"`{d['fault']}` {d['strength']} {d['loss']:+.1%}" for d in dearest)
    table = markdown_table(["noticed first by", *everyone], rows)
    return f"{table}\n\n{paragraph(f'The dearest that nobody noticed: {named}.')}"


def _kinds(result: Result) -> dict[str, str]:
    """The kinds of drills there were; a run kept from before a kind has no row of it."""
    there = {drill["kind"] for drill in result["drills"]}
    return {kind: words for kind, words in KINDS.items() if kind in there}


def _counted(drills: list[Result], kind: str | None = None) -> list[str]:
    same = [drill["grade"] for drill in drills if kind in (None, drill["kind"])]
    return [str(len(same)), *(str(same.count(grade)) for grade in GRADES)]


def _noticed_by(drill: Result) -> str:
    account = drill["seen_by"] if "seen_by" in drill else drill["result"]  # before 2026-12
    return next(who for begins, who in NOTICED_BY.items() if account.startswith(begins))
