"""The README's own tables, from benchmarks/results/: the simulator's leaderboard, and one line per thing measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.measured import kept
from reports.tables import leaderboard_table

Told = dict[str, Any]
Line = tuple[str, str, str]  # what, measured, command


def leaderboard(told: Told) -> str:
    """As the terminal shows it."""
    return f"```\n{leaderboard_table(told['board'])}\n```"


def measured_lines() -> list[Line]:
    """A line for each result there is."""
    return [line(told) for name, line in LINES if (told := kept(name))]


def _on_m5(told: Told) -> Line:
    ours, naive = (told["board"][name] for name in ("global_lightgbm", "seasonal_naive"))
    scores = (
        f"LightGBM {_spread(ours, 'wrmsse')}, seasonal naive {_spread(naive, 'wrmsse')}; WSPL {_spread(ours, 'wspl')}"
    )
    what = f"M5, {len(told['cutoffs'])} cutoffs {told['cutoffs'][0]} to {told['cutoffs'][-1]}: WRMSSE"
    return what, scores, "`make repro PROFILE=m5 DATA=...`"


def _beside_peers(told: Told) -> Line:
    names = {
        "seasonal_naive": "seasonal naive",
        "auto_ets_top_down": "AutoETS top down",
        "window_average": "mean of weekdays",
        "mlforecast_lightgbm": "mlforecast at its defaults",
        "linear_same_features": "a linear model on our features",
        "global_lightgbm": "ours",
    }
    scores = ", ".join(f"{words} {told['told'][name]['wrmsse']:.3f}" for name, words in names.items())
    what = f"M5, cutoffs {told['cutoffs'][0]} and {told['cutoffs'][-1]}, beside simpler models and a peer"
    return what, scores, "`python -m benchmarks.models data`"


def _daily_path(told: Told) -> Line:
    steps = ", ".join(f"{s['step']} {s['seconds']:.1f} s and {s['peak_mb']:,} MB" for s in told["steps"])
    what = f"the daily path, {told['series']:,} series: a day's file in, all forecasts out, the watchers' look"
    return what, f"{told['total']['seconds']:.0f} s: {steps}", "`python -m benchmarks.daily_path data`"


def _what_if(told: Told) -> Line:
    milliseconds = f"p50 {told['p50_ms']} ms, p99 {told['p99_ms']} ms"
    return "M5, one series asked again, warm", milliseconds, "`python -m benchmarks.what_if data`"


def _scale(told: Told) -> Line:
    sizes = list(told["sizes"])
    slopes = ", ".join(f"{stage} {slope:.2f}" for stage, slope in told["slopes"]["s"].items())
    what = f"growth from 10,000 to {int(sizes[-1]):,} series: log-log slope of seconds"
    return what, slopes, "`python -m benchmarks.scale`"


def _budget(told: Told) -> Line:
    done = [row for row in told["rows"] if row["ended"] == "done" and row["said_mb"]]
    free = [row for row in done if row["budget_mb"] is None]
    kept = [row for row in done if row["budget_mb"] is not None]
    off = [row["peak_mb"] / row["said_mb"] - 1 for row in free]
    within = sum(row["peak_mb"] <= row["budget_mb"] for row in kept)
    said = f"told beforehand within {min(off):+.0%} to {max(off):+.0%} of the peak; {within} of {len(kept)} runs with a budget kept it"
    return "memory of `train.py` and `inference.py`", said, "`python -m benchmarks.budget`"


def _engine(told: Told) -> Line:
    made = told["compared"][-1]
    made_of, rows = made["ours"]["told"]["features"], made["ours"]["told"]["rows"]
    seconds = f"{made['ours']['median_s']:.2f} s against {made['mlforecast']['median_s']:.2f} s"
    faster, memory = made["times_faster"]["ours"], made["share_of_memory"]
    said = f"{seconds} ({faster}x), {memory['ours']} of its memory; worked off in pieces {memory['ours_in_pieces']}"
    return f"{made_of} lags and windows on {rows:,} rows against mlforecast", said, "`make bench DATA=...`"


def _costs(told: Told) -> Line:
    said = f"{told['fit_s']:.0f} s, {told['overhead']:.0%} over bare training; {told['cutoffs']} cutoffs"
    ratios = ", ".join(
        f"with {made['fits']} fits {made['seconds']:.0f} s ({made['ratio']})" for made in told["backtests"]
    )
    what = "M5, one fit; a backtest (in brackets: times one fit and all its forecasts)"
    return what, f"{said} {ratios}", "`python -m benchmarks.costs data`"


def _start_up(told: Told) -> Line:
    slowest = max(told["start_up_s"].values())
    return "start-up", f"`--help` of a door {slowest:.2f} s, `dvc status` {told['dvc_no_op_s']:.2f} s", "`make bench`"


def _drills(told: Told) -> Line:
    counts = ", ".join(f"{count} {grade}" for grade, count in told["counts"].items())
    return (
        "faults on purpose",
        f"{sum(told['counts'].values())} drills: {counts} (each with a named reason)",
        "`make drills`",
    )


def _power_cuts(told: Told) -> Line:
    points = sum(told["points"].values())
    kills = f"{told['kills']:,} kills at {points:,} points, {told['stores_lost']} stores lost as well"
    return "power cuts", f"{kills}: {len(told['violations'])} rows lost, doubled or forgotten", "`make powercut`"


def _spread(scores: dict[str, float], name: str) -> str:
    return f"{scores[name]:.3f} ± {scores[name + '_spread']:.3f}"


LINES: tuple[tuple[str, Callable[[Told], Line]], ...] = (
    ("leaderboard_m5", _on_m5),
    ("models_m5", _beside_peers),
    ("daily_path_m5", _daily_path),
    ("what_if_m5", _what_if),
    ("scale", _scale),
    ("budget", _budget),
    ("costs_m5", _costs),
    ("lags_and_windows", _engine),
    ("latest", _start_up),
    ("drills", _drills),
    ("powercut", _power_cuts),
)
