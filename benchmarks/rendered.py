"""Tables of measured results, written into documents between two marks; nothing between them is typed.

run     python -m benchmarks.rendered      every document's with such marks, and docs/leaderboards.md, from benchmarks/results/
"""

from __future__ import annotations

from functools import partial

from benchmarks import leaderboards_page
from benchmarks import tables_of_accuracy as accuracy
from benchmarks import tables_of_cost as cost
from benchmarks import tables_of_drills as drills
from benchmarks.headlines import leaderboard, measured_lines
from benchmarks.markdown import between_marks, markdown_table
from benchmarks.measured import ROOT, kept

replaced = partial(between_marks, maker="benchmarks.rendered")


def main() -> None:
    """Every section of every document whose result file is there."""
    for document in sections():
        path = ROOT / document
        path.write_text(rendered(path.read_text(encoding="utf-8"), document), encoding="utf-8")
    leaderboards_page.write_page()


def rendered(text: str, document: str) -> str:
    """The document's text with what was measured between its marks."""
    for name, section in sections()[document].items():
        text = replaced(text, name, section)
    return text


def sections() -> dict[str, dict[str, str]]:
    """Document -> name of the marks -> what stands between them."""
    design = {
        "gate": accuracy.gate, "calibration": accuracy.shares_below,
        "cadence": accuracy.cadence, "launches": accuracy.launches, "models_m5": accuracy.improvement,
        "ablation_m5": accuracy.ablation, "daily_path_m5": cost.daily_path, "scale": cost.growth, "budget": cost.budget,
        "costs_m5": cost.costs, "where_time_goes_m5": cost.where_time_goes, "lags_and_windows": cost.engine,
    }  # fmt: skip
    replays = {source: kept(f"live_replay_{source}") for source in ("simulator", "m5")}
    drilled, boards = kept("drills"), leaderboards_page.kept_boards()
    measured = markdown_table(["what", "measured", "command"], [list(line) for line in measured_lines()])
    return {
        "docs/tutorial.md": {
            name: leaderboard(boards[name]) for name in ("rossmann", "rossmann_with_plans") if name in boards
        },
        "system_design.md": {name: make(told) for name, make in design.items() if (told := kept(name))}
        | {f"board_{name}": leaderboards_page.summary(boards[name]) for name in ("simulator", "m5")}
        | {"other_data": accuracy.other_data(boards)},
        "postmortem.md": {
            "live_replay": accuracy.live_replay({source: told for source, told in replays.items() if told}),
            "drills": drills.grades(drilled),
            "drills_seen": drills.seen(drilled),
        },
        "README.md": {"leaderboard": leaderboard(boards["simulator"]), "measured": measured},
    }


if __name__ == "__main__":
    main()
