"""The README's own tables: the simulator's leaderboard, and one line per thing measured."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.harness.results import Result, kept
from benchmarks.render.markdown import markdown_table
from reports.tables import leaderboard_table

Line = tuple[str, str, str]  # what, measured, command
PEERS = {
    "seasonal_naive": "seasonal naive",
    "auto_ets_top_down": "AutoETS top down",
    "window_average": "mean of weekdays",
    "mlforecast_lightgbm": "mlforecast at its defaults",
    "linear_same_features": "a linear model on our features",
    "global_lightgbm": "ours",
}


def leaderboard(result: Result) -> str:
    """As the terminal shows it."""
    return f"```\n{leaderboard_table(result['board'])}\n```"


def headlines() -> str:
    """A line for each result there is."""
    lines = [line(result) for name, line in LINES.items() if (result := kept(name))]
    return markdown_table(["what", "measured", "command"], [list(line) for line in lines])


def _on_m5(result: Result) -> Line:
    ours, naive = (result["board"][name] for name in ("global_lightgbm", "seasonal_naive"))
    models = f"LightGBM {_spread(ours, 'wrmsse')}, seasonal naive {_spread(naive, 'wrmsse')}"
    cutoffs = result["cutoffs"]
    what = f"M5, {len(cutoffs)} cutoffs {cutoffs[0]} to {cutoffs[-1]}: WRMSSE"
    return what, f"{models}; WSPL {_spread(ours, 'wspl')}", "`make repro PROFILE=m5 DATA=...`"


def _beside_peers(result: Result) -> Line:
    scores = result["result"]
    measured = ", ".join(f"{words} {scores[name]['wrmsse']:.3f}" for name, words in PEERS.items())
    cutoffs = result["cutoffs"]
    what = f"M5, cutoffs {cutoffs[0]} and {cutoffs[-1]}, beside simpler models and a peer"
    return what, measured, _run("models")


def _daily_path(result: Result) -> Line:
    parts = [f"{s['step']} {s['seconds']:.1f} s and {s['peak_mb']:,} MB" for s in result["steps"]]
    series = f"the daily path, {result['series']:,} series"
    what = f"{series}: a day's file in, all forecasts out, the look of a first morning"
    return what, f"{result['total']['seconds']:.0f} s: {', '.join(parts)}", _run("daily_path")


def _what_if(result: Result) -> Line:
    milliseconds = f"p50 {result['p50_ms']} ms, p99 {result['p99_ms']} ms"
    return "M5, one series forecast again, warm", milliseconds, _run("what_if")


def _scale(result: Result) -> Line:
    by_stage = result["slopes"]["s"].items()
    slopes = ", ".join(f"{stage} {slope:.2f}" for stage, slope in by_stage)
    largest = int(list(result["sizes"])[-1])
    what = f"growth from 10,000 to {largest:,} series: log-log slope of seconds"
    return what, slopes, _run("scale")


def _budget(result: Result) -> Line:
    done = [row for row in result["rows"] if row["ended"] == "done" and row["said_mb"]]
    off = [row["peak_mb"] / row["said_mb"] - 1 for row in done if row["budget_mb"] is None]
    limited = [row for row in done if row["budget_mb"] is not None]
    within = sum(row["peak_mb"] <= row["budget_mb"] for row in limited)
    said = f"the peak was {min(off):+.0%} to {max(off):+.0%} off what was said beforehand"
    measured = f"{said}; {within} of {len(limited)} runs with a budget kept it"
    return "memory of `train.py` and `inference.py`", measured, _run("budget")


def _engine(result: Result) -> Line:
    pair = result["compared"][-1]
    made = pair["ours"]["result"]
    ours, peer = (pair[side]["median_s"] for side in ("ours", "mlforecast"))
    faster, memory = pair["times_faster"]["ours"], pair["share_of_memory"]
    seconds = f"{ours:.2f} s against {peer:.2f} s ({faster}x), {memory['ours']} of its memory"
    what = f"{made['features']} lags and windows on {made['rows']:,} rows against mlforecast"
    in_pieces = f"worked off in pieces {memory['ours_in_pieces']}"
    return what, f"{seconds}; {in_pieces}", "`make bench DATA=...`"


def _costs(result: Result) -> Line:
    fit = f"{result['fit_s']:.0f} s, {result['overhead']:.0%} over bare training"
    backtests = ", ".join(
        f"with {made['fits']} fits {made['seconds']:.0f} s ({made['ratio']})"
        for made in result["backtests"]
    )
    what = "M5, one fit; a backtest (in brackets: times one fit and all its forecasts)"
    return what, f"{fit}; {result['cutoffs']} cutoffs {backtests}", _run("costs")


def _start_up(result: Result) -> Line:
    slowest = max(result["start_up_s"].values())
    helps = f"`--help` of an entry point {slowest:.2f} s"
    return "start-up", f"{helps}, `dvc status` {result['dvc_no_op_s']:.2f} s", "`make bench`"


def _drills(result: Result) -> Line:
    counts = ", ".join(f"{count} {grade}" for grade, count in result["counts"].items())
    worst = [d for d in result["drills"] if d["grade"] == "catastrophic"]
    unnamed = [d for d in worst if f"{d['fault']} {d['strength']}" not in result["named"]]
    reasons = f"{len(unnamed)} without a named reason" if unnamed else "each with a named reason"
    measured = f"{sum(result['counts'].values())} drills: {counts} ({reasons})"
    return "faults on purpose", measured, "`make drills`"


def _power_cuts(result: Result) -> Line:
    points = f"{result['kills']:,} kills at {sum(result['points'].values()):,} points"
    lost = f"{len(result['violations'])} rows lost, doubled or forgotten"
    measured = f"{points}, {result['stores_lost']} stores lost as well: {lost}"
    return "power cuts", measured, "`make powercut`"


def _run(name: str) -> str:
    return f"`python -m benchmarks run {name}`"


def _spread(scores: dict[str, float], name: str) -> str:
    return f"{scores[name]:.3f} ± {scores[name + '_spread']:.3f}"


LINES: dict[str, Callable[[Result], Line]] = {
    "leaderboard_m5": _on_m5,
    "models_m5": _beside_peers,
    "daily_path_m5": _daily_path,
    "what_if_m5": _what_if,
    "scale": _scale,
    "budget": _budget,
    "costs_m5": _costs,
    "lags_and_windows": _engine,
    "start_up": _start_up,
    "drills": _drills,
    "powercut": _power_cuts,
}
