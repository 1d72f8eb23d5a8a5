"""Two forecasters on the same windows: their losses, and bootstrap draws of the difference."""

from __future__ import annotations

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.levels import Level
from contract.panel import Panel
from forecasting.columns import horizon_of
from forecasting.window import Window, window_after


def losses_of(
    panel: Panel,
    backtest: pl.DataFrame,
    models: list[str],
    levels: list[Level],
    rules: DemandRules,
) -> list[np.ndarray]:
    """For each model its (cutoffs, blocks) losses on a backtest."""
    bottom = levels[-1:]
    blocks = blocks_of(panel.series)
    losses: list[list[np.ndarray]] = [[] for _ in models]
    for (cutoff,), forecasts in backtest.group_by("cutoff", maintain_order=True):
        window = window_after(panel, cutoff, horizon_of(forecasts), bottom, rules)
        for of_model, model in zip(losses, models, strict=True):
            of_model.append(series_losses(window, window.matrix(forecasts, model), blocks))
    return [np.array(of_model) for of_model in losses]


def series_losses(window: Window, y_hat: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """(blocks,) sums of weight * RMSSE over each block's series: the WRMSSE of the series level."""
    bottom = window.levels[-1]
    error = (y_hat - bottom.y[bottom.group_ix]) ** 2
    scale = bottom.squared_scale[bottom.group_ix]
    with np.errstate(invalid="ignore", divide="ignore"):
        loss = (
            np.where(scale > 0, np.sqrt(error.mean(axis=1) / scale), 0.0)
            * bottom.weight[bottom.group_ix]
        )
    return np.bincount(blocks, weights=np.nan_to_num(loss))


def blocks_of(series: pl.DataFrame) -> np.ndarray:
    """For each series its block: store and department if there are such columns, else itself."""
    group: list[str] = [name for name in ("store_id", "dept_id") if name in series.columns]
    keys = series.select(block=pl.concat_str(group or ["unique_id"], separator="|"))["block"]
    return keys.rank("dense").to_numpy().astype(np.int64) - 1


def drawn_differences(
    candidate: np.ndarray, incumbent: np.ndarray, resamples: int, seed: int, confidence: float
) -> np.ndarray:
    """(resamples,) relative differences of the total loss, candidate to incumbent.

    As other cutoffs and blocks might have shown them; losses are (cutoffs, blocks), negative is
    better.

    Cutoffs and blocks of series (a store's department) are drawn with replacement, both sides
    together: days of a window and series of a block move together and must not count as independent
    evidence (Politis & Romano 1994; Efron 1979). The two ways of drawing are added up. Four cutoffs
    drawn from four spread too little, so their part is widened until a normal's `confidence` bound
    is Student's. One cutoff alone says nothing of other days: then only blocks are drawn.
    """
    difference = candidate - incumbent
    rng = np.random.default_rng(seed)
    by_cutoff, by_block = difference.sum(axis=1), difference.sum(axis=0)
    moved = _redrawn(by_cutoff, resamples, rng) * widening(len(by_cutoff), confidence)
    moved += _redrawn(by_block, resamples, rng)
    relative: np.ndarray = (difference.sum() + moved) / max(float(incumbent.sum()), 1e-12)
    return relative


def widening(cutoffs: int, confidence: float) -> float:
    """By how much the spread of so many redrawn cutoffs is too small.

    sqrt(n / (n - 1)), and Student's t over the normal.
    """
    if cutoffs < 2:
        return 0.0
    from scipy import stats  # a second to import

    return float(
        np.sqrt(cutoffs / (cutoffs - 1))
        * stats.t.ppf(confidence, cutoffs - 1)
        / stats.norm.ppf(confidence)
    )


def _redrawn(parts: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """(resamples,) deviations from their sum when as many parts are drawn with replacement."""
    count = len(parts)
    drawn = parts[rng.integers(0, count, (resamples, count))]
    moved: np.ndarray = drawn.sum(axis=1) - parts.sum()
    return moved
