"""The simplest production baseline: next Tuesday sells what last Tuesday sold (statsforecast's SeasonalNaive)."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from contract.panel import Panel
from forecasting.forecaster import days_late, forecast_grid

SEASONS_NEEDED = 2  # statsforecast wants more than one season; older days cannot change the forecast


class SeasonalNaive:
    """Repeats the last season of each series. Learns nothing, so `fit` only returns itself."""

    name = "seasonal_naive"

    def __init__(self, season: int):
        self.season = season

    def fit(self, panel: Panel) -> SeasonalNaive:
        """Nothing to learn."""
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast. A day without a row counts as no sale; a series without any row in the last two seasons is null."""
        panel = panel.up_to(origin)
        late = days_late(panel, origin)
        recent = self._recent_days(panel)
        grid = forecast_grid(panel.series["unique_id"], origin, horizon)
        if recent.is_empty():
            return grid.with_columns(y_hat=pl.lit(None, dtype=pl.Float64))
        return grid.join(self._repeat(recent, horizon + late), on=["unique_id", "ds"], how="left", validate="1:1")

    def _recent_days(self, panel: Panel) -> pl.DataFrame:
        first = panel.last_day - timedelta(days=self.season * SEASONS_NEEDED - 1)
        recent = panel.sales.filter(pl.col("ds") >= first, pl.col("y").is_not_null()).select("unique_id", "ds", "y")
        days = pl.date_range(first, panel.last_day, eager=True).alias("ds").to_frame()
        return (
            recent.select(pl.col("unique_id").unique().sort())
            .join(days, how="cross", maintain_order="left_right")
            .join(recent, on=["unique_id", "ds"], how="left", validate="1:1", maintain_order="left")
            .with_columns(pl.col("y").fill_null(0.0))
        )

    def _repeat(self, recent: pl.DataFrame, steps: int) -> pl.DataFrame:
        from statsforecast import StatsForecast  # two seconds to import
        from statsforecast.models import SeasonalNaive as StatsSeasonalNaive

        engine = StatsForecast(
            models=[StatsSeasonalNaive(season_length=self.season, alias="y_hat")], freq="1d", n_jobs=1
        )
        return engine.forecast(df=recent, h=steps).select(
            "unique_id", pl.col("ds").cast(pl.Date), pl.col("y_hat").cast(pl.Float64)
        )
