"""Tables of the power cuts: where the kills fell, and after how many a planted fault was found."""

from __future__ import annotations

from collections import Counter

from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table


def kills(result: Result) -> str:
    """A row per kind of point, and how many kills each step had."""
    rows = [
        [kind, f"{count:,}", str(result["points"].get(kind, ""))]
        for kind, count in sorted(result["by_kind"].items())
    ]
    total = [f"{result['kills']:,}", f"{sum(result['points'].values()):,}"]
    table = markdown_table(["killed at", "kills", "different points"], [*rows, ["all", *total]])
    by_step = ", ".join(f"{step} {count}" for step, count in sorted(result["by_step"].items()))
    ended = f"{result['not_reached']} done before their kill, {result['stores_lost']} stores lost"
    after = f"{ended} as well; violations: {len(result['violations'])}. {result['seconds']:,.0f} s."
    return f"{table}\n\n{after}\n\nBy step: {by_step}."


def faults(result: Result) -> str:
    """After how many cuts planted faults were found: how many within each number, and the slow."""
    cuts = result["faults"]
    found = Counter(count for count in cuts.values() if count is not None)
    unseen = sorted(name for name, count in cuts.items() if count is None)
    within = [(1, 1), (2, 5), (6, 20), (21, 60)]
    rows = [
        [f"{low} to {high}" if high > low else str(low), str(_between(found, low, high))]
        for low, high in within
    ]
    table = markdown_table(["cuts until found", "faults"], rows)
    never = f"Never: {', '.join(unseen)}." if unseen else "Never: none."
    return f"{table}\n\n{len(cuts)} planted. {never}"


def _between(found: Counter[int], low: int, high: int) -> int:
    return sum(count for cuts, count in found.items() if low <= cuts <= high)
