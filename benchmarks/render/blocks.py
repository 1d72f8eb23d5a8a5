"""Every generated block and page by its name, each from the result files that are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.accuracy.live_replay import table_of
from benchmarks.accuracy.other_data import other_data
from benchmarks.detection.drift_curves_table import curves
from benchmarks.harness.registry import benchmarks
from benchmarks.harness.results import Result, kept
from benchmarks.render import (
    bad_quarter_page,
    calibration_page,
    drills_tables,
    leaderboards_page,
    mutants_tables,
    powercut_tables,
)
from benchmarks.render.headlines import headlines, leaderboard
from benchmarks.render.plots import growth_of

BlockText = Callable[[], str]


def blocks() -> dict[str, BlockText]:
    """Name -> what stands between the marks, of every result there is."""
    boards = leaderboards_page.kept_boards()
    made: dict[str, BlockText] = {
        "measured": headlines,
        "leaderboard": partial(leaderboard, boards["simulator"]),
        "other_data": partial(other_data, boards),
        "live_replay": _live_replay,
    }
    for name in ("rossmann", "rossmann_with_plans"):
        made[name] = partial(leaderboard, boards[name])
    for name in ("simulator", "m5"):
        made[f"board_{name}"] = partial(leaderboards_page.summary, boards[name])
    if drills := kept("drills"):
        made |= {
            "drills": partial(drills_tables.grades, drills),
            "drills_seen": partial(drills_tables.first_notices, drills),
        }
    if mutants := kept("mutants"):
        made |= {
            "mutants": partial(mutants_tables.runs, mutants),
            "mutants_by_package": partial(mutants_tables.packages, mutants),
            "mutants_by_operator": partial(mutants_tables.operators, mutants),
        }
    if cuts := kept("powercut"):
        made["powercut"] = partial(powercut_tables.kills, cuts)
    return made | _tables()


def pages() -> dict[str, BlockText]:
    """Name of a file in docs/results/ -> its text."""
    named: dict[str, tuple[str, Callable[[Result], str]]] = {
        "bad_quarter.md": ("bad_quarter", bad_quarter_page.page_of),
        "bad_quarter.svg": ("bad_quarter", bad_quarter_page.plot_of),
        "calibration.md": ("calibration", calibration_page.page_of),
        "calibration.svg": ("calibration", calibration_page.plot_of),
        "drift_delay.svg": ("drift_curves", curves),
        "growth.svg": ("scale", growth_of),
    }
    of_boards = partial(leaderboards_page.page_of, leaderboards_page.kept_boards())
    made: dict[str, BlockText] = {"leaderboards.md": of_boards}
    for file, (name, make) in named.items():
        if result := kept(name):
            made[file] = partial(make, result)
    return made


def _tables() -> dict[str, BlockText]:
    """The tables that benchmarks declare."""
    made: dict[str, BlockText] = {}
    for benchmark in benchmarks().values():
        for name in (benchmark.name, f"{benchmark.name}_m5"):
            if benchmark.table and (result := kept(name)):
                made[name] = partial(benchmark.table, result)
    return made


def _live_replay() -> str:
    found = {source: kept(f"live_replay_{source}") for source in ("simulator", "m5")}
    return table_of({source: result for source, result in found.items() if result})
