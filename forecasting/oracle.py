"""The least error: a forecaster that knows the simulator's expected demand. Only luck beats it."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.panel import Panel
from forecasting.forecaster import forecast_grid


class Oracle:
    """Forecasts the true mean. Only a simulator can say it; never part of production."""

    name = "oracle"

    def __init__(self, truth: pl.DataFrame):
        """`truth` has unique_id, ds, expected (units, after closed days and before noise)."""
        self.truth = truth.select("unique_id", "ds", y_hat=pl.col("expected").cast(pl.Float64))

    def fit(self, panel: Panel) -> Oracle:
        """Nothing to learn."""
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast."""
        grid = forecast_grid(panel.series["unique_id"], origin, horizon)
        return grid.join(self.truth, on=["unique_id", "ds"], how="left", validate="1:1")
