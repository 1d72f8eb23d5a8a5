"""What is published for one origin: every series and level, with method and reason by row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from contract.demand import DemandRules, demand_rules
from contract.errors import BadInput, FeaturesMissing
from contract.frames import DEMAND_SPANS, FORECAST_LEVELS, FORECASTS
from contract.levels import SERIES_LEVEL, Level
from contract.panel import Panel
from contract.params import InferenceParams, Params
from contract.quantiles import QUANTILES
from contract.whole import Table, Whole, numbers_of_all
from features.days_off import open_share
from features.hierarchy import grouping_by, sum_by
from features.opening import closed_ahead, feed_ended, habit_ahead
from forecasting.champion import Champion
from forecasting.dispersion import dispersion_at_end
from forecasting.fallback import (
    FEATURES_MISSING,
    LAUNCH,
    ModelForecast,
    no_forecast,
    on_rungs,
    rungs_below,
)
from forecasting.forecaster import Forecaster, forecast_grid
from forecasting.intervals import Calibration, quantile_columns, quantiles_of_days
from forecasting.level_jump import is_implausible
from forecasting.seasonal_naive import baseline_of
from forecasting.span_table import Shapes, Window, every_window, level_spans, series_spans


@dataclass(frozen=True)
class Serving:
    """Who makes a table and by which rules."""

    champion: Champion
    baseline: Forecaster
    params: InferenceParams
    rules: DemandRules

    @property
    def method(self) -> str:
        """What makes most of the rows."""
        return self.champion.method(self.baseline.name)

    @property
    def shapes(self) -> Shapes:
        """By which calibration a row is read."""
        return Shapes(self.champion.calibrations, self.method, self.baseline.name)


def serving_of(params: Params, champion: Champion) -> Serving:
    """What serves and what stands behind it, as these params say."""
    return Serving(champion, baseline_of(params), params.inference, demand_rules(params))


def publish_forecasts(
    serving: Serving, panel: Panel, origin: date, horizon: int, run_id: str
) -> pl.DataFrame:
    """As contract.frames.FORECASTS: series x horizon rows, none missing, null or negative.

    Closed days are all zero, and so are those of a series before it is on offer. `y_hat` is
    expected of the day, whether its store opens or not.

    BadInput where most of what comes is closed.
    """
    known = trim_to_last_sale(panel.up_to(origin))
    naive = _baseline_forecast(serving, known, origin, horizon)
    shut = known.whole.kept("closed", lambda: _closed_days(serving, known, origin, horizon))
    closed, usually_shut = shut["closed"], shut["usually"]

    def below() -> pl.DataFrame:
        _refuse_closed(closed[~usually_shut], serving.params, panel.whole)
        return rungs_below(naive, known, serving.params, serving.rules)

    rungs = panel.whole.attempt(below)
    model = _model_forecast(serving, known, naive, origin, horizon)
    rows = on_rungs(model, rungs(), serving.params)
    share = open_share(known, origin, horizon)
    if share is not None:
        rows = rows.with_columns(pl.col("y_hat") * pl.Series(share.ravel()))
    quantiles = _series_quantiles(rows, serving, dispersion_at_end(known, serving.rules), share)
    is_closed = closed.ravel()
    not_sold_yet = rows.select((pl.col("reason") == LAUNCH) & (pl.col("y_hat") == 0)).to_series()
    # the spread of "0 expected" is that of slow sellers, not of closed stores or days before a sale
    quantiles[is_closed | not_sold_yet.fill_null(False).to_numpy()] = 0.0
    return FORECASTS.conform(
        rows.with_columns(
            run_id=pl.lit(run_id),
            origin=pl.lit(origin),
            y_hat=pl.when(pl.lit(pl.Series(is_closed))).then(0.0).otherwise("y_hat"),
            **{name: pl.Series(q) for name, q in quantile_columns(quantiles).items()},
        )
    )


def level_sums(
    forecasts: pl.DataFrame, series: pl.DataFrame, levels: list[Level]
) -> dict[str, Table]:
    """By level above the series its (groups, horizon) sums of y_hat; `forecasts` are of these
    series, each with every day.
    """
    ordered = forecasts.select("unique_id", "h", "y_hat").sort("unique_id", "h")
    members = series.sort("unique_id")
    means = ordered["y_hat"].to_numpy().reshape(members.height, -1)
    sums = {}
    for level in levels:
        if level.name != SERIES_LEVEL:
            groups = grouping_by(members, list(level.columns))
            y_hat = sum_by(means, groups.ix, len(groups.keys))[0]
            sums[level.name] = Table(groups.keys, {"y_hat": y_hat})
    return sums


def levels_of_sums(
    sums: dict[str, Table], run_id: str, origin: date, calibration: Calibration
) -> pl.DataFrame:
    """As contract.frames.FORECAST_LEVELS, of the sums (`level_sums`) of all series, so that levels
    agree. Quantiles are learned on each level itself.

    A level the calibration never learned (`uncalibrated`) is left out: it has no quantiles of its
    own.
    """
    parts = [
        _one_level(name, table, origin, calibration)
        for name, table in sums.items()
        if name in calibration.by_level
    ]
    if not parts:
        return FORECAST_LEVELS.empty()
    return FORECAST_LEVELS.conform(pl.concat(parts).with_columns(run_id=pl.lit(run_id)))


def spans_of_series(
    serving: Serving, panel: Panel, forecasts: pl.DataFrame, windows: list[Window]
) -> pl.DataFrame:
    """As contract.frames.DEMAND_SPANS: every series of a table over these windows.

    None where the calibration is of code that learned no spans.
    """
    shapes = serving.shapes
    if not windows or SERIES_LEVEL not in shapes.main.spans:
        return DEMAND_SPANS.empty()
    wanted = every_window(forecasts["unique_id"].unique().sort(), windows)
    dispersion = dispersion_of_table(panel, forecasts["origin"][0], serving.rules)
    return series_spans(forecasts, wanted, dispersion, shapes)


def spans_of_levels(serving: Serving, levels: pl.DataFrame, windows: list[Window]) -> pl.DataFrame:
    """As `spans_of_series`, of every group of FORECAST_LEVELS."""
    calibration = serving.shapes.main
    if not windows or SERIES_LEVEL not in calibration.spans:
        return DEMAND_SPANS.empty()
    return level_spans(levels, windows, calibration)


def dispersion_of_table(panel: Panel, origin: date, rules: DemandRules) -> pl.DataFrame:
    """unique_id and dispersion, by which a table of this origin is read; of a panel that begins
    forecasting.dispersion.DISPERSION_DAYS before it, or earlier.
    """
    return dispersion_at_end(trim_to_last_sale(panel.up_to(origin)), rules)


def uncalibrated(levels: list[Level], calibration: Calibration) -> list[str]:
    """The levels that came into params after the calibration was learned."""
    return [level.name for level in levels if level.name not in calibration.by_level]


def trim_to_last_sale(known: Panel) -> Panel:
    """The panel up to the last day that sold, if most days after it are missing.

    That is, as many as known: closed days behind a hole in the feed are not what came last. Eleven
    days refused and then New Year's zeros made a forecast 16% too low (drill `wrong_unit`). Weeks
    of zeros with a Sunday missing now and then are what came last: a slow shop's.
    """
    daily = known.daily
    sold = daily.select(pl.col("ds").filter(pl.col("sold") > 0).max()).item()
    if sold is None:
        return known
    since = daily.select(pl.col("ds").filter(pl.col("ds") > sold).n_unique()).item()
    missing = (known.last_day - sold).days - since
    return known.up_to(sold) if missing >= since else known


def _closed_days(
    serving: Serving, known: Panel, origin: date, horizon: int
) -> dict[str, np.ndarray]:
    """(series, horizon) of booleans: days ahead on which a series cannot sell, and those on which
    it usually does not.
    """
    closed = closed_ahead(known, origin, horizon, serving.rules.region)
    usually = habit_ahead(known, origin, horizon) | feed_ended(known)[:, None]
    return {"closed": closed, "usually": usually}


def _baseline_forecast(serving: Serving, known: Panel, origin: date, horizon: int) -> pl.DataFrame:
    """unique_id, ds, h, y_hat of the rung below the model."""

    def made() -> dict[str, np.ndarray]:
        rows = serving.baseline.forecast(known, origin, horizon).sort("unique_id", "ds")
        return {"y_hat": rows["y_hat"].fill_null(np.nan).to_numpy()}

    y_hat = pl.Series(known.whole.kept("baseline", made)["y_hat"]).fill_nan(None)
    return forecast_grid(known.series["unique_id"], origin, horizon).with_columns(y_hat=y_hat)


def _model_forecast(
    serving: Serving, known: Panel, naive: pl.DataFrame, origin: date, horizon: int
) -> ModelForecast:
    """The champion's rows; or none, and why (forecasting.fallback.REASONS) for every row."""
    model = serving.champion.model
    if model is None:
        return no_forecast(naive, serving.method, serving.champion.reason or "no_model")
    try:
        rows = model.forecast(known, origin, horizon)
    except FeaturesMissing:
        return no_forecast(naive, serving.method, FEATURES_MISSING)
    if is_implausible(rows, known, horizon, serving.params.max_level_jump):
        return no_forecast(naive, serving.method, "level_implausible")
    return ModelForecast(rows, serving.method, reason=serving.champion.reason)


def _refuse_closed(closed: np.ndarray, params: InferenceParams, whole: Whole) -> None:
    """BadInput for a table of zeros, in all parts: what one wrong tick in a calendar makes of every
    order.

    See drill `closed_ahead`.
    """
    own = {"closed": int(closed.sum()), "days": closed.size}
    count = numbers_of_all(whole, "closed ahead", own)
    share = count["closed"] / max(count["days"], 1)
    if share > params.most_closed_ahead:
        raise BadInput(
            f"{share:.0%} of the coming days on which series usually sell are closed, by calendar "
            f"or plan; inference.most_closed_ahead is {params.most_closed_ahead:.0%}. Send the "
            "right calendar, then run again; if the stores do close, raise it."
        )


def _series_quantiles(
    rows: pl.DataFrame, serving: Serving, dispersion: pl.DataFrame, share: np.ndarray | None
) -> np.ndarray:
    """Quantiles of the calibration of what made the row; below the baseline, the baseline's.

    `share`: as of features.days_off.open_share.
    """
    method, calibrations = serving.method, serving.champion.calibrations
    quantiles = np.zeros((rows.height, len(QUANTILES)))
    by_champion = (rows["method"] == method).to_numpy()
    y_hat, h = rows["y_hat"].to_numpy(), rows["h"].to_numpy()
    joined = rows.select("unique_id").join(
        dispersion, on="unique_id", how="left", validate="m:1", maintain_order="left"
    )
    own = joined["dispersion"].fill_null(float("nan")).to_numpy()
    for mask, name in ((by_champion, method), (~by_champion, serving.baseline.name)):
        if mask.any():
            opens = None if share is None else share.ravel()[mask]
            of_rows = y_hat[mask], h[mask], own[mask]
            quantiles[mask] = quantiles_of_days(calibrations[name], SERIES_LEVEL, *of_rows, opens)
    return quantiles


def _one_level(name: str, sums: Table, origin: date, calibration: Calibration) -> pl.DataFrame:
    y_hat = sums.values["y_hat"]
    rows = forecast_grid(sums.keys, origin, y_hat.shape[1]).rename({"unique_id": "group_key"})
    h = rows["h"].to_numpy()
    quantiles = quantile_columns(calibration.quantiles(name, y_hat.ravel(), h))
    return rows.with_columns(
        level=pl.lit(name),
        origin=pl.lit(origin),
        y_hat=pl.Series(y_hat.ravel()),
        **{name: pl.Series(values) for name, values in quantiles.items()},
    )
