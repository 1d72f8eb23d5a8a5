"""The scores of a backtest in a few numbers: mean and spread over cutoffs, bias beside each."""

from __future__ import annotations

import numpy as np
import polars as pl

from contract.levels import SERIES_LEVEL
from forecasting.promotion import GuardrailMetrics

# headline: the level it is read at, and the metric there
HEADLINES: dict[str, tuple[str, str]] = {
    "wrmsse": ("average", "wrmsse"),
    "wspl": ("average", "wspl"),
    "wape": (SERIES_LEVEL, "wape"),
    "bias": (SERIES_LEVEL, "bias"),  # of all units, on whatever level they are summed
    "rmsse": (SERIES_LEVEL, "rmsse"),
    "mase": (SERIES_LEVEL, "mase"),
    "coverage_95": (SERIES_LEVEL, "coverage_95"),
    "pit_gap": (SERIES_LEVEL, "pit_gap"),
    "newsvendor_q835": (SERIES_LEVEL, "newsvendor_q835"),
}

Leaderboard = dict[str, dict[str, float]]


def leaderboard_of(scores: pl.DataFrame) -> Leaderboard:
    """model -> {metric: mean over cutoffs, metric_spread: their standard deviation}.

    Metrics as in HEADLINES.
    """
    board: Leaderboard = {}
    for model in scores["model"].unique(maintain_order=True):
        board[model] = {}
        for name, (level, metric) in HEADLINES.items():
            of_cutoffs = scores.filter(model=model, level=level, metric=metric, slice="all")
            if of_cutoffs.height:
                mean, spread = of_cutoffs.select(
                    mean=pl.col("value").mean(), spread=pl.col("value").std()
                ).row(0)
                board[model][name] = round(mean, 5)
                board[model][f"{name}_spread"] = round(spread or 0.0, 5)
    return board


def guardrail_metrics_of(
    scores: pl.DataFrame, model: str, with_slices: bool = True
) -> GuardrailMetrics:
    """What the gate's guardrails look at.

    Launches and dormant series are left out: they are too few to judge in a window.
    """
    ours = scores.filter(model=model)
    board = leaderboard_of(ours)[model]
    biases = ours.filter(level=SERIES_LEVEL, metric="bias", slice="all")["value"].abs()
    parts = pl.col("slice").str.starts_with("velocity_") | pl.col("slice").str.starts_with("week_")
    judged = ours.filter(parts, metric="wape").group_by("slice").agg(pl.col("value").mean())
    return GuardrailMetrics(
        float(np.mean(biases.to_numpy())) if len(biases) else float("nan"),
        board.get("coverage_95"),
        dict(judged.iter_rows()) if with_slices else {},
    )


def by_level(scores: pl.DataFrame) -> pl.DataFrame:
    """model, level, and the mean over cutoffs of the scores of a level.

    wrmsse, wape, bias; and wspl, coverage_95, pit_gap where scored.
    """
    return _means(
        scores.filter(pl.col("slice") == "all"),
        ["model", "level"],
        ["wrmsse", "wape", "bias", "wspl", "coverage_95", "pit_gap"],
    )


def by_slice(scores: pl.DataFrame) -> pl.DataFrame:
    """model, slice, and the mean over cutoffs of wape, bias and coverage_95 at series level."""
    return _means(
        scores.filter(pl.col("slice") != "all"), ["model", "slice"], ["wape", "bias", "coverage_95"]
    )


def _means(scores: pl.DataFrame, keys: list[str], metrics: list[str]) -> pl.DataFrame:
    means = (
        scores.filter(pl.col("metric").is_in(metrics))
        .group_by(*keys, "metric", maintain_order=True)
        .agg(pl.col("value").mean())
    )
    return means.pivot("metric", index=keys, values="value").with_columns(
        pl.col(pl.Float64).round(5)
    )
