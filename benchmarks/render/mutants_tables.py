"""Tables of the mutants: a run per row, the last ones by package and by operator, what lived."""

from __future__ import annotations

from collections import Counter

from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table

KILLED, EQUIVALENT = "killed", "equivalent"


def runs(result: Result) -> str:
    """A row per run: how many of the mutants that somebody could notice were killed."""
    head = ["seed", "state of the tests", "mutants", "equivalent", "killed", "lived", "share"]
    rows = [
        [str(run["seed"]), run["round"], *_counts(run["counts"])]
        for run in sorted(result["runs"], key=lambda run: run["began"])
    ]
    return markdown_table(head, rows)


def packages(result: Result) -> str:
    """The share killed, by package and run."""
    return _by("by_package", "package", result)


def operators(result: Result) -> str:
    """The share killed, by operator and run."""
    return _by("by_operator", "operator", result)


def _by(kind: str, words: str, result: Result) -> str:
    of_runs = sorted(result["runs"], key=lambda run: run["began"])
    head = [words, *(f"seed {run['seed']}, {run['round']}" for run in of_runs)]
    names = dict.fromkeys(name for run in of_runs for name in run[kind])
    rows = [[name, *(_of(run[kind].get(name, {})) for run in of_runs)] for name in names]
    return markdown_table(head, rows)


def _of(counts: dict[str, int]) -> str:
    noticeable = Counter(counts).total() - counts.get(EQUIVALENT, 0)
    return f"{counts.get(KILLED, 0)} of {noticeable}" if noticeable else ""


def _counts(counts: dict[str, int]) -> list[str]:
    total, killed, equivalent = Counter(counts).total(), counts[KILLED], counts.get(EQUIVALENT, 0)
    noticeable = total - equivalent
    numbers = (total, equivalent, killed, noticeable - killed)
    return [*map(str, numbers), f"{killed / noticeable:.1%}"]
