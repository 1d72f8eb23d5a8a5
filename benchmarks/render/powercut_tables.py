"""The table of the power cuts: where the kills fell."""

from __future__ import annotations

from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table, paragraph


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
    return f"{table}\n\n{paragraph(after)}\n\n{paragraph(f'By step: {by_step}.')}"
