"""What the gate decided on every data set and what was served, before and after it judged the
headline: the leaderboards as kept at a commit beside today's.

Before, a candidate that was refused left the seasonal naive to serve, so what served follows from
the decision. Scores of both are not of one scale where days are closed or unknown; WAPE is.
"""

from __future__ import annotations

import json
import subprocess

from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import ROOT, Result, kept
from benchmarks.render.markdown import markdown_table
from forecasting.contenders import CANDIDATE
from forecasting.forecaster import BASELINE

DATA_SETS = {
    "simulator": "Simulator (calm before, hard after)",
    "m5": "M5",
    "rossmann": "Rossmann, nothing known of the days ahead",
    "rossmann_with_plans": "Rossmann, its last 42 days as plans",
    "store_item_demand": "Store item demand",
    "freshretailnet": "FreshRetailNet",
    "online_retail": "Online retail",
}
SIDES = ("before", "after")
BEFORE = "863f32f"  # the last commit whose gate judged series alone


def measure(context: Context) -> Result:
    """By data set the decision, what served and the WAPE of each, before and after."""
    commit = context.options.commit
    found = {}
    for name in DATA_SETS:
        sides = {"before": _at(commit, name), "after": kept(f"leaderboard_{name}")}
        found[name] = {side: _decided(board) for side, board in sides.items() if board}
    return {"before_commit": commit, "data_sets": found}


def table(result: Result) -> str:
    """A row per data set."""
    of_sides = [name for side in SIDES for name in (f"gate, {side}", "served", "WAPE")]
    head = ["data", *of_sides, "best simple"]
    rows = []
    for name, words in DATA_SETS.items():
        sides = result["data_sets"][name]
        row = [words]
        for side in SIDES:
            row += _cells(sides[side]) if side in sides else ["not kept", "", ""]
        rows.append([*row, f"{sides['after']['best_simple']:.3f}"])
    return markdown_table(head, rows)


def _at(commit: str, name: str) -> Result | None:
    """A leaderboard as it was kept at a commit; None where it was not."""
    path = f"{commit}:benchmarks/results/leaderboard_{name}.json"
    git = ["git", "show", path]
    shown = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return json.loads(shown.stdout) if shown.returncode == 0 else None


def _decided(board: Result) -> Result:
    decision, models = board["decision"], board["board"]
    promoted = CANDIDATE if decision["promote"] else BASELINE
    wapes = {name: models[name]["wape"] for name in models if name != "oracle"}
    return {
        "promote": decision["promote"],
        "reasons": decision["reasons"],
        "served": decision.get("served", promoted),
        "wape": wapes,
        "best_simple": min(wape for name, wape in wapes.items() if name != CANDIDATE),
    }


def _cells(side: Result) -> list[str]:
    verdict = "promoted" if side["promote"] else "refused"
    why = "; ".join(side["reasons"])
    served = side["served"]
    return [f"{verdict}: {why}", served.replace("_", " "), f"{side['wape'][served]:.3f}"]


BENCHMARK = Benchmark(
    question="What did the gate decide on every data set, and what was served, before and after?",
    needs="the leaderboards kept (other_data, leaderboards) and this repository's history",
    measure=measure,
    options=(Option("commit", "of before", BEFORE),),
    table=table,
)
