"""What a finished backtest says, kept: the leaderboard, the scores by level and by part of the assortment, the paired test.

run     python -m benchmarks.leaderboards DATA_FOLDER [NAME]     (after `make repro`, params.yaml beside it; NAME: else the source's)

The page docs/leaderboards.md is made from all that was kept, by `benchmarks.rendered`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.measured import keep
from contract.levels import SERIES_LEVEL
from contract.params_file import load_params
from reports.scores import mean_over_cutoffs
from runtime.paths import Paths
from storage.panel_files import read_card

MONEY = "newsvendor_"
LEVEL_METRICS, PART_METRICS = ("wrmsse", "wspl", "bias"), ("wape", "bias", "coverage_95")


def main() -> None:
    """One data folder into results/."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("name", nargs="?")
    arguments = parser.parse_args()
    source = load_params(arguments.data.resolve().parent / "params.yaml").source.kind
    keep(f"leaderboard_{arguments.name or source}", told_of(Paths(arguments.data)))


def told_of(places: Paths) -> dict[str, Any]:
    """series, days, cutoffs, board, levels, parts and money (model -> name -> metric -> [mean, spread]), decision and its reasons."""
    card, scores = read_card(places.panel), pl.read_parquet(places.scores / "scores.parquet")
    means = mean_over_cutoffs(scores)
    decision = json.loads((places.scores / "decision.json").read_text(encoding="utf-8"))
    whole = means.filter(pl.col("metric").is_in(LEVEL_METRICS), slice="all")
    parts = means.filter(pl.col("metric").is_in(PART_METRICS) & (pl.col("slice") != "all"))
    by_cutoff = scores.filter(level="average", metric="wrmsse", slice="all").sort("cutoff")
    money = means.filter(pl.col("metric").str.starts_with(MONEY), slice="all", level=SERIES_LEVEL)
    money = money.with_columns(ratio=pl.col("metric").str.strip_prefix(MONEY), metric=pl.lit("cost"))
    return {
        "series": card["files"]["series.parquet"]["rows"],
        "first_day": card["first_day"],
        "last_day": card["last_day"],
        "cutoffs": decision["compared_from"],
        "board": json.loads((places.scores / "leaderboard.json").read_text(encoding="utf-8")),
        "by_cutoff": {
            model: by["value"].round(5).to_list() for (model,), by in by_cutoff.group_by("model", maintain_order=True)
        },
        "levels": _nested(whole, "level"),
        "parts": _nested(parts, "slice"),
        "money": _nested(money, "ratio"),
        "decision": {name: decision[name] for name in ("incumbent", "promote", "relative_difference", "reasons")},
    }


def _nested(means: pl.DataFrame, by: str) -> dict[str, dict[str, dict[str, list[float]]]]:
    told: dict[str, dict[str, dict[str, list[float]]]] = {}
    for model, name, metric, value, spread in means.select("model", by, "metric", "value", "spread").iter_rows():
        told.setdefault(model, {}).setdefault(name, {})[metric] = [round(value, 5), round(spread, 5)]
    return told


if __name__ == "__main__":
    main()
