"""Orders cut to a day's money, the unit worth most first."""

from __future__ import annotations

import numpy as np
import polars as pl

from ordering.proposal import OVER, Proposed, Wanted

HALVINGS = 60  # of the price of money: to the last cent of any budget


def packs_within(
    budget: float, proposed: Proposed, lines: pl.DataFrame, wanted: Wanted
) -> np.ndarray:
    """(series,) packs that cost `budget` at most, where those proposed cost more.

    The next unit of a series is worth margin * P(demand > what is there + units), for each money of
    its cost; demand and what is there are those the order is judged by. Less than a minimum is
    none. One price for all, found by halving, cuts each order where its next pack is worth less:
    the optimum of a knapsack of small items (Hadley and Whitin 1963, ch. 6). Lines without cost or
    margin (null) are not cut, and not counted.
    """
    packs, beside = proposed.packs, proposed.beside
    cost, margin = (lines[name].fill_null(0.0).to_numpy() for name in ("unit_cost", "margin"))
    pack, position = lines["pack_size"].to_numpy(), lines["position"].to_numpy()
    least = np.ceil(lines["min_order"].to_numpy() / pack - OVER)
    can_cut = (cost > 0) & (margin > 0)

    def money(of: np.ndarray) -> float:
        return float((of * pack * cost)[can_cut].sum())

    def worth(price: float) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            service = np.where(can_cut, 1 - price * cost / margin, 1.0)
        level = np.clip(service, 0.0, 1.0)
        enough = np.where(
            np.isnan(beside),
            wanted.until.suffices(level) - position,
            wanted.alone.suffices(level) - beside,
        )
        fitting = np.floor(np.maximum(enough, 0.0) / pack + OVER)
        fitting = np.where((service > 0) & (fitting >= least), fitting, 0.0)
        return np.where(can_cut, np.minimum(packs, fitting), packs)

    if money(packs) <= budget:
        return packs
    low, high = 0.0, float((margin / np.maximum(cost, 1e-12))[can_cut].max())
    for _ in range(HALVINGS):
        price = (low + high) / 2
        low, high = (low, price) if money(worth(price)) <= budget else (price, high)
    return worth(high)
