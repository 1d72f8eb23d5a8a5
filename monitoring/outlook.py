"""The error of forecasts without actuals yet, as their own quantiles expect it."""

from __future__ import annotations

from itertools import pairwise

import polars as pl

from contract.quantiles import QUANTILES


def expected_absolute_error() -> pl.Expr:
    """Units a row's forecast is expected to miss by: the mean distance of its quantiles from y_hat.

    The integral of |q(tau) - y_hat| over tau by the trapezoid rule, the outermost quantiles
    standing for the tails.
    """
    names, taus = list(QUANTILES), list(QUANTILES.values())
    edges = [0.0, *((low + high) / 2 for low, high in pairwise(taus)), 1.0]
    weights = [high - low for low, high in pairwise(edges)]
    return pl.sum_horizontal(
        weight * (pl.col(name) - pl.col("y_hat")).abs()
        for name, weight in zip(names, weights, strict=True)
    )
