"""What became of the mutants of a run, as numbers, and among the runs kept before it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from drawn import equivalents, key_of
from places import Mutant

Tried = tuple[str, Mutant, dict[str, Any]]  # package, mutant, what became of it
EQUIVALENT = "equivalent"


def verdict_of(mutant: Mutant, verdict: dict[str, Any]) -> str:
    """killed, survived, unreached; equivalent: it lived and is listed."""
    lived = verdict["verdict"] != "killed"
    return EQUIVALENT if lived and key_of(mutant) in equivalents() else verdict["verdict"]


def numbers(tried: list[Tried], former: dict[str, Any] | None) -> dict[str, Any]:
    """Counts by package and by operator; every mutant that lived, and why nobody could notice.
    `former`: the run whose survivors these are; its killed ones count as they were.
    """
    reasons = equivalents()
    by = {kind: _killed_in(former, f"by_{kind}") for kind in ("package", "operator")}
    lived = []
    for package, mutant, verdict in tried:
        became = verdict_of(mutant, verdict)
        for kind, name in (("package", package), ("operator", mutant.operator)):
            by[kind].setdefault(name, Counter())[became] += 1
        if became != "killed":
            reason = reasons.get(key_of(mutant))
            lived.append({"package": package} | mutant.plain() | {"became": became, "why": reason})
    total = sum(by["package"].values(), Counter())
    return {"counts": total, "by_package": by["package"], "by_operator": by["operator"]} | {
        "lived": lived
    }


def _killed_in(run: dict[str, Any] | None, kind: str) -> dict[str, Counter[str]]:
    of_run = run[kind] if run else {}
    return {name: Counter(killed=counts.get("killed", 0)) for name, counts in of_run.items()}


def run_of(path: Path, seed: int, called: str) -> dict[str, Any]:
    """A run that is kept; LookupError when there is none."""
    runs: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["runs"]
    for run in runs:
        if (run["seed"], run["round"]) == (seed, called):
            return run
    raise LookupError(f"{path} holds no run of seed {seed} called '{called}'")


def kept(path: Path, run: dict[str, Any]) -> None:
    """The run beside those of other seeds and rounds; in place of one of its own."""
    whole = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    runs = whole.get("runs", [])
    others = [one for one in runs if (one["seed"], one["round"]) != (run["seed"], run["round"])]
    ordered = sorted([*others, run], key=lambda one: (one["seed"], one["began"]))
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(json.dumps(whole | {"runs": ordered}, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)


def table(run: dict[str, Any]) -> str:
    """As people read it."""
    kinds = ("killed", "survived", "unreached", EQUIVALENT)
    lines = [f"| | {' | '.join(kinds)} |", "|---|---|---|---|---|"]
    rows = {**run["by_package"], "all": run["counts"]}
    lines += [f"| {name} | {_counts(row, kinds)} |" for name, row in rows.items()]
    for one in run["lived"]:
        lines.append(f"\n{one['became']}: {one['path']}:{one['line']} {one['where']}")
        lines += [f"    - {one['before']}", f"    + {one['after']}"]
        lines += [f"    {one['why']}"] if one["why"] else []
    return "\n".join(lines)


def _counts(row: dict[str, int], kinds: tuple[str, ...]) -> str:
    return " | ".join(str(row.get(kind, 0)) for kind in kinds)
