"""The sums that benchmarks share: WAPE and bias of scored rows, a mean and its error, levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from forecasting.metrics import point_scores
from forecasting.window import Window

ITEM_LEVELS = 3  # the lowest levels of the hierarchy, noise for the most part

WAPE = pl.col("error").abs().sum() / pl.col("y").sum()
BIAS = pl.col("error").sum() / pl.col("y").sum()


def wape_and_bias(scored: pl.DataFrame) -> dict[str, float]:
    """Of rows with y and error, all together."""
    return scored.select(wape=WAPE, bias=BIAS).row(0, named=True)


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """The mean, and its standard error."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return round(float(np.mean(values)), 4), round(float(error), 4)


def level_scores(window: Window, y_hat: np.ndarray) -> list[dict[str, float]]:
    """Point scores of (series, horizon) means, level by level."""
    return [point_scores(level, level.sums(y_hat)) for level in window.levels]


def scores_of(window: Window, y_hat: np.ndarray) -> dict[str, float]:
    """WRMSSE of all levels, of the upper and of the item levels, and total bias."""
    by_level = level_scores(window, y_hat)
    wrmsse = [scores["wrmsse"] for scores in by_level]
    upper = wrmsse[:-ITEM_LEVELS]
    return {
        "wrmsse": float(np.mean(wrmsse)),
        "upper": float(np.mean(upper)) if upper else float("nan"),
        "items": float(np.mean(wrmsse[-ITEM_LEVELS:])),
        "bias": by_level[0]["bias"],
    }


def mean_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean of every number over cutoffs, and WRMSSE cutoff by cutoff."""
    means = {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}
    return means | {"by_cutoff": [round(row["wrmsse"], 4) for row in rows]}
