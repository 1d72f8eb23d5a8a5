"""Whether quantiles keep their word, and what keeping stock by them costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from contract.quantiles import QUANTILES
from forecasting.metrics import pinball

TAUS = np.array(list(QUANTILES.values()))
# a unit short costs 1, 3, 5 and 39 times what a unit left over costs
CRITICAL = ("q500", "q750", "q835", "q975")


def shares_below(y: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """(9,) share of the n outcomes below each of their own (9, n) quantiles.

    Calibrated when it equals the nine probabilities.
    """
    return np.array([part.mean() for part in parts_below(y, quantiles, TAUS)])


def parts_below(y: np.ndarray, quantiles: np.ndarray, taus: np.ndarray) -> Iterator[np.ndarray]:
    """For each of k probabilities, the part (0 to 1) of each outcome below its own quantile.

    n outcomes, (k, n) quantiles.

    An outcome that equals several quantiles (a zero where half of them are zero) is spread evenly
    over the probability they span: the non-randomised PIT of Czado, Gneiting & Held (2009), read at
    k points.
    """
    edges = np.concatenate([[0.0], taus, [1.0]])
    start, stop = edges[(quantiles < y).sum(axis=0)], edges[(quantiles <= y).sum(axis=0) + 1]
    for tau in taus:
        yield np.clip((tau - start) / (stop - start), 0, 1)


def pit_scores(
    y: np.ndarray, quantiles: dict[str, np.ndarray], known: np.ndarray
) -> dict[str, float]:
    """below_q005 .. below_q995, and pit_gap, the largest distance to the probability itself.

    Nothing where nothing is known.
    """
    if not known.any():
        return {}
    observed = shares_below(y[known], np.array([quantiles[name][known] for name in QUANTILES]))
    return {
        f"below_{name}": float(share) for name, share in zip(QUANTILES, observed, strict=True)
    } | {"pit_gap": float(np.abs(observed - TAUS).max())}


def newsvendor_costs(
    y: np.ndarray, quantiles: dict[str, np.ndarray], price: np.ndarray, known: np.ndarray
) -> dict[str, float]:
    """Cost of stocking each (series, horizon) quantile for its day alone, as a share of revenue.

    Revenue at the series' (series,) prices.

    At critical ratio tau a unit short costs tau of its price, a unit left over 1 - tau (the
    newsvendor; Arrow, Harris & Marschak 1951). Names: newsvendor_q500, ... NaN where nothing was
    sold.
    """
    money = np.broadcast_to(price[:, None], y.shape)[known]
    revenue = float((money * y[known]).sum())
    if revenue <= 0:
        return {}
    return {
        f"newsvendor_{name}": float(
            (money * pinball(y[known], quantiles[name][known], QUANTILES[name])).sum() / revenue
        )
        for name in CRITICAL
    }
