"""Other people's and simpler forecasters, in the shape of ours, to stand in one table with it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from contract.panel import Panel
from contract.params import TrainParams
from features.dense_panel import DensePanel, FeatureRecipe, Vocabulary, vocabulary_of
from features.frame import category_names, feature_frame, targets
from features.hierarchy import group_index, sum_by
from features.sampling import serving_rows, training_rows
from forecasting.forecaster import forecast_grid, long_frame
from forecasting.window_average import WindowAverage


class Mlforecast:
    """mlforecast with LightGBM at its defaults and the lags and windows of its M5 example: one model, walked on day by day."""

    name = "mlforecast_lightgbm"

    def __init__(self, recipe: FeatureRecipe, threads: int):
        self.feature_recipe, self.threads = recipe, threads

    def fit(self, panel: Panel) -> Mlforecast:
        """Every row of the panel, from each series' first sale."""
        import lightgbm
        from mlforecast import MLForecast
        from mlforecast.lag_transforms import ExpandingMean, RollingMean

        self.engine = MLForecast(
            models={"y_hat": lightgbm.LGBMRegressor(verbosity=-1, num_threads=self.threads)},
            freq="1d",
            lags=[7, 14, 21, 28],
            lag_transforms={1: [ExpandingMean()], 7: [RollingMean(7), RollingMean(28)], 28: [RollingMean(28)]},
            date_features=["weekday", "day", "month"],
            num_threads=self.threads,
        )
        self.engine.fit(_long_sales(panel, self.feature_recipe), static_features=[])
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast, for the origin it was fitted at."""
        told = self.engine.predict(horizon).select(
            "unique_id", pl.col("ds").cast(pl.Date), pl.col("y_hat").cast(pl.Float64).clip(lower_bound=0.0)
        )
        return _on_grid(panel, origin, horizon, told)


class EtsTopDown:
    """statsforecast's AutoETS on the totals of groups, spread over their series as the last eight weeks were."""

    name = "auto_ets_top_down"

    def __init__(self, recipe: FeatureRecipe, columns: list[str], season: int):
        self.feature_recipe, self.columns, self.season = recipe, columns, season

    def fit(self, panel: Panel) -> EtsTopDown:
        """AutoETS is fitted when it is asked."""
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast."""
        from statsforecast import StatsForecast
        from statsforecast.models import AutoETS

        dense = self.feature_recipe.dense_panel(panel, horizon, vocabulary_of(panel))
        group_ix = group_index(dense.series, self.columns)
        groups, last = int(group_ix.max()) + 1, dense.days.padding + dense.days.known
        totals = sum_by(dense.y[:, dense.days.padding : last], group_ix, groups)[0]
        days = pl.date_range(panel.first_day, panel.last_day, eager=True)
        frame = pl.DataFrame({"ds": days}).join(pl.DataFrame({"unique_id": range(groups)}), how="cross")
        frame = frame.sort("unique_id", "ds").with_columns(y=pl.Series(totals.ravel()))
        engine = StatsForecast(models=[AutoETS(season_length=self.season, alias="y_hat")], freq="1d", n_jobs=1)
        theirs = (
            engine.forecast(df=frame, h=horizon).sort("unique_id", "ds")["y_hat"].to_numpy().reshape(groups, horizon)
        )
        spread = WindowAverage(self.feature_recipe).forecast(panel, origin, horizon).sort("unique_id", "h")
        ours = spread["y_hat"].fill_null(0.0).to_numpy().reshape(-1, horizon)
        in_order = group_ix[dense.series["unique_id"].arg_sort().to_numpy()]
        sums = sum_by(ours, in_order, groups)[0]
        scaled = ours * np.divide(np.maximum(theirs, 0), sums, out=np.zeros_like(sums), where=sums > 0)[in_order]
        return spread.with_columns(y_hat=pl.Series(scaled.ravel()))


class Linear:
    """Ridge regression on the very features and rows of the global forecaster: unknown values as means, categories one-hot."""

    name = "linear_same_features"

    def __init__(self, params: TrainParams, recipe: FeatureRecipe):
        self.params, self.feature_recipe = params, recipe
        self.vocabulary: Vocabulary | None = None

    def fit(self, panel: Panel) -> Linear:
        """One regression for all days ahead."""
        from sklearn.linear_model import Ridge

        p = self.params
        self.vocabulary = vocabulary_of(panel)
        dense = self.feature_recipe.dense_panel(panel, p.horizon, self.vocabulary)
        rows = training_rows(dense, range(1, p.horizon + 1), p.origin_step_days, p.min_history_days, p.max_rows, p.seed)
        frame = feature_frame(dense, rows)
        self.categories = {name: sorted(frame[name].drop_nulls().unique()) for name in self._one_hot(dense)}
        table = self._table(frame)
        self.mean = np.nanmean(table, axis=0)
        self.spread = np.nanstd(table, axis=0) + 1e-6
        self.model = Ridge(alpha=1.0, solver="cholesky").fit(self._scaled(table), targets(dense, rows))
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast."""
        dense = self.feature_recipe.dense_panel(panel, horizon, self.vocabulary)
        table = self._table(feature_frame(dense, serving_rows(dense, range(1, horizon + 1))))
        y_hat = np.clip(self.model.predict(self._scaled(table)), 0, None).reshape(-1, horizon).astype(np.float64)
        ahead = dense.days.padding + dense.days.known
        y_hat[dense.is_closed[:, ahead : ahead + horizon]] = 0.0
        return _on_grid(panel, origin, horizon, long_frame(dense, y_hat))

    def _one_hot(self, dense: DensePanel) -> list[str]:
        return [*category_names(dense), "calendar_weekday"]

    def _table(self, frame: pl.DataFrame) -> np.ndarray:
        plain = frame.drop(self.categories).to_numpy()
        hot = [
            (frame[name] == value).fill_null(False).to_numpy()
            for name, values in self.categories.items()
            for value in values
        ]
        return np.hstack([plain, np.column_stack(hot)]).astype(np.float32)

    def _scaled(self, table: np.ndarray) -> np.ndarray:
        return np.nan_to_num((table - self.mean) / self.spread, copy=False)


def _long_sales(panel: Panel, recipe: FeatureRecipe) -> pl.DataFrame:
    """unique_id, ds, y (float32) of every day since each series' first sale, absent days as zeros."""
    dense = recipe.dense_panel(panel, 1, vocabulary_of(panel))
    y = dense.y[:, dense.days.padding : dense.days.padding + dense.days.known]
    launch = np.nan_to_num(dense.by_series["launch_ix"][:, :1], nan=np.inf)
    series, day = np.nonzero(np.arange(y.shape[1]) >= launch)
    days = pl.date_range(panel.first_day, panel.last_day, eager=True)
    return pl.DataFrame(
        {
            "unique_id": dense.series["unique_id"].gather(series),
            "ds": days.gather(day),
            "y": np.nan_to_num(y[series, day]),
        }
    )


def _on_grid(panel: Panel, origin: date, horizon: int, told: pl.DataFrame) -> pl.DataFrame:
    grid: Any = forecast_grid(panel.series["unique_id"], origin, horizon)
    return grid.join(told, on=["unique_id", "ds"], how="left", validate="1:1")
