"""The least that a newsvendor can pay in a world that is known: units are Poisson around a mean
that is a product of what the store, the item, the weekday, the month and the year make of it.

The mean is fitted with the days that are ordered for, so nobody who orders a day ahead pays less,
but by chance. Who does has read the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl
from scipy import stats

from contract.panel import Panel

# money of a unit short, and of one left over (Buttler et al.)
COSTS = ((9.0, 1.0), (7.5, 2.5), (5.0, 5.0), (2.5, 7.5), (1.0, 9.0))
SERVICES = tuple(short / (short + over) for short, over in COSTS)
ROUNDS = 50  # of the fit; the bound's fifth digit stands after five
# of the mean difference over days, below which a run does not lie by chance: of five services one
# does in about 150 runs of a forecaster that knows the mean itself
STANDARD_ERRORS = 3.0

Codes = Sequence[np.ndarray]


def fitted_mean(panel: Panel, units: np.ndarray) -> np.ndarray:
    """The mean of each of the (series, days) units from the panel's first day on."""
    last = panel.first_day + timedelta(days=units.shape[1] - 1)
    days = pl.date_range(panel.first_day, last, eager=True)
    of_series = [panel.series[name] for name in ("store_id", "item_id")]
    of_days = [days.dt.weekday(), days.dt.month(), days.dt.year()]
    return multiplicative_mean(units, _codes(of_series), _codes(of_days))


def dispersion(units: np.ndarray, mean: np.ndarray) -> float:
    """Variance of the units over their mean: near 1, or the bound is none."""
    return float(((units - mean) ** 2 / mean).mean())


def multiplicative_mean(units: np.ndarray, of_series: Codes, of_days: Codes) -> np.ndarray:
    """(series, days) means of the likeliest Poisson with a factor for each code.

    Each factor's margin is matched in turn, until all are (iterative proportional fitting).
    """
    by_series, by_day = np.ones(len(units)), np.ones(units.shape[1])
    sold_by_series, sold_by_day = units.sum(axis=1), units.sum(axis=0)
    for _ in range(ROUNDS):
        for codes in of_series:
            by_series *= _growth(codes, sold_by_series, by_series * by_day.sum())
        for codes in of_days:
            by_day *= _growth(codes, sold_by_day, by_day * by_series.sum())
    return np.outer(by_series, by_day)


def poisson_orders(means: np.ndarray) -> np.ndarray:
    """(services, *means.shape) quantiles of Poissons."""
    return np.array([stats.poisson.ppf(service, means) for service in SERVICES])


def costs_by_day(orders: np.ndarray, units: np.ndarray) -> np.ndarray:
    """(services, days) money, mean over the series, of (services, series, days) orders."""
    missing = units - orders
    short, over = (np.array(side)[:, None, None] for side in zip(*COSTS, strict=True))
    costs: np.ndarray = (short * np.maximum(missing, 0) - over * np.minimum(missing, 0)).mean(
        axis=1
    )
    return costs


def below_bound(costs: np.ndarray, bound: np.ndarray) -> str | None:
    """A sentence where (services, days) costs lie below the bound's by more than chance."""
    gap = costs - bound
    spread = np.maximum(gap.std(axis=1, ddof=1), 1e-9) / np.sqrt(gap.shape[1])
    errors = gap.mean(axis=1) / spread
    worst = int(np.argmin(errors))
    if errors[worst] > -STANDARD_ERRORS:
        return None
    return (
        f"at a service of {SERVICES[worst]:g} a day costs {costs[worst].mean():.2f}, and "
        f"{bound[worst].mean():.2f} who knows the true mean: {-errors[worst]:.1f} standard errors "
        "below the bound. Something read the day it forecasts: look for a window that holds it."
    )


def _codes(factors: list[pl.Series]) -> Codes:
    return [values.rank("dense").to_numpy().astype(np.int64) - 1 for values in factors]


def _growth(codes: np.ndarray, sold: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """For each row the factor by which its code sold more than expected."""
    more = np.bincount(codes, sold) / np.maximum(np.bincount(codes, expected), 1e-12)
    of_rows: np.ndarray = more[codes]
    return of_rows
