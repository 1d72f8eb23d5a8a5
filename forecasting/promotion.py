"""The gate: a candidate becomes the champion only if it is better beyond chance, and breaks no guardrail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from contract.levels import Level
from contract.panel import Panel
from contract.params import GateParams
from forecasting.window import Window, window_after


@dataclass(frozen=True)
class Decision:
    """Whether to promote, how sure, by how much (relative WRMSSE difference at series level, negative is better), and why."""

    promote: bool
    confidence: float
    relative_difference: float
    reasons: list[str]


def losses_of(
    panel: Panel, backtest: pl.DataFrame, models: list[str], levels: list[Level], absent_means_zero: bool = True
) -> list[np.ndarray]:
    """For each model its (cutoffs, blocks) losses on a backtest."""
    bottom = levels[-1:]
    blocks = blocks_of(panel.series)
    losses: list[list[np.ndarray]] = [[] for _ in models]
    for (cutoff,), forecasts in backtest.group_by("cutoff", maintain_order=True):
        window = window_after(panel, cutoff, int(forecasts["h"].max()), bottom, absent_means_zero)
        for told, model in zip(losses, models, strict=True):
            told.append(series_losses(window, window.matrix(forecasts, model), blocks))
    return [np.array(told) for told in losses]


def series_losses(window: Window, y_hat: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """(blocks,) sums of weight * RMSSE over the series of each block: the series level of WRMSSE, taken apart."""
    bottom = window.levels[-1]
    error = (y_hat - bottom.y[bottom.group_ix]) ** 2
    scale = bottom.squared_scale[bottom.group_ix]
    with np.errstate(invalid="ignore", divide="ignore"):
        loss = np.where(scale > 0, np.sqrt(error.mean(axis=1) / scale), 0.0) * bottom.weight[bottom.group_ix]
    return np.bincount(blocks, weights=np.nan_to_num(loss))


def confidence_of(candidate: np.ndarray, incumbent: np.ndarray, resamples: int, seed: int) -> float:
    """Share of paired bootstrap draws in which the candidate loses less; losses are (cutoffs, blocks).

    Cutoffs and blocks of series (a store's department) are drawn with replacement, both sides together: days of a window
    and series of a block move together and must not count as independent evidence (Politis & Romano 1994; Efron 1979).
    """
    difference = candidate - incumbent
    if not difference.any():
        return 0.0
    rng = np.random.default_rng(seed)
    cutoffs, blocks = difference.shape
    drawn = [
        difference[np.ix_(rng.integers(0, cutoffs, cutoffs), rng.integers(0, blocks, blocks))].sum()
        for _ in range(resamples)
    ]
    return float(np.mean(np.array(drawn) < 0))


@dataclass(frozen=True)
class Conduct:
    """What the guardrails look at: total bias over all cutoffs, and how much of the days the 95% interval covered."""

    bias: float
    coverage_95: float | None


def decide(
    candidate: np.ndarray,
    incumbent: np.ndarray,
    ours: Conduct,
    theirs: Conduct,
    params: GateParams,
    seed: int,
) -> Decision:
    """The decision with every reason against, or the one in favour.

    A guardrail broken by both sides blocks only a candidate that breaks it further: keeping the worse one would guard nothing.
    """
    confidence = confidence_of(candidate, incumbent, params.resamples, seed)
    relative = float(candidate.sum() / max(incumbent.sum(), 1e-12) - 1)
    against = []
    if confidence < params.confidence:
        against.append(f"better in {confidence:.1%} of bootstrap draws, {params.confidence:.0%} needed")
    if not abs(ours.bias) <= max(params.max_abs_bias, np.nan_to_num(abs(theirs.bias))):  # an unknown bias is too much
        against.append(f"total bias {ours.bias:+.1%} is outside ±{params.max_abs_bias:.0%}")
    if ours.coverage_95 is not None and not _gap(ours) <= max(params.max_coverage_gap, _gap(theirs)):
        against.append(f"the 95% interval covered {ours.coverage_95:.1%}")
    favour = [f"better in {confidence:.1%} of bootstrap draws, by {-relative:.1%}"]
    return Decision(not against, confidence, relative, against or favour)


def _gap(conduct: Conduct) -> float:
    return 0.0 if conduct.coverage_95 is None else abs(conduct.coverage_95 - 0.95)


def blocks_of(series: pl.DataFrame) -> np.ndarray:
    """For each series its block: store and department where there are such columns, else each series by itself."""
    columns = [name for name in ("store_id", "dept_id") if name in series.columns] or ["unique_id"]
    return (
        series.select(pl.concat_str(columns, separator="|").alias("b"))["b"].rank("dense").to_numpy().astype(np.int64)
        - 1
    )
