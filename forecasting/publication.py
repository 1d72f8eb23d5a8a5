"""What is published for one origin: every series and every level, mean and quantiles, with the method and the reason on each row."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.errors import BadInput, FeaturesMissing
from contract.frames import FORECAST_LEVELS, FORECASTS
from contract.levels import SERIES_LEVEL, Level
from contract.panel import Panel
from contract.params import InferenceParams
from contract.quantiles import QUANTILES
from features.opening import closed_ahead, long_silent
from forecasting.fallback import complete
from forecasting.forecaster import Forecaster
from forecasting.intervals import Calibration, quantile_columns

LEVEL_DAYS = 56
FEWEST_UNITS = 100.0  # over the horizon, of all series; of fewer chance decides


def publish_forecasts(
    panel: Panel,
    origin: date,
    horizon: int,
    champion: Forecaster | None,
    baseline: Forecaster,
    calibrations: dict[str, Calibration],
    params: InferenceParams,
    run_id: str,
    region: str | None = None,
    stand_in: str | None = None,
    absent_means_zero: bool = True,
) -> pl.DataFrame:
    """As contract.frames.FORECASTS: series x horizon rows, none missing, none null, none negative; closed days all zero.

    `region` is the series' column that names its calendar region. `stand_in`: the reason of its rows when what
    is handed in as champion is an earlier one (forecasting.ladder.who_serves). BadInput where most of what comes is closed.
    """
    known = heard(panel.up_to(origin))
    naive = baseline.forecast(known, origin, horizon)
    ours, silence = _ask(champion, known, origin, horizon, params)
    ours = naive.with_columns(y_hat=pl.lit(None, pl.Float64)) if ours is None else ours
    method = champion.name if champion is not None else baseline.name
    rows = complete(ours, method, naive, known, params, silence, stand_in, absent_means_zero)
    quantiles = _series_quantiles(rows, calibrations, method, baseline.name)
    closed = closed_ahead(known, origin, horizon, region)
    _refuse_closed(closed[~long_silent(known)], params)
    is_closed = closed.ravel()
    quantiles[is_closed] = 0.0  # the spread of "0 expected" is that of slow sellers, not of shut doors
    return FORECASTS.conform(
        rows.with_columns(
            run_id=pl.lit(run_id),
            origin=pl.lit(origin),
            y_hat=pl.when(pl.lit(pl.Series(is_closed))).then(0.0).otherwise("y_hat"),
            **{name: pl.Series(q) for name, q in quantile_columns(quantiles).items()},
        )
    )


def publish_levels(
    forecasts: pl.DataFrame, series: pl.DataFrame, levels: list[Level], calibration: Calibration
) -> pl.DataFrame:
    """As contract.frames.FORECAST_LEVELS: sums of the series' means (so levels agree), quantiles learned on each level itself.

    A level the calibration never learned (`uncalibrated`) is left out: it has no quantiles of its own.
    """
    wide = forecasts.select("run_id", "origin", "unique_id", "ds", "h", "y_hat").join(
        series, on="unique_id", how="left"
    )
    told = calibration.by_level.keys() - {SERIES_LEVEL}
    parts = [_one_level(wide, level, calibration) for level in levels if level.name in told]
    return FORECAST_LEVELS.conform(pl.concat(parts)) if parts else FORECAST_LEVELS.empty()


def uncalibrated(levels: list[Level], calibration: Calibration) -> list[str]:
    """The levels that came into params after the calibration was learned."""
    return [level.name for level in levels if level.name not in calibration.by_level]


def heard(known: Panel) -> Panel:
    """The panel up to the last day that sold, if as many days are missing after it as known: closed days behind a hole in the feed
    are not what came last. Eleven days refused and then New Year's zeros made a forecast 16% too low (drill `wrong_unit`).
    Weeks of zeros with a Sunday missing now and then are what came last: a slow shop's."""
    sold = known.sales.select(pl.col("ds").filter(pl.col("y") > 0).max()).item()
    if sold is None:
        return known
    since = known.sales.select(pl.col("ds").filter(pl.col("ds") > sold).n_unique()).item()
    missing = (known.last_day - sold).days - since
    return known.up_to(sold) if missing >= since else known


def _ask(
    champion: Forecaster | None, known: Panel, origin: date, horizon: int, params: InferenceParams
) -> tuple[pl.DataFrame | None, str | None]:
    """The champion's answer; or None, and the reason (forecasting.fallback.REASONS) the ladder gives for every row."""
    if champion is None:
        return None, "no_model"
    try:
        told = champion.forecast(known, origin, horizon)
    except FeaturesMissing:
        return None, "features_missing"
    jump = _level_jump(told, known, horizon)
    return (None, "level_implausible") if jump > params.max_level_jump else (told, None)


def _level_jump(told: pl.DataFrame, known: Panel, horizon: int) -> float:
    """The factor, up or down, between the units told in all and those of as many days at the level of the last 8 weeks.

    1 where too little sold to say. Rows that are no number are the ladder's matter, row by row.
    """
    days = min(LEVEL_DAYS, (known.last_day - known.first_day).days + 1)
    recent = known.sales.filter(pl.col("ds") > known.last_day - timedelta(days=days))["y"].sum() / days * horizon
    told_units = told.filter(pl.col("y_hat").is_finite() & (pl.col("y_hat") > 0))["y_hat"].sum()
    if recent < FEWEST_UNITS or told_units <= 0:
        return 1.0
    return max(told_units / recent, recent / told_units)


def _refuse_closed(closed: np.ndarray, params: InferenceParams) -> None:
    """A table of zeros is what one wrong tick in a calendar makes of every order (drill `closed_ahead`)."""
    share = float(closed.mean()) if closed.size else 0.0
    if share > params.most_closed_ahead:
        raise BadInput(
            f"{share:.0%} of the coming days of all series are closed, by calendar, plan or habit; inference.most_closed_ahead is "
            f"{params.most_closed_ahead:.0%}. Send the right calendar, then run again; if the stores do close, raise it."
        )


def _series_quantiles(
    rows: pl.DataFrame, calibrations: dict[str, Calibration], method: str, baseline: str
) -> np.ndarray:
    """Quantiles of the calibration of what made the row; below the baseline, the baseline's."""
    quantiles = np.zeros((rows.height, len(QUANTILES)))
    by_champion = (rows["method"] == method).to_numpy()
    y_hat, h = rows["y_hat"].to_numpy(), rows["h"].to_numpy()
    for mask, name in ((by_champion, method), (~by_champion, baseline)):
        if mask.any():
            quantiles[mask] = calibrations[name].quantiles(SERIES_LEVEL, y_hat[mask], h[mask])
    return quantiles


def _one_level(wide: pl.DataFrame, level: Level, calibration: Calibration) -> pl.DataFrame:
    sums = (
        wide.group_by(level.group_key, "ds", "h", "run_id", "origin", maintain_order=True)
        .agg(pl.col("y_hat").sum())
        .with_columns(level=pl.lit(level.name))
        .sort("group_key", "ds")
    )
    q = calibration.quantiles(level.name, sums["y_hat"].to_numpy(), sums["h"].to_numpy())
    return sums.with_columns(**{name: pl.Series(values) for name, values in quantile_columns(q).items()})
