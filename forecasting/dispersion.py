"""How unsteadily a series sells: what tells two series of the same mean forecast apart."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from contract.days import WEEK
from contract.demand import DemandRules
from contract.panel import Panel
from features.dense import Days, units_sold

DISPERSION_DAYS = 16 * WEEK  # read of the past
LEAST_WEEKS = 2  # of one week nothing varies around the weekday's mean


def dispersion_of(history: np.ndarray) -> np.ndarray:
    """For each (series, days) row the variance around the weekday's mean, over the mean.

    1 is a Poisson. Unknown days count as zero, as in Window.history. NaN where nothing sold, or of
    less than two weeks.
    """
    weeks = min(DISPERSION_DAYS, history.shape[1]) // WEEK
    if weeks < LEAST_WEEKS:
        return np.full(len(history), np.nan)
    recent = np.nan_to_num(history[:, -weeks * WEEK :]).astype(np.float64)
    by_weekday = recent.reshape(len(recent), weeks, WEEK)
    variance = by_weekday.var(axis=1, ddof=1).mean(axis=1)
    mean = recent.mean(axis=1)
    return np.where(mean > 0, variance / np.maximum(mean, 1e-12), np.nan)


def dispersion_at_end(panel: Panel, rules: DemandRules) -> pl.DataFrame:
    """unique_id and dispersion (null where unknown) of every series, at the panel's last day."""
    known = min(DISPERSION_DAYS, (panel.last_day - panel.first_day).days + 1)
    days = Days(panel.last_day - timedelta(days=known - 1), known, ahead=0, padding=0)
    values = dispersion_of(units_sold(panel, days, rules))
    return panel.series.select("unique_id", dispersion=pl.Series(values).fill_nan(None))
