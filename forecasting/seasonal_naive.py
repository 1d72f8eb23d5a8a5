"""The baseline: next Tuesday sells what last Tuesday sold (statsforecast's SeasonalNaive)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.demand import DemandRules, demand_rules
from contract.panel import Panel
from contract.params import Params
from features.dense import Days, units_sold
from features.opening import closed_table
from forecasting.forecaster import BASELINE, days_late, forecast_grid

SEASONS_NEEDED = 2  # statsforecast wants more than one season
SEASONS_BACK = 4  # how far an unknown day is looked up on the same day of earlier seasons


def baseline_of(params: Params) -> SeasonalNaive:
    """The baseline as these params describe the retailer."""
    return SeasonalNaive(params.train.season, demand_rules(params))


class SeasonalNaive:
    """Repeats the last season of each series. Learns nothing, so `fit` only returns itself."""

    name = BASELINE

    def __init__(self, season: int, rules: DemandRules):
        self.season = season
        self.rules = rules

    def fit(self, panel: Panel) -> SeasonalNaive:
        """Nothing to learn."""
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast. A day closed ahead is 0.

        A series that never had a row, or none known in four seasons, is null.

        A day of the last season of which nothing is known (closed, its feed missing) takes the same
        day of an earlier one.
        """
        panel = panel.up_to(origin)
        steps = horizon + days_late(panel, origin)
        span = self.season * SEASONS_BACK
        days = Days(panel.last_day - timedelta(days=span - 1), span, steps, padding=0)
        closed = closed_table(panel, days, self.rules.region)
        season = self._last_season(panel, days, closed)
        is_closed = pl.Series(closed[:, days.width - horizon :].ravel())
        grid = forecast_grid(panel.series["unique_id"], origin, horizon)
        if season.is_empty():
            repeated = grid.with_columns(y_hat=pl.lit(None, dtype=pl.Float64))
        else:
            repeated = grid.join(
                self._repeat(season, steps),
                on=["unique_id", "ds"],
                how="left",
                validate="1:1",
                maintain_order="left",
            )
        return repeated.with_columns(y_hat=pl.when(is_closed).then(0.0).otherwise("y_hat"))

    def _last_season(self, panel: Panel, days: Days, closed: np.ndarray) -> pl.DataFrame:
        """unique_id, ds, y of the last two seasons, each as the last one is known.

        A series that never had a row, or of whose last four seasons no day is known, is left out.
        """
        recent = replace(panel, sales=panel.sales.filter(pl.col("ds") >= days.first))
        y = units_sold(recent, days, self.rules)
        y[closed] = np.nan
        seasons = y[:, : days.known].reshape(-1, SEASONS_BACK, self.season)
        latest = seasons[:, 0]
        for season in range(1, SEASONS_BACK):
            latest = np.where(np.isnan(seasons[:, season]), latest, seasons[:, season])
        has_rows = panel.series["unique_id"].is_in(
            pl.concat([panel.sales["unique_id"].unique(), panel.before["unique_id"]]).implode()
        )
        repeatable = has_rows.to_numpy() & ~np.isnan(latest).all(axis=1)
        last_days = pl.date_range(
            panel.last_day - timedelta(days=SEASONS_NEEDED * self.season - 1),
            panel.last_day,
            eager=True,
        )
        ids = panel.series.filter(repeatable).select("unique_id")
        two = np.tile(np.nan_to_num(latest[repeatable]).astype(np.float64), SEASONS_NEEDED)
        return ids.join(
            last_days.alias("ds").to_frame(), how="cross", maintain_order="left_right"
        ).with_columns(y=pl.Series(two.ravel(), dtype=pl.Float64))

    def _repeat(self, recent: pl.DataFrame, steps: int) -> pl.DataFrame:
        from statsforecast import StatsForecast  # two seconds to import
        from statsforecast.models import SeasonalNaive as StatsSeasonalNaive

        engine = StatsForecast(
            models=[StatsSeasonalNaive(season_length=self.season, alias="y_hat")],
            freq="1d",
            n_jobs=1,
        )
        return engine.forecast(df=recent, h=steps).select(
            "unique_id", pl.col("ds").cast(pl.Date), pl.col("y_hat").cast(pl.Float64)
        )
