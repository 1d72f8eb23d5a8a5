"""The ladder: every row has a forecast, and says what made it and why it is not the champion's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.panel import Panel
from contract.params import InferenceParams
from features.dense import units_lately
from features.hierarchy import grouping_by, sum_by, sums_in_whole
from forecasting.forecaster import BASELINE
from forecasting.launches import launch_rows

LAUNCH, ANALOGUES = "launch", "analogues"
NO_CHAMPION, FEATURES_MISSING = "no_champion", "features_missing"
GROUP_MEAN, ZERO, LAST_FORECAST = "group_mean", "zero", "last_forecast"
LOWER_RUNGS = (ANALOGUES, GROUP_MEAN, ZERO)

REASONS = {
    "previous_champion": "the champion cannot be used, the one before it serves",
    NO_CHAMPION: "no model has passed the gate yet, the best of the backtest serves",
    "no_model": "there is no usable champion",
    FEATURES_MISSING: "a plan the champion learned from is unknown for the day",
    "level_implausible": "the model's total was far from what sold in the last weeks: "
    "another shop's model",
    LAUNCH: "the series was announced and has not sold yet, its analogues say how much",
    "no_history": "the series had not sold before the origin",
    "no_same_day": "of no such weekday in the last weeks it is known what the series sold",
    "not_a_number": "the model's forecast was not a finite number",
    "explosion": "the model's forecast was far above anything the series ever sold",
    "no_sales": "no sale could be read, the last published forecast is repeated",
}


@dataclass(frozen=True)
class ModelForecast:
    """A model's rows before the ladder: unique_id, ds, h, y_hat; `method` is their name.

    `rows` may say in a column `reason` why one of them has no forecast (features_missing).

    `fallback_reason`: why no model is behind these rows at all (no_model, features_missing); their
    values do not count.
    `reason`: on the rows it makes, why the model is not the champion (previous_champion).
    """

    rows: pl.DataFrame
    method: str
    fallback_reason: str | None = None
    reason: str | None = None


def no_forecast(baseline: pl.DataFrame, method: str, fallback_reason: str) -> ModelForecast:
    """No model's rows: the baseline's without a value, and why."""
    return ModelForecast(
        baseline.with_columns(y_hat=pl.lit(None, pl.Float64)), method, fallback_reason
    )


def complete(
    model: ModelForecast,
    baseline: pl.DataFrame,
    panel: Panel,
    params: InferenceParams,
    rules: DemandRules,
) -> pl.DataFrame:
    """As `on_rungs`, of one model."""
    return on_rungs(model, rungs_below(baseline, panel, params, rules), params)


def rungs_below(
    baseline: pl.DataFrame, panel: Panel, params: InferenceParams, rules: DemandRules
) -> pl.DataFrame:
    """What stands below any model's rows: unique_id, ds, naive (the baseline's y_hat), launch,
    group_mean, highest, has_sold; null where a rung has nothing.

    `baseline` holds unique_id, ds, y_hat.
    """
    days = baseline["ds"].unique().sort()
    rungs = (
        baseline.select("unique_id", "ds", naive="y_hat")
        .join(launch_rows(panel, days, rules), on=["unique_id", "ds"], how="left", validate="1:1")
        .join(_highest_day(panel), on="unique_id", how="left", validate="m:1")
        .join(
            _group_means(panel, params.fallback_days, rules),
            on="unique_id",
            how="left",
            validate="m:1",
        )
    )
    # a series without any row is no member: announced long ago, it may never come
    had_rows = pl.col("highest").is_not_null()
    return rungs.with_columns(group_mean=pl.when(had_rows).then("group_mean"))


def on_rungs(model: ModelForecast, rungs: pl.DataFrame, params: InferenceParams) -> pl.DataFrame:
    """unique_id, ds, h, y_hat, method, reason: the model's rows where sound, else the rung's below.

    Rungs: the model, seasonal_naive, the mean of the series' group over the last `fallback_days`,
    zero. Of a series that is announced and has not sold yet its analogues know more than all of
    them (forecasting.launches).
    """
    ceiling = pl.col("highest") * params.explosion_factor
    own = "reason" if "reason" in model.rows.columns else pl.lit(None, pl.String)
    judged = (
        model.rows.with_columns(own_reason=own)
        .join(rungs, on=["unique_id", "ds"], how="left", validate="1:1")
        .with_columns(why=_unsound(pl.col("y_hat"), ceiling, model.fallback_reason))
    )
    sound = pl.col("why").is_null()
    return judged.select(
        "unique_id",
        "ds",
        "h",
        y_hat=pl.when(sound)
        .then("y_hat")
        .otherwise(pl.coalesce("launch", "naive", "group_mean", pl.lit(0.0))),
        method=pl.when(sound).then(pl.lit(model.method)).otherwise(_rung_below()),
        reason=pl.coalesce("why", pl.lit(model.reason, pl.String)),
    ).sort("unique_id", "ds")


def _rung_below() -> pl.Expr:
    """The name of the first rung below the model that has a value."""
    known = pl.when(pl.col("launch").is_not_null()).then(pl.lit(ANALOGUES))
    return (
        known.when(pl.col("naive").is_not_null())
        .then(pl.lit(BASELINE))
        .when(pl.col("group_mean").is_not_null())
        .then(pl.lit(GROUP_MEAN))
        .otherwise(pl.lit(ZERO))
    )


def _unsound(y_hat: pl.Expr, ceiling: pl.Expr, fallback_reason: str | None) -> pl.Expr:
    """Why a row of the model does not count; null where it does."""
    return (
        pl.when(pl.col("launch").is_not_null())
        .then(pl.lit(LAUNCH))
        .when(pl.lit(fallback_reason is not None))
        .then(pl.lit(fallback_reason))
        .when(pl.col("own_reason").is_not_null())
        .then("own_reason")
        .when(y_hat.is_null())
        .then(pl.when("has_sold").then(pl.lit("no_same_day")).otherwise(pl.lit("no_history")))
        .when(~y_hat.is_finite() | (y_hat < 0))
        .then(pl.lit("not_a_number"))
        .when(y_hat > ceiling)
        .then(pl.lit("explosion"))
    )


def _highest_day(panel: Panel) -> pl.DataFrame:
    """unique_id, highest (the most units ever sold in a day, at least 1) and has_sold; of series
    with a row.
    """
    days = pl.concat(
        [panel.sales.select("unique_id", "y"), panel.before.select("unique_id", y="most_sold")]
    )
    highest = pl.col("y").max().fill_null(1.0).clip(lower_bound=1.0)
    return days.group_by("unique_id").agg(highest=highest, has_sold=(pl.col("y") > 0).any())


def _group_means(panel: Panel, days: int, rules: DemandRules) -> pl.DataFrame:
    """unique_id, group_mean: mean units per day and launched series of the series' group.

    The group is its store and department, or all series where there are no such columns.

    A day without a row counts as a day without a sale, where that is what it means.
    """
    columns: list[str] = [name for name in ("store_id", "dept_id") if name in panel.series.columns]
    groups = grouping_by(panel.series, columns)
    units, known = sum_by(units_lately(panel, days, rules), groups.ix, len(groups.keys))
    own = {"units": units.sum(axis=1), "known": known.sum(axis=1)}
    [sums] = sums_in_whole(panel.whole, "group means of", {"own": groups}, {"own": own}).values()
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(sums["known"] > 0, sums["units"] / sums["known"], np.nan)
    return panel.series.select("unique_id", group_mean=pl.Series(means[groups.ix]).fill_nan(None))
