"""The shape all forecasters share, so that every cutoff of a backtest takes the same two calls."""

from __future__ import annotations

from datetime import date
from typing import Protocol

import numpy as np
import polars as pl

from contract.days import days_after
from contract.errors import NotEnoughHistory
from contract.panel import Panel

BASELINE = "seasonal_naive"  # the rung below every model, and the name of its column and rows


class Forecaster(Protocol):
    """Learns from a panel; forecasts from an origin. Never sees a sale after its panel."""

    @property
    def name(self) -> str:
        """Names its column in a backtest and its rows in a table."""
        ...

    def fit(self, panel: Panel) -> Forecaster:
        """Learn from everything in the panel; the caller has cut it (`panel.up_to(cutoff)`)."""
        ...

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """One row per series and h = 1..horizon: unique_id, ds, h, y_hat.

        Units, none negative; null where it has no forecast.
        """
        ...


def forecast_grid(unique_ids: pl.Series, origin: date, horizon: int) -> pl.DataFrame:
    """Every (unique_id, ds, h) a forecast must have, sorted."""
    steps = pl.DataFrame(
        {"ds": days_after(origin, horizon), "h": range(1, horizon + 1)},
        schema_overrides={"h": pl.Int32},
    )
    return pl.DataFrame({"unique_id": unique_ids.sort()}).join(
        steps, how="cross", maintain_order="left_right"
    )


def days_late(panel: Panel, origin: date) -> int:
    """Days between the panel's last sales day and the origin: 0 when the feeds are on time."""
    late = (origin - panel.last_day).days
    if late < 0:
        raise NotEnoughHistory(
            f"the panel runs to {panel.last_day}, past the origin {origin}. "
            "Cut it with panel.up_to(origin)."
        )
    return late


def long_frame(unique_ids: pl.Series, last_day: date, y_hat: np.ndarray) -> pl.DataFrame:
    """unique_id, ds, y_hat of a (series, steps) table of the days after the last known one.

    NaN becomes null.
    """
    series, steps = y_hat.shape
    return pl.DataFrame(
        {
            "unique_id": unique_ids.gather(np.repeat(np.arange(series), steps)),
            "ds": pl.Series(days_after(last_day, steps) * series, dtype=pl.Date),
            "y_hat": pl.Series(y_hat.astype(np.float64).ravel()).fill_nan(None),
        }
    )
