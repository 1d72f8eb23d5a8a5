"""What a finished backtest says, kept: the leaderboard, the scores by level and by part of the
assortment, the paired test.
"""

from __future__ import annotations

import json

import polars as pl

from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from contract.levels import SERIES_LEVEL
from reports.scores import mean_over_cutoffs
from reports.tables import leaderboard_table
from runtime.paths import Paths
from storage.panel_files import read_card

MONEY = "newsvendor_"
LEVEL_METRICS, PART_METRICS = ("wrmsse", "wspl", "bias"), ("wape", "bias", "coverage_95")
DECIDED = ("incumbent", "promote", "relative_difference", "reasons")


def measure(context: Context) -> Result:
    """One data folder."""
    return leaderboard_of(context.paths)


def leaderboard_of(paths: Paths) -> Result:
    """series, days, cutoffs, board, levels, parts and money (model -> name -> metric -> [mean,
    spread]), decision and its reasons.
    """
    card, scores = read_card(paths.panel), pl.read_parquet(paths.scores / "scores.parquet")
    decision = json.loads((paths.scores / "decision.json").read_text(encoding="utf-8"))
    board = json.loads((paths.scores / "leaderboard.json").read_text(encoding="utf-8"))
    average = scores.filter(level="average", metric="wrmsse", slice="all").sort("cutoff")
    return {
        "series": card["files"]["series.parquet"]["rows"],
        "first_day": card["first_day"],
        "last_day": card["last_day"],
        "cutoffs": decision["compared_from"],
        "board": board,
        "by_cutoff": {
            model: by["value"].round(5).to_list()
            for (model,), by in average.group_by("model", maintain_order=True)
        },
        **_by_part(mean_over_cutoffs(scores)),
        "decision": {name: decision[name] for name in DECIDED} | {"served": served_by(decision)},
    }


def served_by(decision: Result) -> str:
    """The forecaster whose table is published after a decision of the gate."""
    if decision["promote"]:
        return str(decision["candidate"])
    serves = decision.get("serves")
    return str(serves["method"] if serves else decision["incumbent"])


def _by_part(means: pl.DataFrame) -> Result:
    metric, is_whole = pl.col("metric"), pl.col("slice") == "all"
    levels = means.filter(metric.is_in(LEVEL_METRICS), is_whole)
    parts = means.filter(metric.is_in(PART_METRICS), ~is_whole)
    money = means.filter(metric.str.starts_with(MONEY), is_whole, level=SERIES_LEVEL)
    money = money.with_columns(ratio=metric.str.strip_prefix(MONEY), metric=pl.lit("cost"))
    return {
        "levels": _nested(levels, "level"),
        "parts": _nested(parts, "slice"),
        "money": _nested(money, "ratio"),
    }


def _nested(means: pl.DataFrame, by: str) -> dict[str, dict[str, dict[str, list[float]]]]:
    nested: dict[str, dict[str, dict[str, list[float]]]] = {}
    rows = means.select("model", by, "metric", "value", "spread")
    for model, name, metric, value, spread in rows.iter_rows():
        cell = nested.setdefault(model, {}).setdefault(name, {})
        cell[metric] = [round(value, 5), round(spread, 5)]
    return nested


BENCHMARK = Benchmark(
    question="What does a finished backtest say by level and part, and what did the gate decide?",
    needs="a data folder after make repro; seconds",
    measure=measure,
    options=(Option("called", "name of the data set (default: the source's)"),),
    table=lambda result: leaderboard_table(result["board"]),
    result_name=lambda context: f"leaderboard_{context.options.called or context.source}",
)
