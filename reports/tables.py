"""Tables for a terminal, as plain text."""

from __future__ import annotations

from io import StringIO

from reports.html import JsonObject
from reports.scores import model_name

DETAIL_CHARACTERS = 60  # of who saw it; the rest stands in drills.json
_LEADERBOARD = ("wrmsse", "wspl", "wape", "bias", "coverage_95")


def leaderboard_table(board: dict[str, dict[str, float]]) -> str:
    """The backtest's headline scores, mean ± spread over cutoffs, the best WRMSSE first. bias:
    positive is too much.
    """
    rows = [
        [model_name(model), *(score_cell(scores, name) for name in _LEADERBOARD)]
        for model, scores in sorted(
            board.items(), key=lambda pair: pair[1].get("wrmsse", float("inf"))
        )
    ]
    return text_table(["model", *_LEADERBOARD], rows)


def drills_table(results: list[JsonObject]) -> str:
    """One line per drill: fault, strength, what came out, what it cost, the grade, who saw it."""
    rows = [
        [
            *(drill[key] for key in ("fault", "strength", "outcome")),
            *(_percent(drill[key]) for key in ("loss", "bias")),
            drill["grade"],
            drill["seen_by"][:DETAIL_CHARACTERS],
        ]
        for drill in results
    ]
    return text_table(
        ["fault", "strength", "outcome", "WRMSSE lost", "bias", "grade", "seen by"], rows
    )


def text_table(head: list[str], rows: list[list[str]]) -> str:
    """Aligned columns, the first to the left."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    text = StringIO()
    console = Console(file=text, width=160, color_system=None, markup=False, highlight=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip())


def score_cell(scores: dict[str, float], name: str) -> str:
    """A score of a leaderboard and its spread over cutoffs; '-' where there is none."""
    if name not in scores:
        return "-"
    form = "+.1%" if name == "bias" else ".1%" if name.startswith("coverage") else ".3f"
    return f"{scores[name]:{form}} ± {scores[f'{name}_spread']:{form.lstrip('+')}}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1%}"
