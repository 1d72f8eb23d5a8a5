"""The least error: a forecaster that knows the simulator's state at the origin. Only luck beats
it.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.panel import Panel
from forecasting.forecaster import forecast_grid
from sources.simulator.foresight import foreseen


class Oracle:
    """Forecasts the true mean as it stands at the origin; what is yet to come, in the hard world,
    nobody knows. Only a simulator can say it; never part of production.
    """

    name = "oracle"

    def __init__(self, truth: pl.DataFrame):
        """`truth` has unique_id, ds, expected (units, after closed days and before noise), and what
        moves in the hard world.
        """
        self.truth = truth

    def fit(self, panel: Panel) -> Oracle:
        """Nothing to learn."""
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast."""
        grid = forecast_grid(panel.series["unique_id"], origin, horizon)
        mean = foreseen(self.truth, origin, horizon)
        return grid.join(mean, on=["unique_id", "ds"], how="left", validate="1:1")
