"""Scores of the backtest as tables and charts need them: means over cutoffs, and their spread.

Nothing is scored here.
"""

from __future__ import annotations

import polars as pl

MODEL_WORDS = {
    "seasonal_naive": "seasonal naive (baseline)",
    "global_lightgbm": "global LightGBM",
    "window_average": "mean of 8 weekdays",
    "grouped_average": "8 weekdays and group totals",
    "oracle": "oracle (error floor)",
}
SHOWN_COVERAGES = ("coverage_50", "coverage_95")
METRIC_MEANINGS = {
    "wrmsse": "squared errors on every level, weighed by turnover (M5's score). 1: as far off as "
    "one day's sales are from the next's",
    "bias": "forecast less sold, by sold. Positive is too much",
    "wspl": "the same for the quantiles: how far they lie from what sold (M5's second score)",
    "wape": "absolute errors by units sold, series by series. 0.65: for 100 units sold, 65 were "
    "missed or too many. Slow movers make it high by nature",
    "rmsse": "as WRMSSE, for single series and without weights",
    "mase": "as RMSSE, with absolute instead of squared errors",
}


def metric_name(metric: str) -> str:
    """A score as people write it."""
    return metric if metric == "bias" else metric.upper()


def slice_words(key: object) -> str:
    """A level, week or slice as people read it: `velocity_fast` is `velocity: fast`."""
    kind, _, part = str(key).partition("_")
    return f"{kind}: {part}" if kind in ("lifecycle", "velocity", "promo") else str(key)


def model_name(model: str) -> str:
    """A model as people call it."""
    return MODEL_WORDS.get(model, model)


def mean_over_cutoffs(scores: pl.DataFrame) -> pl.DataFrame:
    """model, level, slice, metric, value, spread: mean and standard deviation over cutoffs, in the
    order of the file.
    """
    keys = ["model", "level", "slice", "metric"]
    spread = pl.col("value").std().fill_null(0.0)
    return scores.group_by(keys, maintain_order=True).agg(pl.col("value").mean(), spread=spread)


def by_level(means: pl.DataFrame) -> pl.DataFrame:
    """One row per level, and model: wrmsse, bias, wape."""
    return _wide(
        means.filter(slice="all").filter(pl.col("level") != "average"),
        "level",
        ["wrmsse", "bias", "wape"],
    )


def by_week(means: pl.DataFrame) -> pl.DataFrame:
    """One row per model and week ahead: wape, bias, coverage_95; `week` counts from 1."""
    weeks = means.filter(pl.col("slice").str.starts_with("week_"))
    wide = _wide(weeks, "slice", ["wape", "bias", "coverage_95"])
    return wide.with_columns(week=pl.col("slice").str.strip_prefix("week_").cast(pl.Int32)).sort(
        "model", "week"
    )


def by_slice(means: pl.DataFrame) -> pl.DataFrame:
    """One row per model and slice other than weeks ahead: wape, bias, coverage_95."""
    other = means.filter((pl.col("slice") != "all") & ~pl.col("slice").str.starts_with("week_"))
    return _wide(other, "slice", ["wape", "bias", "coverage_95"]).sort("slice", maintain_order=True)


def coverages(means: pl.DataFrame, model: str) -> pl.DataFrame:
    """level, nominal, covered, low, high: how much the shown intervals covered on each level, ± the
    spread over cutoffs.
    """
    rows = means.filter(pl.col("metric").is_in(SHOWN_COVERAGES), model=model, slice="all")
    nominal = pl.col("metric").str.strip_prefix("coverage_").cast(pl.Float64) / 100
    return rows.select(
        "level",
        nominal=nominal,
        covered="value",
        low=(pl.col("value") - pl.col("spread")).clip(lower_bound=0.0),
        high=(pl.col("value") + pl.col("spread")).clip(upper_bound=1.0),
    )


def _wide(means: pl.DataFrame, key: str, metrics: list[str]) -> pl.DataFrame:
    wide = means.filter(pl.col("metric").is_in(metrics)).pivot(
        "metric", index=["model", key], values="value", maintain_order=True
    )
    return wide.with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in metrics if name not in wide.columns
    )
