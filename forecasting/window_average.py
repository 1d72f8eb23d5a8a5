"""Simpler models to measure against: the mean of same weekdays, alone and with the group step."""

from __future__ import annotations

import warnings
from datetime import date

import numpy as np
import polars as pl

from contract.days import WEEK
from contract.panel import Panel
from contract.params import GroupParams
from features.dense_panel import DensePanel, FeatureRecipe, vocabulary_of
from features.older_totals import GROUP_DAYS
from forecasting.alignment import aligned
from forecasting.forecaster import days_late, forecast_grid, long_frame

# same weekdays averaged. On M5, 4 scores better in all (0.649 against 0.654), 8 better on the
# series' level
WEEKS = 8


WINDOW_AVERAGE, GROUPED_AVERAGE = "window_average", "grouped_average"


class WindowAverage:
    """A seasonal window average.

    With `groups` its sums follow the groups' own forecaster: all that trees then add is the split.
    """

    def __init__(self, recipe: FeatureRecipe, groups: GroupParams | None = None):
        self.name = WINDOW_AVERAGE if groups is None else GROUPED_AVERAGE
        self.feature_recipe = recipe
        self.groups = groups

    @property
    def days_back(self) -> int:
        """How many days up to the last known one a forecast reads."""
        return WEEKS * WEEK if self.groups is None else GROUP_DAYS

    def fit(self, panel: Panel) -> WindowAverage:
        """Nothing to learn."""
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast.

        A day closed ahead is 0; a series with no known day in the window is null.
        """
        panel = panel.up_to(origin)
        steps = horizon + days_late(panel, origin)
        dense = self.feature_recipe.dense_panel(panel, steps, vocabulary_of(panel))
        y_hat = _same_weekdays(dense, steps)
        y_hat[dense.is_closed[:, dense.days.after(steps)]] = 0.0
        if self.groups is not None:
            aligned_sums = aligned(dense, np.nan_to_num(y_hat), self.groups)
            y_hat = np.where(np.isnan(y_hat), np.nan, aligned_sums)
        grid = forecast_grid(panel.series["unique_id"], origin, horizon)
        return grid.join(
            long_frame(panel.series["unique_id"], panel.last_day, y_hat),
            on=["unique_id", "ds"],
            how="left",
            validate="1:1",
        )


def towards_average(dense: DensePanel, y_hat: np.ndarray, share: float) -> np.ndarray:
    """(series, steps) means, `share` of each the mean of its same weekdays, where that is known."""
    if share == 0:
        return y_hat
    average = _same_weekdays(dense, y_hat.shape[1])
    return np.where(np.isnan(average), y_hat, (1 - share) * y_hat + share * average)


def _same_weekdays(dense: DensePanel, steps: int) -> np.ndarray:
    """(series, steps) means of the known among the last WEEKS same weekdays; NaN if none is."""
    last = dense.days.padding + dense.days.known
    weeks = min(WEEKS, dense.days.known // WEEK)
    recent = dense.y[:, last - weeks * WEEK : last].reshape(len(dense.y), weeks, WEEK)
    with warnings.catch_warnings():
        # the mean of nothing is NaN, and meant to be
        warnings.simplefilter("ignore", RuntimeWarning)
        week = np.nanmean(recent, axis=1)
    return np.tile(week, -(-steps // WEEK))[:, :steps].astype(np.float64)
