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
    """mlforecast with LightGBM at its defaults and the lags and windows of its M5 example: one
    model, applied day after day.
    """

    name = "mlforecast_lightgbm"

    def __init__(self, recipe: FeatureRecipe, threads: int):
        self.recipe, self.threads = recipe, threads

    def fit(self, panel: Panel) -> Mlforecast:
        """Every row of the panel, from each series' first sale."""
        import lightgbm
        from mlforecast import MLForecast
        from mlforecast.lag_transforms import ExpandingMean, RollingMean

        self.engine = MLForecast(
            models={"y_hat": lightgbm.LGBMRegressor(verbosity=-1, num_threads=self.threads)},
            freq="1d",
            lags=[7, 14, 21, 28],
            lag_transforms={
                1: [ExpandingMean()],
                7: [RollingMean(7), RollingMean(28)],
                28: [RollingMean(28)],
            },
            date_features=["weekday", "day", "month"],
            num_threads=self.threads,
        )
        self.engine.fit(_long_sales(panel, self.recipe), static_features=[])
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast, for the origin it was fitted at."""
        y_hat = pl.col("y_hat").cast(pl.Float64).clip(lower_bound=0.0)
        theirs = self.engine.predict(horizon)
        made = theirs.select("unique_id", pl.col("ds").cast(pl.Date), y_hat)
        return _on_grid(panel, origin, horizon, made)


class EtsTopDown:
    """statsforecast's AutoETS on the totals of groups, spread over their series as the last eight
    weeks were.
    """

    name = "auto_ets_top_down"

    def __init__(self, recipe: FeatureRecipe, columns: list[str], season: int):
        self.recipe, self.columns, self.season = recipe, columns, season

    def fit(self, panel: Panel) -> EtsTopDown:
        """AutoETS is fitted when it forecasts."""
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast."""
        from statsforecast import StatsForecast
        from statsforecast.models import AutoETS

        dense = self.recipe.dense_panel(panel, horizon, vocabulary_of(panel))
        group_ix = group_index(dense.series, self.columns)
        groups = int(group_ix.max()) + 1
        totals = sum_by(_known_units(dense), group_ix, groups)[0]
        days = pl.DataFrame({"ds": pl.date_range(panel.first_day, panel.last_day, eager=True)})
        frame = days.join(pl.DataFrame({"unique_id": range(groups)}), how="cross")
        frame = frame.sort("unique_id", "ds").with_columns(y=pl.Series(totals.ravel()))
        models = [AutoETS(season_length=self.season, alias="y_hat")]
        engine = StatsForecast(models=models, freq="1d", n_jobs=1)
        made = engine.forecast(df=frame, h=horizon).sort("unique_id", "ds")
        by_group = made["y_hat"].to_numpy().reshape(groups, horizon)
        spread = WindowAverage(self.recipe).forecast(panel, origin, horizon).sort("unique_id", "h")
        return _scaled_to(
            by_group, spread, group_ix[dense.series["unique_id"].arg_sort().to_numpy()]
        )


class Linear:
    """Ridge regression on the very features and rows of the global forecaster: unknown values as
    means, categories one-hot.
    """

    name = "linear_same_features"

    def __init__(self, params: TrainParams, recipe: FeatureRecipe):
        self.params, self.recipe = params, recipe
        self.vocabulary: Vocabulary | None = None

    def fit(self, panel: Panel) -> Linear:
        """One regression for all days ahead."""
        from sklearn.linear_model import Ridge

        p = self.params
        self.vocabulary = vocabulary_of(panel)
        dense = self.recipe.dense_panel(panel, p.horizon, self.vocabulary)
        ahead = range(1, p.horizon + 1)
        rows = training_rows(
            dense, ahead, p.origin_step_days, p.min_history_days, p.max_rows, p.seed
        )
        frame = feature_frame(dense, rows)
        self.categories = {
            name: sorted(frame[name].drop_nulls().unique()) for name in _one_hot(dense)
        }
        table = self._table(frame)
        self.mean = np.nanmean(table, axis=0)
        self.spread = np.nanstd(table, axis=0) + 1e-6
        ridge = Ridge(alpha=1.0, solver="cholesky")
        self.model = ridge.fit(self._scaled(table), targets(dense, rows))
        return self

    def forecast(self, panel: Panel, origin: date, horizon: int) -> pl.DataFrame:
        """As Forecaster.forecast."""
        dense = self.recipe.dense_panel(panel, horizon, self.vocabulary)
        table = self._table(feature_frame(dense, serving_rows(dense, range(1, horizon + 1))))
        y_hat = np.clip(self.model.predict(self._scaled(table)), 0, None)
        y_hat = y_hat.reshape(-1, horizon).astype(np.float64)
        first = dense.days.padding + dense.days.known
        y_hat[dense.is_closed[:, first : first + horizon]] = 0.0
        rows = long_frame(panel.series["unique_id"], panel.last_day, y_hat)
        return _on_grid(panel, origin, horizon, rows)

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


def _one_hot(dense: DensePanel) -> list[str]:
    return [*category_names(dense), "calendar_weekday"]


def _known_units(dense: DensePanel) -> np.ndarray:
    """(series, days) units of the days that are known."""
    return dense.y[:, dense.days.padding : dense.days.padding + dense.days.known]


def _scaled_to(by_group: np.ndarray, spread: pl.DataFrame, group_ix: np.ndarray) -> pl.DataFrame:
    """Forecasts of series, scaled so that each day's sum is that of their group."""
    groups, horizon = by_group.shape
    ours = spread["y_hat"].fill_null(0.0).to_numpy().reshape(-1, horizon)
    sums = sum_by(ours, group_ix, groups)[0]
    wanted = np.maximum(by_group, 0)
    factors = np.divide(wanted, sums, out=np.zeros_like(sums), where=sums > 0)
    return spread.with_columns(y_hat=pl.Series((ours * factors[group_ix]).ravel()))


def _long_sales(panel: Panel, recipe: FeatureRecipe) -> pl.DataFrame:
    """unique_id, ds, y (float32) of each day since the series' first sale, absent days as zeros."""
    dense = recipe.dense_panel(panel, 1, vocabulary_of(panel))
    y = _known_units(dense)
    launch = np.nan_to_num(dense.by_series["launch_ix"][:, :1], nan=np.inf)
    series, day = np.nonzero(np.arange(y.shape[1]) >= launch)
    days = pl.date_range(panel.first_day, panel.last_day, eager=True)
    ids, units = dense.series["unique_id"].gather(series), np.nan_to_num(y[series, day])
    return pl.DataFrame({"unique_id": ids, "ds": days.gather(day), "y": units})


def _on_grid(panel: Panel, origin: date, horizon: int, made: pl.DataFrame) -> pl.DataFrame:
    grid: Any = forecast_grid(panel.series["unique_id"], origin, horizon)
    return grid.join(made, on=["unique_id", "ds"], how="left", validate="1:1")
