"""Scores, from (groups, horizon) arrays of units.

Sign: error = y_hat - y, positive means we forecast too much.

wrmsse   sum of weight * sqrt(mean squared error / squared scale)      M5 competitors' guide
         (its scale: Hyndman & Koehler 2006)
wspl     sum of weight * mean pinball loss / absolute scale            M5 uncertainty track
wape     sum |error| / sum y
bias     sum error / sum y
rmsse, mase   the unweighted mean over groups of the scaled errors
coverage share of days whose y lies inside the central interval
"""

from __future__ import annotations

import numpy as np

from contract.quantiles import INTERVALS, QUANTILES
from forecasting.window import LevelWindow


def point_scores(window: LevelWindow, y_hat: np.ndarray) -> dict[str, float]:
    """Every score of the mean forecast on one level.

    Means are over known days. A group without a scale (never sold twice) carries no scaled error.
    """
    error = y_hat - window.y
    scaled = scaled_error(window, error)
    absolute = _mean_of_known(np.abs(error), window.is_known)
    return {
        "wrmsse": weighted(scaled, window.weight),
        "rmsse": _mean(scaled),
        "mase": _mean(_over_scale(absolute, window.absolute_scale)),
        **volume_scores(window.y, y_hat),
    }


def scaled_error(window: LevelWindow, error: np.ndarray) -> np.ndarray:
    """(groups,) RMSSE of (groups, horizon) errors, 0 in unknown cells: the mean is over known days.

    NaN for a group that has no scale or no known day.
    """
    mean_squared = _mean_of_known(error**2, window.is_known)
    scaled: np.ndarray = np.sqrt(_over_scale(mean_squared, window.squared_scale))
    return scaled


def weighted(value: np.ndarray, weight: np.ndarray) -> float:
    """The sum of (groups,) values times weights; a group without a value carries none."""
    return float(np.nansum(value * weight))


def volume_scores(y: np.ndarray, y_hat: np.ndarray) -> dict[str, float]:
    """WAPE and bias; NaN where nothing sold at all (a share of nothing says nothing)."""
    error, volume = y_hat - y, float(y.sum())
    if volume <= 0:
        return {"wape": float("nan"), "bias": float("nan")}
    return {"wape": float(np.abs(error).sum() / volume), "bias": float(error.sum() / volume)}


def quantile_scores(window: LevelWindow, quantiles: dict[str, np.ndarray]) -> dict[str, float]:
    """WSPL, mean pinball loss and the coverage of every central interval on one level.

    Unknown days count in none of them.
    """
    known = window.is_known
    losses = {
        name: pinball(window.y, quantiles[name], tau) * known for name, tau in QUANTILES.items()
    }
    scaled = np.mean(
        [
            _over_scale(_mean_of_known(loss, known), window.absolute_scale)
            for loss in losses.values()
        ],
        axis=0,
    )
    coverage = {
        f"coverage_{round(nominal * 100):02d}": _mean(
            ((quantiles[low] <= window.y) & (window.y <= quantiles[high]))[known]
        )
        for nominal, (low, high) in INTERVALS.items()
    }
    pinball_mean = _mean(np.array([_mean(loss[known]) for loss in losses.values()]))
    return {"wspl": weighted(scaled, window.weight), "pinball": pinball_mean, **coverage}


def pinball(y: np.ndarray, q: np.ndarray, tau: float) -> np.ndarray:
    """The quantile loss of forecast q at probability tau (Koenker & Bassett 1978)."""
    loss: np.ndarray = np.maximum(tau * (y - q), (tau - 1) * (y - q))
    return loss


def _over_scale(value: np.ndarray, scale: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 0, value / scale, np.nan)


def _mean_of_known(value: np.ndarray, is_known: np.ndarray) -> np.ndarray:
    """(groups,) means over the known days of a window; `value` is 0 on the others."""
    days = is_known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(days > 0, value.sum(axis=1) / days, np.nan)


def _mean(value: np.ndarray) -> float:
    return float(np.nanmean(value)) if np.isfinite(value).any() else float("nan")
