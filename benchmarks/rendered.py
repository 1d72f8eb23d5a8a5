"""Tables of measured results, written into documents between two marks; nothing between them is typed.

run     python -m benchmarks.rendered      every document's with such marks, and docs/leaderboards.md, from benchmarks/results/
"""

from __future__ import annotations

import json
import re
from typing import Any

from benchmarks import leaderboards_page
from benchmarks import tables_of_accuracy as accuracy
from benchmarks import tables_of_cost as cost
from benchmarks import tables_of_drills as drills
from benchmarks.headlines import leaderboard, measured_lines
from benchmarks.markdown import markdown_table
from benchmarks.measured import RESULTS, ROOT


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
    replays = {source: f"live_replay_{source}" for source in ("simulator", "m5")}
    live = accuracy.live_replay({source: result(name) for source, name in replays.items() if is_kept(name)})
    drilled = {"drills": drills.grades(result("drills")), "drills_seen": drills.seen(result("drills"))}
    other = {"other_data": accuracy.other_data()}
    measured = markdown_table(["what", "measured", "command"], [list(line) for line in measured_lines()])
    tutorial = ("rossmann", "rossmann_with_plans")
    return {
        "docs/tutorial.md": {
            name: leaderboard(result(f"leaderboard_{name}")) for name in tutorial if is_kept(f"leaderboard_{name}")
        },
        "system_design.md": {name: make(result(name)) for name, make in design.items() if is_kept(name)} | other,
        "postmortem.md": {"live_replay": live, **drilled},
        "README.md": {"leaderboard": leaderboard(result("leaderboard_simulator")), "measured": measured},
    }


def result(name: str) -> dict[str, Any]:
    """What a benchmark kept."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def is_kept(name: str) -> bool:
    """Whether that benchmark ever ran."""
    return (RESULTS / f"{name}.json").exists()


def replaced(text: str, name: str, section: str) -> str:
    """The text with the section between its marks; KeyError when it has no such marks."""
    begin, end = f"<!-- {name}: begin, made by benchmarks.rendered -->", f"<!-- {name}: end -->"
    if begin not in text or end not in text:
        raise KeyError(f"no marks for '{name}'")
    return re.sub(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{section}\n{end}", text, flags=re.DOTALL
    )


if __name__ == "__main__":
    main()
